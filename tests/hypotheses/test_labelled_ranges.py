"""Phrases: chunks written out, units as `select` gives them, and scikit-learn's answers."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

import rnnstore.hypotheses.ranges
from rnnstore.drawing.palette import DARK, LIGHT
from rnnstore.errors import QuestionError
from rnnstore.hypotheses import labelled_ranges
from rnnstore.hypotheses.charts import drawn_ranges, plane_note, plane_picture
from rnnstore.hypotheses.ranges import Ranges
from rnnstore.hypotheses.separability import plane, separation
from rnnstore.matching.selection import Selection, select
from tests.support.worlds import ArrayModel, drawn, random_world, record

CHUNKS = ["B-NP", "I-NP", "B-NP", "O", "I-VP", "I-VP", "I-NP", "", "B-VP", "I-NP", "I-NP", "I-NP"]


def model_of(path, labels, starts=None, **more):
    steps = len(labels)
    starts = None if starts is None else np.isin(np.arange(steps), starts)
    words = [f"w{index}" for index in range(steps)]
    return record(
        path / "store", words=words, annotations={"chunk": labels, **more}, sequence_starts=starts
    ).model("small")  # fmt: skip


def listed(ranges: Ranges) -> list[tuple[int, int, str]]:
    return list(zip(ranges.start.tolist(), ranges.stop.tolist(), ranges.label.tolist(), strict=True))


def ranges_of(*given: tuple[int, int, str]) -> Ranges:
    return Ranges(
        "chunk",
        np.array([start for start, _, _ in given], np.int64),
        np.array([stop for _, stop, _ in given], np.int64),
        np.array([label for _, _, label in given], object),
    )


def test_chunk_tags_become_ranges(tmp_path, monkeypatch):
    model = model_of(tmp_path, CHUNKS, starts=[0, 10])
    expected = [
        (0, 2, "NP"), (2, 3, "NP"), (4, 6, "VP"), (6, 7, "NP"), (8, 9, "VP"), (9, 10, "NP"), (10, 12, "NP"),
    ]  # fmt: skip
    for block in (1000, 1, 3):
        monkeypatch.setattr(rnnstore.hypotheses.ranges, "STEPS_AT_ONCE", block)
        assert listed(labelled_ranges(model, "chunk", minimum_length=1)) == expected
    assert listed(labelled_ranges(model, "chunk")) == [(0, 2, "NP"), (4, 6, "VP"), (10, 12, "NP")]
    assert listed(labelled_ranges(model, "chunk", labels=["VP"])) == [(4, 6, "VP")]
    assert labelled_ranges(model, "chunk", minimum_length=1).counts == {"NP": 5, "VP": 2}


def test_other_tracks_have_runs_of_equal_labels(tmp_path):
    model = model_of(tmp_path, ["NP", "NP", "", "O", "O", "B-side", "B-side", "NP", "NP", "NP"], starts=[0, 8])
    assert listed(labelled_ranges(model, "chunk", minimum_length=1)) == [
        (0, 2, "NP"),
        (5, 7, "B-side"),
        (7, 8, "NP"),
        (8, 10, "NP"),
    ]


@given(
    labels=st.lists(st.sampled_from(["B-a", "I-a", "B-b", "I-b", "O", ""]), min_size=1, max_size=30),
    block=st.integers(1, 40),
)
@settings(max_examples=40, deadline=None)
def test_ranges_cover_exactly_the_labelled_steps(tmp_path_factory, labels, block):
    class Annotated:
        name, steps, sequence_starts = "world", len(labels), np.array([0])
        tracks = {"chunk": rnnstore.Track(name="chunk", kind="discrete", labels=("B-a", "I-a", "B-b", "I-b", "O"))}  # noqa: RUF012

        def annotations(self, tracks, start, stop):
            return pa.table({"value": labels[start:stop]})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rnnstore.hypotheses.ranges, "STEPS_AT_ONCE", block)
        ranges = labelled_ranges(Annotated(), "chunk", minimum_length=1)
    covered = [None] * len(labels)
    for start, stop, label in listed(ranges):
        for step in range(start, stop):
            assert covered[step] is None
            covered[step] = label
    assert covered == [label[2:] or None for label in [label.replace("O", "") for label in labels]]
    begins = {step for step, label in enumerate(labels) if label.startswith("B-")}
    assert begins <= {start for start, _, _ in listed(ranges)}


def test_units_written_out():
    model = drawn(
        ".##.##..",
        "###..#..",
        ".###.##.",
    )
    ranges = ranges_of((1, 3, "a"), (5, 6, "b"))
    assert ranges.units(model, "s", 0.5).astype(int).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert ranges.units(model, "s", 0.5, 1).astype(int).tolist() == [[1, 0, 1], [0, 1, 1]]
    assert ranges.units(model, "s", 0.5, 0, 1).astype(int).tolist() == [[1, 1, 0], [1, 1, 0]]


@given(
    seed=st.integers(0, 10_000),
    rows=st.sampled_from([3, 17, 8192]),
    before=st.integers(0, 4),
    after=st.integers(0, 4),
    longest=st.integers(1, 60),
)
@settings(max_examples=60, deadline=None)
def test_units_are_those_that_select_gives(seed, rows, before, after, longest):
    random = np.random.default_rng(seed)
    _, values, starts = random_world(seed, steps=200, units=4, chance_of_start=0.05)
    model = ArrayModel(values, np.flatnonzero(starts))
    bounds = np.append(model.sequence_starts, model.steps)
    begin = np.sort(random.integers(0, 200, 40))
    end = np.minimum(begin + random.integers(1, longest + 1, 40), bounds[np.searchsorted(bounds, begin, "right")])
    ranges = Ranges("chunk", begin, end, np.array(["x"] * 40, object))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rnnstore.hypotheses.ranges, "ROWS", rows)
        found = ranges.units(model, "s", -0.5, before, after)
    for row, start, stop in zip(found, begin.tolist(), end.tolist(), strict=True):
        selection = Selection("s", start, stop, -0.5, before, after)
        assert np.flatnonzero(row).tolist() == select(model, selection).units.tolist()


def test_the_plane_is_scikit_learns(monkeypatch):
    monkeypatch.setattr(rnnstore.hypotheses.ranges, "ROWS", 37)
    vectors = np.random.default_rng(1).random((300, 12)) < np.linspace(0.1, 0.9, 12)
    vectors[:, 3] = vectors[:, 4]
    found, truth = plane(vectors), PCA(2, svd_solver="full").fit(vectors.astype(float))
    assert found.explained == pytest.approx(truth.explained_variance_ratio_)
    coordinates = truth.transform(vectors.astype(float))
    for axis in (0, 1):
        sign = np.sign(found.axes[axis] @ truth.components_[axis])
        assert found.coordinates[:, axis] == pytest.approx(sign * coordinates[:, axis], abs=1e-9)
        assert found.axes[axis, np.abs(found.axes[axis]).argmax()] > 0


def labelled_vectors(seed=0, count=400, noise=0.1):
    """Ranges of two steps, unit 0 tells their label, with `noise`; three other units tell nothing."""
    random = np.random.default_rng(seed)
    truth = random.random(count) < 0.3
    vectors = random.random((count, 4)) < 0.5
    vectors[:, 0] = truth ^ (random.random(count) < noise)
    start = np.arange(count) * 3
    return vectors, Ranges("chunk", start, start + 2, np.where(truth, "VP", "NP").astype(object))


def test_separation_is_scikit_learns_on_the_later_part():
    vectors, ranges = labelled_vectors()
    found = separation(vectors, ranges)

    labels = ranges.label.astype(str)
    classifier = LogisticRegression(max_iter=1000).fit(vectors[:320].astype(np.float32), labels[:320])
    assert (found.trained, found.held_out) == (320, 80)
    assert found.correct == (classifier.predict(vectors[320:].astype(np.float32)) == labels[320:]).sum()
    assert found.majority == "NP" and found.majority_correct == (labels[320:] == "NP").sum()
    assert found.shuffled_correct <= found.majority_correct + 8 < found.correct
    assert found.interval[0] < found.accuracy < found.interval[1]
    assert sum(found.table["correct"].to_pylist()) == found.correct
    assert sum(found.table["held_out"].to_pylist()) == found.held_out
    assert separation(vectors, ranges) == found
    assert "of 80 held-out ranges, after training on the 320 before them; always NP" in found.note


def test_unseen_ranges_are_counted_apart():
    vectors, ranges = labelled_vectors(noise=0)
    words = [f"words {index % 350}" for index in range(400)]
    found = separation(vectors, ranges, words=words)
    assert (found.unseen, found.unseen_correct) == (30, 30)  # 320 to 349; from 350 on they repeat
    assert found.note.endswith("Of the 30 whose words were not in training: 100.0 %.")


def test_a_classifier_that_knows_the_words_alone_stands_beside_it():
    """The second word tells the label; that of the last ten ranges was never seen, so it says the majority."""
    vectors, ranges = labelled_vectors(noise=0.3)
    second = np.where(ranges.label == "VP", 1, 2)
    second[-10:] = 9
    ends = np.stack([np.full(400, 5), second], axis=1)
    words = [f"{index} {word}" if index >= 390 else f"any {word}" for index, word in enumerate(second)]
    found = separation(vectors, ranges, words=words, ends=ends)
    majority = int((ranges.label[-10:] == "NP").sum())
    assert (found.by_words_correct, found.unseen, found.by_words_unseen_correct) == (70 + majority, 10, majority)
    assert found.correct < found.by_words_correct
    assert "Told the first and last word instead:" in found.note and ", by first and last word" in found.note


def test_end_words_are_those_of_the_corpus(tmp_path):
    model = model_of(tmp_path, CHUNKS)
    ids = ranges_of((0, 2, "NP"), (4, 7, "VP")).end_words(model)
    assert [[model.vocabulary[word] for word in row] for row in ids] == [["w0", "w1"], ["w4", "w6"]]


def test_more_ranges_than_asked_for_are_thinned_out():
    vectors, ranges = labelled_vectors()
    found = separation(vectors, ranges, most=100)
    assert (found.trained, found.held_out) == (80, 20)


def test_texts_are_the_words_of_the_ranges(tmp_path):
    model = model_of(tmp_path, CHUNKS)
    assert ranges_of((0, 2, "NP"), (4, 7, "VP")).texts(model, longest=2) == ["w0 w1", "w4 w5 ..."]


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda model: labelled_ranges(model, "chunks"), "no track 'chunks': did you mean chunk?"),
        (lambda model: labelled_ranges(model, "level"), "'level' holds numbers"),
        (lambda model: labelled_ranges(model, "chunk", minimum_length=0), "minimum length is 0"),
        (lambda model: labelled_ranges(model, "chunk", labels=["PP"]), "no range of 2 or more steps labelled 'PP'"),
        (lambda model: ranges_of((5, 6, "a"), (1, 2, "a")).units(model, "hidden", 0.3), "not in the order"),
        (lambda model: ranges_of((5, 500, "a")).units(model, "hidden", 0.3), "5 to 500 .* are no range"),
        (lambda model: plane(np.zeros((1, 3), bool)), "1 ranges of 3 units have no plane"),
        (lambda model: separation(np.zeros((3, 2), bool), ranges_of((0, 2, "a"))), "3 vectors .* 1 ranges"),
        (lambda model: separation(np.zeros((1, 2), bool), ranges_of((0, 2, "a"))), "needs at least 20"),
        (
            lambda model: separation(np.zeros((30, 2), bool), ranges_of(*((i, i + 1, "a") for i in range(30)))),
            "All 24 ranges .* labelled a; two labels are needed",
        ),
        (lambda model: separation(np.zeros((1, 2), bool), ranges_of((0, 2, "a")), held_out=1), "share of 1"),
    ],
)
def test_mistakes_are_sentences(tmp_path, ask, sentence):
    model = model_of(tmp_path, CHUNKS, level=np.arange(len(CHUNKS)))
    with pytest.raises(QuestionError, match=sentence):
        ask(model)


# The picture


@pytest.mark.parametrize("palette", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)], ids=["light", "dark"])
@pytest.mark.parametrize("labels", [None, ["VP"], ["VP", "NP", "unknown"]], ids=str)
def test_the_plane_is_drawn(palette, labels):
    vl_convert = pytest.importorskip("vl_convert")
    vectors, ranges = labelled_vectors()
    picture = plane_picture(plane(vectors), ranges, ["words"] * 400, palette, labels)
    assert vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))["marks"]
    counts = ranges.counts
    kinds = set(picture.tables["points"]["kind"].to_pylist())
    other = f"other ({counts['NP']})" if labels == ["VP"] else f"NP ({counts['NP']})"
    assert kinds == {f"VP ({counts['VP']})", other}


def test_of_many_ranges_an_even_share_of_every_label_is_drawn():
    _, ranges = labelled_vectors()
    drawn = drawn_ranges(ranges, most=100)
    counts = ranges.counts
    assert {label: (ranges.label[drawn] == label).sum() for label in counts} == {
        label: round(count / 4) for label, count in counts.items()
    }
    assert ranges.label[drawn[-1]] == "VP"  # the rare ones on top
    assert plane_note(ranges, 100).startswith(f"{len(drawn)} of 400 ranges are drawn")
    assert plane_note(ranges) == "All 400 ranges are drawn."
