"""One recorded batch in detail, or two side by side, and how far back gradients reached over the training."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.export import exporting, offer_code, offer_numbers
from pages.parts.shared.markdown import escape
from pages.parts.shared.pictures import Clicks, colours, show_picture
from pages.parts.training import queries
from pages.parts.training.address import BARS, HEAT, MOST_MODELS, ONE, Shown, View
from rnnstore import Model
from rnnstore.training import recorded_batches as batches
from rnnstore.training.charts import batch_overview as outlines
from rnnstore.training.charts import batch_view as charts
from rnnstore.training.charts import reach
from rnnstore.training.charts.batch_tables import tallest
from rnnstore.training.recorded_batches import Batch, BatchOverview
from rnnstore.visible import visible

WIDTH, HALF = 1100, 545
"""Pixels that a batch is laid out for, alone and beside another."""


def show_batches(view: View) -> list[Batch]:
    """The chosen batch, alone or beside another."""
    shown = [view.batch] + ([view.beside] if view.beside else [])
    found = [queries.batch(s.model, s.step, _layer(s, view)) for s in shown]
    _choose(view)
    _choose_drawing(view, found)
    alike = len(found) == 2 and view.scales == ONE and view.drawn_as(max(b.steps for b in found)) == BARS
    most = max(tallest(batch, view.value) for batch in found) if alike else None
    columns = st.columns(2, gap="small") if len(found) == 2 else [st.container()]
    for place, (column, one) in enumerate(zip(columns, found, strict=True)):
        with column:
            _one(one, view, most, HALF if len(found) == 2 else WIDTH, place)
    return found


def _layer(shown: Shown, view: View) -> int:
    known = queries.layers(shown.model)
    return view.layer if view.layer in known else known[-1]


def _choose(view: View) -> None:
    """Which batch, and what stands beside it: another batch of the training, or one of another model's."""
    steps = view.steps
    place = int((steps < view.batch.step).sum())
    back, forward = (int(steps[max(0, min(len(steps) - 1, place + by))]) for by in (-1, 1))
    with side_by_side():
        for label, step, key in (("Previous", back, "Left"), ("Next", forward, "Right")):
            there: dict[str, Any] = {"chosen": step, "loss": None}
            here = step == view.batch.step
            st.button(
                label, on_click=view.change, kwargs=there, disabled=here, shortcut=key, help=f"{label} recorded batch"
            )
        view.control("chosen", now=view.batch.step, also=lambda _: {"loss": None}, width=140)
        if view.beside is None:
            early, late = int(steps[len(steps) // 100]), int(steps[-1])
            to: dict[str, Any] = {"chosen": early, "other_step": late, "loss": None}
            st.button("Early beside late", on_click=view.change, kwargs=to, help="One of the first, and the last")
            others = [name for name in view.recorded if name != view.batch.model.name]
            if others:
                to = {"other": others[0], "other_step": view.batch.step, "chosen": view.batch.step}
                st.button(
                    "Beside another model", on_click=view.change, kwargs=to, help="The same step of another training"
                )
            return
        beside = view.beside.step
        view.control("other", also=lambda _: {"other_step": beside}, width=240)
        view.control("other_step", now=beside, width=140)
        st.button("One alone", on_click=view.change, kwargs={"other_step": None, "other": view.model.name})


def _choose_drawing(view: View, found: list[Batch]) -> None:
    """How batches are drawn."""
    with side_by_side():
        view.control("value")
        view.control("drawn", now=view.drawn_as(found[0].steps))
        if len(found) == 2:
            view.control("scales")
        if found[0].sequences > 1:
            last = found[0].sequences - 1
            view.control("sequence", now=min(view.sequence, last), max_value=last, width=140)


def _one(batch: Batch, view: View, most: float | None, width: int, place: int) -> None:
    facts = batch.facts
    lines = [f"**{escape(batch.model)}, after step {batch.step:,}**", f"layer {batch.layer}"]
    lines += [f"loss {_number(facts['loss'], ' nats')}", f"largest part {_number(facts['maximum'])}"]
    if not _say_where_it_broke(batch):
        lags = {"half-life": facts["half_life"], "horizon": facts["horizon"]}
        lines += [f"{name} {'not within it' if lag is None else f'{lag:.0f}'}" for name, lag in lags.items()]
    st.markdown(" · ".join(lines))
    sequence = min(view.sequence, batch.sequences - 1)
    how = view.drawn_as(batch.steps)
    picture = charts.batch_picture(
        batch,
        colours(),
        value=view.value,
        drawn=how,
        sequence=sequence,
        loss=view.loss if place == 0 else None,
        most=most,
        width=width,
    )
    key = f"batch-{place}-{how}"
    heard = ["clicked_loss", "clicked_word"] if batch.steps <= charts.STACKED else ["clicked_loss"]
    clicks: Clicks = {name: ("t", partial(_hold_loss, view)) for name in heard}
    show_picture(picture, f"batch_view_{place}", key, clicks if place == 0 else None)
    lines = [
        f"Shown are the words of text {sequence} of 0 to {batch.sequences - 1}; the gradient is that of all of them."
        if batch.sequences > 1
        else "",
        f"More than {charts.STACKED} steps: words are in the tables to export." if batch.steps > charts.STACKED else "",
        f"Cells are means over blocks of {-(-batch.steps // charts.CELLS)} steps."
        if batch.steps > charts.CELLS and how == HEAT
        else "",
    ]
    if any(lines):
        st.caption(" ".join(filter(None, lines)))


def _hold_loss(view: View, step: int) -> None:
    """A click on a part or a word keeps its loss drawn below; another click on it lets it go."""
    view.change(loss=None if step == view.loss else step)


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


def show_over_training(view: View, models: list[Model], found: list[BatchOverview], broken: int | None) -> None:
    """Half-life and horizon of several models' batches, and their losses and norms, aligned with the overview."""
    if len(view.recorded) > 1:
        others = [name for name in view.recorded if name != view.model.name]
        now = [name for name in view.models if name != view.model.name]
        view.control("compared", now=now, options=others, max_selections=MOST_MODELS - 1, width=520)
    along = ends(found)
    chosen = view.batch.step if along[0] <= view.batch.step <= along[1] else None
    picture = reach.reach_picture(found, colours(), chosen=chosen, along=along)
    show_picture(picture, "reach_view", "reach", fixed=True)
    course = queries.training_curves(models)
    if course.table.num_rows:
        stop = broken if broken is not None and along[0] <= broken <= along[1] else None
        picture = reach.loss_and_norm_picture(course, view.models, colours(), chosen=chosen, broken=stop, along=along)
        show_picture(picture, "course_view", "course", fixed=True)
    each = max(outline.each for outline in found)
    st.caption(
        ("Points are batches" if each == 1 else f"Points are batches, or means of up to {each:,} neighbours")
        + f"; lines are means of {reach.neighbours(found[0])} neighbouring points. What is not reached within a batch "
        f"counts as its length, {found[0].window} steps. The upright line is the batch above."
    )


def outlines_of(view: View, models: list[Model]) -> list[BatchOverview]:
    """The outlines of several models' trainings, in the span that is looked at."""
    last = view.last
    found = [queries.outline(model, _layer(Shown(model, 0), view), view.first, last) for model in models]
    return [found[0], *(outline for outline in found[1:] if outline.table.num_rows)]


def ends(found: list[BatchOverview]) -> tuple[float, float]:
    """From which step to which several outlines reach."""
    spans = [outlines.span(outline) for outline in found]
    return min(low for low, _ in spans), max(high for _, high in spans)


def offer_export(view: View, outline: BatchOverview, found: list[Batch], over: list[BatchOverview]) -> None:
    """Pictures and numbers."""
    batch = found[0]
    name = f"{batch.model}-{batch.step}"
    with exporting():
        save_picture_button("All batches as a picture", "outline_view", f"batches-{batch.model}")
        if view.span:
            save_picture_button("The span as a picture", "span_view", f"span-{batch.model}")
        for place, one in enumerate(found):
            label = "The batch as a picture" if place == 0 else "The batch beside it as a picture"
            save_picture_button(label, f"batch_view_{place}", f"batch-{one.model}-{one.step}")
        save_picture_button("Horizons as a picture", "reach_view", f"horizons-{batch.model}")
        save_picture_button("Losses and norms as a picture", "course_view", f"losses-{batch.model}")
        offer_numbers("Batches", "batches", lambda: outline.table, kinds=("CSV",))
        offer_numbers("Words of the batch", f"words-{name}", lambda: batch.words, kinds=("CSV",))
        offer_numbers("Parts of the gradient", f"gradient-{name}", batch.pairs, kinds=("Parquet",))
        offer_numbers("Horizons of all models", "horizons", lambda: batches.combined_table(over), kinds=("CSV",))
        span = f", first={view.first}, last={view.last}" if view.span else ""
        offer_code(
            f'model = rnnstore.open("store").model("{batch.model}")',
            f"pictures.batches_picture(model{span})",
            f"pictures.batch_picture(model, {batch.step})",
            "pictures.reach_picture(model)",
        )


def _number(value: float | None, unit: str = "") -> str:
    return "no number" if value is None or value != value else f"{value:.3g}{unit}"
