"""One recorded batch in detail, or two side by side, and how far back gradients reached over the training."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import clicked_since, controlled, last_selections, number
from pages.parts.shared.markdown import escape
from pages.parts.shared.parameters import change
from pages.parts.training import queries
from pages.parts.training.address import BARS, HEAT, ONE, OWN, Shown, View, drawn, usually_drawn
from rnnstore import Model, Store
from rnnstore.drawing.palette import palette
from rnnstore.export import csv, parquet
from rnnstore.training import recorded_batches as batches
from rnnstore.training.charts import batch_overview as outlines
from rnnstore.training.charts import batch_view as charts
from rnnstore.training.charts import reach
from rnnstore.training.charts.batch_tables import NORM, SHARE, tallest
from rnnstore.training.recorded_batches import Batch, BatchOverview
from rnnstore.visible import visible

WIDTH, HALF = 1100, 545
"""Pixels that a batch is laid out for, alone and beside another."""


def show_batches(store: Store, view: View, steps) -> list[Batch]:
    """The chosen batch, alone or beside another."""
    shown = [view.batch] + ([view.beside] if view.beside else [])
    found = [queries.batch(s.model, s.step, _layer(s, view)) for s in shown]
    _choose(store, view, steps)
    _choose_drawing(view, found)
    alike = len(found) == 2 and not view.own_scales and drawn(view, max(b.steps for b in found)) == BARS
    most = max(tallest(batch, view.value) for batch in found) if alike else None
    columns = st.columns(2, gap="small") if len(found) == 2 else [st.container()]
    for place, (column, one) in enumerate(zip(columns, found, strict=True)):
        with column:
            _one(one, view, most, HALF if len(found) == 2 else WIDTH, place)
    return found


def _layer(shown: Shown, view: View) -> int:
    known = queries.layers(shown.model)
    return view.layer if view.layer in known else known[-1]


def _choose(store: Store, view: View, steps) -> None:
    """Which batch, and what stands beside it: another batch of the training, or one of another model's."""
    recorded = [name for name, model in store.models.items() if batches.is_recorded(model)]
    place = int((steps < view.batch.step).sum())
    back, forward = (int(steps[max(0, min(len(steps) - 1, place + by))]) for by in (-1, 1))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for label, step, key in (("Previous", back, "Left"), ("Next", forward, "Right")):
            to, here = {"batch": step, "loss": None}, step == view.batch.step
            st.button(label, on_click=change, kwargs=to, disabled=here, shortcut=key, help=f"{label} recorded batch")
        number(
            "Batch after step", "batch", view.batch.step, 0, int(steps[-1]), width=140, also=lambda _: {"loss": None}
        )
        if view.beside is None:
            early, late = int(steps[len(steps) // 100]), int(steps[-1])
            to = {"batch": early, "beside": late, "loss": None}
            st.button("Early beside late", on_click=change, kwargs=to, help="One of the first, and the last")
            others = [name for name in recorded if name != view.batch.model.name]
            if others:
                to = {"other": others[0], "beside": view.batch.step, "batch": view.batch.step}
                st.button("Beside another model", on_click=change, kwargs=to, help="The same step of another training")
            return
        other = view.beside.model
        controlled(
            st.selectbox,
            "Beside it, of",
            "other",
            other.name,
            options=recorded,
            usual=view.batch.model.name,
            also=lambda _: {"beside": st.query_params.get("beside") or view.beside.step},
            width=240,
        )
        last = int(queries.recorded_steps(other)[-1])
        number("the batch after step", "beside", view.beside.step, 0, last, width=140)
        st.button("One alone", on_click=change, kwargs={"beside": None, "other": None})


def _choose_drawing(view: View, found: list[Batch]) -> None:
    """How batches are drawn."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        controlled(
            st.segmented_control,
            "Parts",
            "value",
            view.value,
            options=[SHARE, NORM],
            format_func={SHARE: "Signed share", NORM: "Norm"}.get,
            usual=SHARE,
            required=True,
        )
        usual = usually_drawn(found[0].steps)
        controlled(
            st.segmented_control,
            "Drawn as",
            "drawn",
            view.drawn or usual,
            options=[BARS, HEAT],
            format_func={BARS: "Bars by lag", HEAT: "Heat map"}.get,
            usual=usual,
            required=True,
        )
        if len(found) == 2:
            controlled(
                st.segmented_control,
                "Scale of the bars",
                "scales",
                OWN if view.own_scales else ONE,
                options=[ONE, OWN],
                format_func={ONE: "One for both", OWN: "Each its own"}.get,
                usual=ONE,
                required=True,
            )
        if found[0].sequences > 1:
            last = found[0].sequences - 1
            number("Words of text", "row", min(view.sequence, last), 0, last, width=140)


def _one(batch: Batch, view: View, most: float | None, width: int, place: int) -> None:
    facts = batch.facts
    said = [f"**{escape(batch.model)}, after step {batch.step:,}**", f"layer {batch.layer}"]
    said += [f"loss {_number(facts['loss'], ' nats')}", f"largest part {_number(facts['maximum'])}"]
    if not _say_where_it_broke(batch):
        lags = {"half-life": facts["half_life"], "horizon": facts["horizon"]}
        said += [f"{name} {'not within it' if lag is None else f'{lag:.0f}'}" for name, lag in lags.items()]
    st.markdown(" · ".join(said))
    sequence = min(view.sequence, batch.sequences - 1)
    how = drawn(view, batch.steps)
    picture = charts.batch_picture(
        batch,
        _colours(),
        value=view.value,
        drawn=how,
        sequence=sequence,
        loss=view.loss if place == 0 else None,
        most=most,
        width=width,
    )
    key = f"batch-{place}-{how}"
    heard = ["clicked_loss", "clicked_word"] if batch.steps <= charts.STACKED else ["clicked_loss"]
    taking = {"on_select": partial(_take_loss, key, heard, view.loss), "selection_mode": heard} if place == 0 else {}
    with st.container(key=f"batch_view_{place}"):
        options: dict[str, Any] = {"theme": None, "width": "stretch", "height": "content"}
        st.vega_lite_chart(picture.for_page(), key=key, **options, **taking)
    said = [
        f"Shown are the words of text {sequence} of 0 to {batch.sequences - 1}; the gradient is that of all of them."
        if batch.sequences > 1
        else "",
        f"More than {charts.STACKED} steps: words are in the tables to take away."
        if batch.steps > charts.STACKED
        else "",
        f"Cells are means over blocks of {-(-batch.steps // charts.CELLS)} steps."
        if batch.steps > charts.CELLS and how == HEAT
        else "",
    ]
    if any(said):
        st.caption(" ".join(filter(None, said)))


def _take_loss(key: str, heard: list[str], now: int | None) -> None:
    """A click on a part or a word keeps its loss drawn below; another click on it lets it go."""
    before, after = last_selections(key)
    for name in heard:
        for clicked in clicked_since(before, after, name, "t"):
            change(loss=None if clicked == now else clicked)
            return


def _say_where_it_broke(batch: Batch) -> bool:
    """Says at which step a batch's loss or gradient is first no number, if any is."""
    found = batch.broke()
    if found:
        of = "loss" if found.what == "loss" else "gradient of the loss"
        st.error(
            f"At step {found.position} of text {found.sequence} of this batch, after reading "
            f"“{escape(visible(found.word))}”, the {of} is no number: there it began."
        )
    return found is not None


def show_over_training(
    store: Store, view: View, models: list[Model], found: list[BatchOverview], broken: int | None
) -> None:
    """Half-life and horizon of several models' batches, and their losses and norms, aligned with the overview."""
    recorded = [name for name, model in store.models.items() if batches.is_recorded(model)]
    if len(recorded) > 1:
        others = [name for name in recorded if name != view.batch.model.name]
        controlled(
            st.multiselect,
            "Compare with the trainings of",
            "models",
            [name for name in view.models if name != view.batch.model.name],
            options=others,
            max_selections=4,
            width=520,
        )
    along = ends(found)
    chosen = view.batch.step if along[0] <= view.batch.step <= along[1] else None
    _chart(reach.reach_picture(found, _colours(), chosen=chosen, along=along), "reach_view", "reach")
    course = queries.training_curves(models)
    if course.table.num_rows:
        stop = broken if broken is not None and along[0] <= broken <= along[1] else None
        picture = reach.loss_and_norm_picture(course, view.models, _colours(), chosen=chosen, broken=stop, along=along)
        _chart(picture, "course_view", "course")
    each = max(outline.each for outline in found)
    st.caption(
        ("Points are batches" if each == 1 else f"Points are batches, or means of up to {each:,} neighbours")
        + f"; lines are means of {reach.neighbours(found[0])} neighbouring points. What is not reached within a batch "
        f"counts as its length, {found[0].window} steps. The upright line is the batch above."
    )


def outlines_of(view: View, models: list[Model]) -> list[BatchOverview]:
    """The outlines of several models' trainings, in the stretch that is looked at."""
    last = view.last
    found = [queries.outline(model, _layer(Shown(model, 0), view), view.first, last) for model in models]
    return [found[0], *(outline for outline in found[1:] if outline.table.num_rows)]


def ends(found: list[BatchOverview]) -> tuple[float, float]:
    """From which step to which several outlines reach."""
    spans = [outlines.span(outline) for outline in found]
    return min(low for low, _ in spans), max(high for _, high in spans)


def take_away(view: View, outline: BatchOverview, found: list[Batch], over: list[BatchOverview]) -> None:
    """Pictures and numbers."""
    batch = found[0]
    name = f"{batch.model}-{batch.step}"
    with st.popover("Take away"), st.container(width=380):
        save_picture_button("All batches as a picture", "outline_view", f"batches-{batch.model}")
        if view.stretch:
            save_picture_button("The stretch as a picture", "stretch_view", f"stretch-{batch.model}")
        for place, one in enumerate(found):
            label = "The batch as a picture" if place == 0 else "The batch beside it as a picture"
            save_picture_button(label, f"batch_view_{place}", f"batch-{one.model}-{one.step}")
        save_picture_button("Horizons as a picture", "reach_view", f"horizons-{batch.model}")
        save_picture_button("Losses and norms as a picture", "course_view", f"losses-{batch.model}")
        options: dict[str, Any] = {"on_click": "ignore", "width": "stretch"}
        st.download_button("Batches as CSV", lambda: csv(outline.table), "batches.csv", "text/csv", **options)
        st.download_button("Words of the batch as CSV", lambda: csv(batch.words), f"words-{name}.csv", **options)
        st.download_button(
            "Parts of the gradient as Parquet", lambda: parquet(batch.pairs()), f"gradient-{name}.parquet", **options
        )
        st.download_button(
            "Horizons of all models as CSV", lambda: csv(batches.combined_table(over)), "horizons.csv", **options
        )
        st.caption("The same in a notebook")
        stretch = f", first={view.first}, last={view.last}" if view.stretch else ""
        st.code(
            "import rnnstore\nfrom rnnstore import pictures\n\n"
            f'model = rnnstore.open("store").model("{batch.model}")\n'
            f"pictures.batches_picture(model{stretch})\npictures.batch_picture(model, {batch.step})\n"
            "pictures.reach_picture(model)",
            language="python",
        )


def _chart(picture, container: str, key: str) -> None:
    with st.container(key=container):
        height = picture.specification["height"]
        st.vega_lite_chart(picture.for_page(), key=key, theme=None, width="stretch", height=height)


def _number(value: float | None, unit: str = "") -> str:
    return "no number" if value is None or value != value else f"{value:.3g}{unit}"


def _colours():
    return palette(st.context.theme.type)
