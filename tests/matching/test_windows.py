"""Windows on a world of seven steps in two sequences."""

import numpy as np
import pyarrow as pa
import pytest

from rnnstore.matching.windows import (
    around,
    cells_of_matches,
    lines,
    threshold_range,
    visible,
    window,
    window_start,
    window_table,
    with_words,
)
from tests.support.worlds import record

WORDS = ["a", " ", "b\n", "a", "", "c", "a"]
VALUES = np.array([[0, 1], [1, 0], [0.5, 0.5], [1, 1], [0, 0], [-1, 1], [0.25, 1]], np.float32)
STARTS = np.array([True, False, False, False, True, False, False])


@pytest.fixture
def model(tmp_path):
    store = record(
        tmp_path / "store",
        words=WORDS,
        states={"hidden": VALUES},
        sequence_starts=STARTS,
        annotations={"kind": ["x", "y", "x", "y", "x", "y", "x"], "depth": np.arange(7)},
    )
    return store.model("small")


@pytest.mark.parametrize(
    ("word", "shown"),
    [("the", "the"), (" ", "␣"), ("a\n", "a↵"), ("\t", "⇥"), ("", "·"), ("\x00", "�"), ("ß", "ß"), ("\u202ea", "�a"),
     ("\u200d", "\u200d")],
)  # fmt: skip
def test_blanks_and_controls_are_made_visible(word, shown):
    assert visible(word) == shown


def test_a_window_holds_words_values_and_quantiles(model):
    seen = window(model, "hidden", 1, 5)
    assert seen.words["shown"].to_pylist() == ["␣", "b↵", "a", "·"]
    assert seen.words["sequence"].to_pylist() == [0, 0, 0, 1]
    assert seen.values.tolist() == VALUES[1:5].tolist()
    assert seen.bands.to_pylist()[0] == pytest.approx(
        {"t": 1, "low": 0.05, "lower": 0.25, "middle": 0.5, "upper": 0.75, "high": 0.95}
    )


def test_an_empty_window_is_empty(model):
    assert window(model, "hidden", 3, 3).bands.num_rows == 0


def test_lines_are_unit_by_unit(model):
    assert lines(window(model, "hidden", 0, 2), [1, 0]).to_pydict() == {
        "t": [0, 1, 0, 1],
        "unit": [1, 1, 0, 0],
        "value": [1.0, 0.0, 0.0, 1.0],
    }


@pytest.mark.parametrize(("step", "steps", "start"), [(0, 5, 0), (3, 5, 2), (6, 5, 2), (6, 100, 0)])
def test_a_window_stays_in_the_corpus(model, step, steps, start):
    assert window_start(model, step, steps) == start


def test_surroundings_end_where_a_sequence_does(model):
    index, offset, steps = around(model, np.array([1, 5]), 3, 9)
    assert index.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert offset.tolist() == [-1, 0, 1, 2, -1, 0, 1]
    assert steps.tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_cells_count_the_units_that_are_on_and_carry_their_tracks(model):
    cells = cells_of_matches(model, "hidden", [0, 1], 0.5, np.array([3, 2]), 1, 1, ["kind", "depth"])
    assert cells.table.to_pydict() == {
        "row": [0, 0, 1, 1],
        "offset": [-1, 0, -1, 0],
        "t": [2, 3, 1, 2],
        "shown": ["b↵", "a", "␣", "b↵"],
        "on": [2, 2, 1, 2],
    }
    assert cells.values == {
        "kind": (["x", "y", "y", "x"], [None] * 4),
        "depth": ([None] * 4, [2.0, 3.0, 1.0, 2.0]),
    }


def test_a_window_can_be_taken_away_as_one_table(model):
    seen = window(model, "hidden", 3, 5)
    annotations = model.annotations(["kind", "depth"], 3, 5)
    assert window_table(seen, [1], np.array([2, 0]), annotations).to_pydict() == {
        "t": [3, 4],
        "sequence": [0, 1],
        "position": [3, 0],
        "word": ["a", ""],
        "units_on": [2, 0],
        "u1": [1.0, 0.0],
        "kind": ["y", "x"],
        "depth": [3.0, 4.0],
    }


def test_matches_are_taken_away_with_their_words(model):
    matches = pa.table({"rank": [1, 2], "start": [1, 5], "stop": [3, 6]})
    assert with_words(model, matches, 2, 1).select(["before", "words", "after"]).to_pylist() == [
        {"before": "a", "words": "  b\n", "after": "a"},
        {"before": "", "words": "c", "after": "a"},
    ]


def test_thresholds_to_drag_through_leave_out_what_a_few_cells_grow_to(tmp_path):
    values = np.linspace(-0.8, 0.8, 41) * np.ones((20, 1))
    values[:, 0], values[:, -1] = -500, 100
    model = record(tmp_path / "store", words=list("ab" * 10), states={"s": values.astype(np.float32)}).model("small")
    seen = window(model, "s", 0, 20)
    low, high, step = threshold_range(seen, 0.3)
    assert -1.6 < low < -0.7 and 0.7 < high < 1.6
    assert step == pytest.approx(0.01) and round(low / step) * step == pytest.approx(low)
    assert threshold_range(seen, 50.0)[1] >= 50
    low, high, _ = threshold_range(window(model, "s", 3, 3), 0.0)
    assert low <= 0 <= high
