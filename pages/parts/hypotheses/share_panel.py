"""A kept hypothesis given away as a link or a small file, and one that came as a file taken into the store."""

from __future__ import annotations

from urllib.parse import urlencode, urljoin

import streamlit as st

from pages.parts.shared.current import current_store
from rnnstore import StoreError
from rnnstore.hypotheses import kept as hypotheses
from rnnstore.hypotheses.kept import SUFFIX, Hypothesis

HAPPENED = "kept-happened"
"""In the session's state: what became of the last change, as ("done" or "refused", sentence)."""


def address(hypothesis: Hypothesis) -> dict[str, str]:
    """The parameters of an address that shows a hypothesis where it was formed."""
    facts = {
        "model": hypothesis.model,
        "state": hypothesis.state,
        "from": hypothesis.start,
        "to": hypothesis.stop - 1,
        "at": max(0, hypothesis.start - 4),
        "threshold": f"{hypothesis.threshold:.6g}",
        "before": hypothesis.off_before or "",
        "after": hypothesis.off_after or "",
        "out": ",".join(map(str, hypothesis.left_out)),
        "pin": ",".join(map(str, hypothesis.pinned)),
        "shortest": hypothesis.shortest if hypothesis.shortest > 1 else "",
        "longest": hypothesis.longest or "",
    }
    return {key: str(value) for key, value in facts.items() if value != ""}


def share(one: Hypothesis) -> None:
    """The link to a hypothesis, for whoever sees this store, and its file, for another store."""
    with st.popover("Share"), st.container(width=420):
        st.caption("A link, for whoever can open this application")
        page = urljoin(st.context.url or "", "select_and_match")
        st.code(f"{page}?{urlencode(address(one))}", language=None, wrap_lines=True)
        st.caption("A small file, to be loaded into another store on its page Hypotheses")
        st.download_button(
            "Hypothesis as a file",
            hypotheses.written(one),
            f"{one.name}{SUFFIX}",
            "application/json",
            on_click="ignore",
            width="stretch",
        )


def load() -> None:
    """Take a hypothesis that was given away as a file into this store."""
    with st.popover("Load from a file"), st.container(width=420):
        file = st.file_uploader("A hypothesis, as rnnstore wrote it", type="json", key="load-file")
        name = st.text_input("Name here", key="load-name", placeholder="as in the file")
        again = st.checkbox("Replace one of this name", key="load-replace")
        st.button("Load it", key="load-button", disabled=file is None, on_click=_load, args=(file, name, again))


def _load(file, name: str, again: bool) -> None:
    store = current_store()
    try:
        found = hypotheses.received(file.getvalue(), file.name)
        if name.strip():
            found = found.model_copy(update={"name": name.strip()})
        hypotheses.save(store, found, replace=again)
    except StoreError as error:
        st.session_state[HAPPENED] = ("refused", str(error))
        return
    st.session_state[HAPPENED] = ("done", f"{found.name} is loaded. {hypotheses.unfit(store, found)}")
    st.query_params["other"] = found.name
