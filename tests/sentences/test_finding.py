"""The word at which things turn, against a loop over the steps and a word that was planted."""

import numpy as np
import pytest

import rnnstore
from rnnstore.sentences.finding import finding, turns_of
from rnnstore.sentences.pictures import finding_picture


def test_turns_are_changes_of_sign_within_a_sequence():
    signal = np.array([0.5, -0.25, -1.0, 0.0, 2.0, -1.0, 1.0])
    #            starts: |                    |
    turned = turns_of(signal, np.array([0, 4]))
    assert turned.tolist() == [0, 0.75, 0, 0, 0, 3.0, 2.0]


def classifier(path, planted=True):
    """Forty texts of ten words; at "but" the more probable label changes, and once elsewhere in every fourth."""
    random = np.random.default_rng(2)
    with rnnstore.open(path).record("mood", task="classifier", outputs=["negative", "positive"]) as recorder:
        for text in range(40):
            words, odds = list("abcdefghij"), np.full(10, 2.0 if text % 2 else -2.0)
            if planted:
                words[5] = "but"
                odds[5:] *= -1
            if text % 4 == 0:
                odds[8:] *= -0.5
            positive = 1 / (1 + np.exp(-odds))
            more = (positive > 0.5).astype(int)
            nothing = np.full(10, np.nan)
            predicted = rnnstore.Predictions(
                word_ids=np.stack([more, 1 - more], axis=1),
                probabilities=np.stack(
                    [np.maximum(positive, 1 - positive), np.minimum(positive, 1 - positive)], axis=1
                ),
                targets=np.full(10, -1),
                target_probabilities=nothing,
                loss=nothing,
            )
            states = {"layer1.h": random.normal(size=(10, 4))}
            recorder.add(words=words, states=states, predictions=predicted, sequence_starts=[True] + [False] * 9)
    return rnnstore.open(path).model("mood")


def test_the_planted_word_is_found_with_its_share_of_the_turns(tmp_path):
    model = classifier(tmp_path)
    found = finding(model)
    assert found.title == "“but” turns the prediction around"
    sizes = {"but": 20 * 4.0, "i": 5 * 3.0}  # of the second half: twenty texts, five of which turn at i, from 2 to -1
    share = sizes["but"] / sum(sizes.values())
    assert found.score == pytest.approx(1 - 0.1 / share, abs=1e-6)
    assert found.views[0].phrase == f"{share:.0%} of all turns are at “but”"
    first, at = found.views[0].picture["first"], found.views[0].picture["at"]
    assert model.words(first + at, first + at + 1)["word"][0].as_py() == "but"
    assert finding_picture(model, found.state, **found.views[0].picture).tables


def test_a_recording_in_which_nothing_turns_has_no_finding(tmp_path):
    with rnnstore.open(tmp_path).record("still") as recorder:
        recorder.add(words=["a", "b"] * 50, states={"layer1.h": np.ones((100, 4))})
    assert finding(rnnstore.open(tmp_path).model("still")) is None
