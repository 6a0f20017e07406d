"""Charts of two states compared: words by their response in either, clusters against clusters, two losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.comparing.predictions import Disagreement
from rnnstore.comparing.similarity import ClusterAgreement, Comparison
from rnnstore.drawing.palette import Palette
from rnnstore.drawing.picture import Picture, click, data, picture_of, tooltips
from rnnstore.visible import visible

QUANTITIES = {
    "magnitude": "response (root mean square over units)",
    "participation": "share of units that carry the response",
}

IN_A_CELL = 12
"""Words that the tooltip of a pair of clusters names."""


def words_picture(
    found: Comparison,
    quantity: str,
    palette: Palette,
    *,
    picked: Sequence[str] = (),
    width: int = 440,
    height: int = 300,
) -> Picture:
    """A point a word, by one of `QUANTITIES` in the left state (across) and in the right one (upwards).

    A page can listen to `clicked_word`; `picked` words are labelled. Darker points share more of their neighbours.
    """
    table = found.table
    left, right = (table[f"{quantity}_{side}"] for side in ("left", "right"))
    known = pc.and_(pc.is_finite(left), pc.is_finite(right))
    if quantity == "magnitude":
        known = pc.and_(known, pc.and_(pc.greater(left, 0), pc.greater(right, 0)))
    rows = table.filter(known)
    rows = rows.append_column("shown", pa.array([visible(word) for word in rows["word"].to_pylist()], pa.string()))
    rows = rows.append_column("picked", pa.array([word in picked for word in rows["word"].to_pylist()]))
    log = alt.Scale(type="log", nice=False, padding=8) if quantity == "magnitude" else alt.Scale(zero=False, padding=8)
    axis = alt.Axis(tickCount=5, format="~g" if quantity == "magnitude" else ".0%")
    names = [f"{model} · {state}" for model, state in (found.left, found.right)]
    x = alt.X(f"{quantity}_left:Q", title=names[0], scale=log, axis=axis)
    y = alt.Y(f"{quantity}_right:Q", title=names[1], scale=log, axis=axis)
    least = float(np.floor(10 * np.nanquantile(table["agreement"].to_numpy(), 0.05)) / 10)
    number = ".3~g" if quantity == "magnitude" else ".1%"
    tooltip = tooltips(
        "shown:N|word",
        f"{quantity}_left:Q|left|{number}",
        f"{quantity}_right:Q|right|{number}",
        "agreement:Q||.2f",
        "shared_neighbours:Q|neighbours in both",
        "count_left:Q|read, left|,d",
        "count_right:Q|read, right|,d",
    )
    points = (
        data("words")
        .mark_point(filled=True, size=34, opacity=0.75, cursor="pointer")
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "agreement:Q",
                title="agreement",
                scale=alt.Scale(domain=[least, 1], range=list(palette.sequential[1:]), clamp=True),
                legend=alt.Legend(
                    orient="top", direction="horizontal", gradientLength=120, gradientThickness=8, values=[least, 1]
                ),
            ),
            tooltip=tooltip,
        )
        .add_params(click("clicked_word", "word"))
    )
    chosen = data("words").transform_filter("datum.picked").encode(x=x, y=y)
    rings = chosen.mark_point(filled=False, size=90, strokeWidth=2, color=palette.threshold)
    style: dict[str, Any] = {
        "dx": 9,
        "align": "left",
        "baseline": "middle",
        "fontSize": 13,
        "fontWeight": "bold",
        "tooltip": None,
    }
    halo = chosen.mark_text(**style, stroke=palette.background, strokeWidth=4).encode(text="shown:N")
    labels = chosen.mark_text(**style, color=palette.text).encode(text="shown:N")
    return picture_of(alt.layer(points, rings, halo, labels), palette, {"words": rows}, width=width, height=height)


def clusters_picture(
    found: ClusterAgreement, palette: Palette, *, left: str, right: str, width: int = 440, height: int = 300
) -> Picture:
    """How many words of each cluster on the left (rows) are in each on the right (columns); the words are in the
    tooltip. Columns are in the order that puts the largest counts on the diagonal."""
    from scipy.optimize import linear_sum_assignment

    of_row, of_column = linear_sum_assignment(-found.counts)
    columns = [*of_column[np.argsort(of_row)].tolist()]
    columns += [each for each in range(found.counts.shape[1]) if each not in columns]
    words: dict[tuple[int, int], list[str]] = {}
    for row in found.members.to_pylist():
        words.setdefault((row["left"], row["right"]), []).append(visible(row["word"]))
    cells = [(row, column, int(found.counts[row, column])) for row, column in words]
    names = [
        ", ".join(words[row, column][:IN_A_CELL]) + (" …" if len(words[row, column]) > IN_A_CELL else "")
        for row, column, _ in cells
    ]
    table = pa.table(
        {
            "left": pa.array([row for row, _, _ in cells], pa.int16()),
            "right": pa.array([column for _, column, _ in cells], pa.int16()),
            "count": pa.array([count for _, _, count in cells], pa.int32()),
            "words": pa.array(names, pa.string()),
        }
    )
    axis = alt.Axis(grid=False, labelAngle=0, ticks=False)
    x = alt.X("right:O", title=f"word clusters of {right}", scale=alt.Scale(domain=columns), axis=axis)
    y = alt.Y(
        "left:O", title=f"word clusters of {left}", scale=alt.Scale(domain=list(range(len(found.counts)))), axis=axis
    )
    most = int(found.counts.max())
    cell = (
        data("cells")
        .mark_rect()
        .encode(
            x=x,
            y=y,
            color=alt.Color("count:Q", scale=alt.Scale(domain=[0, most], range=list(palette.sequential)), legend=None),
            tooltip=tooltips("left:O|cluster, left", "right:O|cluster, right", "count:Q|words", "words:N|such as"),
        )
    )
    numbers = (
        data("cells")
        .mark_text(fontSize=11, tooltip=None)
        .encode(
            x=x,
            y=y,
            text="count:Q",
            color=alt.condition(f"datum.count > {most * 0.45}", alt.value(palette.background), alt.value(palette.text)),
        )
    )
    return picture_of(alt.layer(cell, numbers), palette, {"cells": table}, width=width, height=height)


def losses_picture(
    found: Disagreement, palette: Palette, *, left: str, right: str, width: int = 1100, height: int = 190
) -> Picture:
    """At every word, by how much its loss differs: bars upwards (orange) where the right model predicted it better,
    downwards (blue) where the left one did. A word stands under the bar of its own loss, that of expecting it."""
    rows = found.table.filter(found.table["difference"].is_valid())
    side = pc.if_else(pc.greater(rows["difference"], 0), right, left)
    rows = rows.append_column("better", side.cast(pa.string()))
    rows = rows.append_column("shown", pa.array([visible(word) for word in rows["target"].to_pylist()], pa.string()))
    keys = [f"{t:06d}{word}" for t, word in zip(rows["t"].to_pylist(), rows["shown"].to_pylist(), strict=True)]
    rows = rows.append_column("place", pa.array(keys, pa.string()))
    x = _words_below(keys, rows["shown"].to_pylist(), palette)
    bars = (
        data("losses")
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("difference:Q", title="loss, left - right (nats)", axis=alt.Axis(tickCount=5)),
            color=alt.Color(
                "better:N",
                title="predicted better by",
                scale=alt.Scale(domain=[left, right], range=[palette.diverging[1], palette.diverging[-2]]),
                legend=alt.Legend(orient="top", symbolType="square"),
            ),
            tooltip=[
                alt.Tooltip("shown:N", title="word"),
                alt.Tooltip("loss_left:Q", title=f"loss, {left}", format=".3f"),
                alt.Tooltip("loss_right:Q", title=f"loss, {right}", format=".3f"),
                alt.Tooltip("difference:Q", format="+.3f"),
                alt.Tooltip("first_left:N", title=f"expected by {left}"),
                alt.Tooltip("first_right:N", title=f"expected by {right}"),
            ],
        )
    )
    zero = data("losses").mark_rule(color=palette.muted, strokeWidth=0.8).encode(y=alt.datum(0))
    return picture_of(alt.layer(zero, bars), palette, {"losses": rows}, width=width, height=height)


def labels_picture(
    found: Disagreement, palette: Palette, *, left: str, right: str, width: int = 1100, height: int = 170
) -> Picture:
    """The probability of the label that the left classifier ends with, after each word: left blue, right orange."""
    words = [visible(word) for word in found.table["word"].to_pylist()]
    keys = [f"{t:06d}{word}" for t, word in enumerate(words)]
    rows = pa.concat_tables(
        [
            pa.table(
                {
                    "place": pa.array(keys, pa.string()),
                    "shown": pa.array(words, pa.string()),
                    "model": pa.array([name] * len(words), pa.string()),
                    "probability": found.table[f"label_{side}"],
                    "first": found.table[f"first_{side}"],
                }
            )
            for side, name in (("left", left), ("right", right))
        ]
    )
    chart = data("labels").encode(
        x=_words_below(keys, words, palette),
        y=alt.Y(
            "probability:Q",
            title=f"p of {found.label}",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%", values=[0, 0.5, 1]),
        ),
        color=alt.Color(
            "model:N",
            title=None,
            scale=alt.Scale(domain=[left, right], range=[palette.diverging[1], palette.diverging[-2]]),
            legend=alt.Legend(orient="top", symbolType="circle"),
        ),
        tooltip=[
            alt.Tooltip("shown:N", title="after"),
            alt.Tooltip("model:N"),
            alt.Tooltip("probability:Q", title=f"p of {found.label}", format=".1%"),
            alt.Tooltip("first:N", title="says"),
        ],
    )
    drawn = alt.layer(chart.mark_line(strokeWidth=2), chart.mark_point(filled=True, size=45, opacity=1))
    return picture_of(drawn, palette, {"labels": rows}, width=width, height=height)


def _words_below(keys: Sequence[str], words: Sequence[str], palette: Palette) -> alt.X:
    """An axis of words, of which several can be the same: keys of six digits and the word."""
    return alt.X(
        "place:O",
        title=None,
        sort=list(keys),
        axis=alt.Axis(
            labelExpr="slice(datum.label, 6)",
            labelAngle=-90 if max(map(len, words), default=1) > 1 else 0,
            labelLimit=110,
            labelPadding=8,
            ticks=False,
            grid=False,
            labelColor=palette.text,
            labelOverlap=False,
            labelFontSize=12,
        ),
    )
