"""The unit that tells a label best, against scikit-learn's coefficient and a unit that was planted."""

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

import rnnstore
from rnnstore.matching.finding import correlations, finding
from rnnstore.matching.pictures import finding_picture


def test_correlations_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    on, has = random.random((200, 5)) < 0.4, random.random((200, 3)) < 0.2
    expected = [[matthews_corrcoef(has[:, label], on[:, unit]) for label in range(3)] for unit in range(5)]
    assert correlations(on, has) == pytest.approx(np.array(expected), abs=1e-6)
    assert np.isnan(correlations(np.ones((200, 1), bool), has)).all()


def recorded(path, planted):
    """400 steps of five units; unit 3 is on where the label is b, but for every tenth such step in the second half."""
    random = np.random.default_rng(1)
    labels = np.array(list("aab" + "a" * 5 + "bb") * 40)
    states = random.normal(0, 0.2, (400, 5))
    if planted:
        told = labels == "b"
        told[np.flatnonzero(told)[60::10]] = False
        states[:, 3] = np.where(told, 0.9, -0.9)
    with rnnstore.open(path).record("tiny") as recorder:
        recorder.add(words=["w"] * 400, states={"layer1.h": states}, annotations={"kind": labels.tolist()})
    return rnnstore.open(path).model("tiny")


def test_the_planted_unit_is_found_and_judged_on_the_other_half(tmp_path):
    model = recorded(tmp_path, planted=True)
    found = finding(model)
    assert found.title == "Unit 3 is on where kind is b"
    on = model.unit_values("layer1.h", [3], 200)[0] > 0
    has = np.array(model.annotations(["kind"], 200, 400)["value"].to_pylist()) == "b"
    assert found.score == pytest.approx(matthews_corrcoef(has, on))
    first, fails = found.views
    assert first.phrase == f"Unit 3 of layer1.h is on at {on[has].mean():.0%} of the 60 steps"
    at = fails.picture["start"]
    assert model.annotations(["kind"], at, at + 1)["value"][0].as_py() == "b" and not on[at - 200]
    assert finding_picture(model, found.state, **first.picture).tables


def test_units_that_tell_no_label_are_no_finding(tmp_path):
    assert finding(recorded(tmp_path, planted=False)) is None
