"""Pictures of a hypothesis and annotations: shares against the corpus, precision along the ranking, ranges in a plane.

Blue is the corpus, orange are the matches, everywhere. What stands beside a mark (counts, intervals) is in its tooltip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import LABELS, Palette, interpolate
from rnnstore.drawing.picture import Picture, data, picture_of, tooltips
from rnnstore.hypotheses.association import Association, ScalarAssociation
from rnnstore.hypotheses.ranges import Ranges
from rnnstore.hypotheses.separability import Plane

MOST_LABELS = 12
"""Labels that are drawn; those are the ones with the most matches or the most steps of the corpus."""

MOST_POINTS = 5000
"""Ranges that are drawn in a plane; of more, an even share of every label (`plane_note` says so)."""

UNNAMED = "(none)"
"""What stands for the empty label."""

CORPUS, STARTS, WORDS = "all steps", "first steps of matches", "words of matches (ring)"


def shares_picture(found: Association, palette: Palette, width: int = 460, most: int = MOST_LABELS) -> Picture:
    """A row a label: its share of the corpus (blue bar), of the matches' first steps (orange, with its 95 % interval)
    and of their words (orange ring). Labels with the most matches first."""
    table = found.table.slice(0, most)
    rows = table.num_rows
    shown = [label or UNNAMED for label in table["label"].to_pylist()]
    kinds = ((CORPUS, "corpus", found.steps), (STARTS, "starts", found.matches), (WORDS, "words", found.words))
    parts = []
    for name, column, of in kinds:
        interval = [table[side] if column == "starts" else pa.nulls(rows, pa.float64()) for side in ("low", "high")]
        facts = {"share": table[f"{column}_share"], "count": table[column], "low": interval[0], "high": interval[1]}
        facts = {"shown": pa.array(shown, pa.string()), "over": pa.array([name] * rows, pa.string()), **facts}
        facts |= {"of": pa.array([of] * rows, pa.int64()), "lift": table["lift"], "p": table["p_corrected"]}
        parts.append(pa.table(facts))
    blue, orange = palette.diverging[1], palette.diverging[-2]
    y = alt.Y("shown:N", title=found.track, sort=shown, axis=alt.Axis(labelLimit=140))
    x = alt.X("share:Q", title="share", axis=alt.Axis(format="%", tickCount=5))
    colour = alt.Color(
        "over:N",
        title=None,
        scale=alt.Scale(domain=[CORPUS, STARTS, WORDS], range=[blue, orange, orange]),
        legend=alt.Legend(orient="top", symbolType="circle", symbolOpacity=1, columns=3),
    )
    tooltip = [
        alt.Tooltip("shown:N", title=found.track),
        alt.Tooltip("over:N", title="share of"),
        alt.Tooltip("share:Q", format=".1%"),
        alt.Tooltip("count:Q", format=",d"),
        alt.Tooltip("of:Q", title="out of", format=",d"),
        alt.Tooltip("low:Q", title="interval from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("lift:Q", format=".2f"),
        alt.Tooltip("p:Q", title="p, corrected", format=".2g"),
    ]
    base = data("shares").encode(y=y)
    bars = base.transform_filter(f"datum.over == '{CORPUS}'").mark_bar(height={"band": 0.7}, opacity=0.55)
    rules = base.transform_filter(f"datum.over == '{STARTS}' && datum.of > 0").mark_rule(strokeWidth=2, color=orange)
    points = base.transform_filter(f"datum.over == '{STARTS}' && datum.of > 0").mark_point(
        filled=True, size=70, opacity=1
    )
    rings = base.transform_filter(f"datum.over == '{WORDS}' && datum.of > 0").mark_point(filled=False, size=60)
    chart = alt.layer(
        bars.encode(x=x, color=colour, tooltip=tooltip),
        rules.encode(x=alt.X("low:Q", title="share"), x2="high:Q", tooltip=tooltip),
        points.encode(x=x, color=colour, tooltip=tooltip),
        rings.encode(x=x, color=colour, tooltip=tooltip),
    )
    chart = chart.properties(width=width, height={"step": 22})
    return _picture(chart, palette, {"shares": pa.concat_tables(parts)})


def numbers_picture(found: ScalarAssociation, palette: Palette, width: int = 460, height: int = 180) -> Picture:
    """How the numbers of a scalar track are distributed over all steps (blue bars) and the matches' starts (orange)."""
    parts = [
        pa.table(
            {
                "low": found.table["low"],
                "high": found.table["high"],
                "over": pa.array([name] * found.table.num_rows, pa.string()),
                "count": found.table[column],
                "share": found.table[f"{column}_share"],
            }
        )
        for name, column in ((CORPUS, "corpus"), (STARTS, "starts"))
    ]
    tooltip = tooltips("low:Q|from|.3~g", "high:Q|to|.3~g", "over:N|share of", "count:Q||,d", "share:Q||.1%")
    lows = np.array(found.table["low"].to_pylist())
    whole = len(lows) > 1 and bool(np.allclose(lows % 1, 0.5)) and bool(np.allclose(np.diff(lows), 1))
    ticks = alt.Axis(grid=False, values=(lows + 0.5).tolist(), format="d") if whole else alt.Axis(grid=False)
    base = data("bins").encode(
        x=alt.X("low:Q", title=found.track, scale=alt.Scale(zero=False, nice=False), axis=ticks),
        x2="high:Q",
        color=alt.Color(
            "over:N",
            title=None,
            scale=alt.Scale(domain=[CORPUS, STARTS], range=[palette.diverging[1], palette.diverging[-2]]),
            legend=alt.Legend(orient="top", symbolType="circle", symbolOpacity=1),
        ),
        tooltip=tooltip,
    )
    y = alt.Y("share:Q", title="share", axis=alt.Axis(format="%", tickCount=4))
    chart = alt.layer(
        base.transform_filter(f"datum.over == '{CORPUS}'").mark_bar(opacity=0.55).encode(y=y, y2=alt.datum(0)),
        base.transform_filter(f"datum.over == '{STARTS}'").mark_rule(strokeWidth=3).encode(y=y),
    )
    return _picture(chart.properties(width=width, height=height), palette, {"bins": pa.concat_tables(parts)})


def precision_picture(curve: pa.Table, palette: Palette, width: int = 460, height: int = 200) -> Picture:
    """Precision of the best k matches with its 95 % interval, along the ranking, and the corpus's share (dashed).

    `curve`: as `precision_curve` gives it; of several labels the first is orange, the second blue.
    """
    labels = list(dict.fromkeys(label or UNNAMED for label in curve["label"].to_pylist()))
    shown = pa.array([label or UNNAMED for label in curve["label"].to_pylist()], pa.string())
    x = alt.X(
        "k:Q",
        title="best matches",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~s", tickCount=5, grid=False),
    )
    y: dict[str, Any] = {"scale": alt.Scale(domain=[0, 1]), "axis": alt.Axis(format="%", tickCount=5)}
    colour = alt.Color(
        "shown:N",
        title="matches that start with",
        scale=alt.Scale(domain=labels, range=_colours(len(labels), palette)),
        legend=alt.Legend(orient="top", symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=3),
    )
    tooltip = tooltips(
        "shown:N|label",
        "k:Q|best matches|,d",
        "hits:Q|of them with it|,d",
        "precision:Q||.1%",
        "low:Q|interval from|.1%",
        "high:Q|to|.1%",
        "base:Q|in the corpus|.1%",
    )
    base = data("curve").encode(x=x, color=colour)
    chart = alt.layer(
        base.mark_area(opacity=0.2).encode(alt.Y("low:Q", title="precision", **y), alt.Y2("high")),
        base.mark_line(strokeDash=[4, 4], strokeWidth=1.5).encode(alt.Y("base:Q", **y)),
        base.mark_line(strokeWidth=2).encode(alt.Y("precision:Q", **y)),
        base.mark_point(opacity=0, size=90).encode(alt.Y("precision:Q", **y), tooltip=tooltip),
    )
    table = curve.append_column("shown", shown)
    return _picture(chart.properties(width=width, height=height), palette, {"curve": table})


def plane_picture(
    found: Plane,
    ranges: Ranges,
    texts: Sequence[str],
    palette: Palette,
    labels: Sequence[str] | None = None,
    width: int = 640,
    height: int = 460,
    most: int = MOST_POINTS,
) -> Picture:
    """Every range a point in the plane, coloured by its label, with its words on hovering (LSTMVis's figure 9).

    `labels` get a colour of their own, the first orange, the second blue (without: the most frequent eight); others
    share grey. Of more than `most` ranges an even share of every label is drawn; rare labels lie on top.
    """
    counts = ranges.counts
    labels = list(counts)[:LABELS] if labels is None else [label for label in labels if label in counts]
    drawn = drawn_ranges(ranges, most)
    rest = [label for label in counts if label not in labels]
    named_ = [label if label in labels else "other" for label in ranges.label[drawn].tolist()]
    said = {label: f"{label} ({counts[label]:,})" for label in labels}
    said["other"] = f"other ({sum(counts[label] for label in rest):,})"
    domain = [said[label] for label in [*labels, *(["other"] if rest else [])]]
    table = pa.table(
        {
            "x": pa.array(found.coordinates[drawn, 0], pa.float32()),
            "y": pa.array(found.coordinates[drawn, 1], pa.float32()),
            "kind": pa.array([said[label] for label in named_], pa.string()),
            "label": pa.array(ranges.label[drawn].tolist(), pa.string()),
            "words": pa.array([texts[index] for index in drawn.tolist()], pa.string()),
            "start": ranges.start[drawn],
        }
    )
    colours = [*_colours(len(labels), palette), palette.muted][: len(domain)]
    axis = alt.Axis(grid=False, labels=False, ticks=False)
    chart = (
        data("points")
        .mark_circle(size=16, opacity=0.55)
        .encode(
            x=alt.X("x:Q", title=f"first component ({found.explained[0]:.1%} of the variance)", axis=axis),
            y=alt.Y("y:Q", title=f"second component ({found.explained[1]:.1%})", axis=axis),
            color=alt.Color(
                "kind:N",
                title=ranges.track,
                scale=alt.Scale(domain=domain, range=colours),
                legend=alt.Legend(symbolOpacity=1, symbolSize=70),
            ),
            tooltip=[
                alt.Tooltip("words:N"),
                alt.Tooltip("label:N", title=ranges.track),
                alt.Tooltip("start:Q", title="step", format=",d"),
            ],
        )
    )
    return _picture(alt.layer(chart).properties(width=width, height=height), palette, {"points": table})


def drawn_ranges(ranges: Ranges, most: int = MOST_POINTS) -> np.ndarray:
    """int64[n]: the ranges that are drawn, the labels with the most first, so that rare ones lie on top."""
    share = min(1.0, most / max(len(ranges), 1))
    chosen = []
    for label, count in ranges.counts.items():
        places = np.flatnonzero(ranges.label == label)
        chosen.append(places[np.linspace(0, count - 1, max(1, round(count * share))).astype(np.int64)])
    return np.concatenate(chosen) if chosen else np.zeros(0, np.int64)


def plane_note(ranges: Ranges, most: int = MOST_POINTS) -> str:
    """A sentence that says how many ranges are drawn."""
    drawn = len(drawn_ranges(ranges, most))
    if drawn == len(ranges):
        return f"All {drawn:,} ranges are drawn."
    return f"{drawn:,} of {len(ranges):,} ranges are drawn, an even share of every label; the plane is that of all."


def _colours(count: int, palette: Palette) -> list[str]:
    """Orange, blue, then the palette's colours for labels that resemble neither, nearer to the text's colour: those are
    made to be written on, a small point of them would hardly be seen."""
    kept = [palette.labels[index] for index in (2, 3, 4, 5, 6, 1, 7)]
    rest = [interpolate([colour, palette.text], np.array([0.35]))[0] for colour in kept]
    both = [palette.diverging[-2], palette.diverging[1]]
    return [([*both, *rest][index] if index < 2 + len(rest) else palette.other) for index in range(count)]


def _picture(chart: alt.LayerChart | alt.FacetChart, palette: Palette, tables: Mapping[str, pa.Table]) -> Picture:
    plain = {name: _without_nan(table) for name, table in tables.items()}
    return picture_of(chart, palette, plain)


def _without_nan(table: pa.Table) -> pa.Table:
    """Null where there is no number, as JSON has none."""
    columns = [
        pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        if pa.types.is_floating(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, table.column_names)
