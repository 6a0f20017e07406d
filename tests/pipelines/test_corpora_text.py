"""Text files: by character and by word, and the sentence for every file that is none."""

import numpy as np
import pytest

from pipelines import corpora
from pipelines.corpora import kinds
from pipelines.errors import CorpusError

WHOLE = {"train": 1.0, "validation": 0.0, "test": 0.0}


def load(folder, **given):
    given = {"kind": "text", "files": ["t.txt"], "shares": WHOLE} | given
    return corpora.load(kinds.Text.model_validate(given), folder)


def write(folder, text, name="t.txt", encoding="utf-8"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))


def written(corpus, split="train"):
    return [corpus.vocabulary[i] for i in corpus.splits[split].word_ids]


def starts(corpus, split="train"):
    return np.flatnonzero(corpus.splits[split].sequence_starts).tolist()


def test_by_character_every_character_is_a_step(tmp_path):
    write(tmp_path, "ab\r\nba a\n\n")
    corpus = load(tmp_path)
    assert (corpus.name, corpus.level) == ("t.txt", "character")
    assert corpus.vocabulary == ["\n", "a", "b", " "]
    assert "".join(written(corpus)) == "ab\nba a\n\n"
    assert starts(corpus) == [0]


def test_by_character_lines_can_be_sequences(tmp_path):
    write(tmp_path, "ab\nc\n\nd")
    assert starts(load(tmp_path, sequences="line")) == [0, 3, 5, 6]


def test_by_word_lines_can_end_with_a_word_and_be_sequences(tmp_path):
    write(tmp_path, "The cat.\n\n  the dog \n")
    corpus = load(tmp_path, level="word", lower=True, line_end="<eos>", sequences="line")
    assert written(corpus) == ["the", "cat.", "<eos>", "the", "dog", "<eos>"]
    assert corpus.vocabulary == ["<eos>", "the", "cat.", "dog"]
    assert starts(corpus) == [0, 3]


def test_nltks_tokenizer_takes_punctuation_apart(tmp_path):
    write(tmp_path, "He can't, she said.")
    assert written(load(tmp_path, level="word", tokenizer="nltk")) == ["He", "ca", "n't", ",", "she", "said", "."]


def test_splits_are_cut_at_lines(tmp_path):
    write(tmp_path, "aaaa\nbb\ncc\ndd\n")
    corpus = load(tmp_path, shares={"train": 0.5, "validation": 0.25, "test": 0.25})
    texts = {name: "".join(written(corpus, name)) for name in corpus.splits}
    assert texts == {"train": "aaaa\nbb\n", "validation": "<unk><unk>\n", "test": "<unk><unk>\n"}


def test_a_text_of_one_line_is_cut_anywhere(tmp_path):
    write(tmp_path, "a" * 100)
    corpus = load(tmp_path, shares={"train": 0.8, "validation": 0.1, "test": 0.1})
    assert {name: len(split) for name, split in corpus.splits.items()} == {"train": 80, "validation": 10, "test": 10}


def test_files_of_their_own_make_the_validation_and_test_splits(tmp_path):
    for name, text in (("t.txt", "aab"), ("v.txt", "ab"), ("w.txt", "ba")):
        write(tmp_path, text, name)
    shares = {"train": 0.9, "validation": 0.1, "test": 0.0}
    corpus = load(tmp_path, validation_files=["v.txt"], test_files=["w.txt"], shares=shares)
    texts = {name: "".join(written(corpus, name)) for name in ("train", "validation", "test")}
    assert texts == {"train": "aab", "validation": "ab", "test": "ba"}


def test_several_files_are_read_in_order_and_can_be_sequences(tmp_path):
    for name, text in (("t.txt", "a b"), ("u.txt", "c"), ("v.txt", "d e")):
        write(tmp_path, text, name)
    corpus = load(tmp_path, files=["t.txt", "u.txt", "v.txt"], level="word", sequences="file")
    assert (written(corpus), starts(corpus), corpus.name) == (list("abcde"), [0, 2, 3], "t.txt, u.txt, v.txt")
    assert starts(load(tmp_path, files=["t.txt", "u.txt"], level="word")) == [0]


def test_vocabulary_length_and_steps_can_be_limited(tmp_path):
    write(tmp_path, "a b c d\na b c\na e\n")
    corpus = load(tmp_path, level="word", sequences="line", maximum_length=3, vocabulary=3)
    assert written(corpus) == ["a", "b", "<unk>", "a", "b", "<unk>", "a", "<unk>"]
    assert corpus.vocabulary == ["a", "b", "<unk>"]
    assert written(load(tmp_path, level="word", maximum_steps=5)) == ["a", "b", "c", "d", "a"]


def test_a_byte_order_mark_is_no_character_and_other_encodings_can_be_named(tmp_path):
    write(tmp_path, "\ufeffab")
    assert written(load(tmp_path)) == ["a", "b"]
    write(tmp_path, "n\u00e9", encoding="latin-1")
    assert written(load(tmp_path, encoding="latin-1")) == ["n", "\u00e9"]
    write(tmp_path, "n\u00e9", encoding="utf-16")
    assert written(load(tmp_path, encoding="utf-16")) == ["n", "\u00e9"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "{path} is empty (0 bytes); a corpus needs text."),
        (b" \n\n", "{path} is empty (3 bytes); a corpus needs text."),
        (
            b"abc\x00def",
            "{path} is not a text file: byte 3 is zero, which no text has. Name a text file in corpus.files.",
        ),
        (
            b"ab\ncd\xe9f",
            "{path} is not utf-8: byte 5 (line 2) is 0xE9. Set corpus.encoding to what the file is written in, such as "
            "latin-1, or save the file as UTF-8.",
        ),
        (
            "ab".encode("utf-16"),
            "{path} begins with the mark of UTF-16, not utf-8; set corpus.encoding to utf-16.",
        ),
    ],
)
def test_a_file_that_is_no_text_is_named_with_the_place_and_what_to_do(tmp_path, content, sentence):
    write(tmp_path, content)
    with pytest.raises(CorpusError) as caught:
        load(tmp_path)
    assert str(caught.value) == sentence.format(path=tmp_path / "t.txt")


def test_a_missing_file_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError) as caught:
        load(tmp_path / "corpora")
    assert str(caught.value) == (
        f"There is no text file t.txt: looked for {tmp_path}/corpora/t.txt and {tmp_path}/t.txt. "
        "Correct corpus.files, or put it there."
    )
    with pytest.raises(CorpusError, match="which is a folder; name the text files in it"):
        load(tmp_path, files=["."])


def test_a_text_too_short_to_be_divided_is_refused(tmp_path):
    write(tmp_path, "a\nb\n")
    with pytest.raises(CorpusError, match="of 4 steps is made of 2 pieces that cannot be cut: too few"):
        load(tmp_path, shares={"train": 0.8, "validation": 0.1, "test": 0.1})


@pytest.mark.parametrize("sequences", ["line", "stream"])
def test_predicted_tags_are_marked_as_predicted(tmp_path, monkeypatch, sequences):
    monkeypatch.setattr(
        "pipelines.corpora.text.predict_pos", lambda lines, folder: [[w.upper() for w in line] for line in lines]
    )
    write(tmp_path, "a b\nc\n")
    corpus = load(tmp_path, level="word", predicted_pos=True, line_end="<eos>", sequences=sequences)
    split = corpus.splits["train"]
    assert split.tracks["pos"].tolist() == ["A", "B", "", "C", ""]
    assert split.track_sources == {"pos": "predicted by NLTK's perceptron tagger"}
