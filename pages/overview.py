"""What is in the store?"""

import streamlit as st

from pages._current import current_store, say_how_to_begin

store = current_store()
st.title("What is in the store")
if not store.models:
    say_how_to_begin()
    st.stop()
for model in store.models.values():
    st.write(model.name)
