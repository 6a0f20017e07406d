"""The recorded batches of a training: all of them, one or two in detail, and how far back they reached over time."""

from __future__ import annotations

import streamlit as st

from pages.parts.shared import asked
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import clicked_since, controlled, last_selections, number
from pages.parts.shared.parameters import change
from pages.parts.shared.plain import plain
from pages.parts.training import asked as answers
from pages.parts.training.address import BARS, HEAT, Shown, View, drawn
from rnnstore import Model, Store
from rnnstore.charts.palette import palette
from rnnstore.charts.picture import Picture
from rnnstore.charts.training import itemized as charts
from rnnstore.charts.training import outlines
from rnnstore.export import csv, parquet
from rnnstore.training import batches
from rnnstore.training.batches import Batch, Outline
from rnnstore.visible import visible

WIDTH, HALF = 1100, 545
"""Pixels that a batch is laid out for, alone and beside another."""


def show_outline(model: Model, view: View, steps) -> Outline:
    """All recorded batches; a click chooses one."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        names = {"maximum": "Maximum", "mean": "Mean", "half_life": "Half-life", "horizon": "Horizon", "loss": "Loss"}
        controlled(
            st.segmented_control,
            "A bar is the batch's",
            "quantity",
            view.quantity,
            options=list(names),
            format_func=names.get,
            usual="maximum",
            required=True,
        )
        known = batches.layers(model)
        if len(known) > 1:
            controlled(st.selectbox, "Layer", "layer", view.layer, options=known, usual=known[-1], width=90)
        last = int(steps[-1])
        number("From step", "from", view.first, 0, last, width=130, help="Optimiser steps done before the batch")
        number("To step", "to", last if view.last is None else view.last, 0, last, width=130)
        if view.first or view.last is not None:
            st.button("All", on_click=change, kwargs={"from": None, "to": None})
    found = answers.outline(asked.as_of(model), model, model.name, view.layer, view.first, view.last)
    if not found.table.num_rows:
        st.info("No batch was recorded between these steps. Choose more of the training.")
        return found
    chosen = [view.batch.step]
    if view.beside and view.beside.model.name == model.name:
        chosen.append(view.beside.step)
    picture = outlines.outline_picture(found, _colours(), quantity=view.quantity, chosen=chosen)
    key = f"outline-{model.name}"

    def take() -> None:
        before, now = last_selections(key)
        for clicked in clicked_since(before, now, "clicked_batch", "largest"):
            change(batch=clicked)

    with st.container(key="outline_view"):
        st.vega_lite_chart(
            picture.for_page(),
            key=key,
            on_select=take,
            selection_mode=["clicked_batch"],
            theme=None,
            width="stretch",
            height="content",
            alt="A bar for every recorded batch over the training; click one to see it.",
        )
    st.caption(
        f"{found.batches:,} recorded batches{_between(view)}. {found.note} Hover a bar for its numbers, click it "
        "to see its batch" + (" (of several, the one with the largest gradient)." if found.each > 1 else ".")
    )
    return found


def show_batches(model: Model, view: View, steps) -> list[Batch]:
    """The chosen batch, alone or beside another."""
    shown = [view.batch] + ([view.beside] if view.beside else [])
    found = [answers.batch(asked.as_of(s.model), s.model, s.model.name, s.step, _layer(s, view)) for s in shown]
    _choose(view, steps, found)
    most = None
    if len(found) == 2 and drawn(view, max(b.steps for b in found)) == BARS:
        most = max(charts.tallest(batch, view.value) for batch in found)
    columns = st.columns(2, gap="small") if len(found) == 2 else [st.container()]
    for place, (column, one) in enumerate(zip(columns, found, strict=True)):
        with column:
            _one(one, view, most, HALF if len(found) == 2 else WIDTH, place)
    return found


def _layer(shown: Shown, view: View) -> int:
    known = batches.layers(shown.model)
    return view.layer if view.layer in known else known[-1]


def _choose(view: View, steps, found: list[Batch]) -> None:
    """Which batches, and how they are drawn."""
    place = int((steps < view.batch.step).sum())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        back, forward = (int(steps[max(0, min(len(steps) - 1, place + by))]) for by in (-1, 1))
        st.button("Back", on_click=change, kwargs={"batch": back}, disabled=place == 0, shortcut="B")
        st.button(
            "Forward", on_click=change, kwargs={"batch": forward}, disabled=forward == view.batch.step, shortcut="F"
        )
        number("Batch after step", "batch", view.batch.step, 0, int(steps[-1]), width=140)
        early, late = int(steps[len(steps) // 100]), int(steps[-1])
        if view.beside is None:
            beside = {"batch": early, "beside": late}
            st.button("Early beside late", on_click=change, kwargs=beside, help="One of the first, and the last")
        controlled(
            st.segmented_control,
            "Parts",
            "value",
            view.value,
            options=[charts.SHARE, charts.NORM],
            format_func={charts.SHARE: "Signed share", charts.NORM: "Norm"}.get,
            usual=charts.SHARE,
            required=True,
        )
        usual = drawn(View(**{**vars(view), "drawn": ""}), found[0].steps)
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
        if found[0].sequences > 1:
            number("Text of the batch", "row", min(view.sequence, found[0].sequences - 1), 0, found[0].sequences - 1)


def choose_beside(store: Store, view: View) -> None:
    """What stands beside the chosen batch: another batch, or one of another model."""
    recorded = [name for name, model in store.models.items() if batches.is_recorded(model)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if view.beside:
            controlled(
                st.selectbox,
                "Beside it, of",
                "other",
                view.beside.model.name,
                options=recorded,
                usual=view.batch.model.name,
                also=lambda _: {"beside": st.query_params.get("beside") or view.beside.step},
                width=260,
            )
            last = int(answers.steps(asked.as_of(view.beside.model), view.beside.model, view.beside.model.name)[-1])
            number("the batch after step", "beside", view.beside.step, 0, last, width=140)
            st.button("One alone", on_click=change, kwargs={"beside": None, "other": None})


def _one(batch: Batch, view: View, most: float | None, width: int, place: int) -> None:
    facts = batch.facts
    far = {name: "not within it" if facts[name] is None else f"{facts[name]:.0f}" for name in ("half_life", "horizon")}
    st.markdown(
        f"**{plain(batch.model)}, after step {batch.step:,}** · layer {batch.layer} · "
        f"loss {_number(facts['loss'])} nats · largest part {_number(facts['maximum'])} · "
        f"half-life {far['half_life']} · horizon {far['horizon']}"
    )
    _say_no_number(batch)
    sequence = min(view.sequence, batch.sequences - 1)
    picture = charts.batch_picture(
        batch,
        _colours(),
        value=view.value,
        drawn=drawn(view, batch.steps),
        sequence=sequence,
        most=most,
        width=width,
    )
    _chart(picture, f"batch_view_{place}", f"batch-{batch.model}-{batch.step}-{place}")
    said = [
        f"Shown are the words of text {sequence + 1} of {batch.sequences}; the gradient is that of all of them."
        if batch.sequences > 1
        else "",
        f"More than {charts.STACKED} steps: words are in the tables to take away."
        if batch.steps > charts.STACKED
        else "",
        f"Cells are means over blocks of {-(-batch.steps // charts.CELLS)} steps."
        if batch.steps > charts.CELLS and drawn(view, batch.steps) == HEAT
        else "",
    ]
    if any(said):
        st.caption(" ".join(filter(None, said)))


def _say_no_number(batch: Batch) -> None:
    """Where a batch's loss or gradient is no number: the first step at which it is so."""
    losses = batch.words.filter(batch.words["label"].is_valid())
    for row in losses.to_pylist():
        if row["loss"] is None or not abs(row["loss"]) < float("inf"):
            st.error(
                f"At step {row['position']} of text {row['sequence'] + 1} of this batch, after reading "
                f"“{plain(visible(row['input']))}”, the loss is no number: there it began."
            )
            return


def show_over_training(store: Store, view: View) -> None:
    """Half-life and horizon of several models' batches, and their losses and norms aligned below."""
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
    models = [store.models[name] for name in view.models]
    found = [
        answers.outline(asked.as_of(model), model, model.name, _layer(Shown(model, 0), view), 0, None)
        for model in models
    ]
    _chart(outlines.reach_picture(found, _colours()), "reach_view", "reach")
    course = answers.courses(asked.as_of(models[0]), models, view.models)
    if course.table.num_rows:
        end = max(max(outline.table["last"].to_pylist()) for outline in found)
        _chart(outlines.course_picture(course, view.models, _colours(), last=end), "course_view", "course")
    each = max(outline.each for outline in found)
    st.caption(
        "Points are batches"
        + (f", or means of up to {each:,} neighbours" if each > 1 else "")
        + "; lines are means of 15 neighbouring points. What is not reached within a batch counts as its length, "
        f"{found[0].window} steps."
    )


def take_away(outline: Outline, found: list[Batch]) -> None:
    """Pictures and numbers."""
    batch = found[0]
    name = f"{batch.model}-{batch.step}"
    with st.popover("Take away"), st.container(width=380):
        save_picture_button("All batches as a picture", "outline_view", f"batches-{batch.model}")
        save_picture_button("The batch as a picture", "batch_view_0", f"batch-{name}")
        save_picture_button("Horizons as a picture", "reach_view", f"horizons-{batch.model}")
        options = {"on_click": "ignore", "width": "stretch"}
        st.download_button("Batches as CSV", lambda: csv(outline.table), "batches.csv", "text/csv", **options)
        st.download_button("Words of the batch as CSV", lambda: csv(batch.words), f"words-{name}.csv", **options)
        st.download_button(
            "Parts of the gradient as Parquet", lambda: parquet(batch.pairs()), f"gradient-{name}.parquet", **options
        )
        st.caption("The same in a notebook")
        st.code(
            "import rnnstore\nfrom rnnstore import pictures\n\n"
            f'model = rnnstore.open("store").model("{batch.model}")\n'
            f"pictures.batches_picture(model)\npictures.batch_picture(model, {batch.step})\n"
            "pictures.reach_picture(model)",
            language="python",
        )


def _chart(picture: Picture, container: str, key: str) -> None:
    with st.container(key=container):
        st.vega_lite_chart(picture.for_page(), key=key, theme=None, width="stretch", height="content")


def _between(view: View) -> str:
    return f" from step {view.first:,} to {view.last:,}" if view.last is not None else ""


def _number(value: float | None) -> str:
    return "no number" if value is None or value != value else f"{value:.3g}"


def _colours():
    return palette(st.context.theme.type)
