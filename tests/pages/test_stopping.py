"""A button that breaks off the run that draws it, in a real browser: inside a fragment, as on all pages."""

import pytest

from tests.support.screens import start_application

LONG = """
import itertools
import time
import streamlit as st
from pages.parts.shared.controls import of_no_fragment

@st.fragment
def screen():
    if st.session_state.get("stopped"):
        st.write("broken off")
        return
    place = st.empty()
    with of_no_fragment():
        st.button("Stop", on_click=lambda: st.session_state.update(stopped=True))
    for step in itertools.count():
        place.write(f"step {step}")
        time.sleep(0.05)

screen()
"""


@pytest.mark.long
def test_a_long_run_is_broken_off_by_its_own_button(page, tmp_path):
    script = tmp_path / "long.py"
    script.write_text(LONG)
    process, address = start_application(tmp_path, str(script))
    try:
        page.goto(address)
        page.get_by_role("button", name="Stop", exact=True).click()
        page.get_by_text("broken off").wait_for()
        assert page.get_by_text("step ").count() == 0
    finally:
        process.terminate()
        process.wait()
