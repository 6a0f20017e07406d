"""What a hypothesis is worth: tables written out, scipy's own answers, and a sentence for every mistake."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

import rnnstore.hypotheses.association
import rnnstore.hypotheses.evidence
from rnnstore.drawing.palette import DARK, LIGHT
from rnnstore.errors import QuestionError
from rnnstore.hypotheses.association import Base, ScalarAssociation, associate, base, precision_curve
from rnnstore.hypotheses.charts import UNNAMED, numbers_picture, precision_picture, shares_picture
from rnnstore.hypotheses.evidence import Evidence, gather_evidence
from rnnstore.matching.matches import match
from tests.support.worlds import random_world, record


def at(*ranges: tuple[int, int], selected=2, minimum=1) -> Evidence:
    start, stop = np.array(ranges, np.int64).reshape(-1, 2).T
    return Evidence(start, stop, np.full(len(start), minimum), selected, minimum)


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """Eight steps: the cat sat . a dog ran ."""
    kinds = ["D", "N", "V", "", "D", "N", "V", ""]
    return record(
        tmp_path_factory.mktemp("eight") / "store",
        annotations={"kind": kinds, "level": [0, 1, 2, 0, 1, 2, 3, 0]},
    ).model("small")


@pytest.fixture(scope="module")
def random_model(tmp_path_factory):
    words, values, starts = random_world(4, steps=3000, units=6)
    labels = np.where(values[:, 0] > 0.5, "high", np.where(values[:, 1] > 0, "middle", "low"))
    return record(
        tmp_path_factory.mktemp("random") / "store",
        words=words,
        states={"s": values},
        sequence_starts=starts,
        annotations={"kind": labels, "value": values[:, 0].astype(float)},
    ).model("small")


def test_labels_of_matches_stand_beside_those_of_the_corpus(eight):
    found = associate(eight, at((1, 3), (5, 6), (0, 2)), "kind")

    rows = {row["label"]: row for row in found.table.to_pylist()}
    assert found.table["label"].to_pylist() == ["N", "D", "", "V"]
    assert {label: (row["corpus"], row["words"], row["starts"]) for label, row in rows.items()} == {
        "N": (2, 2, 2),
        "D": (2, 1, 1),
        "": (2, 0, 0),
        "V": (2, 1, 0),
    }
    assert rows["N"]["corpus_share"] == 0.25
    assert rows["N"]["starts_share"] == pytest.approx(2 / 3)
    assert rows["N"]["lift"] == pytest.approx(8 / 3)
    assert rows["N"]["words_share"] == 0.5  # steps 0, 1, 2 and 5, step 1 once
    assert (rows["N"]["at_10"], rows["N"]["of_10"]) == (2, 3)
    assert found.labels.tolist() == ["N", "N", "D"]
    assert "3 matches and their 4 words against all 8 steps" in found.note and "Holm" in found.note


def test_p_is_the_sum_of_the_hypergeometric_probabilities(eight):
    """Two of three drawn steps are N, of which there are 2 in 8: 2 N and 1 other is 6 of the 56 ways, 0.107."""
    found = associate(eight, at((1, 3), (5, 6), (0, 2)), "kind")
    assert found.table["p"].to_pylist()[0] == pytest.approx(6 / 56)
    assert found.table["p_corrected"].to_pylist()[0] == pytest.approx(4 * 6 / 56)


def test_a_hypothesis_without_matches_is_worth_nothing_and_says_so(eight):
    found = associate(eight, at(), "kind")
    assert found.table["starts"].to_pylist() == [0, 0, 0, 0]
    assert found.table["p"].to_pylist() == [1, 1, 1, 1]
    assert found.note == "No match, so nothing can be said about kind."
    assert precision_curve(found).num_rows == 0
    scalar = associate(eight, at(), "level")
    assert np.isnan(scalar.superiority) and scalar.note == "No match, so nothing can be said about level."


def test_precision_falls_along_the_ranking(eight):
    curve = precision_curve(associate(eight, at((1, 2), (5, 6), (0, 1), (2, 3)), "kind"), ["N", "V"])
    assert curve.filter(np.array(curve["label"]) == "N").select(["k", "hits", "precision", "base"]).to_pydict() == {
        "k": [1, 2, 3, 4],
        "hits": [1, 2, 2, 2],
        "precision": [1, 1, pytest.approx(2 / 3), 0.5],
        "base": [0.25] * 4,
    }
    with pytest.raises(QuestionError, match="no label 'X': there is N, D"):
        precision_curve(associate(eight, at((1, 2)), "kind"), ["X"])


def test_numbers_are_told_by_their_distribution(eight):
    found = associate(eight, at((1, 3), (5, 6)), "level")

    assert isinstance(found, ScalarAssociation)
    assert found.table.select(["low", "high", "corpus", "words", "starts"]).to_pydict() == {
        "low": [-0.5, 0.5, 1.5, 2.5],
        "high": [0.5, 1.5, 2.5, 3.5],
        "corpus": [3, 2, 2, 1],
        "words": [0, 1, 2, 0],
        "starts": [0, 1, 1, 0],
    }
    assert found.summary.to_pydict() == {
        "over": ["corpus", "words", "starts"],
        "count": [8, 3, 2],
        "mean": [pytest.approx(9 / 8), pytest.approx(5 / 3), 1.5],
        "deviation": [pytest.approx(np.std([0, 1, 2, 0, 1, 2, 3, 0])), pytest.approx(np.std([1, 2, 2])), 0.5],
    }


def test_superiority_is_the_area_that_scipy_counts(random_model):
    found = gather_evidence(random_model, "s", [0, 2], 0.2)
    told = associate(random_model, found, "value")

    numbers = random_model.annotations(["value"], 0, random_model.steps)["number"].to_numpy()
    u = stats.mannwhitneyu(numbers[found.start], numbers).statistic
    assert told.superiority == pytest.approx(u / (len(found) * len(numbers)))
    assert told.superiority > 0.6
    assert sum(told.table["corpus"].to_pylist()) == random_model.steps


def test_all_matches_with_so_many_units_are_found(random_model, monkeypatch):
    monkeypatch.setattr(rnnstore.hypotheses.evidence, "COUNTED", 5)
    whole = match(random_model, "s", [0, 1, 2], 0.2, limit=100_000).table
    assert whole.num_rows > 1000
    for least in (1, 2, 3):
        found = gather_evidence(random_model, "s", [0, 1, 2], 0.2, minimum_overlap=least)
        enough = whole["overlap"].to_numpy() >= least
        assert found.start.tolist() == whole["start"].to_numpy()[enough].tolist()
        assert found.stop.tolist() == whole["stop"].to_numpy()[enough].tolist()
        assert (found.minimum_overlap, found.cut) == (least, False)
    fiftieth = whole["overlap"].to_pylist()[49]
    assert gather_evidence(random_model, "s", [0, 1, 2], 0.2).minimum_overlap == fiftieth


def test_a_cut_is_said(random_model, monkeypatch):
    monkeypatch.setattr(rnnstore.hypotheses.evidence, "MOST", 20)
    found = gather_evidence(random_model, "s", [0, 1, 2], 0.2, minimum_overlap=1)
    assert found.cut and "there are more, these are the best 20" in found.note


def test_the_place_that_the_hypothesis_comes_from_is_no_evidence(random_model):
    whole = gather_evidence(random_model, "s", [0, 1], 0.2, minimum_overlap=2)
    start, stop = int(whole.start[3]), int(whole.stop[3])
    rest = gather_evidence(random_model, "s", [0, 1], 0.2, minimum_overlap=2, excluding=(start, stop))
    assert set(whole.start.tolist()) - set(rest.start.tolist()) == {start}
    assert rest.excluded == 1 and rest.note.endswith("; 1 at the selection itself not counted.")


def test_labels_equal_brute_force(random_model):
    found = gather_evidence(random_model, "s", [0, 1], 0.2)
    labels = np.array(random_model.annotations(["kind"], 0, random_model.steps)["value"].to_pylist())
    words = np.unique(np.concatenate([np.arange(a, b) for a, b in zip(found.start, found.stop, strict=True)]))
    assert found.steps.tolist() == words.tolist()
    for row in associate(random_model, found, "kind", correction="benjamini-hochberg").table.to_pylist():
        label = row["label"]
        assert row["corpus"] == (labels == label).sum()
        assert row["words"] == (labels[words] == label).sum()
        assert row["starts"] == (labels[found.start] == label).sum()
        assert row["at_10"] == (labels[found.start[:10]] == label).sum()
        assert row["at_50"] == (labels[found.start[:50]] == label).sum()


def test_the_corpus_is_read_in_blocks(random_model, monkeypatch):
    whole = base(random_model, "kind"), base(random_model, "value")
    monkeypatch.setattr(rnnstore.hypotheses.association, "STEPS_AT_ONCE", 77)
    again = base(random_model, "kind"), base(random_model, "value")
    assert again[0] == whole[0]
    assert again[1].counts == whole[1].counts
    assert again[1].deviation == pytest.approx(whole[1].deviation)


def test_a_place_within_a_slice(random_model):
    found = at((1, 3), (5, 6), (7, 9)).within(2, 8)
    assert found.start.tolist() == [5]


def test_no_unit_no_match(random_model):
    found = gather_evidence(random_model, "s", [], 0.2)
    assert len(found) == 0 and found.note == "No unit is selected, so there is nothing to match."
    assert found.steps.tolist() == []


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda model: base(model, "kinds"), "has no track 'kinds': did you mean kind?"),
        (lambda model: associate(model, at((0, 1)), "kind", correction="bonferroni"), "no correction 'bonferroni'"),
        (
            lambda model: gather_evidence(model, "s", [0, 1], 0.2, minimum_overlap=3),
            "at least 3 .* 1 to 2 are possible",
        ),
        (lambda model: gather_evidence(model, "s", [0, 1], 0.2, minimum_overlap=0), "at least 0 "),
    ],
)
def test_mistakes_are_sentences(random_model, ask, sentence):
    with pytest.raises(QuestionError, match=sentence):
        ask(random_model)


def test_a_base_at_hand_is_used(eight):
    against = Base("kind", "discrete", 80, {"D": 20, "N": 20, "V": 20, "": 20})
    assert associate(eight, at((1, 2)), "kind", against=against).table["corpus"].to_pylist() == [20] * 4


# Pictures


def drawn(picture) -> dict:
    """The Vega specification of a picture; Vega-Lite raises when it makes no sense."""
    vl_convert = pytest.importorskip("vl_convert")
    return vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))


@pytest.mark.parametrize("palette", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)], ids=["light", "dark"])
@pytest.mark.parametrize("found", [at(), at((1, 3), (5, 6), (0, 2))], ids=["none", "some"])
def test_pictures_compile(eight, palette, found):
    told = associate(eight, found, "kind")
    assert drawn(shares_picture(told, palette))["marks"]
    assert drawn(precision_picture(precision_curve(told, ["N", ""]), palette))["marks"]
    assert drawn(numbers_picture(associate(eight, found, "level"), palette))["marks"]


def test_shares_are_drawn_with_their_counts(eight):
    table = shares_picture(associate(eight, at((1, 3), (5, 6), (0, 2)), "kind"), LIGHT, most=3).tables["shares"]
    assert table.select(["shown", "count", "of"]).to_pydict() == {
        "shown": ["N", "D", UNNAMED] * 3,
        "count": [2, 2, 2, 2, 1, 0, 2, 1, 0],
        "of": [8, 8, 8, 3, 3, 3, 4, 4, 4],
    }
    assert table["low"].null_count == 6


def test_as_many_units_as_are_selected_may_be_asked_for_and_no_more(random_model):
    for overlap in (1, 2):
        assert gather_evidence(random_model, "s", [0, 2], 0.2, minimum_overlap=overlap).overlap.min() == overlap
    for overlap in (-1, 0, 3):
        with pytest.raises(QuestionError, match=f"at least {overlap} of the selected units were asked for; 1 to 2 are"):
            gather_evidence(random_model, "s", [0, 2], 0.2, minimum_overlap=overlap)


def test_matches_that_share_a_step_with_the_brush_are_left_out_and_those_beside_it_are_not(random_model):
    every = gather_evidence(random_model, "s", [0], 0.2, minimum_overlap=1)
    by_start = sorted(zip(every.start.tolist(), every.stop.tolist(), strict=True))
    begin, end = by_start[3][1], by_start[6][0]  # from the end of a match to the beginning of another
    found = gather_evidence(random_model, "s", [0], 0.2, minimum_overlap=1, excluding=(begin, end))
    inside = [(start, stop) for start, stop in by_start if {*range(start, stop)} & {*range(begin, end)}]
    assert sorted(zip(found.start.tolist(), found.stop.tolist(), strict=True)) == [
        each for each in by_start if each not in inside
    ]
    assert found.excluded == len(inside) > 0
