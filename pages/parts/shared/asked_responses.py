"""Questions about expected responses whose answers are kept, by the store's folder and how it is at the moment."""

from __future__ import annotations

import pyarrow as pa

from pages.parts.shared.asked import Store
from pages.parts.shared.kept import kept
from rnnstore import Model
from rnnstore.co_clusters import decomposition as co_clusters
from rnnstore.co_clusters import expected
from rnnstore.co_clusters.decomposition import CoClusters, Decomposition
from rnnstore.co_clusters.expected import ExpectedResponses, WordResponse, WordTags
from rnnstore.co_clusters.membership import with_words


def responses(model: Model, state: str) -> ExpectedResponses:
    """The expected responses of a state; the library itself keeps the last few."""
    return expected.expected_responses(model, state)


@kept("Decomposing the responses ...")
def decomposition(store: Store, _model: Model, model: str, state: str, words: int) -> Decomposition:
    return co_clusters.decompose(responses(_model, state), words)


@kept("Clustering ...")
def clusters(
    store: Store,
    _model: Model,
    model: str,
    state: str,
    words: int,
    always: tuple[str, ...],
    k: int,
    method: str,
    seed: int,
) -> CoClusters:
    """k clusters of the `words` most frequent words; those of `always` join them and change nothing."""
    found = decomposition(store, _model, model, state, words).clusters(k, method, seed)
    return with_words(found, responses(_model, state), always)


@kept()
def word(store: Store, _model: Model, model: str, state: str, text: str) -> WordResponse:
    return expected.word_response(_model, state, text)


@kept()
def unit(store: Store, _model: Model, model: str, state: str, number: int, m: int, least: int) -> pa.Table:
    return expected.words_of_unit(_model, state, number, m, least)


@kept("Tagging the words ...")
def tags(store: Store, _model: Model, model: str, track: str) -> WordTags:
    return expected.word_tags(_model, track)
