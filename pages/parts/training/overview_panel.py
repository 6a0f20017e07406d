"""The overview of recorded batches: a bar for each of the whole training, and of a stretch of it that is brushed."""

from __future__ import annotations

import streamlit as st

from pages.parts.shared.controls import clicked_since, controlled, last_selections, number
from pages.parts.shared.parameters import change
from pages.parts.training import queries
from pages.parts.training.address import View
from rnnstore import Model
from rnnstore.drawing.palette import palette
from rnnstore.training.charts import batch_overview as outlines
from rnnstore.training.recorded_batches import BatchOverview

NAMES = {"maximum": "Maximum", "mean": "Mean", "half_life": "Half-life", "horizon": "Horizon", "loss": "Loss"}


def show_overview(
    model: Model, view: View, steps, broken: int | None, along: tuple[float, float] | None = None
) -> BatchOverview:
    """All recorded batches and, below, those of the chosen stretch; a click on a bar chooses its batch.

    Gives the outline of the stretch, or of all. `along` are the steps of the axis of the lower of both.
    """
    _choose(model, view, steps)
    whole = queries.outline(model, view.layer, 0, None)
    chosen = [view.batch.step]
    if view.beside and view.beside.model.name == model.name:
        chosen.append(view.beside.step)
    with st.container(key="outline_view"):
        _show_whole(model, view, whole, chosen, broken, None if view.stretch else along)
    found = whole
    if view.stretch:
        found = queries.outline(model, view.layer, view.first, view.last)
        with st.container(key="stretch_view"):
            _show_stretch(model, view, found, chosen, broken, along)
    largest = " (of several, the one with the largest gradient)" if found.each > 1 else ""
    between = _between(found) if view.stretch else ""
    st.caption(
        f"{found.batches:,} recorded batches{between}. {found.note} Click a bar to see its batch{largest}; "
        "drag over bars to look at a stretch of the training."
    )
    return found


def _choose(model: Model, view: View, steps) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.segmented_control,
            "A bar is the batch's",
            "quantity",
            view.quantity,
            options=list(NAMES),
            format_func=NAMES.get,
            usual="maximum",
            required=True,
        )
        known = queries.layers(model)
        if len(known) > 1:
            controlled(st.selectbox, "Layer", "layer", view.layer, options=known, usual=known[-1], width=90)
        end = int(steps[-1])
        last = end if view.last is None else view.last
        number("From step", "from", view.first, 0, end, width=130, help="Optimiser steps done before the batch")
        number("To step", "to", last, 0, end, width=130)
        if view.stretch:
            by = max(1, round(0.8 * (last - view.first)))
            back, forward = min(by, view.first), min(by, end - last)
            for label, moved, key in (("Back", -back, "B"), ("Forward", forward, "F")):
                to = {"from": view.first + moved, "to": last + moved}
                st.button(label, on_click=change, kwargs=to, disabled=not moved, shortcut=key, help="Move the stretch")
            st.button("All", on_click=change, kwargs={"from": None, "to": None}, shortcut="A")


def _show_whole(model: Model, view: View, whole: BatchOverview, chosen, broken, along) -> None:
    """The whole training. The brush lives in the browser, which draws it on while the page answers."""
    kind = st.context.theme.type
    key, began = _brushed(model, view, (whole.layer, view.quantity, outlines.span(whole), along, kind))
    picture = outlines.overview_picture(
        whole,
        palette(kind),
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
            held["stretch"] = _whole_bars(whole, *brush)
            change(**{"from": held["stretch"][0], "to": held["stretch"][1]})
        elif clicked:
            if view.stretch and not brush:  # the click has wiped the brush away, the stretch stays
                held.update(version=held["version"] + 1, began=view.stretch)
            change(batch=clicked[-1], loss=None)
        elif was and not brush:
            change(**{"from": None, "to": None})

    _chart(picture, key, take, ["clicked_batch", "brush"])


def _show_stretch(model: Model, view: View, found: BatchOverview, chosen, broken, along) -> None:
    """The batches of the stretch alone."""
    picture = outlines.overview_picture(
        found,
        palette(st.context.theme.type),
        quantity=view.quantity,
        chosen=chosen,
        broken=broken if broken is not None and view.first <= broken <= outlines.span(found)[1] else None,
        previews=queries.previews(model, view.layer, view.first, view.last),
        along=along,
        brushed=False,
    )
    key = f"stretch-{model.name}"

    def take() -> None:
        before, now = last_selections(key)
        for clicked in clicked_since(before, now, "clicked_batch", "largest"):
            change(batch=clicked, loss=None)

    _chart(picture, key, take, ["clicked_batch"])


def _brushed(model: Model, view: View, built: tuple) -> tuple[str, tuple[float, float] | None]:
    """The chart's key, and the brush with which it begins: a new chart where the stretch was chosen from elsewhere.

    A chart cannot be told to move its brush, and must not be replaced while the mouse holds it.
    """
    held = st.session_state.setdefault(f"brushed-{model.name}", {"version": 0, "stretch": None, "began": None})
    if held["stretch"] != view.stretch:
        held.update(version=held["version"] + 1, stretch=view.stretch, began=view.stretch)
    if held.get("built") != built:  # it is drawn anew in any case, and takes hold of the brush where it is
        held.update(built=built, began=view.stretch)
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


def _chart(picture, key: str, take, heard: list[str]) -> None:
    st.vega_lite_chart(
        picture.for_page(),
        key=key,
        on_select=take,
        selection_mode=heard,
        theme=None,
        width="stretch",
        height=picture.specification["height"],
        alt="A bar for every recorded batch over the training; click one to see it.",
    )


def _between(found: BatchOverview) -> str:
    first, last = (found.table[name].to_numpy() for name in ("first", "last"))
    return f" after steps {first[0]:,} to {last[-1]:,}"
