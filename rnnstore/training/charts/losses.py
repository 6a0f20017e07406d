"""The picture of a training: loss over steps, and where it was measured on the validation split."""

from __future__ import annotations

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import Palette
from rnnstore.drawing.picture import Picture, data, picture_of, tooltips

TRAINING, VALIDATION = "training", "validation"


def training_curve(training: pa.Table, colours: Palette, width: int = 420, height: int = 190) -> Picture:
    """Training loss (a line, mean since the row before) and validation loss (points joined by a line) over steps.

    `training`: rows of the table `training`. Both losses are cross entropies in nats; their exponential, the
    perplexity, is in the tooltip.
    """
    both = pa.concat_tables(
        [
            _series(training, "loss", TRAINING),
            _series(training.filter(pc.is_valid(training["validation_loss"])), "validation_loss", VALIDATION),
        ]
    )
    present = [name for name in (TRAINING, VALIDATION) if name in both["split"].to_pylist()]
    range_ = {TRAINING: colours.accent, VALIDATION: colours.threshold}
    base = data("losses").encode(
        x=alt.X("step:Q", title="training step", axis=alt.Axis(grid=False, tickCount=4, format="~s")),
        y=alt.Y("loss:Q", title="loss (nats)", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4)),
        color=alt.Color(
            "split:N",
            title=None,
            scale=alt.Scale(domain=present, range=[range_[name] for name in present]),
            legend=alt.Legend(orient="top", direction="horizontal", padding=0, offset=2),
        ),
        tooltip=tooltips("split:N", "step:Q||,", "epoch:Q||.2f", "loss:Q||.4f", "perplexity:Q||,.2f"),
    )
    line = base.mark_line(strokeWidth=1.6)
    points = base.transform_filter(f"datum.split == '{VALIDATION}'").mark_point(filled=True, size=42, opacity=1)
    return picture_of(alt.layer(line, points), colours, {"losses": both}, width=width, height=height)


def _series(training: pa.Table, column: str, split: str) -> pa.Table:
    loss = pc.cast(training[column], pa.float64())
    return pa.table(
        {
            "step": training["step"],
            "epoch": training["epoch"],
            "loss": loss,
            "perplexity": pc.exp(loss),
            "split": pa.array([split] * training.num_rows, pa.string()),
        }
    )
