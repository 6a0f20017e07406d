"""Pages are drawn anew in every test, and may be those that are offered to the public."""

import pytest


@pytest.fixture(autouse=True)
def every_page_is_fresh(fresh):
    """Also where a test draws without `run`."""


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch):
    """The application is offered to the public."""
    import streamlit as st

    before = st.get_option("client.showErrorDetails")
    monkeypatch.setenv("RNNSTORE_HOSTED", "1")
    yield
    st.set_option("client.showErrorDetails", before)
