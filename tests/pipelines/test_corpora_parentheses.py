"""The parenthesis language: its grammar, its tracks, and that it is the same every time."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import corpora
from pipelines.corpora import kinds
from pipelines.corpora.parentheses import generate, measure


def test_nesting_and_position_of_every_symbol():
    text = "0(11(2)1)0(1((3)2))"
    nesting, position = measure(text)
    assert "".join(f"{level:.0f}" for level in nesting) == "0111222110112333221"
    assert "".join(f"{place:.0f}" for place in position) == "0123123780121123569"


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 9), st.floats(0.01, 0.45), st.floats(0.01, 0.45), st.integers(0, 99))
def test_any_text_obeys_the_grammar(symbols, levels, opening, closing, seed):
    text = generate(symbols, levels, opening, closing, seed)
    assert len(text) == symbols
    assert text == generate(symbols, levels, opening, closing, seed)
    inner = text  # an independent count: digits at the bottom of every bracket are taken away level by level
    open_now = 0
    for symbol in inner:
        open_now += {"(": 1, ")": -1}.get(symbol, 0)
        assert 0 <= open_now <= levels
        assert symbol in "()" or symbol == str(open_now)
    nesting, position = measure(text)
    digits = np.array([symbol not in "()" for symbol in text])
    assert [f"{level:.0f}" for level in nesting[digits]] == [symbol for symbol in text if symbol not in "()"]
    assert np.all((position > 0) == (nesting > 0))
    assert np.all(position[np.array([symbol == "(" for symbol in text])] == 1)


def test_the_deepest_level_is_common_enough_to_search_for():
    deepest = re.findall(r"\((4*)\)", generate(100_000, seed=1))
    assert len(deepest) > 1000
    assert sum(len(span) >= 2 for span in deepest) > 200


def test_the_corpus_is_one_stream_in_three_splits_with_exact_tracks():
    corpus = corpora.load(kinds.Parentheses(kind="parentheses", symbols=1000, seed=3))
    assert (corpus.name, corpus.level) == ("parentheses, 4 levels", "character")
    assert sorted(corpus.vocabulary) == list("()01234")
    text = "".join(corpus.vocabulary[i] for split in corpus.splits.values() for i in split.word_ids)
    assert text == generate(1000, seed=3)
    assert {name: len(split) for name, split in corpus.splits.items()} == {"train": 900, "validation": 50, "test": 50}
    for split in corpus.splits.values():
        assert np.flatnonzero(split.sequence_starts).tolist() == [0]
        assert split.track_sources == dict.fromkeys(["nesting", "position"], "exact (known to the generator)")
    assert np.concatenate([s.tracks["nesting"] for s in corpus.splits.values()]).tolist() == measure(text)[0].tolist()
