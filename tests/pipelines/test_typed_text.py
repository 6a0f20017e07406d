"""A sentence typed later is read as in training: the same numbers of words, where the state is reset, what is unknown.

For every kind of corpus, on its real text where this machine has it.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from pipelines import corpora
from pipelines.corpora import corpus as prepared
from pipelines.corpora import kinds, python_source, tokenisation
from pipelines.corpora.raw_text import RawText, one_stream
from pipelines.corpora.tokenisation import describe
from rnnstore.networks.tokenising import Tokenisation, tokenise

FOLDER = Path(os.environ.get("RNNSTORE_CORPORA", "/nowhere"))
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def needs(*path):
    return pytest.mark.skipif(
        not FOLDER.joinpath(*path).exists(), reason=f"needs {'/'.join(path)}: set RNNSTORE_CORPORA to a folder with it"
    )


@pytest.fixture
def load(monkeypatch):
    """A corpus of a kind, and the words of its splits as they were before they had numbers."""
    seen = {}

    def spy(level, parts, *rest, **known):
        seen.update(parts)
        return describe(level, parts, *rest, **known)

    monkeypatch.setattr(tokenisation, "describe", spy)

    def loaded(kind, beside=FOLDER, **settings):
        corpus = corpora.load(kinds.KINDS[kind].model_validate({"kind": kind, **settings}), beside)
        return corpus, {split: part.words for split, part in seen.items()}

    return loaded


def typed(corpus, text):
    """The text as a network over this corpus reads it, its description come back from a file."""
    how = Tokenisation.model_validate(json.loads(json.dumps(corpus.tokenisation)))
    return tokenise(text, how, {word: number for number, word in enumerate(corpus.vocabulary)})


def check(corpus, text, split="train"):
    """`text` begins a split, and is read as the first steps of it; what was read."""
    part, found = corpus.splits[split], typed(corpus, text)
    assert len(found) > 100
    assert found.ids.tolist() == part.word_ids[: len(found)].tolist()
    assert found.starts.tolist() == part.sequence_starts[: len(found)].tolist()
    assert "".join("".join(found.typed).split()) == "".join(text.split())
    return found


def lines(words, end="<eos>", most=30_000):
    """The first words with blanks between them, a line for each that has an end."""
    shown = list(words[:most])
    whole = shown[: len(shown) - shown[::-1].index(end)]
    return "\n".join(line.strip() for line in " ".join(whole).split(end)[:-1])


# Characters


def test_brackets_and_source_are_read_by_character(load, tmp_path):
    corpus, words = load("parentheses", symbols=3000)
    check(corpus, words["train"])
    assert typed(corpus, "(5x").unknown.tolist() == [False, True, True]
    text = python_source.__doc__ + "# naïve ☃\n"
    (tmp_path / "a.py").write_text(f'"""{text}"""\n', encoding="utf-8")
    shares = {"train": 1.0, "validation": 0.0, "test": 0.0}
    corpus, words = load("python-source", tmp_path, folder=str(tmp_path), shares=shares, minimum_count=3)
    found = check(corpus, (tmp_path / "a.py").read_text("utf-8"))
    assert found.typed[-6] == "☃" and found.words[-6] == "\ufffd" and found.unknown[-6]


@needs("shakespeare", "input.txt")
def test_a_text_by_character(load):
    corpus, _ = load("text", files=["shakespeare/input.txt"], maximum_steps=60_000, sequences="line", lower=True)
    text = (FOLDER / "shakespeare" / "input.txt").read_text("utf-8")
    check(corpus, text[:40_000].replace("\n", "\r\n"))


def test_a_genome_is_read_in_capitals(load, tmp_path):
    bases = "".join(np.random.default_rng(0).choice(list("acgtACGT"), 200))
    (tmp_path / "g.fa").write_text(f">chr1\n{bases}\n", "utf-8")
    shares = {"train": 1.0, "validation": 0.0, "test": 0.0}
    corpus, _ = load("genome", tmp_path, files=["g.fa"], shares=shares)
    check(corpus, bases)
    assert typed(corpus, "acX").words == ["A", "C", "X"]


# Words in files


@needs("ptb", "ptb.valid.txt")
@pytest.mark.parametrize(("vocabulary", "sequences"), [(None, "stream"), (900, "line")])
def test_the_penn_treebank_is_read_as_its_files(load, vocabulary, sequences):
    corpus, _ = load("penn-treebank", tracks=[], vocabulary=vocabulary, sequences=sequences)
    for split, name in (("train", "train"), ("validation", "valid"), ("test", "test")):
        text = (FOLDER / "ptb" / f"ptb.{name}.txt").read_text("utf-8")[:190_000]
        found = check(corpus, text.rsplit("\n", 1)[0], split)
        assert found.unknown.any() == (vocabulary == 900)
    if vocabulary is None:
        sentence = "The company's profit wasn't $3.5 million, or “5%”: it can’t be (said Mr. Smith)."
        read = "the company 's profit was n't $ N million or N N it ca n't be said mr. smith <eos>"
        assert " ".join(typed(corpus, sentence).words) == read


@needs("shakespeare", "input.txt")
@pytest.mark.parametrize("tokenizer", ["whitespace", "nltk"])
def test_a_text_by_word_is_read_as_its_file(load, tmp_path, tokenizer):
    settings = {"tokenizer": tokenizer, "lower": True, "vocabulary": 800, "line_end": "<eos>", "sequences": "line"}
    text = (FOLDER / "shakespeare" / "input.txt").read_text("utf-8")[:60_000]
    (tmp_path / "t.txt").write_text(text, "utf-8")
    corpus, _ = load("text", tmp_path, files=["t.txt"], level="word", **settings)
    assert check(corpus, text[:50_000].rsplit("\n", 1)[0]).unknown.any()


@needs("nltk_data", "tokenizers")
def test_a_text_by_sentence_is_read_as_its_file(load, tmp_path):
    text = 'Mr. İpek came. He said, "No."\nShe left.  It was\nover!' + " One more. And “another”?" * 40
    (tmp_path / "t.txt").write_text(text, encoding="utf-8")
    os.symlink(FOLDER / "nltk_data", tmp_path / "nltk_data")
    shares = {"train": 1.0, "validation": 0.0, "test": 0.0}
    settings = {"tokenizer": "nltk", "line_end": "<eos>", "sequences": "sentence", "shares": shares}
    corpus, _ = load("text", tmp_path, files=["t.txt"], level="word", **settings)
    assert check(corpus, text).starts.sum() > 80


@needs("sentiment", "uci_sentences", "yelp_labelled.txt")
@pytest.mark.parametrize("tokenizer", ["whitespace", "nltk"])
def test_a_labelled_text_is_read_as_it_was_given(load, tokenizer):
    files = ["sentiment/uci_sentences/yelp_labelled.txt"]
    corpus, _ = load(
        "labelled-text", files=files, text_column=1, label_column=2, tokenizer=tokenizer, lower=True, minimum_count=2
    )
    part, known = corpus.splits["test"], set()
    begins = np.flatnonzero(part.sequence_starts).tolist()
    for begin, end in zip(begins, [*begins[1:], len(part)], strict=True):
        known.add(tuple(part.word_ids[begin:end].tolist()))
    rows = (FOLDER / files[0]).read_text("utf-8").split("\n")
    read = [tuple(typed(corpus, row.split("\t")[0]).ids.tolist()) for row in rows if row]
    assert len(known) > 90
    assert known <= set(read)


def test_words_to_complete_are_read_as_their_text(load, tmp_path):
    text = "the quick brown fox jumps over the lazy dog and runs " * 3
    (tmp_path / "t.txt").write_text(text, "utf-8")
    shares = {"train": 1.0, "validation": 0.0, "test": 0.0}
    corpus, _ = load("autocomplete", tmp_path, files=["t.txt"], observation=200, words=20, shares=shares)
    found = typed(corpus, " " + text.strip())  # every word begins with the space before it
    assert found.ids.tolist() == corpus.splits["train"].word_ids.tolist()
    assert found.starts.tolist() == corpus.splits["train"].sequence_starts.tolist()


@needs("chords", "billboard_chords.txt")
def test_chords_are_read_as_they_are_written(load):
    corpus, words = load("chords", maximum_steps=20_000)
    found = typed(corpus, " ".join(words["train"][:3000]))
    assert found.ids.tolist() == corpus.splits["train"].word_ids[:3000].tolist()


# Words of NLTK


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("treebank", {"vocabulary": 1500, "lower": True, "sequences": "stream"}),
        ("conll2000", {"vocabulary": 3000}),
        ("brown", {"vocabulary": 2000, "maximum_steps": 150_000}),
        ("movie_reviews", {"vocabulary": 2000, "maximum_steps": 60_000}),
    ],
)
def test_a_corpus_of_nltk_is_read_as_its_words_with_blanks_between_them(load, name, limits):
    if not (FOLDER / "nltk_data" / "corpora" / f"{name}.zip").exists():
        pytest.skip(f"needs NLTK's {name}: set RNNSTORE_CORPORA to a folder with nltk_data/")
    corpus, words = load("nltk", corpus=name, **limits)
    for split in ("train", "test"):
        found = check(corpus, lines(words[split]), split)
    assert found.unknown.any() or not limits
    if name in ("treebank", "conll2000"):
        sentence = typed(corpus, 'He said, "The company isn\'t (yet) sold."')
        assert " ".join(sentence.typed) == 'He said , " The company is n\'t ( yet ) sold . " '


@needs("nltk_data", "corpora", "shakespeare.zip")
def test_a_corpus_of_nltk_without_sentences_is_one_piece(load):
    corpus, words = load(
        "nltk", corpus="shakespeare", sequences="file", shares={"train": 0.5, "validation": 0.5, "test": 0}
    )
    assert corpus.tokenisation["split"] == "word or punctuation"
    text = " ".join(words["train"][: words["train"].index("<eos>")])[:150_000].rsplit(" ", 1)[0]
    found = typed(corpus, text)
    assert found.words[-1] == "<eos>"
    assert found.ids[:-1].tolist() == corpus.splits["train"].word_ids[: len(found) - 1].tolist()


def test_every_kind_of_corpus_is_tested_here():
    tests = Path(__file__).read_text("utf-8")
    assert [kind for kind in kinds.KINDS if f'"{kind}"' not in tests] == []


# What a corpus shows of itself


def described(text, vocabulary=None, **known):
    words = text.split()
    parts = {"train": RawText(words, one_stream(len(words)))}
    vocabulary = sorted(set(words)) if vocabulary is None else [*vocabulary.split(), "<unk>"]
    return describe("word", parts, vocabulary, "<unk>", **known)


def test_a_mark_that_stands_alone_is_taken_off_and_one_that_does_not_is_left():
    prose = "he said : no , no , never . mr. x is n't here"
    found = described(prose)
    assert found["after"] == {",": ",", ":": ":", "n't": "n't"}
    assert found["before"] == {",": ",", ":": ":"}
    assert found["full_stop"]
    assert described("he said: no, never.") == {"level": "word"}  # white space is all there is to it


def test_the_few_words_that_have_a_mark_at_their_edge_are_listed():
    text = "a , b , " * 20 + "x, "
    assert described(text, "a b ,")["whole"] == ["x,"]
    assert "after" not in described(text + "y, z, " * 20, "a b ,")


def test_abbreviations_at_the_end_of_a_sentence_are_listed():
    found = described(
        "a b . " * 9 + "john . <eos> corp. <eos> corp . <eos> smith messrs. smith", "a b . corp", end="<eos>"
    )
    assert (found["full_stop"], found["whole"]) == (True, ["corp."])
    assert "messrs." in described("a b . corp messrs. Smith", "a b . corp")["whole"]


def test_words_without_marks_inside_are_told_apart_from_marks():
    assert described("don ' t stop !!")["split"] == "word or punctuation"


def test_an_unknown_word_is_named_where_there_is_one():
    assert described("a b", "a")["unknown"] == "<unk>"
    assert "unknown" not in described("a b")
    assert prepared.prepare("x", "character", {"train": RawText("ab", one_stream(2))}).tokenisation == {
        "level": "character"
    }
