"""A kept hypothesis given away as a link or a small file, and those that came as a file taken in."""

from __future__ import annotations

from urllib.parse import urlencode, urljoin

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.parts.hypotheses import saving
from pages.parts.shared.current import current_store
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import errors_as, keep_outcome
from rnnstore.hypotheses import exchange, storage
from rnnstore.hypotheses.storage import SUFFIX, Hypothesis


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
        page = urljoin(st.context.url or "", "matching")
        st.code(f"{page}?{urlencode(address(one))}", language=None, wrap_lines=True)
        st.caption("A small file, to be loaded into another store on its page Hypotheses")
        st.download_button(
            "Hypothesis as a file",
            storage.serialised(one),
            f"{one.name}{SUFFIX}",
            "application/json",
            on_click="ignore",
            width="stretch",
        )


def take_along() -> None:
    """All hypotheses of this visit as one file."""
    if mine := saving.own():
        several = exchange.serialised_together(mine.values())
        name = f"hypotheses{SUFFIX}"
        st.download_button("Yours as one file", several, name, "application/json", on_click="ignore", key="take-along")


def load() -> None:
    """Take hypotheses that were given away as a file in."""
    with st.popover("Load from a file"), st.container(width=420):
        file = st.file_uploader("A file of hypotheses, as rnnstore wrote it", type="json", key="load-file")
        name = st.text_input("Name here", key="load-name", placeholder="as in the file", help="Of a single one")
        again = st.checkbox("Replace one of this name", key="load-replace")
        st.button("Load it", key="load-button", disabled=file is None, on_click=_load, args=(file, name, again))


def _load(file: UploadedFile, name: str, again: bool) -> None:
    loaded: list[Hypothesis] = []
    several = 0

    def refuse(why: str) -> None:
        keep_outcome(st.error, f"{len(loaded)} of {several} are loaded. {why}" if loaded else why)

    with errors_as(refuse):
        found = exchange.deserialised(file.getvalue(), file.name[:100])
        if name.strip() and len(found) == 1:
            found = [found[0].model_copy(update={"name": name.strip()})]
        several = len(found)
        for one in found:
            saving.save(one, replace=again)
            loaded.append(one)
        only = f"{found[0].name} is loaded. {exchange.mismatch(current_store(), found[0])}"
        keep_outcome(st.success, escape(only if several == 1 else f"{several} hypotheses are loaded."))
    if loaded:
        st.query_params["other"] = loaded[-1].name
