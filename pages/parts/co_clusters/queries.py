"""Cached queries about expected responses and the groups that they make."""

from __future__ import annotations

from collections.abc import Sequence

from pages.parts.shared.cache import cached
from rnnstore import Model
from rnnstore.co_clusters import decomposition, expected
from rnnstore.co_clusters.decomposition import CoClusters, Decomposition
from rnnstore.co_clusters.membership import with_words

expected_responses = expected.expected_responses
"""The expected responses of a state: the library itself caches the last few."""

word_response = cached(expected.word_response)
words_of_unit = cached(expected.words_of_unit)
word_tags = cached(expected.word_tags, "Tagging the words ...")


@cached(spinner="Decomposing the responses ...")
def decompose(model: Model, state: str, words: int) -> Decomposition:
    return decomposition.decompose(expected_responses(model, state), words)


@cached(spinner="Clustering ...")
def clusters(
    model: Model, state: str, words: int, k: int, method: str, seed: int, always: Sequence[str] = ()
) -> CoClusters:
    """k clusters of the `words` most frequent words; those of `always` join them and change nothing."""
    found = decompose(model, state, words).clusters(k, method, seed)
    return with_words(found, expected_responses(model, state), always)
