"""Pairing of word clusters with unit clusters: which memory chip is drawn opposite which word cloud.

Clusters of words and of units come from two trees and keep their numbers as k grows, so that the pairing is a separate
assignment problem, solved for each k with a bonus for the pairs of k - 1. The strongest links become the short ones.
"""

from __future__ import annotations

import numpy as np

STAY, STAY_TO = 0.05, 100
"""The bonus for keeping a pair when k grows by one, as a share of the largest edge; the k up to which it is given."""


def partners(
    sums: np.ndarray,
    word_sizes: np.ndarray,
    unit_sizes: np.ndarray,
    word_parents: np.ndarray,
    unit_parents: np.ndarray,
) -> np.ndarray:
    """int64[k]: the unit cluster for each word cluster, each once, for the largest sum of |edges|.

    `sums` are those of s over the blocks, float[k, k]; sizes and parents (see `Tree.parents`) are int64[k].
    The pairs at k - 1 get a bonus (`STAY`), so that clouds stay opposite their chips where that costs little. They are
    found first, by undoing the last split of either tree.
    """
    from scipy.optimize import linear_sum_assignment

    strengths = []
    for last in range(len(sums) - 1, -1, -1):
        strengths.append(np.abs(sums) / np.outer(word_sizes, unit_sizes))
        if last == 0 or len(word_parents) > STAY_TO:
            break
        sums = _taken_back(_taken_back(sums, word_parents[last]).T, unit_parents[last]).T
        word_sizes = _taken_back(word_sizes, word_parents[last])
        unit_sizes = _taken_back(unit_sizes, unit_parents[last])
    partner = np.zeros(0, np.int64)
    for strength in reversed(strengths):
        strength[np.arange(len(partner)), partner] += STAY * strength.max()
        partner = linear_sum_assignment(-strength)[1]
    return partner


def _taken_back(values: np.ndarray, parent: int) -> np.ndarray:
    """The sums of one cluster fewer: the last cluster is merged into the one that it was split from."""
    merged = values[:-1].copy()
    merged[parent] += values[-1]
    return merged
