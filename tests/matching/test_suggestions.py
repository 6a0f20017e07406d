"""Suggestions lead to something: what they propose selects units."""

import numpy as np
import pytest

from rnnstore import QuestionError
from rnnstore.matching.selection import Selection, select
from rnnstore.matching.suggestions import FEW, MANY, example_selection, nearest_threshold
from tests.support.worlds import random_world, record

VALUES = np.array([[0.1, 0.9, 0.0], [0.5, 0.8, 0.0], [0.6, 0.7, 0.0], [0.2, 0.6, 0.0]], np.float32)


@pytest.fixture
def model(tmp_path):
    return record(tmp_path / "store", words=list("abcd"), states={"hidden": VALUES}).model("small")


def test_from_above_the_nearest_threshold_is_the_best_units_least_value(model):
    assert nearest_threshold(model, Selection("hidden", 1, 3, 9.0)) == pytest.approx(0.7, abs=1e-3)


def test_limits_exclude_units_that_are_higher_beside_the_selection(model):
    assert nearest_threshold(model, Selection("hidden", 1, 3, 9.0, off_before=1)) == pytest.approx(0.5, abs=1e-3)


def test_from_below_it_is_just_above_the_values_beside_the_selection(model):
    # Unit 0 follows the pattern above 0.1 and up to 0.5; at 0 it is on before as well.
    assert nearest_threshold(model, Selection("hidden", 1, 3, 0.0, off_before=1)) == pytest.approx(0.1, abs=2e-3)


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_between_selects_a_unit(tmp_path, seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(6, 3)).astype(np.float16)
    model = record(tmp_path / "store", words=list("abcdef"), states={"hidden": values}).model("small")
    asked = float(random.normal())
    selection = Selection("hidden", 2, 4, asked, off_before=1, off_after=1)
    follows = {
        level: len(select(model, Selection("hidden", 2, 4, level, 1, 1)).units) > 0
        for level in np.arange(-4, 4, 0.004).tolist()
    }
    found = nearest_threshold(model, selection)
    if found is None:
        assert not any(follows.values())
    else:
        assert len(select(model, Selection("hidden", 2, 4, found, 1, 1)).units)
        low, high = sorted((asked, found))
        assert (
            not any(there for level, there in follows.items() if low + 0.002 < level < high - 0.002) or asked == found
        )


def test_there_may_be_no_threshold_at_all(model):
    assert nearest_threshold(model, Selection("hidden", 3, 4, 9.0, off_before=1)) is None


def test_a_selection_outside_the_corpus_is_refused(model):
    with pytest.raises(QuestionError):
        nearest_threshold(model, Selection("hidden", 3, 9, 0.1))


@pytest.mark.parametrize("threshold", [0.3, 5.0])
@pytest.mark.parametrize("seed", range(5))
def test_an_example_selects_a_handful_of_units_within_a_sequence(tmp_path, seed, threshold):
    words, values, starts = random_world(seed, steps=60, units=12, chance_of_start=0.1)
    store = record(tmp_path / "store", words=words, states={"hidden": values}, sequence_starts=starts)
    model = store.model("small")
    found = example_selection(model, "hidden", threshold, 0, 60)
    assert found is not None
    assert FEW <= len(select(model, found).units) <= MANY


def test_an_example_happens_elsewhere_too(tmp_path):
    values = np.zeros((200, 8), np.float32)
    values[10:12, :6] = 1  # six units that do so once, and four that do so again and again
    for first in range(20, 200, 20):
        values[first : first + 3, 4:] = 1
    store = record(tmp_path / "store", words=list("ab" * 100), states={"hidden": values})
    assert example_selection(store.model("small"), "hidden", 0.3, 0, 40) == Selection(
        "hidden", 20, 23, 0.3, off_before=1
    )


def test_where_nothing_changes_an_example_is_content_with_what_is_on(tmp_path):
    store = record(tmp_path / "store", words=list("abc"), states={"hidden": np.zeros((3, 5), np.float32)})
    found = example_selection(store.model("small"), "hidden", 0.3, 0, 3)
    assert found == Selection("hidden", 0, 2, 0.0)


def test_an_empty_window_has_no_example(model):
    assert example_selection(model, "hidden", 0.3, 2, 2) is None
