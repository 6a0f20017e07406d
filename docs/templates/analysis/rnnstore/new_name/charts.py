"""What is drawn of the answers: a bar for each unit."""

from __future__ import annotations

import altair as alt
import pyarrow as pa

from rnnstore.drawing.palette import Palette, with_style
from rnnstore.drawing.picture import Picture, as_wide_as_page, data


def means_picture(means: pa.Table, palette: Palette, *, width: int = 1100, height: int = 240) -> Picture:
    """The table of `unit_means`, a bar for each unit."""
    bars = (
        data("means")
        .mark_bar(color=palette.accent)
        .encode(
            x=alt.X("unit:O", title="unit", axis=alt.Axis(labelOverlap=True)),
            y=alt.Y("mean:Q", title="mean value"),
            tooltip=["unit:O", alt.Tooltip("mean:Q", format=".3g")],
        )
    )
    chart = as_wide_as_page(alt.layer(bars).properties(width=width, height=height))
    return Picture(with_style(chart, palette).to_dict(validate=False), {"means": means})
