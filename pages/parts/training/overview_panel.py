"""The overview of recorded batches: a bar for each of the whole training, and of a span of it that is brushed."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.parts.shared.controls import side_by_side
from pages.parts.shared.markdown import escape
from pages.parts.shared.pictures import Clicks, clicked_since, colours, last_selections, show_picture
from pages.parts.training import queries
from pages.parts.training.address import View
from rnnstore import Model
from rnnstore.training.charts import batch_overview as outlines
from rnnstore.training.recorded_batches import BatchOverview

Along = tuple[float, float] | None

ALT = "A bar for every recorded batch over the training; click one to see it."


def show_overview(
    model: Model, view: View, broken: int | None, along: tuple[float, float] | None = None
) -> BatchOverview:
    """All recorded batches and, below, those of the chosen span; a click on a bar chooses its batch.

    Gives the outline of the span, or of all. `along` are the steps of the axis of the lower of both.
    """
    _choose(view)
    whole = queries.outline(model, view.layer, 0, None)
    chosen = [view.batch.step]
    if view.beside and view.beside.model.name == model.name:
        chosen.append(view.beside.step)
    _show_whole(model, view, whole, chosen, broken, None if view.span else along)
    found = whole
    if view.span:
        found = queries.outline(model, view.layer, view.first, view.last)
        _show_span(model, view, found, chosen, broken, along)
    largest = " (of several, the one with the largest gradient)" if found.each > 1 else ""
    between = _between(found) if view.span else ""
    st.caption(
        f"{found.batches:,} recorded batches{between}. {escape(found.note)} Click a bar to see its batch{largest}; "
        "drag over bars to look at a span of the training."
    )
    return found


def _choose(view: View) -> None:
    with side_by_side():
        view.control("quantity")
        if len(view.layers) > 1:
            view.control("layer", options=view.layers, width=90)
        end = int(view.steps[-1])
        last = end if view.last is None else view.last
        view.control("first", width=130)
        view.control("last", now=last, width=130)
        if view.span:
            by = max(1, round(0.8 * (last - view.first)))
            back, forward = min(by, view.first), min(by, end - last)
            for label, moved, key in (("Back", -back, "B"), ("Forward", forward, "F")):
                to = {"first": view.first + moved, "last": last + moved}
                st.button(
                    label, on_click=view.change, kwargs=to, disabled=not moved, shortcut=key, help="Move the span"
                )
            st.button("All", on_click=view.change, kwargs={"first": 0, "last": None}, shortcut="A")


def _show_whole(
    model: Model, view: View, whole: BatchOverview, chosen: list[int], broken: int | None, along: Along
) -> None:
    """The whole training. The brush lives in the browser, which draws it on while the page answers."""
    built = (whole.layer, view.quantity, outlines.span(whole), along, st.context.theme.type)
    key, began = _brushed(model, view, built)
    picture = outlines.overview_picture(
        whole,
        colours(),
        quantity=view.quantity,
        chosen=chosen,
        broken=broken,
        previews=queries.previews(model, view.layer, 0, None),
        brush=began,
        along=along,
    )

    def take() -> None:
        before, now = last_selections(key)
        clicked = clicked_since(before, now, "clicked_batch", "largest")
        was, brush = (state.get("brush", {}).get("left") for state in (before, now))
        held = st.session_state[f"brushed-{model.name}"]
        if brush and brush != was:
            held["span"] = _whole_bars(whole, *brush)
            view.change(first=held["span"][0], last=held["span"][1])
        elif clicked:
            if view.span and not brush:  # the click has wiped the brush away, the span stays
                held.update(version=held["version"] + 1, began=view.span)
            view.change(chosen=clicked[-1], loss=None)
        elif was and not brush:
            view.change(first=0, last=None)

    hears: Any = {"on_select": take, "selection_mode": ["clicked_batch", "brush"]}
    show_picture(picture, "outline_view", key, fixed=True, alt=ALT, **hears)


def _show_span(
    model: Model, view: View, found: BatchOverview, chosen: list[int], broken: int | None, along: Along
) -> None:
    """The batches of the span alone."""
    picture = outlines.overview_picture(
        found,
        colours(),
        quantity=view.quantity,
        chosen=chosen,
        broken=broken if broken is not None and view.first <= broken <= outlines.span(found)[1] else None,
        previews=queries.previews(model, view.layer, view.first, view.last),
        along=along,
        brushed=False,
    )
    clicks: Clicks = {"clicked_batch": ("largest", lambda clicked: view.change(chosen=clicked, loss=None))}
    show_picture(picture, "span_view", f"span-{model.name}", clicks, fixed=True, alt=ALT)


def _brushed(model: Model, view: View, built: tuple) -> tuple[str, tuple[float, float] | None]:
    """The chart's key, and the brush with which it begins: a new chart where the span was chosen from elsewhere.

    A chart cannot be told to move its brush, and must not be replaced while the mouse holds it.
    """
    held = st.session_state.setdefault(f"brushed-{model.name}", {"version": 0, "span": None, "began": None})
    if held["span"] != view.span:
        held.update(version=held["version"] + 1, span=view.span, began=view.span)
    if held.get("built") != built:  # it is drawn anew in any case, and takes hold of the brush where it is
        held.update(built=built, began=view.span)
    began = held["began"]
    if began is not None:
        began = (began[0], built[2][1] if began[1] is None else began[1])
    return f"outline-{model.name}-{held['version']}", began


def _whole_bars(whole: BatchOverview, low: float, high: float) -> tuple[int, int]:
    """The first and the last batch of the bars that lie, at least in part, between two places of the axis."""
    first, last = (whole.table[name].to_numpy() for name in ("first", "last"))
    begins = max(int((first <= low).sum()) - 1, 0)
    ends = max(int((first < high).sum()) - 1, begins)
    return int(first[begins]), int(last[ends])


def _between(found: BatchOverview) -> str:
    first, last = (found.table[name].to_numpy() for name in ("first", "last"))
    return f" after steps {first[0]:,} to {last[-1]:,}"
