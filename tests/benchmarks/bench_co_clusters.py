"""Co-clusters of planted structure beside scikit-learn's, and the speeds of expected responses.

    python -m tests.benchmarks.bench_co_clusters

A planted matrix has ten groups of words and ten of units; every pair of groups has a mean of its own, of either sign,
and every entry noise of half its size. "signs random" reverses half of the units besides. What is asked: both sides
found (adjusted Rand index >= 0.99), the first answer within 0.5 s for 10,000 words x 600 units and within 1 s for
10,000 x 2,000, another k within 0.2 s. All in one thread: a second one gains nothing here and loses much on a busy
machine. The processor's time stands beside the clock's, for machines that are not idle.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import SpectralCoclustering
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

import rnnstore
from rnnstore.co_clusters import expected
from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import (
    ExpectedResponses,
    expected_responses,
    responses_between,
    word_response,
    words_of_unit,
)
from tests.benchmarks.large_store import large_store

GROUPS, NOISE = 10, 0.5
SIZES = ((300, 600), (2_000, 600), (10_000, 600), (10_000, 2_000))
STEPS, UNITS = 200_000, 600


def planted(words: int, units: int, random_signs: bool) -> tuple[ExpectedResponses, np.ndarray, np.ndarray]:
    """Responses with their true groups of words and of units."""
    random = np.random.default_rng(words + units)
    of_words, of_units = random.integers(0, GROUPS, words), random.integers(0, GROUPS, units)
    means = random.normal(size=(GROUPS, GROUPS)).astype(np.float32)
    signs = random.choice(np.array([-1, 1], np.float32), units) if random_signs else np.float32(1)
    response = means[of_words][:, of_units] * signs
    response += NOISE * random.standard_normal((words, units), np.float32)
    ids, counts = np.arange(words, dtype=np.int32), np.arange(words, 0, -1)
    names = [f"w{index}" for index in range(words)]
    return ExpectedResponses("planted", "s", names, ids, counts, response, response), of_words, of_units


def timed(call: Callable[[], Any], times: int = 3) -> tuple[Any, str]:
    """The answer, and the best of `times` as 'seconds (processor seconds)'."""
    took = []
    for _ in range(times):
        began, worked = time.perf_counter(), time.process_time()
        answer = call()
        took.append((time.perf_counter() - began, time.process_time() - worked))
    wall, worked = (min(column) for column in zip(*took, strict=True))
    return answer, f"{wall:.3f} ({worked:.3f}) s"


def co_clusters() -> None:
    print(f"{GROUPS} planted groups, ARI of words / units; first answer, another k; seconds (processor seconds)")
    for words, units in SIZES:
        for random_signs in (False, True):
            given, of_words, of_units = planted(words, units, random_signs)

            def first(given=given):
                decomposition = decompose(given, None)
                return decomposition, decomposition.clusters(GROUPS)

            (decomposition, ours), took = timed(first)
            _, another = timed(lambda decomposition=decomposition: decomposition.clusters(GROUPS + 1))
            shifted = given.response - given.response.min()
            with threadpool_limits(1):
                theirs, their_time = timed(
                    lambda shifted=shifted: SpectralCoclustering(GROUPS, random_state=0).fit(shifted), times=1
                )
            found = [(ours.word_cluster, ours.unit_cluster), (theirs.row_labels_, theirs.column_labels_)]
            mine, sklearns = (
                f"{adjusted_rand_score(of_words, word):.3f} / {adjusted_rand_score(of_units, unit):.3f}"
                for word, unit in found
            )
            signs = "signs random" if random_signs else "all positive"
            print(f"{words:>6,} x {units:>5,}, {signs}: {mine}, {took}, {another}", end="; ")
            print(f"scikit-learn {sklearns}, {their_time}", flush=True)


def responses() -> None:
    model = large_store(Path("bench-stores"), STEPS, UNITS)
    state = next(iter(model.states))
    answer, took = timed(lambda: responses_between(model, state))
    print(f"responses of {len(answer.words):,} words x {UNITS} units from {STEPS:,} recorded steps: {took}")

    def read():
        expected._recent = expected._RecentMatrices()
        return expected_responses(model, state)

    print(f"the same read as recorded: {timed(read)[1]}")
    often, seldom = (answer.words[row] for row in answer.most_frequent()[[0, -1]])
    for word in (often, seldom):
        found, took = timed(lambda word=word: word_response(model, state, word))
        print(f"quantiles of a word read {found.count:,} times, all units: {took}")
    print(f"quantiles of a unit, 20 words: {timed(lambda: words_of_unit(model, state, 7, 20))[1]}")


def recorded() -> None:
    """Explained part of the demonstration's responses, by each method."""
    store = rnnstore.open("store")
    for model in store.models.values():
        for state in model.states:
            decomposition = decompose(expected_responses(model, state))
            for k in (10, 20):
                if k > decomposition.most_clusters:
                    continue
                parts = (
                    f"{method} {decomposition.clusters(k, method).explained:.3f}" for method in ("signed", "spectral")
                )
                print(f"R2 of block means, {model.name} {state}, k = {k}: {', '.join(parts)}")


if __name__ == "__main__":
    co_clusters()
    responses()
    recorded()
