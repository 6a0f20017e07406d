"""Labelled texts: which are in which split under which label, and the sentence for every file that is not right."""

import os
from pathlib import Path

import numpy as np
import pytest

from pipelines import corpora
from pipelines.corpora import kinds
from pipelines.errors import CorpusError

FOLDER = Path(os.environ.get("RNNSTORE_CORPORA", "/nowhere"))
needs_reviews = pytest.mark.skipif(
    not (FOLDER / "sentiment").is_dir(),
    reason="needs the reviews: set RNNSTORE_CORPORA to a folder with sentiment/",
)
WHOLE = {"train": 1.0, "validation": 0.0, "test": 0.0}
HALVES = {"train": 0.5, "validation": 0.0, "test": 0.5}


def load(folder, **settings):
    settings = {"kind": "labelled-text", "files": ["t.txt"], **settings}
    return corpora.load(kinds.LabelledText.model_validate(settings), folder)


def write(folder, content, name="t.txt"):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def texts(corpus, split):
    """Text and label of every sequence of a split, read off its words, starts and labels."""
    part = corpus.splits[split]
    begins = np.flatnonzero(part.sequence_starts)
    words = [" ".join(corpus.vocabulary[i] for i in ids) for ids in np.split(part.word_ids, begins[1:])]
    return list(zip(words, [corpus.labels[i] for i in part.labels], strict=True))


def everything(corpus):
    return sorted(text for split in corpus.splits for text in texts(corpus, split))


def told(folder, **settings):
    with pytest.raises(CorpusError) as caught:
        load(folder, **settings)
    return str(caught.value).replace(str(folder), "FOLDER")


TABLE = [("good", "a b"), ("bad", "c d e"), ("good", "b"), ("bad", "e e")]
EXPECTED = sorted((text, label) for label, text in TABLE)


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        ("".join(f"{label}\t{text}\n" for label, text in TABLE), {}),
        ("".join(f"{text} \t {label} \r\n" for label, text in TABLE), {"label_column": 2, "text_column": 1}),
        (
            "id,text,stars\n" + "".join(f'{n},"{text}",{label}\n' for n, (label, text) in enumerate(TABLE)),
            {"separator": "comma", "label_column": "stars", "text_column": "text"},
        ),
        ("".join(f"{label};{text}\n\n" for label, text in TABLE), {"separator": "semicolon"}),
        ("\ufeffgood\tA B\nbad\tC D E\ngood\tB\nbad\tE E".encode("utf-16"), {"encoding": "utf-16", "lower": True}),
    ],
)
def test_a_table_in_any_usual_form_gives_the_same_texts(tmp_path, content, settings):
    write(tmp_path, content)
    corpus = load(tmp_path, shares=HALVES, **settings)
    assert (corpus.task, corpus.labels, corpus.outputs) == ("classifier", ["bad", "good"], ["bad", "good"])
    # words met in the test half alone are unknown, so the texts are compared in a corpus of one split
    assert everything(load(tmp_path, shares=WHOLE, **settings)) == EXPECTED
    for split in ("train", "test"):
        assert sorted(label for _, label in texts(corpus, split)) == ["bad", "good"]  # every label has its share
        part = corpus.splits[split]
        assert part.tracks["label"].tolist() == [label for text, label in texts(corpus, split) for _ in text.split()]


def test_files_of_one_label_each_are_read_line_by_line_and_a_table_may_hold_quotes(tmp_path):
    write(tmp_path, 'a "b\n', "good.txt")
    write(tmp_path, "c\n\nd", "bad.txt")
    corpus = load(tmp_path, files={"good": ["good.txt"], "bad": ["bad.txt"]}, shares=WHOLE)
    assert everything(corpus) == [('a "b', "good"), ("c", "bad"), ("d", "bad")]
    assert "of 4 texts in good.txt, bad.txt, left out: 1 are empty" in corpus.notes
    write(tmp_path, 'bad\t"c\ngood\td\n')
    assert everything(load(tmp_path, shares=WHOLE)) == [('"c', "bad"), ("d", "good")]


def test_a_mark_that_unicode_counts_as_a_line_end_does_not_end_a_line(tmp_path):
    write(tmp_path, "good\ta\x85b\u2028c\nbad\td\x0be\n")
    corpus = load(tmp_path, shares=WHOLE)
    assert everything(corpus) == [("a b c", "good"), ("d e", "bad")]
    write(tmp_path, 'label,text\ngood,"a\x85b\n c"\nbad,d\u2028e\n')
    names = {"separator": "comma", "label_column": "label", "text_column": "text"}
    corpus = load(tmp_path, shares=WHOLE, **names)
    assert everything(corpus) == [("a b c", "good"), ("d e", "bad")]


def test_by_character_every_character_of_a_text_is_a_step(tmp_path):
    write(tmp_path, "good\tab \nbad\tc\n")
    corpus = load(tmp_path, level="character", shares=WHOLE)
    assert sorted(corpus.splits["train"].lengths.tolist()) == [1, 3]
    assert sorted(corpus.vocabulary) == [" ", "a", "b", "c"]


def test_no_text_is_in_two_splits_and_what_is_left_out_is_counted(tmp_path):
    lines = [f"{label}\t{label} {n % 8} {n % 5}" for label in ("good", "bad") for n in range(60)]  # 40 different ones
    write(tmp_path, "\n".join([*lines, "good\tboth", "bad\tboth", "bad\t ", "good\t1 2 3 4 5 6"]))
    corpus = load(tmp_path, longest=5)
    found = {split: {text for text, _ in texts(corpus, split)} for split in corpus.splits}
    assert {split: len(part) for split, part in found.items()} == {"train": 64, "validation": 8, "test": 8}
    assert [len(corpus.splits[split].labels) for split in found] == [64, 8, 8]
    assert len(everything(load(tmp_path, longest=5, shares=WHOLE))) == 80
    assert corpus.notes == (
        "of 124 texts in t.txt, left out: 40 repeat another text; 1 are empty; 1 have more than 5 steps; "
        "1 are met under several labels",
        "train: 64 texts, 32 bad, 32 good",
        "validation: 8 texts, 4 bad, 4 good",
        "test: 8 texts, 4 bad, 4 good",
    )


def test_the_seed_decides_the_splits(tmp_path):
    write(tmp_path, "\n".join(f"{'good' if n % 3 else 'bad'}\t{n}" for n in range(60)))
    first, again, other = (load(tmp_path, minimum_count=1, seed=seed) for seed in (1, 1, 2))
    assert first.vocabulary == again.vocabulary
    assert texts(first, "train") == texts(again, "train")
    assert {text for text, _ in texts(first, "train")} != {text for text, _ in texts(other, "train")}


def test_splits_may_come_from_files_and_a_text_in_two_of_them_is_in_the_later_one(tmp_path):
    write(tmp_path, "good\ta\nbad\tb\ngood\tc\nbad\td\n")
    write(tmp_path, "good\tc\nbad\te\nbad\ta", "v.txt")
    write(tmp_path, "bad\te\ngood\tf\nbad\tb b", "s.txt")
    corpus = load(tmp_path, validation_files=["v.txt"], test_files=["s.txt"])
    assert sorted(texts(corpus, "train")) == [("b", "bad"), ("d", "bad")]
    assert len(texts(corpus, "validation")) == 2
    assert [label for _, label in texts(corpus, "test")] == ["bad", "good", "bad"]
    assert "1 texts of validation_files are met in test_files too, and used only there" in corpus.notes
    assert "2 texts of files are met in validation_files too, and used only there" in corpus.notes


def test_labels_get_other_names_and_those_without_one_are_left_out(tmp_path):
    write(tmp_path, "1\ta\n2\tb\n3\tc\n5\td\n")
    names = {"1": "bad", "2": "bad", "5": "good"}
    corpus = load(tmp_path, labels=names, shares=WHOLE)
    assert everything(corpus) == [("a", "bad"), ("b", "bad"), ("d", "good")]
    assert "of 4 texts in t.txt, left out: 1 have a label that corpus.labels does not name" in corpus.notes


def test_only_so_many_texts_of_a_label_are_used_and_rarer_ones_are_repeated_for_training_alone(tmp_path):
    write(tmp_path, "\n".join([f"good\tg{n}" for n in range(50)] + [f"bad\tb{n} x" for n in range(30)]))
    settings = {"most_texts": {"good": 40, "bad": 10}, "shares": {"train": 0.5, "validation": 0.25, "test": 0.25}}
    as_is, balanced = load(tmp_path, **settings), load(tmp_path, balance="oversample", **settings)
    assert balanced.vocabulary == as_is.vocabulary  # counted before anything is repeated
    for split in ("validation", "test"):
        assert texts(balanced, split) == texts(as_is, split)
    train = texts(as_is, "train")
    assert [sum(label == which for _, label in train) for which in ("good", "bad")] == [20, 5]
    repeated = texts(balanced, "train")
    assert repeated[:25] == train
    assert all(label == "bad" for _, label in repeated[25:])
    assert sorted(repeated[25:]) == sorted(3 * [text for text in train if text[1] == "bad"])
    part = balanced.splits["train"]
    assert part.tracks["label"].tolist() == [label for text, label in repeated for _ in text.split()]
    assert balanced.notes[-1] == "train: 15 texts are repeated, so that all labels are equally frequent"


def test_what_does_not_divide_evenly_is_drawn_without_repeating_one_text_more_often_than_another(tmp_path):
    write(tmp_path, "\n".join([f"good\tg{n}" for n in range(11)] + [f"bad\tb{n}" for n in range(4)]))
    corpus = load(tmp_path, balance="oversample", shares=WHOLE)
    counts = sorted(texts(corpus, "train").count((f"b{n}", "bad")) for n in range(4))
    assert counts == [2, 3, 3, 3]


NAMED = {"separator": "comma", "label_column": "label", "text_column": "text"}


@pytest.mark.parametrize(
    ("content", "settings", "sentence"),
    [
        (
            "text,lable\na,b\n",
            NAMED,
            "FOLDER/t.txt has no column 'label' (corpus.label_column); did you mean lable?",
        ),
        (
            "review,stars\na,b\n",
            NAMED,
            "FOLDER/t.txt has no column 'text' (corpus.text_column); its first line names: review or stars.",
        ),
        (
            "only a text\nanother\n",
            {},
            "FOLDER/t.txt has 1 column in its first line, and corpus.text_column is 2. Is what stands between the "
            "columns what corpus.separator says?",
        ),
        (
            "good\ta\nbad\tb\tc\n",
            {},
            "FOLDER/t.txt, line 2 has 3 columns, and its first line has 2. Every line needs the same, with a tab "
            "between them (corpus.separator).",
        ),
        (
            "good\ta\n\n \tb\n",
            {},
            "FOLDER/t.txt, line 3 has no label in column 1. Write one there.",
        ),
        (
            'label,text\ngood,"a" b\n',
            NAMED,
            "FOLDER/t.txt, line 2 is no line of a table with a comma between columns: ',' expected after '\"'. A text "
            'with quotes in it is written in quotes, and those inside of it doubled: "she said ""no""".',
        ),
        (
            "good\ta\ngood\tb\ngood\t\n",
            {},
            "The files have only the label 'good'; a classifier needs texts of at least two. (of 3 texts in t.txt, "
            "left out: 1 are empty.)",
        ),
        (
            "label,text\n",
            NAMED,
            "The files have no labelled text that can be used; a classifier needs texts of at least two.",
        ),
        (
            "good\ta\nbad\tb\n",
            {"shares": HALVES},
            "There are 1 texts of the label 'bad', too few to be divided into train, test. Use more texts, or set the "
            "shares of validation and test to 0.",
        ),
        (
            "good\ta\nbad\tb\n",
            {"most_texts": {"god": 3}},
            "corpus.most_texts names the label 'god', which no text has; did you mean good?",
        ),
        (
            b"good\tcaf\xe9\n",
            {},
            "FOLDER/t.txt is not utf-8: byte 8 (line 1) is 0xE9. Set corpus.encoding to what the file is written in, "
            "such as latin-1, or save the file as UTF-8.",
        ),
    ],
)
def test_a_file_that_is_not_what_the_recipe_says_gets_its_sentence(tmp_path, content, settings, sentence):
    write(tmp_path, content)
    assert told(tmp_path, **settings) == sentence


def test_a_typed_text_is_read_as_one_text_with_the_marks_of_the_corpus_taken_off(tmp_path):
    from rnnstore.networks.tokenising import Tokenisation, tokenise

    write(tmp_path, "good\ti love it , really .\nbad\tit is n't it\n")
    corpus = load(tmp_path, lower=True, shares=WHOLE)
    ids = {word: i for i, word in enumerate(corpus.vocabulary)}
    tokens = tokenise("I love it,\nreally.", Tokenisation.model_validate(corpus.tokenisation), ids)
    assert tokens.words == ["i", "love", "it", ",", "really", "."]
    assert tokens.starts.tolist() == [True] + [False] * 5


@pytest.mark.long
@needs_reviews
def test_the_sentences_with_a_mark_that_unicode_counts_as_a_line_end_are_all_there():
    where = "sentiment/uci_sentences"
    corpus = load(FOLDER, files=[f"{where}/imdb_labelled.txt"], label_column=2, text_column=1, shares=WHOLE)
    assert corpus.notes[0] == "of 1,000 texts in imdb_labelled.txt, left out: 3 repeat another text"
    assert corpus.labels == ["0", "1"]
