"""The model's predictions after each token of a glyph view, and the probability that it gave to the next word."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnnstore.drawing.palette import Palette
from rnnstore.sentences.charts.colours import numbers
from rnnstore.sentences.charts.layout import CAME, PREDICTED, Places
from rnnstore.sentences.passages import Passage
from rnnstore.visible import visible


def prediction_table(passage: Passage, places: Places, predicted: int, palette: Palette) -> pa.Table:
    """The most probable next words after each token, the one that came in another colour."""
    kept = _of_shown(passage, places, predicted)
    at = np.searchsorted(places.index, kept["t"].to_numpy())
    rank = kept["rank"].to_numpy()
    right = pc.fill_null(pc.equal(kept["word"], kept["target"]), False).to_numpy(zero_copy_only=False)
    top = places.predicted_top[at] + (rank - 1) * PREDICTED
    probability = kept["probability"].to_numpy(zero_copy_only=False)
    chance = np.clip(np.nan_to_num(probability), 0, 1)
    colours = [palette.right if each else palette.shade[-1] for each in right.tolist()]
    return pa.table(
        {
            "x": numbers(places.predicted_x[at]),
            "x2": numbers(places.predicted_x[at] + places.predicted_width),
            "to": numbers(places.predicted_x[at] + places.predicted_width * chance),
            "y": numbers(top),
            "y2": numbers(top + PREDICTED - 1),
            "mid": numbers(top + PREDICTED / 2),
            "shown": pa.array([visible(word or "") for word in kept["word"].to_pylist()], pa.string()),
            "probability": numbers(probability),
            "rank": pa.array(rank, pa.int16()),
            "colour": pa.array(colours, pa.string()),
            "came": pa.array(right, pa.bool_()),
        }
    )


def came_table(passage: Passage, places: Places, predicted: int) -> pa.Table:
    """The probability of the word that came next, as a bar under the predicted ones; none after the last word."""
    kept = _of_shown(passage, places, min(predicted, 1))
    kept = kept.filter(kept["target_probability"].is_valid()) if kept.num_rows else kept
    at = np.searchsorted(places.index, kept["t"].to_numpy())
    chance = np.nan_to_num(kept["target_probability"].to_numpy(zero_copy_only=False).astype(float))
    y = places.predicted_top[at] + predicted * PREDICTED
    return pa.table(
        {
            "x": numbers(places.predicted_x[at]),
            "x2": numbers(places.predicted_x[at] + places.predicted_width),
            "to": numbers(places.predicted_x[at] + places.predicted_width * chance),
            "y": numbers(y + 2),
            "y2": numbers(y + CAME - 2),
            "mid": numbers(y + CAME / 2),
            "chance": numbers(chance),
            "loss": numbers(kept["loss"].to_numpy(zero_copy_only=False)),
            "target": pa.array([visible(word or "") for word in kept["target"].to_pylist()], pa.string()),
        }
    )


def _of_shown(passage: Passage, places: Places, predicted: int) -> pa.Table:
    """The first `predicted` predictions of the shown tokens."""
    if passage.predictions is None or not len(places.index):
        return _NO_PREDICTIONS
    rows = passage.predictions
    first, last = int(places.index[0]), int(places.index[-1])
    inside = pc.and_(pc.greater_equal(rows["t"], first), pc.less_equal(rows["t"], last))
    return rows.filter(pc.and_(inside, pc.less_equal(rows["rank"], predicted)))


_NO_PREDICTIONS = pa.table(
    {
        "t": pa.array([], pa.int64()),
        "rank": pa.array([], pa.int16()),
        "word": pa.array([], pa.string()),
        "probability": pa.array([], pa.float32()),
        "target": pa.array([], pa.string()),
        "target_probability": pa.array([], pa.float32()),
        "loss": pa.array([], pa.float32()),
    }
)
