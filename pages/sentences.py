"""How did the state move through this sentence?

A glyph a word: what each group of units holds after it, what the word changed, how much of the past it preserved, and
what the model expects next. Sentences are typed, or taken from the recording. Everything shown is in the address.
"""

import streamlit as st

from pages.parts.sentences.panel import draw
from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.markdown import escape
from rnnstore import StoreError


@st.fragment
def screen() -> None:
    """The whole page; a click runs this again, and not what surrounds it."""
    try:
        draw(current_model(), current_state())
    except StoreError as error:
        st.error(escape(str(error)))


screen()
