"""Accuracy by known characters as a picture: how soon networks know the word that is being typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pyarrow as pa

from rnnstore.connectivity.completion_accuracy import TOP
from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import Picture, data, tooltips

PARTS = ("right first suggestion", "right one of the first two", "right one of the first three")
SHARE = "connectivity that lies before the word"
COUNTING = "counting alone"
"""How the line without any network is called: the words that begin so and were most frequent in training."""

FEWEST = 30
"""Steps without which a number of known characters is not drawn; the table has them all."""


def known_characters_picture(tables: Mapping[str, pa.Table], palette: Palette, *, width: int = 380) -> Picture:
    """The tables of `known_characters` by model, with 95 % intervals: how often the word is the first suggestion, one
    of two or of three, beside what counting alone gets; and, where it was worked out, the share of connectivity that
    lies before the word. `width` is that of each of the parts, of which two stand in a row."""
    rows = [row for model, table in tables.items() for row in _model_rows(model, table.to_pylist())]
    rows += _counting_rows([table.to_pylist() for table in tables.values()])
    schema = pa.schema(
        [("model", pa.string()), ("known", pa.int32()), ("steps", pa.int64()), ("what", pa.string()),
         ("share", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
    )  # fmt: skip
    names, shown = [*tables, COUNTING], {row["model"] for row in rows}
    colours = [*palette.series[: len(tables)], palette.muted]
    pairs = [(name, colour) for name, colour in zip(names, colours, strict=True) if name in shown]
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=[name for name, _ in pairs], range=[shade for _, shade in pairs]),
        title=None,
        legend=alt.Legend(orient="top", symbolType="stroke", symbolSize=300, symbolStrokeWidth=2, symbolOpacity=1),
    )
    x = alt.X("known:Q", title="characters of the word that are known (0: the space before it)")
    y = alt.Y("share:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    base = data("known")
    tooltip = tooltips("model:N", "what:N", "known:Q", "share:Q||.1%", "low:Q||.1%", "high:Q||.1%", "steps:Q||,")
    chart = alt.layer(
        base.mark_rule(opacity=0.6).encode(x, alt.Y("low:Q", title=None), alt.Y2("high"), color=colour),
        base.mark_line(point=alt.OverlayMarkDef(size=22)).encode(x, y, color=colour, tooltip=tooltip),
    ).properties(width=width, height=190)  # fmt: skip
    whole = chart.facet(
        alt.Facet("what:N", sort=[*PARTS, SHARE], title=None, header=alt.Header(labelFontSize=12, labelFontWeight=600)),
        columns=2,
    )
    return Picture(
        with_style(whole, palette).to_dict(validate=False), {"known": pa.Table.from_pylist(rows, schema=schema)}
    )


def _model_rows(model: str, table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for row in table:
        base = {"model": model, "known": row["known"]}
        if row["steps"] >= FEWEST:
            for k, what in enumerate(PARTS[:TOP], 1):
                found = {"share": row[f"accuracy_{k}"], "low": row[f"low_{k}"], "high": row[f"high_{k}"]}
                rows.append({**base, **found, "what": what, "steps": row["steps"]})
        if row.get("share_steps", 0) >= FEWEST:
            share, error = row["share_outside"], row["share_error"]
            low, high = max(0.0, share - 1.96 * error), min(1.0, share + 1.96 * error)
            rows.append({**base, "share": share, "low": low, "high": high, "what": SHARE, "steps": row["share_steps"]})
    return rows


def _counting_rows(tables: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What counting gets, where all models are asked for the same words and so agree on it."""
    kept = [
        [(row["known"], row["steps"], *(row.get(f"counted_{k}") for k in range(1, TOP + 1))) for row in table]
        for table in tables
    ]
    if not kept or any(each != kept[0] for each in kept):
        return []
    return [
        {"model": COUNTING, "known": known, "steps": steps, "what": what, "share": share, "low": None, "high": None}
        for known, steps, *shares in kept[0]
        for what, share in zip(PARTS, shares, strict=True)
        if share is not None and steps >= FEWEST
    ]
