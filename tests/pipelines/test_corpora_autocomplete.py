"""Words to complete: packing, targets and splits by hand, batches, and a network that learns a tiny language."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import vl_convert
from rich.console import Console

import rnnstore
from pipelines import corpora
from pipelines.corpora.autocomplete import pack
from pipelines.corpora.kinds import Autocomplete
from pipelines.errors import CorpusError
from pipelines.windows import Texts
from rnnstore.connectivity.charts.completion_accuracy import known_characters_picture
from rnnstore.connectivity.completion_accuracy import known_characters, overall_accuracy, repeated_words
from rnnstore.drawing.palette import LIGHT
from rnnstore.networks.completing import spaced, words_typed
from rnnstore.networks.tokenising import Tokenisation, Tokens, tokenise

WHOLE = {"train": 1, "validation": 0, "test": 0}


def load(folder, text, **settings):
    (folder / "words.txt").write_text(text, encoding="utf-8")
    return corpora.load(Autocomplete(kind="autocomplete", files=["words.txt"], **settings), folder)


def test_every_character_and_the_space_before_it_have_the_whole_word_as_target(tmp_path):
    corpus = load(tmp_path, "Ab, c 7 ab", observation=6, shares=WHOLE, words=1)
    train = corpus.splits["train"]
    assert "".join(corpus.vocabulary[number] for number in train.word_ids) == " ab c ab"
    assert corpus.labels == ["ab", "<unk>", "<pad>"]
    assert train.targets.tolist() == [0, 0, 0, -1, -1, 0, 0, 0]  # c is not among the one most frequent
    assert train.tracks["known"].tolist() == [0, 1, 2, 0, 1, 0, 1, 2]
    assert np.flatnonzero(train.sequence_starts).tolist() == [0, 5]  # the second ab does not fit any more
    assert corpus.task == "autocomplete"


def test_observations_hold_as_many_whole_words_as_fit():
    assert pack(np.array([3, 3, 4, 1, 1, 5, 6]), 6).tolist() == [0, 2, 5, 6]
    lengths = np.random.default_rng(1).integers(1, 15, 500)
    begins = pack(lengths, 40)
    parts = np.split(lengths, begins[1:])
    assert all(part.sum() <= 40 for part in parts)
    assert all(one.sum() + other[0] > 40 for one, other in pairwise(parts))


def test_splits_are_whole_observations_and_words_are_counted_in_training(tmp_path):
    words = ["aa"] * 10 + ["bb"] * 20 + ["cc"] * 30
    shares = {"train": 0.5, "validation": 0.25, "test": 0.25}
    corpus = load(tmp_path, " ".join(words), observation=9, shares=shares)
    assert {name: int(split.sequence_starts.sum()) for name, split in corpus.splits.items()} == {
        "train": 10, "validation": 5, "test": 5
    }  # fmt: skip
    assert corpus.labels == ["bb", "aa", "<unk>", "<pad>"]
    assert (corpus.splits["test"].targets == -1).all()


def test_what_cannot_be_packed_is_said(tmp_path):
    corpus = load(tmp_path, "a abcdefgh b", observation=6, shares=WHOLE)
    assert "1 words of 6 letters or more are left out" in " ".join(corpus.notes)
    with pytest.raises(CorpusError, match="no letter a to z"):
        load(tmp_path, "123 漢字")
    with pytest.raises(CorpusError, match="too few for train, validation, test"):
        load(tmp_path, "a b")


def test_a_batch_weighs_the_steps_that_have_a_target(tmp_path):
    corpus = load(tmp_path, "ab c ab", observation=6, shares=WHOLE, words=1)
    window = Texts(corpus.splits["train"], batch=2, seed=0).window(0, 0)
    rows = {"".join(corpus.vocabulary[i] for i in window.words[row, :5]).rstrip(): row for row in range(2)}
    assert set(rows) == {" ab c", " ab"}
    for row in rows.values():
        assert window.weigh[row].tolist() == [1, 1, 1] + [0] * 13
        assert (window.targets[row, :3] == 0).all() and window.keep[row, 0] == 0
    assert window.steps == 8


def test_the_word_of_every_typed_character_is_found():
    text = " war  of x"
    tokens = Tokens(
        list(text), np.zeros(len(text), np.int32), list(text), np.zeros(len(text), bool), np.zeros(len(text), bool)
    )
    assert words_typed(tokens) == ["war"] * 4 + [None] + ["of"] * 3 + ["x"] * 2


@pytest.mark.parametrize(
    ("text", "typed", "said"),
    [
        ("ab c", ["", "a", "b", " ", "c"], "A space was put before the text"),
        (" ab c", [" ", "a", "b", " ", "c"], ""),
        ("Ab,  7 c", ["", "A", "b", ",  7 ", "c"], "(,, 7) was read as a space"),
        ("漢ab\nc", ["漢", "a", "b", "\n", "c"], "(漢, ↵) was read as a space"),
    ],
)
def test_typed_text_is_read_as_an_observation_of_the_corpus(text, typed, said):
    number_of = {" ": 0, "a": 1, "b": 2, "c": 3}
    tokens = spaced(tokenise(text, Tokenisation(level="character", lower=True), number_of), 0)
    assert tokens.words == [" ", "a", "b", " ", "c"] and tokens.ids.tolist() == [0, 1, 2, 0, 3]
    assert tokens.typed == typed and tokens.starts.tolist() == [True] + [False] * 4
    assert said in " ".join(tokens.notes) and bool(tokens.notes) == bool(said)
    assert len(spaced(tokenise("", Tokenisation(level="character"), number_of), 0)) == 0


@pytest.mark.long
def test_a_network_learns_to_complete_and_is_measured_by_known_characters(tmp_path):
    tf = pytest.importorskip("tensorflow")  # noqa: F841
    from pipelines import recipe
    from pipelines.recording import Reader, record
    from pipelines.training import train

    random = np.random.default_rng(2)
    (tmp_path / "words.txt").write_text(" ".join(random.choice(["cat", "cow", "dog", "ibis"], 3000)), "utf-8")
    written = tmp_path / "small.yaml"
    written.write_text(
        "name: small\ncorpus: {kind: autocomplete, files: [words.txt], observation: 40, words: 3}\n"
        "network: {embedding: 8, layers: [{cell: gru, units: 16}]}\n"
        "training: {epochs: 4, batch: 8, optimizer: adam, learning_rate: 0.02}\n"
        "record: {split: test}\n",
        "utf-8",
    )
    small = recipe.load(written)
    corpus = corpora.load(small.corpus, tmp_path)
    store = rnnstore.open(tmp_path / "store")
    with store.writer("small") as writer:
        writer.describe(task=corpus.task, level="character")
        network = train(small, corpus, writer.folder("network"), writer, Console(quiet=True))
        record(small, corpus, Reader(network), writer, lambda done, all_of_them: None)
    store.refresh()
    model = store.model("small")
    found = known_characters(model, sequences=5).to_pylist()
    # By hand, from the recording itself: how often the most probable word is the target, at every number of letters.
    split, table = corpus.splits["test"], model.predictions(0, model.steps)
    first = table.filter(table["rank"].to_numpy() == 1)
    right = np.array([a == b for a, b in zip(first["word"].to_pylist(), first["target"].to_pylist(), strict=True)])
    for row in found:
        here = (split.tracks["known"] == row["known"]) & (split.targets >= 0)
        assert row["steps"] == here.sum() and row["left_out"] == ((split.tracks["known"] == row["known"]) & ~here).sum()
        if row["steps"]:
            assert row["accuracy_1"] == pytest.approx(right[here].mean())
            # Without context, the most frequent word that begins like this is named.
            best = [
                next(word for word in corpus.labels if word.startswith(corpus.labels[target][: row["known"]]))
                for target in split.targets[here]
            ]
            wanted = [corpus.labels[target] for target in split.targets[here]]
            assert row["counted_1"] == pytest.approx(np.mean([a == b for a, b in zip(best, wanted, strict=True)]))
    told = {row["known"]: row for row in store.sql("from known_characters('small')").to_pylist()}
    assert told.keys() == {row["known"] for row in found if row["steps"]}
    for row in (row for row in found if row["steps"]):
        for name in ("steps", "accuracy_1", "accuracy_3"):
            assert told[row["known"]][name] == pytest.approx(row[name])
    assert found[0]["accuracy_1"] < 0.6 and found[3]["accuracy_1"] > 0.95  # nothing but letters tells words apart
    total = overall_accuracy(model)
    assert total["steps"] == (split.targets >= 0).sum() and total["left_out"] == (split.targets < 0).sum()
    assert total["accuracy_1"] == pytest.approx(right[split.targets >= 0].mean())
    # Words that come again, by hand: a sequence's second and later times of each.
    known, starts = split.tracks["known"], np.flatnonzero(split.sequence_starts)
    rows = {(row["known"], row["again"]): row for row in repeated_words(model, common=1).to_pylist()}
    times = {(False, 0): [], (True, 0): []}
    for first, stop in pairwise([*starts.tolist(), len(known)]):
        words = [step for step in range(first, stop) if known[step] == 0]
        for place, step in enumerate(words):
            if split.targets[step] >= 1:  # not the most common one
                earlier = {int(split.targets[before]) for before in words[:place]}
                times[int(split.targets[step]) in earlier, 0].append(right[step])
    for (again, count), seen in times.items():
        assert rows[count, again]["steps"] == len(seen) and rows[count, again]["accuracy_1"] == np.mean(seen)
    assert 0 <= found[2]["share_outside"] < found[0]["share_outside"] <= 1
    assert {metric.name for metric in model.card.metrics} == {"cross entropy", "accuracy in %"}


def test_the_picture_has_a_part_for_each_number_of_suggestions_and_one_for_the_share():
    row = {"known": 0, "steps": 40, "left_out": 1, "share_outside": 0.5, "share_steps": 30, "share_error": 0.1}
    row |= {f"{name}_{k}": 0.25 * k for k in (1, 2, 3) for name in ("accuracy", "low", "high", "counted")}
    rare = {**row, "known": 1, "steps": 29, "share_steps": 29}
    table = pa.Table.from_pylist([row, rare])
    picture = known_characters_picture({"small": table}, LIGHT)
    drawn = [(each["model"], each["known"], each["share"], each["low"]) for each in picture.tables["known"].to_pylist()]
    assert drawn == [
        *(("small", 0, 0.25 * k, 0.25 * k) for k in (1, 2, 3)),
        ("small", 0, 0.5, pytest.approx(0.5 - 1.96 * 0.1)),
        *(("counting alone", 0, 0.25 * k, None) for k in (1, 2, 3)),
    ]
    assert "right first suggestion" in vl_convert.vegalite_to_svg(picture.chart().to_dict())
