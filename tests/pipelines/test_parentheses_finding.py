"""The first finding, from corpus to matches: units that mean "four brackets are open".

The demonstration model is trained and recorded as `python -m pipelines run demo-parentheses` does it. The generator of
the brackets knows the level of every step, so what the units mean can be counted.
"""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import rnnstore
from pipelines.__main__ import work
from rnnstore.matching.matches import match
from rnnstore.matching.selection import Selection, select

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    work("demo-parentheses", folder, None, training=True, recording=True)
    return rnnstore.open(folder).model("demo-parentheses")


@pytest.fixture(scope="module")
def nesting(model):
    return model.annotations(["nesting"], 0, model.steps).column("number").to_numpy().astype(int)


def test_the_network_knows_the_digit_of_every_level(model, nesting):
    words = np.array(model.words(0, model.steps).column("word").to_pylist())
    level = np.where(words == ")", nesting - 1, nesting)  # how many brackets are open after the step
    rows = model.predictions(0, model.steps)
    predicted = np.array(rows.column("word").to_pylist()).reshape(model.steps, -1)
    digits = np.char.isdigit(predicted)
    assert digits.any(axis=1).all()
    best = predicted[np.arange(model.steps), digits.argmax(axis=1)].astype(int)  # the most probable digit
    for here in range(5):
        assert (best[level == here] == here).mean() > 0.99, f"level {here}"


def test_matches_of_a_span_at_level_four_lie_at_level_four(model, nesting):
    words = np.array(model.words(0, model.steps).column("word").to_pylist())
    open_four = np.append(0, np.where(words == ")", nesting - 1, nesting) == 4).astype(int)
    starts = np.flatnonzero(np.diff(open_four) == 1)
    stops = np.flatnonzero(np.diff(open_four) == -1)
    spans = [(a, b) for a, b in zip(starts, stops, strict=False) if b - a == 5][:5]  # "(4444", before its ")"
    assert len(spans) == 5

    for start, stop in spans:
        selection = Selection("layer1.c", start, stop, threshold=0.3, off_before=1, off_after=1)
        units = select(model, selection).units
        matches = match(model, "layer1.c", units, 0.3, 1, 1, limit=50).table
        found = list(zip(matches["start"].to_pylist(), matches["stop"].to_pylist(), strict=True))
        assert len(found) == 50
        at_four = sum((nesting[a:b] == 4).all() for a, b in found)
        assert at_four >= 45, f"{at_four} of 50 for the span at {start}"
    assert (nesting == 4).mean() < 0.3  # so that chance would find a dozen
