"""Several states asked together: what the picture says of each, and when two models may stand one above the other."""

import json

import numpy as np
import pyarrow as pa
import pytest
import vl_convert

import rnnstore
from rnnstore import QuestionError, Selection, match, pictures, select
from rnnstore.matching.charts.linked_states import PLOT, TITLE
from rnnstore.matching.charts.select_layout import Rows
from rnnstore.matching.linked_states import LinkedState, check_same_words, count_overlapping, select_linked
from tests.support.worlds import random_world, record

SELECTION = Selection("s", 20, 22, -0.5, off_before=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two models of the same words, one of these in another order, and one of fewer."""
    path = tmp_path_factory.mktemp("together") / "store"
    words, values, starts = random_world(1, steps=200, units=6)
    others = np.random.default_rng(2).normal(size=(200, 9)).astype(np.float32)
    record(path, "one", words=words, states={"s": values, "t": others}, sequence_starts=starts)
    record(path, "same", words=words, states={"s": others * 2}, sequence_starts=starts)
    turned = [*words[:30], "elsewhere", *words[31:]]
    record(path, "turned", words=turned, states={"s": values}, sequence_starts=starts)
    record(path, "short", words=words[:50], states={"s": values[:50]}, sequence_starts=starts[:50])
    return rnnstore.open(path)


def test_each_state_selects_its_own_units_over_the_same_words(store):
    one, same = store.model("one"), store.model("same")
    for also in (LinkedState(one, "t", 0.1), LinkedState(same, "s", 0.1)):
        asked = Selection(also.state, 20, 22, 0.1, off_before=1)
        assert select_linked(one, also, SELECTION).units.tolist() == select(also.model, asked).units.tolist()


def test_words_that_differ_are_told_with_the_first_step_and_what_to_do(store):
    one, turned, short = (store.model(name) for name in ("one", "turned", "short"))
    check_same_words(one, turned, 31, 60)
    check_same_words(one, one, 0, 200)
    with pytest.raises(QuestionError) as told:
        check_same_words(one, turned, 20, 40)
    sentence = str(told.value)
    assert "step 30 is 'elsewhere' there" in sentence and "1 of the 20 steps" in sentence
    assert "search for them there" in sentence
    with pytest.raises(QuestionError, match="short has steps 0 to 49"):
        check_same_words(one, short, 20, 60)


def test_a_pattern_reaches_to_words_that_differ(store):
    one, also = store.model("one"), LinkedState(store.model("turned"), "s", 0.1)
    select_linked(one, also, Selection("s", 31, 33, 0.1))
    with pytest.raises(QuestionError, match="step 30"):
        select_linked(one, also, Selection("s", 31, 33, 0.1, off_before=1))
    with pytest.raises(QuestionError, match="step 30"):
        pictures.selection_picture(one, SELECTION, at=25, steps=20, linked=[also])


@pytest.mark.parametrize("seed", range(4))
def test_matches_that_touch_are_those_that_share_a_step(seed):
    random = np.random.default_rng(seed)

    def ranges(count):
        starts = random.integers(0, 60, count)
        return pa.table({"start": starts, "stop": starts + random.integers(1, 6, count)})

    first, other = ranges(12), ranges(15)
    steps = {step for row in first.to_pylist() for step in range(row["start"], row["stop"])}
    expected = sum(bool(steps & set(range(row["start"], row["stop"]))) for row in other.to_pylist())
    assert count_overlapping(first, other) == expected


def test_the_picture_draws_each_state_on_an_axis_of_its_own(store):
    one, same = store.model("one"), store.model("same")
    units = select(same, Selection("s", 20, 22, 0.1, 1)).units
    found = match(same, "s", units, 0.1, 1, 0)
    below = [LinkedState(one, "t", -0.3), LinkedState(same, "s", 0.1, found)]
    picture = pictures.selection_picture(one, SELECTION, at=10, steps=40, linked=below)
    assert vl_convert.vegalite_to_vega(json.dumps(picture.whole()))["marks"]
    tables = picture.tables
    assert tables["title"]["caption"].to_pylist()[0].startswith("s, at -0.5: ")
    said = tables["linked1_title"]["caption"].to_pylist()[0]
    assert said.startswith(f"s of same, at 0.1: {len(units)} unit")
    top = Rows(False, 0, 0, linked=2).linked_top(1) + TITLE
    lines = tables["linked1_lines"]
    assert set(lines["unit"].to_pylist()) == set(units.tolist())
    height, value = lines["y"].to_numpy(), lines["value"].to_numpy()
    slope, middle = np.polyfit(value, height, 1)
    assert slope < 0 and np.allclose(height, slope * value + middle, atol=0.01)
    assert top - 0.01 <= height.min() and height.max() <= top + PLOT + 0.01
    threshold = tables["linked1_levels"].to_pylist()[1]
    assert threshold["y"] == pytest.approx(slope * 0.1 + middle, abs=0.01)
    on = (same.vectors("s", 10, 50)[:, units] >= 0.1).sum(axis=1)
    assert tables["linked1_cells"]["on"].to_pylist() == on.tolist()
    for tick in tables["linked1_axis"].to_pylist():
        assert tick["y"] == pytest.approx(slope * float(tick["caption"].replace("−", "-")) + middle, abs=0.01)


def test_another_brush_or_threshold_changes_tables_only(store):
    one = store.model("one")
    here = pictures.selection_picture(one, SELECTION, at=10, steps=40, linked=[LinkedState(one, "t", 0.1)])
    other = Selection("s", 30, 34, 0.2)
    there = pictures.selection_picture(one, other, at=10, steps=40, linked=[LinkedState(one, "t", 0.9)])
    assert here.specification == there.specification and here.tables != there.tables
    alone = pictures.selection_picture(one, SELECTION, at=10, steps=40)
    assert alone.tables["title"].num_rows == 0 and alone.specification["height"] < here.specification["height"]
