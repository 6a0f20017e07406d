"""The Penn Treebank: reading, fetching, and gold labels that find their words.

The alignment is tested on small worlds, by hypothesis, and against a reference made by another program
(`ptb_train_*.parquet` in the corpora folder).
"""

import functools
import hashlib
import http.server
import itertools
import os
import threading
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import corpora, recipe
from pipelines.corpora import kinds, penn_treebank
from pipelines.corpora.alignment import Gold, pair_lines, pair_words, rewrite
from pipelines.errors import CorpusError

FOLDER = Path(os.environ.get("RNNSTORE_CORPORA", "/nowhere"))
needs_treebank = pytest.mark.skipif(
    not (FOLDER / "ptb" / "ptb.train.txt").exists(),
    reason="needs the Penn Treebank: set RNNSTORE_CORPORA to a folder with ptb/ and nltk_data/",
)
SMALL = {
    "ptb.train.txt": " the <unk> sat \n the cat \n",
    "ptb.valid.txt": " a cat \n",
    "ptb.test.txt": " the the \n",
}


def ptb(**given):
    return kinds.PennTreebank(kind="penn-treebank", **given)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with a treebank of eight words, and checksums to match."""
    (tmp_path / "ptb").mkdir()
    files = {}
    for split, (name, _) in penn_treebank.FILES.items():
        (tmp_path / "ptb" / name).write_text(SMALL[name])
        files[split] = (name, hashlib.sha256(SMALL[name].encode()).hexdigest())
    monkeypatch.setattr(penn_treebank, "FILES", files)
    return tmp_path


# --- reading and fetching ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("sequences", "starts"), [("stream", [0]), ("line", [0, 4])])
def test_every_line_ends_with_eos_and_the_state_is_carried_unless_asked_otherwise(small, sequences, starts):
    corpus = corpora.load(ptb(tracks=[], sequences=sequences), small)
    words = {name: [corpus.vocabulary[i] for i in split.word_ids] for name, split in corpus.splits.items()}
    assert words == {
        "train": ["the", "<unk>", "sat", "<eos>", "the", "cat", "<eos>"],
        "validation": ["<unk>", "cat", "<eos>"],
        "test": ["the", "the", "<eos>"],
    }
    assert corpus.vocabulary == ["<eos>", "the", "<unk>", "cat", "sat"]
    assert np.flatnonzero(corpus.splits["train"].sequence_starts).tolist() == starts


def test_the_files_may_lie_in_the_folder_itself(small):
    for name in SMALL:
        (small / "ptb" / name).rename(small / name)
    assert len(corpora.load(ptb(tracks=[]), small).splits["train"]) == 7


def test_vocabulary_and_steps_can_be_limited(small):
    corpus = corpora.load(ptb(tracks=[], vocabulary=3, maximum_steps=5), small)
    assert corpus.vocabulary == ["the", "<eos>", "<unk>"]
    assert [corpus.vocabulary[i] for i in corpus.splits["train"].word_ids] == ["the", "<unk>", "<unk>", "<eos>", "the"]


@pytest.fixture
def server(small):
    """A web server that has the small treebank's files; gives its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=small / "ptb")
    ) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()


def test_a_missing_file_is_downloaded_checked_and_kept(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    path = penn_treebank.find("train", folder, server)
    assert path == folder / "ptb" / "ptb.train.txt"
    assert path.read_text() == SMALL["ptb.train.txt"]
    assert penn_treebank.find("train", folder, "http://127.0.0.1:9/") == path  # not fetched a second time


def test_a_file_that_differs_from_the_published_one_is_not_kept(server, small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    (small / "ptb" / "ptb.train.txt").write_text("something else\n")
    with pytest.raises(CorpusError, match=r"is not the file that was expected: its SHA-256 does not begin with"):
        penn_treebank.find("train", folder, server)
    assert not (folder / "ptb" / "ptb.train.txt").exists()


def test_without_a_connection_or_the_file_at_its_place_it_says_where_to_put_it(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    for source in ("http://127.0.0.1:9/", f"{server}missing/"):
        with pytest.raises(CorpusError) as caught:
            penn_treebank.find("test", folder, source)
        assert str(caught.value).startswith(f"ptb.test.txt could not be downloaded from {source} (")
        assert str(caught.value).endswith(
            f"Without a connection, put the file at {folder}/ptb/ptb.test.txt, or name the folder that has it with "
            "--corpora or RNNSTORE_CORPORA."
        )


def test_an_empty_file_is_refused(small):
    (small / "ptb" / "ptb.valid.txt").write_text("\n")
    with pytest.raises(CorpusError, match=r"ptb\.valid\.txt holds no words"):
        corpora.load(ptb(tracks=[]), small)


# --- gold labels -------------------------------------------------------------------------------------------

VOCABULARY = {"the", "cat", "sat", "n't", "$", "N", "'s", "<unk>"}


def test_a_gold_sentence_is_rewritten_by_the_rules_of_the_other_edition():
    sentence = [
        ("``", "``", "O"),
        ("The", "DT", "B-NP"),
        ("Zygote", "NN", "I-NP"),
        ("*-1", "-NONE-", "O"),
        ("paid", "VBD", "B-VP"),
        (",", ",", "O"),
        ("$", "$", "B-NP"),
        ("1,234.5", "CD", "I-NP"),
        ("3\\/4", "CD", "I-NP"),
        ("%", "NN", "I-NP"),
        ("'", "''", "O"),
        ("cat", "NN", "B-NP"),
        ("-LRB-", "(", "O"),
        (".", ".", "O"),
    ]
    assert rewrite(sentence, VOCABULARY) == [
        Gold("the", "DT", "B-NP"),
        Gold("<unk>", "NN", "I-NP"),
        Gold("<unk>", "VBD", "B-VP"),
        Gold("$", "$", "B-NP"),
        Gold("N", "CD", "I-NP"),
        Gold("N", "CD", "I-NP"),
        Gold("N", "NN", "I-NP"),
        Gold("cat", "NN", "B-NP"),
    ]


def test_a_phrase_that_lost_its_first_word_begins_at_its_second():
    sentence = [
        ("cat", "NN", "B-NP"),
        ("``", "``", "B-NP"),
        (",", ",", "I-NP"),
        ("the", "DT", "I-NP"),
        ("cat", "NN", "I-NP"),
    ]
    assert [gold.chunk for gold in rewrite(sentence, VOCABULARY)] == ["B-NP", "B-NP", "I-NP"]
    inner = [("the", "DT", "B-NP"), (",", ",", "I-NP"), ("cat", "NN", "I-NP")]
    assert [gold.chunk for gold in rewrite(inner, VOCABULARY)] == ["B-NP", "I-NP"]


def gold(text):
    return [Gold(word, word.upper()) for word in text.split()]


@pytest.mark.parametrize(
    ("line", "sentence", "labels"),
    [
        ("the cat sat", "the cat sat", ["THE", "CAT", "SAT"]),
        ("the <unk> sat", "the dog sat", ["THE", "DOG", "SAT"]),
        ("the sat", "the cat sat", ["THE", "SAT"]),
        ("the big cat sat", "the cat sat", ["THE", "", "CAT", "SAT"]),
        ("<unk> cat", "cat", ["", "CAT"]),
        ("the cat", "a dog", ["", ""]),
        ("the <unk> cat sat", "the cat sat", ["THE", "", "CAT", "SAT"]),
    ],
)
def test_words_are_paired_in_order_and_the_unknown_word_matches_any(line, sentence, labels):
    assert [found.pos if found else "" for found in pair_words(line.split(), gold(sentence))] == labels


TEXT = """the cat sat on the mat today
yes
nobody knew where the dog had gone by then
the cat sat on the mat today
terms were not disclosed
a man in the street said so to the press
terms were not disclosed
it is a long way from here to there""".splitlines()


def test_lines_are_paired_with_their_sentences_repeated_and_changed_ones_too():
    lines = [line.split() for line in ["a list of rare words", *TEXT, "and a last line of its own"]]
    lines[3][2:4] = ["<unk>", "<unk>"]  # nobody knew <unk> <unk> dog ...
    del lines[6][1]  # a in the street ...
    sentences = [gold(sentence) for sentence in TEXT]
    assert pair_lines(lines, sentences) == [(i + 1, i) for i in range(len(TEXT))]


def test_sentences_of_another_text_find_no_line():
    assert pair_lines([line.split() for line in TEXT], [gold("something else was written in this one")]) == []
    assert pair_lines([], []) == []


@given(st.data())
def test_whatever_is_lost_on_the_way_pairs_never_cross_and_words_agree(data):
    words = st.sampled_from(["a", "b", "c", "d", "e", "f", "g"])
    sentences = data.draw(st.lists(st.lists(words, min_size=1, max_size=8), max_size=8))
    lines = []
    for sentence in sentences:
        change = data.draw(st.sampled_from(["keep", "unknown", "drop", "missing", "extra"]))
        if change == "missing":
            continue
        line = list(sentence)
        if change == "unknown":
            line[data.draw(st.integers(0, len(line) - 1))] = "<unk>"
        if change == "drop" and len(line) > 1:
            del line[data.draw(st.integers(0, len(line) - 1))]
        if change == "extra":
            lines.append(data.draw(st.lists(words, max_size=8)))
        lines.append(line)
    rewritten = [[Gold(word, word) for word in sentence] for sentence in sentences]
    pairs = pair_lines(lines, rewritten)
    for (i0, j0), (i1, j1) in itertools.pairwise(pairs):
        assert i0 < i1 and j0 < j1
    for i, j in pairs:
        found = pair_words(lines[i], rewritten[j])
        assert len(found) == len(lines[i])
        assert all(label is None or word in (label.word, "<unk>") for word, label in zip(lines[i], found, strict=True))
        order = [next(k for k, other in enumerate(rewritten[j]) if other is label) for label in found if label]
        assert order == sorted(set(order))


@pytest.mark.long
@needs_treebank
def test_gold_labels_agree_with_an_independent_alignment():
    lines = penn_treebank.read_lines(FOLDER / "ptb" / "ptb.train.txt")
    tracks, sources = penn_treebank.gold_tracks(lines, FOLDER)
    begins = penn_treebank.first_steps(lines)
    assert (len(tracks["pos"]), sources["chunk"]) == (
        929_589,
        "gold: NLTK conll2000, 229,476 of 929,589 steps; none elsewhere",
    )

    def reference(name, column):
        table = pq.read_table(FOLDER / "ptb" / name, columns=["line", "pos", column])
        steps = begins[table["line"].to_numpy()] + table["pos"].to_numpy()
        return steps, np.array(table[column].to_pylist())

    for name in ("ptb_train_pos_from_treebank", "ptb_train_pos_chunks_from_conll2000"):
        steps, tags = reference(f"{name}.parquet", "tag")
        known = tags != ""  # the reference has no tag for %, and shifts its neighbours' tags in six lines
        assert np.mean(tracks["pos"][steps[known]] == tags[known]) > 0.9997
        assert np.mean(tracks["pos"][steps] != "") > 0.9999
    steps, chunks = reference("ptb_train_pos_chunks_from_conll2000.parquet", "chunk")
    ours = tracks["chunk"][steps]
    repaired = np.char.replace(ours, "B-", "I-") == chunks  # I- whose B- fell on a punctuation mark
    assert np.mean((ours == chunks) | repaired) > 0.9999
    assert np.sum((ours != chunks) & repaired) < 200
    for first, second in itertools.pairwise(ours):
        assert second[:2] != "I-" or first == "" or first[2:] == second[2:]
    outside = np.setdiff1d(np.flatnonzero(tracks["chunk"] != ""), steps)
    assert len(outside) == 0


@pytest.mark.long
@needs_treebank
def test_the_whole_corpus_has_its_published_size_and_tracks():
    corpus = corpora.load(ptb(), FOLDER)
    assert {name: len(split) for name, split in corpus.splits.items()} == {
        "train": 929_589,
        "validation": 73_760,
        "test": 82_430,
    }
    assert len(corpus.vocabulary) == 10_000
    train = corpus.splits["train"]
    start = recipe.load("ptb-lstm-2x200").record.start
    tracks = [train.tracks[name] for name in ("pos", "universal_pos", "chunk", "phrase")]
    here = range(start - 1, start + 4)
    shown = [(corpus.vocabulary[train.word_ids[t]], *(track[t] for track in tracks)) for t in here]
    assert shown == [
        ("<eos>", "", "", "", ""),
        ("confidence", "NN", "NOUN", "B-NP", "NP"),
        ("in", "IN", "ADP", "B-PP", "PP"),
        ("the", "DT", "DET", "B-NP", "NP"),
        ("pound", "NN", "NOUN", "I-NP", "NP"),
    ]
    assert np.mean(train.tracks["chunk"][start : start + 190_000] != "") > 0.94
    assert train.track_sources["pos"] == ("gold: NLTK treebank and conll2000, 312,174 of 929,589 steps; none elsewhere")
    assert corpus.splits["test"].tracks == {}


@pytest.mark.parametrize("gold_there", [True, False])
def test_the_tagger_fills_only_lines_without_gold_and_the_track_says_so(small, monkeypatch, gold_there):
    gold_tags = np.array(["", "", "", "", "DT", "", ""] if gold_there else [""] * 7)
    monkeypatch.setattr(
        penn_treebank,
        "gold_tracks",
        lambda lines, folder: ({"pos": gold_tags}, {"pos": "gold: somewhere, 1 of 7 steps; none elsewhere"}),
    )
    monkeypatch.setattr(
        penn_treebank, "predict_pos", lambda lines, folder: [[w.upper() for w in line] for line in lines]
    )
    corpus = corpora.load(ptb(tracks=["pos"], predicted_pos=True), small)
    second = ["DT", "", ""] if gold_there else ["THE", "CAT", ""]
    assert corpus.splits["train"].tracks["pos"].tolist() == ["THE", "<UNK>", "SAT", "", *second]
    assert corpus.splits["train"].track_sources["pos"] == (
        "gold: somewhere, 1 of 7 steps; elsewhere predicted by NLTK's perceptron tagger"
    )
    assert corpus.splits["test"].tracks["pos"].tolist() == ["THE", "THE", ""]
