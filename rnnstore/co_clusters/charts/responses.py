"""Responses in detail: what words do to all units, and which words move a unit (RNNVis, Figure 5 and Figure 8).

Bands show a word's responses over every unit of a state, none left out, the units in order of how one of the words
moves them; box plots show the words that move a unit most. The quantiles are those of RNNVis: half of the responses lie
between 25 and 75 %, four of five between 9 and 91 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.expected import WordResponse
from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import Picture, click, data, hover, tooltips, with_margin, with_parameters, with_renderer
from rnnstore.drawing.tracks import Key, legend_layers, legend_table
from rnnstore.visible import visible

PLOT, LEGEND, LEGENDS = 230, 19, 2
AXIS = 38
_BELOW = AXIS + LEGEND * LEGENDS
"""Heights of the plot, a line of the legend, the axis of units, and all that is below the plot."""
MARGIN = {"left": 56, "right": 12, "top": 8, "bottom": 0}

BEYOND = 3
"""If all values need an axis so many times as long as 98 % of them do, it ends at the latter."""


def signed(value: float) -> str:
    """A response as text with its sign and two significant digits.

    >>> signed(0.1234), signed(-12345.6), signed(0.0)
    ('+0.12', '−12,346', '0')
    """
    if not value:
        return "0"
    return (f"{value:+.2g}" if abs(value) < 100 else f"{value:+,.0f}").replace("-", "−")


def with_error(value: float, error: float) -> str:
    """A response with its standard error, if it has one (a word that was read once has none)."""
    return f"{signed(value)} ± {error:.1g}" if error == error else f"{signed(value)}, read once"


# Words over all units


def response_picture(
    responses: Sequence[WordResponse],
    palette: Palette,
    *,
    sorted_by: int = 0,
    actual: Mapping[str, np.ndarray] | None = None,
    clusters: np.ndarray | None = None,
    width: int = 900,
) -> Picture:
    """Bands of several words' responses over all units, in the order in which the word `sorted_by` moves the units.

    `actual` float[units] by a title: single responses as lines, such as those of tokens in a sentence, in the colours
    after those of the words. `clusters` int[units] are named in tooltips. A page can listen to `clicked_unit` (unit).
    """
    units = len(responses[0].mean)
    order = np.argsort(responses[sorted_by].mean, kind="stable")
    lines = dict(actual or {})
    limits = _limits([*(each.quantiles for each in responses), *(each.mean for each in responses), *lines.values()])
    colours = [palette.series[index % len(palette.series)] for index in range(len(responses) + len(lines))]
    tables = {
        "bands": _band_table(responses, order, limits, colours),
        "lines": _line_table(list(lines.values()), order, limits, colours[len(responses) :]),
        "units": _unit_table(responses, lines, order, clusters),
        "zero": pa.table({"value": pa.array([0.0], pa.float32())}),
    }
    keys = [
        Key(colour, f"{visible(each.word)}, {_occurrences(each)}")
        for colour, each in zip(colours, responses, strict=False)
    ]
    keys += [Key(colour, title) for colour, title in zip(colours[len(responses) :], lines, strict=True)]
    what = f"line: mean; dark: 25 to 75 %; light: 9 to 91 %; units in the order of {visible(responses[sorted_by].word)}"
    everything = np.concatenate([each.quantiles.ravel() for each in responses])
    if everything.max() > limits[1] or everything.min() < limits[0]:
        what += f"; what is beyond {numeral(limits[0])} or {numeral(limits[1])} is drawn there"
    legends = [("words", keys), ("bands", [Key("", what)])]
    tables["legends"] = legend_table(legends, palette, PLOT + AXIS, LEGEND)
    written = _response_specification(palette, width)
    height = MARGIN["top"] + PLOT + _BELOW
    written = with_parameters(written, height, last=units, low=float(limits[0]), high=float(limits[1]))
    return Picture(with_renderer(written, units), tables)


def _limits(values: Sequence[np.ndarray]) -> tuple[float, float]:
    """The least and greatest value that the axis shows, 0 among them."""
    everything = np.concatenate([np.asarray(each, float).ravel() for each in values])
    low, high = min(everything.min(), 0.0), max(everything.max(), 0.0)
    inner_low, inner_high = (float(end) for end in np.quantile(everything, (0.01, 0.99)))
    if high - low > BEYOND * (inner_high - inner_low) > 0:
        room = 0.25 * (inner_high - inner_low)
        low, high = max(low, min(inner_low, 0.0) - room), min(high, max(inner_high, 0.0) + room)
    return (float(low), float(high)) if high > low else (-1.0, 1.0)


def _band_table(
    responses: Sequence[WordResponse], order: np.ndarray, limits: tuple[float, float], colours: Sequence[str]
) -> pa.Table:
    units = len(order)

    def column(values: Sequence[np.ndarray]) -> pa.Array:
        kept = [np.clip(each[order], *limits) for each in values]
        return pa.array(np.concatenate(kept).astype(np.float32), pa.float32())

    names = ("low", "lower", "middle", "upper", "high")
    return pa.table(
        {
            "place": pa.array(np.tile(np.arange(units) + 0.5, len(responses)), pa.float32()),
            "word": pa.array(np.repeat(np.arange(len(responses)), units), pa.int8()),
            **{name: column([each.quantiles[index] for each in responses]) for index, name in enumerate(names)},
            "mean": column([each.mean for each in responses]),
            "colour": pa.array(np.repeat(colours[: len(responses)], units).tolist(), pa.string()),
        }
    )


def _line_table(
    lines: Sequence[np.ndarray], order: np.ndarray, limits: tuple[float, float], colours: Sequence[str]
) -> pa.Table:
    values = [np.clip(np.asarray(line, np.float32)[order], *limits) for line in lines]
    return pa.table(
        {
            "place": pa.array(np.tile(np.arange(len(order)) + 0.5, len(lines)), pa.float32()),
            "line": pa.array(np.repeat(np.arange(len(lines)), len(order)), pa.int8()),
            "value": pa.array(np.concatenate([np.zeros(0), *values]), pa.float32()),
            "colour": pa.array(np.repeat(np.array(colours, str), len(order)).tolist(), pa.string()),
        }
    )


def _unit_table(
    responses: Sequence[WordResponse],
    lines: Mapping[str, np.ndarray],
    order: np.ndarray,
    clusters: np.ndarray | None,
) -> pa.Table:
    captions = [
        "; ".join(
            [
                *(
                    f"{visible(each.word)} {with_error(each.mean[unit], each.standard_error[unit])}"
                    for each in responses
                ),
                *(f"{title} {signed(float(values[unit]))}" for title, values in lines.items()),
            ]
        )
        for unit in order.tolist()
    ]
    return pa.table(
        {
            "unit": pa.array(order, pa.int16()),
            "place": pa.array(np.arange(len(order)), pa.int16()),
            "chip": pa.array(["" if clusters is None else f"{clusters[unit]}" for unit in order], pa.string()),
            "caption": pa.array(captions, pa.string()),
        }
    )


@lru_cache(maxsize=8)
def _response_specification(palette: Palette, width: int) -> dict[str, Any]:
    over = hover("over_unit", "unit")
    scale = alt.Scale(domain=[alt.ExprRef("low"), alt.ExprRef("high")], range=[PLOT, 0], nice=False)
    axis = alt.Axis(title=None, tickCount=5, grid=True, offset=4)
    along = alt.Scale(domain=[0, alt.ExprRef("last")], nice=False)
    ticks = alt.Axis(orient="bottom", title="units, in order", grid=False, tickMinStep=1, format=",d", offset=-_BELOW)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", scale=along, axis=ticks)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", scale=scale, axis=axis, title=None)

    bands, word = data("bands"), alt.Detail("word:N")
    fill, stroke = alt.Fill("colour:N", scale=None), alt.Stroke("colour:N", scale=None)
    outer = bands.mark_area(opacity=0.16, interpolate="step")
    inner = bands.mark_area(opacity=0.34, interpolate="step")
    mean = bands.mark_line(strokeWidth=1.6, interpolate="step")
    line = data("lines").mark_line(strokeWidth=1.2, interpolate="step")
    zero = data("zero").mark_rule(color=palette.muted, strokeWidth=1, opacity=0.8)
    column = data("units").mark_rect(fill=palette.text, cursor="pointer")
    layers = [
        zero.encode(y("value")),
        outer.encode(x("place"), y("low"), alt.Y2("high"), fill, word),
        inner.encode(x("place"), y("lower"), alt.Y2("upper"), fill, word),
        mean.encode(x("place"), y("mean"), stroke, word),
        line.encode(x("place"), y("value"), stroke, alt.Detail("line:N")),
        column.transform_calculate(end="datum.place + 1")
        .encode(
            x("place"),
            alt.X2("end:Q"),
            y=alt.value(0),
            y2=alt.value(PLOT),
            opacity=alt.value(alt.ExprRef("over_unit.unit && over_unit.unit[0] === datum.unit ? 0.12 : 0")),
            tooltip=tooltips("unit:Q|unit|d", "chip:N|cluster of units", "caption:N|mean response to"),
        )
        .add_params(over, click("clicked_unit", "unit")),
        *legend_layers("legends", palette, MARGIN["left"] - 10),
    ]
    numbers = [alt.param(name=name, value=value) for name, value in (("last", 1), ("low", -1), ("high", 1))]
    chart = alt.layer(*layers).add_params(*numbers)
    return with_style(with_margin(chart, MARGIN, width), palette).to_dict(validate=False)


def _occurrences(response: WordResponse) -> str:
    """How often a word was read, and of how many of these its bands are, where that is a sample."""
    sampled = f", bands of {response.quantile_count:,} of them" if response.quantile_count < response.count else ""
    return f"{response.count:,} occurrence{'s' * (response.count != 1)}{sampled}"
