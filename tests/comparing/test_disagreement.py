"""One sentence read by two models, on readings of a few words whose losses are written by hand."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest

from rnnstore import QuestionError
from rnnstore.comparing.charts import labels_picture, losses_picture
from rnnstore.comparing.predictions import disagreement
from rnnstore.drawing.palette import LIGHT
from rnnstore.networks.reading import Reading

vl_convert = pytest.importorskip("vl_convert")


def reading(words, losses=None, firsts=None, unknown=(), labels=None):
    """A reading of `words` with the losses of the words that follow, or with (label, probability) pairs a step."""
    n, rows = len(words), []
    for t in range(n):
        for rank, (word, probability) in enumerate(labels[t] if labels else [((firsts or words)[t], 0.5)], 1):
            last = labels is not None or t == n - 1
            rows.append(
                {
                    "t": t, "rank": rank, "word_id": 0, "word": word, "probability": probability,
                    "target": None if last else words[t + 1],
                    "target_probability": None if last else math.exp(-losses[t]),
                    "loss": None if last else losses[t],
                }
            )  # fmt: skip
    mask = np.isin(np.arange(n), unknown)
    return Reading(
        words=["<unk>" if missing else word for word, missing in zip(words, mask, strict=True)],
        typed=list(words), unknown=mask, starts=np.arange(n) == 0, states={}, gates={}, before={},
        predictions=pa.Table.from_pylist(rows), source="typed", classifier=labels is not None,
    )  # fmt: skip


def test_losses_are_subtracted_word_by_word():
    left = reading(["the", "cat", "sat"], [1.0, 2.0], firsts=["cat", "ran", "down"])
    right = reading(["the", "cat", "sat"], [0.5, 3.5], firsts=["cat", "sat", "down"])
    found = disagreement(left, right)
    assert found.table["difference"].to_pylist() == [0.5, -1.5, None]
    assert found.table["target"].to_pylist() == ["cat", "sat", None]
    assert (found.steps, found.loss_left, found.loss_right) == (2, 1.5, 2.0)
    assert (found.predicted, found.same, found.table["same"].to_pylist()) == (3, 2, [True, False, True])
    assert found.label is None and found.notes == ()


def test_a_word_unknown_to_one_of_them_is_left_out():
    left = reading(["the", "cat", "sat"], [1.0, 2.0])
    right = reading(["the", "cat", "sat"], [0.5, 3.5], unknown=[2])
    found = disagreement(left, right)
    assert found.table["difference"].to_pylist() == [0.5, None, None]
    assert found.steps == 1 and "1 words are unknown" in found.notes[0]
    nothing = disagreement(left, reading(["the", "cat", "sat"], [0.5, 3.5], unknown=[1, 2]))
    assert nothing.steps == 0 and math.isnan(nothing.loss_left)


def test_a_character_unknown_to_a_completing_network_leaves_the_loss_before_it():
    """Its targets are whole words: what the next character is has no part in them."""

    def completing(losses, unknown=()):
        characters = reading(list(" it7"), losses, unknown=unknown)
        whole = pa.array(["it", "it", "it", None])
        place = characters.predictions.schema.get_field_index("target")
        table = characters.predictions.set_column(place, "target", whole)
        return Reading(**{**characters.__dict__, "predictions": table})

    found = disagreement(completing([3.0, 2.0, 1.0], unknown=[3]), completing([1.0, 1.0, 1.0], unknown=[3]))
    assert found.table["difference"].to_pylist() == [2.0, 1.0, 0.0, None]


def test_different_words_are_a_sentence():
    with pytest.raises(QuestionError, match=r"read different words: 2 \(the cat\) and 7 \(t h e"):
        disagreement(reading(["the", "cat"], [1.0]), reading(list("the cat"), [1.0] * 6))
    without = reading(["the", "cat"], [1.0])
    without = Reading(**{**without.__dict__, "predictions": None})
    with pytest.raises(QuestionError, match="The right model's predictions were not recorded"):
        disagreement(reading(["the", "cat"], [1.0]), without)


def test_a_single_word_has_nothing_to_come_and_no_label():
    found = disagreement(reading(["the"], [], firsts=["cat"]), reading(["the"], [], firsts=["dog"]))
    assert found.label is None and found.steps == 0
    assert (found.predicted, found.same) == (1, 0)


def test_labels_are_not_compared_with_words():
    with pytest.raises(QuestionError, match="One of the models tells labels apart"):
        disagreement(reading(["good"], labels=[[("good", 1.0)]]), reading(["good"], []))


def test_classifiers_are_compared_by_the_label_that_the_left_one_ends_with():
    left = reading(["not", "good"], labels=[[("good", 0.6), ("bad", 0.4)], [("bad", 0.8), ("good", 0.2)]])
    right = reading(["not", "good"], labels=[[("bad", 0.9), ("good", 0.1)], [("good", 0.7), ("bad", 0.3)]])
    found = disagreement(left, right)
    assert found.label == "bad" and found.steps == 0
    assert found.table["label_left"].to_pylist() == [0.4, 0.8]
    assert found.table["label_right"].to_pylist() == [0.9, 0.3]
    assert (found.same, found.predicted) == (0, 2)
    others = reading(["not", "good"], labels=[[("spam", 1.0)], [("spam", 1.0)]])
    with pytest.raises(QuestionError, match="tells bad, good apart and the right one spam"):
        disagreement(left, others)


def test_pictures_compile():
    found = disagreement(reading(["a", "b", "a"], [1.0, 2.0]), reading(["a", "b", "a"], [2.0, 1.0]))
    labels = [[("good", 0.6), ("bad", 0.4)]] * 2
    of_labels = disagreement(reading(["x", "x"], labels=labels), reading(["x", "x"], labels=labels))
    drawn = [
        losses_picture(found, LIGHT, left="one", right="other"),
        labels_picture(of_labels, LIGHT, left="one", right="other"),
    ]
    for picture in drawn:
        vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))
    assert drawn[0].tables["losses"]["better"].to_pylist() == ["one", "other"]
