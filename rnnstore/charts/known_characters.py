"""Accuracy by known characters as a picture: how soon networks know the word that is being typed."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pyarrow as pa

from rnnstore.charts.palette import Palette, styled
from rnnstore.charts.picture import Picture, named
from rnnstore.connectivity.known_characters import TOP


def known_characters_picture(tables: Mapping[str, pa.Table], palette: Palette, *, width: int = 620) -> Picture:
    """The tables of `known_characters` by model: lines for the first one, two and three suggestions, with 95 %
    intervals for the first; dashed, where it was worked out, the share of connectivity outside the word."""
    rows = []
    for model, table in tables.items():
        for row in table.to_pylist():
            base = {"model": model, "known": row["known"], "steps": row["steps"]}
            if row["steps"]:
                for k in range(1, TOP + 1):
                    low, high = (row["low_1"], row["high_1"]) if k == 1 else (None, None)
                    rows.append({**base, "what": f"top {k}", "share": row[f"accuracy_{k}"], "low": low, "high": high})
            if row.get("share_steps"):
                outside = {"what": "connectivity outside the word", "share": row["share_outside"]}
                rows.append({**base, "steps": row["share_steps"], **outside, "low": None, "high": None})
    schema = pa.schema(
        [("model", pa.string()), ("known", pa.int32()), ("steps", pa.int64()), ("what", pa.string()),
         ("share", pa.float64()), ("low", pa.float64()), ("high", pa.float64())]
    )  # fmt: skip
    names = list(tables)
    colour = alt.Color("model:N", scale=alt.Scale(domain=names, range=list(palette.series[: len(names)])), title=None)
    x = alt.X("known:Q", title="characters of the word that are known (0: the space before it)")
    y = alt.Y("share:Q", title="share", scale=alt.Scale(domain=[0, 1]))
    said = ["top 1", "top 2", "top 3", "connectivity outside the word"]
    dashes = alt.Scale(domain=said, range=[[1, 0], [6, 3], [2, 3], [10, 3, 2, 3]])
    legend = alt.Legend(symbolType="stroke", symbolSize=500, symbolStrokeWidth=2, symbolStrokeColor=palette.text)
    base = named("known")
    chart = alt.layer(
        base.mark_rule(opacity=0.5).encode(x, alt.Y("low:Q", title="share"), alt.Y2("high"), color=colour),
        base.mark_line(point=True).encode(
            x, y, color=colour, strokeDash=alt.StrokeDash("what:N", scale=dashes, title=None, legend=legend),
            tooltip=["model:N", "what:N", "known:Q", alt.Tooltip("share:Q", format=".3f"), "steps:Q"],
        ),
    ).properties(width=width, height=300)  # fmt: skip
    return Picture(styled(chart, palette).to_dict(validate=False), {"known": pa.Table.from_pylist(rows, schema=schema)})
