"""Kept hypotheses on their page: keep the present one, open, rename, delete, run one here and compare it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.hypotheses import saving
from pages.parts.hypotheses.address import View
from pages.parts.hypotheses.share_panel import address, load, share, take_along
from pages.parts.matching.hypothesis import Selected
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.current import current_store
from pages.parts.shared.frame import page_link
from pages.parts.shared.markdown import escape
from pages.parts.shared.messages import change_store, errors_as, say_outcome
from rnnstore import Model, hypotheses
from rnnstore.hypotheses import comparison, exchange, reruns
from rnnstore.hypotheses.storage import LONGEST_NOTE, Hypothesis, Saved


def keep(view: View, selected: Selected) -> None:
    """Name the present selection and keep it."""
    if selected.selection is None:
        return
    with st.popover("Keep this hypothesis"):
        name = st.text_input("Name", key="keep-name", placeholder="noun phrases begin")
        placeholder = "what it says, and why you believe it"
        st.text_area("Note", key="keep-note", placeholder=placeholder, max_chars=LONGEST_NOTE)
        st.checkbox("Replace one of this name", key="keep-replace")
        st.button("Keep it", on_click=_keep, args=(view, selected), disabled=not name.strip(), key="keep-button")


def show_kept(view: View, selected: Selected) -> None:
    """The list of kept hypotheses; of the chosen one its note, its link, and what it gives here."""
    st.subheader("Kept hypotheses", anchor=False)
    say_outcome()
    saved = saving.saved()
    if saved.problems:
        several = "\n".join(f"- **{escape(problem.name)}**: {escape(problem.sentence)}" for problem in saved.problems)
        st.error(f"Some files of kept hypotheses could not be read; the rest is unharmed.\n{several}")
    if saving.for_this_visit():
        st.caption(
            "What you keep here is kept for this visit: nobody else sees it, and it is gone when the page is loaded "
            "anew. Take it with you as a file, and load that another time."
        )
    if not saved.hypotheses:
        st.info("None is kept in this store yet. Choose words above and keep what they select under a name.")
        load()
        return
    _list(saved)
    name = view.other
    if name and name not in saved.hypotheses:
        st.warning(f"The address names the hypothesis {escape(repr(name[:100]))}, which this store does not keep.")
    with side_by_side():
        now = name if name in saved.hypotheses else None
        chosen = view.control(
            "other", now=now, options=list(saved.hypotheses), width=320, placeholder="a kept hypothesis"
        )
        load()
        take_along()
    if chosen is not None:
        _show(saved.hypotheses[chosen], view, selected)


def _list(saved: Saved) -> None:
    mine = saving.own()
    st.dataframe(
        [
            {
                "name": one.name,
                "model": one.model,
                "state": one.state,
                "words": one.text[:200],
                "threshold": one.threshold,
                "off": f"{one.off_before} before, {one.off_after} after",
                "units": len(one.units),
                "note": one.note[:200],
                "kept": "this visit" if name in mine else one.created[:16].replace("T", " "),
            }
            for name, one in saved.hypotheses.items()
        ],
        hide_index=True,
        height="content" if len(saved.hypotheses) <= 8 else 320,
        key="kept-list",
    )


def _show(one: Hypothesis, view: View, selected: Selected) -> None:
    model, state = view.model, view.state
    with side_by_side("center"):
        there = address(one)
        if one.model in current_store().models:
            page_link("hypotheses", label="Open it here", query_params=there)
            page_link("matching", label="Open it in Select and match", query_params=there)
        share(one)
        if saving.may_manage(one.name):
            _manage(one)
    if unfit := exchange.mismatch(current_store(), one):
        st.warning(escape(unfit))
    if one.note:
        st.markdown("  \n".join(map(escape, one.note.splitlines())))  # as typed
    st.markdown(f"**Run again in {escape(state.name)} of {escape(model.name)}**")
    with side_by_side():
        view.control("by", horizontal=True)
        first, last = view.within or 0, max(view.within or 0, model.steps - 1 if view.until is None else view.until)
        view.control("within", width=150)
        view.control("until", now=last, width=150)
    with errors_as(st.info):
        again = hypotheses.rerun(model, one, state=state.name, start=first, stop=last + 1, by=view.by)
        st.caption(escape(again.note))
        if selected.selection is not None and len(selected.chosen):
            by_hand: dict[str, Any] = {"left_out": view.left_out, "pinned": view.pinned}
            lengths: dict[str, Any] = {"shortest": view.shortest, "longest": view.longest}
            now = hypotheses.from_selection(model, selected.selection, "present", **by_hand, **lengths)
            here = hypotheses.rerun(model, now, start=first, stop=last + 1, by="units")
            _compare(model, view.track, again, here)


def _compare(model: Model, track: str | None, again: reruns.Rerun, here: reruns.Rerun) -> None:
    labelled = track is not None and model.tracks[track].kind == "discrete"
    compared = comparison.compare(again, here, track if labelled else None)
    st.markdown("**Compared with the present selection** (the second)")
    st.caption(compared.note)
    if compared.table.num_rows:
        st.dataframe(compared.table, hide_index=True, key="compared")


def _manage(one: Hypothesis) -> None:
    with st.popover("Manage", type="tertiary"):
        st.text_input("New name", one.name, key=f"kept-name-{one.name}")
        st.button("Rename", key=f"kept-rename-{one.name}", on_click=_rename, args=(one.name,))
        st.divider()
        sure = st.checkbox("Delete it; this cannot be undone", key=f"kept-sure-{one.name}")
        st.button("Delete", key=f"kept-delete-{one.name}", disabled=not sure, on_click=_delete, args=(one.name,))


def _keep(view: View, selected: Selected) -> None:
    # as they are now: what was typed just before the click came with it, and no run has seen it yet
    name, note, again = (st.session_state[f"keep-{what}"] for what in ("name", "note", "replace"))

    selection = selected.selection
    assert selection is not None, "nothing is kept without a selection"

    def change() -> None:
        made = hypotheses.from_selection(
            view.model, selection, name, note, view.left_out, view.pinned, view.shortest, view.longest
        )
        saving.save(made, replace=again)

    change_store(change, f"{name.strip()} is kept{' for this visit' if saving.for_this_visit() else ''}.")


def _rename(old: str) -> None:
    new = st.session_state[f"kept-name-{old}"]
    if change_store(lambda: saving.rename(old, new), f"{old} is now called {new.strip()}."):
        st.query_params["other"] = new.strip()


def _delete(name: str) -> None:
    change_store(lambda: saving.delete(name), f"{name} has been deleted.")
