"""Dividing a text into splits, counting its vocabulary, and turning words into ids."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import corpora, recipe
from pipelines.corpora.corpus import prepare
from pipelines.corpora.raw_text import RawText, divide, join, one_stream
from pipelines.errors import CorpusError
from pipelines.windows import check_length


def stretch(words, starts=(0,), cuts=None, **tracks):
    flags = np.zeros(len(words), dtype=bool)
    flags[list(starts)] = True
    tracks = {name: np.array(values) for name, values in tracks.items()}
    return RawText(words, flags, tracks, None if cuts is None else np.array(cuts))


def shares(train, validation, test):
    return SimpleNamespace(train=train, validation=validation, test=test)


def test_a_text_is_divided_in_order_and_each_part_starts_a_sequence():
    parts = divide(stretch(list("abcdefghij"), n=range(10)), shares(0.6, 0.2, 0.2))
    found = {k: (part.words, part.sequence_starts.tolist(), part.tracks["n"].tolist()) for k, part in parts.items()}
    assert found == {
        "train": (list("abcdef"), [True] + [False] * 5, [0, 1, 2, 3, 4, 5]),
        "validation": (list("gh"), [True, False], [6, 7]),
        "test": (list("ij"), [True, False], [8, 9]),
    }


def test_parts_are_cut_only_where_the_text_may_be_cut_and_none_is_empty():
    parts = divide(stretch("aaabbbbbbbbbbbbcd", cuts=[0, 3, 15, 16]), shares(0.8, 0.1, 0.1))
    assert {name: part.words for name, part in parts.items()} == {
        "train": "aaabbbbbbbbbbbb",
        "validation": "c",
        "test": "d",
    }


def test_a_share_of_zero_leaves_the_split_out():
    assert list(divide(stretch("abcd"), shares(0.5, 0.0, 0.5))) == ["train", "test"]
    assert divide(stretch("abcd"), shares(1.0, 0.0, 0.0))["train"].words == "abcd"


def test_a_text_of_too_few_pieces_is_refused():
    with pytest.raises(CorpusError, match=r"of 2 steps is made of steps: too few to be divided into train, validation"):
        divide(stretch("ab"), shares(0.8, 0.1, 0.1))
    with pytest.raises(CorpusError, match="of 4 steps is made of 1 piece that cannot be cut"):
        divide(stretch("abcd", cuts=[0]), shares(0.5, 0.5, 0.0))


@given(
    st.lists(st.integers(1, 6), min_size=3, max_size=30),
    st.tuples(st.integers(1, 20), st.integers(0, 20), st.integers(0, 20)),
)
def test_parts_make_up_the_whole_and_come_within_a_piece_of_their_shares(lengths, weights):
    begins = np.cumsum([0, *lengths])
    words = [f"{i}.{k}" for i, length in enumerate(lengths) for k in range(length)]
    wanted = [weight / sum(weights) for weight in weights]
    parts = divide(stretch(words, starts=begins[:-1], cuts=begins[:-1]), shares(*wanted))
    assert [word for part in parts.values() for word in part.words] == words
    assert list(parts) == [name for name, share in zip(("train", "validation", "test"), wanted, strict=True) if share]
    edge = 0
    for name, part in parts.items():
        assert part.sequence_starts[0]
        assert edge in begins
        edge += len(part)
        share = sum(wanted[: ("train", "validation", "test").index(name) + 1])
        assert abs(edge - share * len(words)) <= len(parts) * max(lengths)


def test_the_vocabulary_is_counted_on_the_training_part_and_ordered_by_count():
    parts = {"train": stretch(["b", "a", "b", "c", "a", "b"]), "test": stretch(["b", "d"])}
    corpus = prepare("small", "word", parts)
    assert corpus.vocabulary == ["b", "a", "c", "<unk>"]
    assert corpus.splits["train"].word_ids.tolist() == [0, 1, 0, 2, 1, 0]
    assert corpus.splits["test"].word_ids.tolist() == [0, 3]
    assert corpus.splits["train"].word_ids.dtype == np.int32


def test_the_unknown_word_is_part_of_the_vocabulary_only_where_it_occurs():
    assert prepare("small", "word", {"train": stretch(["a", "b"])}).vocabulary == ["a", "b"]


def test_a_text_that_brings_its_own_unknown_word_keeps_it_in_its_place():
    parts = {"train": stretch(["<unk>", "a", "<unk>", "b", "c", "c", "c"])}
    assert prepare("small", "word", parts).vocabulary == ["c", "<unk>", "a", "b"]
    assert prepare("small", "word", parts, limit=2).vocabulary == ["c", "<unk>"]
    assert prepare("small", "word", parts, limit=2).splits["train"].word_ids.tolist() == [1, 1, 1, 1, 0, 0, 0]


def test_rare_words_become_the_unknown_one():
    corpus = prepare("small", "character", {"train": stretch("aabbbz\u00e9")}, minimum_count=2, unknown="?")
    assert corpus.vocabulary == ["b", "a", "?"]
    assert corpus.splits["train"].word_ids.tolist() == [1, 1, 0, 0, 0, 2, 2]


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", "e", "<unk>"]), min_size=1, max_size=40),
    st.lists(st.sampled_from(["a", "b", "f"]), min_size=1, max_size=10),
    st.none() | st.integers(2, 8),
    st.integers(1, 4),
)
def test_any_vocabulary_keeps_its_promises(train, test, limit, minimum):
    corpus = prepare(
        "any", "word", {"train": stretch(train), "test": stretch(test)}, limit=limit, minimum_count=minimum
    )
    vocabulary, counts = corpus.vocabulary, Counter(train)
    assert len(set(vocabulary)) == len(vocabulary)
    assert limit is None or len(vocabulary) <= limit
    kept = [word for word in vocabulary if word != "<unk>"]
    assert all(counts[word] >= minimum for word in kept)
    if limit is None:  # nothing that could have stayed is missing
        assert set(kept) == {word for word in counts if counts[word] >= minimum} - {"<unk>"}
    for words, split in ((train, corpus.splits["train"]), (test, corpus.splits["test"])):
        written = [vocabulary[i] for i in split.word_ids]
        assert written == [word if word in vocabulary else "<unk>" for word in words]


def test_long_sequences_are_shortened_and_their_tracks_with_them():
    whole = stretch("aaaabbcccc", starts=[0, 4, 6], cuts=[0, 4, 6], n=range(10))
    short = whole.shortened(3)
    assert short.words == "aaabbccc"
    assert np.flatnonzero(short.sequence_starts).tolist() == short.cuts.tolist() == [0, 3, 5]
    assert short.tracks["n"].tolist() == [0, 1, 2, 4, 5, 6, 7, 8]


def test_the_first_steps_of_a_text_keep_its_cuts():
    first = stretch("aabbcc", starts=[0, 2, 4], cuts=[0, 2, 4], n=range(6)).first(3)
    assert (first.words, first.cuts.tolist(), first.tracks["n"].tolist()) == ("aab", [0, 2], [0, 1, 2])


def test_joined_texts_keep_their_sequences():
    both = join([stretch(["a", "b"], x=["p", "q"]), stretch(["c"], x=["long"])])
    assert both.words == ["a", "b", "c"]
    assert both.sequence_starts.tolist() == [True, False, True]
    assert both.tracks["x"].tolist() == ["p", "q", "long"]
    assert one_stream(3).tolist() == [True, False, False]


def small_recipe(**record):
    return recipe.Recipe.model_validate(
        {
            "name": "a",
            "corpus": {"kind": "parentheses", "symbols": 100},
            "network": {"embedding": 1, "layers": [{"cell": "gru", "units": 1}]},
            "training": {"epochs": 1, "batch": 9, "unroll": 10},
            "record": record,
        }
    )


def test_a_corpus_shorter_than_one_training_window_is_refused():
    settings = small_recipe()
    with pytest.raises(CorpusError) as caught:
        check_length(corpora.load(settings.corpus), settings)
    assert str(caught.value) == (
        "The training split of parentheses, 4 levels has 90 steps, and one training window takes 91 (batch 9 x unroll "
        "10, and the word after). Use more text, or a smaller training.batch or training.unroll."
    )
    check_length(corpora.load(settings.corpus.model_copy(update={"symbols": 110})), settings)


def test_a_recording_that_would_begin_after_the_end_is_refused():
    settings = small_recipe(start=6)
    corpus = corpora.load(settings.corpus.model_copy(update={"symbols": 120}))
    with pytest.raises(CorpusError) as caught:
        check_length(corpus, settings)
    assert str(caught.value) == (
        "record.start is 6, but the validation split of parentheses, 4 levels has only 6 steps."
    )
