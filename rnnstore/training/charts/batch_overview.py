"""A bar for every recorded batch of a training or a span of it; pointing at a bar previews its batch.

A click on a bar chooses its batch, a brush over bars a span of the training. What is previewed is sent along, so
that nothing is asked while the pointer moves: the words that ought to come and those that were predicted, and below
them how large the gradient through each step was.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import (
    Picture,
    at_y,
    click,
    data,
    hover,
    tooltips,
    with_margin,
    with_parameters,
    with_renderer,
)
from rnnstore.training.batch_previews import BatchPreviews
from rnnstore.training.recorded_batches import BatchOverview
from rnnstore.visible import visible

QUANTITIES = {
    "maximum": "largest part",
    "mean": "mean of all parts",
    "half_life": "half-life (steps)",
    "horizon": "horizon (steps)",
    "loss": "loss (nats)",
}

ROOM = 56
"""Pixels of the vertical axis."""

SIDES = {"left": 76, "right": 24}
"""Pixels beside every picture of a training: what lies below one another is the same step."""

HINT = "Point at a bar: its batch is previewed here."
_TITLE, _ROW, _LITTLE, _GAP = 15, 15, 26, 10  # pixels: what is said of a preview, its rows of words, its bars
_PREVIEW = _TITLE + 2 * _ROW + _LITTLE + _GAP
_FEWEST = 25  # places for which a preview has room: those of a shorter batch are as wide
_POINTED = "over.largest && datum.largest === over.largest[0]"


def span(outline: BatchOverview) -> tuple[float, float]:
    """The steps at which the first bar of an overview begins and its last one ends."""
    if not outline.table.num_rows:
        return 0.0, 1.0
    return float(outline.table["first"][0].as_py()), float(_ends(outline)[-1])


def overview_picture(
    outline: BatchOverview,
    palette: Palette,
    *,
    quantity: str = "maximum",
    chosen: Sequence[int] = (),
    broken: int | None = None,
    previews: BatchPreviews | None = None,
    brush: tuple[float, float] | None = None,
    brushed: bool = True,
    along: tuple[float, float] | None = None,
    width: int = 1100,
    height: int = 120,
) -> Picture:
    """A bar for every recorded batch, or group of neighbours; `chosen` batches (by step) are marked.

    `previews` are what is previewed of the largest batch of each bar, above the bars; `broken` is the step at which the
    training came to no number, `along` the steps of the axis where they are not the outline's own. A page hears
    `clicked_batch` (the step of the largest batch in a bar) and, where it can be `brushed`, `brush` (over `left`).
    """
    first, last, ends = outline.table["first"].to_numpy(), outline.table["last"].to_numpy(), _ends(outline)
    held = np.zeros(len(first), bool)
    for step in chosen:
        held |= (first <= step) & (step <= last)
    bars = outline.table.append_column("left", pa.array(first.astype(float)))
    bars = bars.append_column("right", pa.array(first + (ends - first) * (0.9 if len(first) < 300 else 1.0)))
    bars = bars.append_column("held", pa.array(held)).append_column(
        "caption", pa.array(_preview_titles(outline), pa.string())
    )
    at = [] if broken is None else [broken]
    tables = {"bars": bars, "broken": pa.table({"step": pa.array(at, pa.float64())})}
    if previews is not None:
        tables |= {"previews": _preview_rows(previews), "hint": pa.table({"hint": [HINT if brush is None else ""]})}
    places = 0 if previews is None else max(previews.places, _FEWEST)
    words = previews is not None and previews.each == 1
    specification = _specification(palette, quantity, places, words, brushed, width, height)
    low, high = along or span(outline)
    numbers: dict[str, Any] = {"low": low, "high": max(high, low + 1)}
    if brush is not None:
        numbers["brush"] = {"x": [float(brush[0]), float(brush[1])]}
    return Picture(with_parameters(specification, specification["height"], **numbers), tables)


def _ends(outline: BatchOverview) -> np.ndarray:
    """The step at which each bar ends: where the next one begins."""
    first, last = outline.table["first"].to_numpy(), outline.table["last"].to_numpy()
    gap = float(np.median(np.diff(first))) if len(first) > 1 else 1.0
    return np.append(first[1:], last[-1] + gap / max(outline.each, 1)) if len(first) else first


def _preview_titles(outline: BatchOverview) -> list[str]:
    """The title of each preview."""

    def number(value: float | None) -> str:
        return "no number" if value is None or value != value else f"{value:.3g}"

    return [
        f"after step {row['largest']:,} · loss {number(row['loss'])} · largest part {number(row['maximum'])}"
        if row["batches"] == 1
        else f"after step {row['largest']:,}, the largest of {row['batches']:,} · largest part {number(row['maximum'])}"
        for row in outline.table.to_pylist()
    ]


def _preview_rows(found: BatchPreviews) -> pa.Table:
    """A row a bar: largest (the batch's step), and what its places show, a line each: tall (0 to 1), label, predicted,
    right (1, 0, -1 unasked). As rows of their own, ten thousand places would take a browser longer than all else."""
    table = found.table
    norm, step = table["norm"].to_numpy(), table["step"].to_numpy()
    starts = np.flatnonzero(np.diff(step, prepend=step[0] - 1 if len(step) else 0))
    highest = np.maximum.reduceat(np.nan_to_num(norm), starts) if len(step) else norm
    tall = np.nan_to_num(norm) / np.repeat(np.maximum(highest, 1e-30), np.diff(np.append(starts, len(step))))
    places = {
        "tall": [f"{share:.2g}" for share in np.clip(tall, 0, 1).tolist()],
        **{name: _visible(table[name]).to_pylist() for name in _WORDS},
        "right": [str(right) for right in pc.fill_null(table["right"].cast(pa.int8()), -1).to_pylist()],
    }
    bars = list(pairwise([*starts.tolist(), len(step)]))
    lines = {name: pa.array(["\n".join(of[i:j]) for i, j in bars], pa.string()) for name, of in places.items()}
    return pa.table({"largest": pa.array(step[starts].astype(np.int32)), **lines})


_WORDS = ("label", "predicted")
_OF_PLACES = (*_WORDS, "tall", "right")


def _visible(words: pa.ChunkedArray) -> pa.Array:
    """Words as they can be seen; there are far fewer than places."""
    coded = pc.fill_null(words, "").combine_chunks().dictionary_encode()
    seen = pa.array([visible(word) for word in coded.dictionary.to_pylist()], pa.string())
    return seen.take(coded.indices)


@lru_cache(maxsize=32)
def _specification(
    palette: Palette, quantity: str, places: int, words: bool, brushed: bool, width: int, height: int
) -> dict[str, Any]:
    top = (_PREVIEW if words else _PREVIEW - 2 * _ROW) if places else 6
    layers = [
        *_bars(palette, quantity, brushed, bool(places), [top + height, top]),
        *(_preview(palette, places, words, width) if places else []),
    ]
    chart = alt.layer(*layers).resolve_scale(y="independent")
    chart = chart.add_params(alt.param(name="low", value=0), alt.param(name="high", value=1))
    margin = {**SIDES, "top": 6, "bottom": 22}
    chart = with_margin(chart, margin, width).properties(height=top + height + 28)
    return with_renderer(with_style(chart, palette).to_dict(validate=False), 10_000)


def _bars(palette: Palette, quantity: str, brushed: bool, previewed: bool, place: list[int]) -> list[alt.Chart]:
    """The bars, what of them the pointer meets, and where the numbers end; what a preview says no tooltip says."""
    scale = alt.Scale(domain=[alt.ExprRef("low"), alt.ExprRef("high")], nice=False, clamp=True)
    axis = alt.Axis(grid=False, tickCount=8, tickMinStep=1, format=",d")
    base = data("bars").encode(x=alt.X("left:Q", title=None, scale=scale, axis=axis), x2="right:Q")
    of_preview = tooltips("first:Q|after step|,d", "largest:Q|largest after step|,d", "maximum:Q||.4~g", "loss:Q||.3f")
    tooltip = [
        alt.Tooltip("batches:Q", title="batches in this bar", format=",d"),
        alt.Tooltip("mean:Q", format=".4~g"),
        alt.Tooltip("half_life:Q", title="half-life", format=".2~f"),
        alt.Tooltip("horizon:Q", format=".2~f"),
        *([] if previewed else of_preview),
    ]
    drawn = base.mark_rect().encode(
        y=alt.Y(f"{quantity}:Q", title=QUANTITIES[quantity], axis=value_axis(), scale=alt.Scale(range=place)),
        y2=alt.datum(0),
        color=alt.condition("datum.held", alt.value(palette.threshold), alt.value(palette.accent)),
        opacity=alt.condition(f"!over.largest || {_POINTED}", alt.value(1), alt.value(0.55)),
    )
    brush = alt.selection_interval(
        name="brush",
        encodings=["x"],
        mark=alt.BrushConfig(fill=palette.accent, fillOpacity=0.14, stroke=palette.accent, cursor="ew-resize"),
        zoom=False,
    )
    hit = base.mark_rect(opacity=0, cursor="pointer").encode(y=alt.value(place[1]), y2=alt.value(place[0]))
    hit = hit.encode(tooltip=tooltip)
    hit = hit.add_params(hover("over", "largest"), click("clicked_batch", "largest"), *([brush] if brushed else []))
    return [drawn, hit, *broken_layers(palette, place)]


def broken_layers(palette: Palette, place: Sequence[float], title: str | None = None) -> list[alt.Chart]:
    """A labelled line where the loss or gradient stopped being finite, over the table `broken`."""
    base = data("broken").encode(x=alt.X("step:Q", title=title))
    ends = {"y": alt.value(place[1]), "y2": alt.value(place[0])}
    line = base.mark_rule(color=palette.text, strokeWidth=1.5, strokeDash=[4, 3], tooltip=None).encode(**ends)
    words: dict[str, Any] = {
        "text": "no number from here",
        "color": palette.text,
        "fontSize": 11,
        "dy": 6,
        "tooltip": None,
    }
    late = base.transform_filter("2 * datum.step > low + high").mark_text(align="right", dx=-5, **words)
    early = base.transform_filter("2 * datum.step <= low + high").mark_text(align="left", dx=5, **words)
    return [line, *(side.encode(y=alt.value(place[1])) for side in (late, early))]


def _preview(palette: Palette, places: int, words: bool, width: int) -> list[alt.Chart]:
    """The batch of the bar under the pointer, above the bars; a hint where there is none."""
    base = data("previews").transform_filter(_POINTED)
    base = base.transform_calculate(**{name: f"split(datum.{name}, '\\n')" for name in _OF_PLACES})
    base = base.transform_calculate(place="sequence(length(datum.label))").transform_flatten(["place", *_OF_PLACES])
    place = "low + (high - low) * (datum.place + {}) / {}"
    ends = {name: place.format(more, places) for name, more in (("begin", 0), ("middle", 0.47), ("end", 0.94))}
    cells = base.transform_calculate(**ends).encode(x=alt.X("begin:Q", title=None))
    top = _TITLE + (2 * _ROW if words else 0)
    fills = f"datum.right === '1' ? '{palette.right}' : datum.right === '0' ? '{palette.wrong}' : 'transparent'"
    quiet: dict[str, Any] = {"align": "left", "baseline": "top", "fontSize": 11, "color": palette.muted}
    above: dict[str, Any] = {"x": alt.value(0), "y": alt.value(0)}
    layers = [
        data("hint").transform_filter("!over.largest").mark_text(**quiet).encode(text="hint:N", **above),
        data("bars").transform_filter(_POINTED).mark_text(**quiet).encode(text="caption:N", **above),
        cells.transform_calculate(high=f"{top + _LITTLE} - {_LITTLE} * datum.tall", low=f"{top + _LITTLE}")
        .mark_rect(color=palette.accent)
        .encode(x2="end:Q", y=at_y("high"), y2="low:Q"),
    ]
    if words:
        room = max(9, (width - ROOM) // places - 1)
        for row, name in enumerate(_WORDS):
            here = _TITLE + row * _ROW
            if name == "predicted":
                shade = cells.mark_rect(cornerRadius=2).encode(
                    x2="end:Q", y=alt.value(here), y2=alt.value(here + _ROW - 2)
                )
                layers.append(
                    shade.encode(color=alt.Color("fill:N", scale=None, legend=None)).transform_calculate(fill=fills)
                )
            text = cells.mark_text(fontSize=11, font="monospace", color=palette.text, limit=room)
            layers.append(text.encode(x=alt.X("middle:Q", title=None), y=alt.value(here + 6), text=f"{name}:N"))
    return layers


def value_axis(title: str | None = None, ticks: int = 4) -> alt.Axis:
    """The vertical axis, with the same room beside every picture."""
    given: dict[str, Any] = {} if title is None else {"title": title}
    return alt.Axis(orient="left", tickCount=ticks, format=".3~g", minExtent=ROOM, maxExtent=ROOM, **given)
