"""Intervals, exact tests and corrections for many tests: plain functions of counts and p-values, over whole arrays.

They know nothing of models or pages. `scipy.stats` is imported when a test is computed: it takes half a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np

_HALF_WIDTH = 1.959963984540054
"""Standard deviations on each side of a normal distribution's middle 95 %."""


@overload
def wilson(hits: int, of: int) -> tuple[float, float]: ...
@overload
def wilson(hits: np.ndarray, of: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]: ...
def wilson(hits: Any, of: Any) -> Any:
    """(low, high) of Wilson's 95 % interval for the share hits / of, elementwise; 0 to 1 where nothing was counted.

    Use it for shares of independent draws; it stays within 0 and 1 and is sensible for few draws and for 0 or all hits.
    The closed form of `scipy.stats.binomtest(...).proportion_ci(method="wilson")`, which takes one share at a time.

    >>> [round(float(bound), 3) for bound in wilson(45, 50)]
    [0.786, 0.957]
    """
    hits, of = np.broadcast_arrays(np.asarray(hits, float), np.asarray(of, float))
    z, n = _HALF_WIDTH, np.maximum(of, 1)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = np.where((of > 0) & (hits > 0), np.maximum(middle - half, 0), 0.0)
    high = np.where((of > 0) & (hits < of), np.minimum(middle + half, 1), 1.0)
    return low[()], high[()]


def fisher(hits: np.ndarray, drawn: int, corpus: np.ndarray, steps: int) -> np.ndarray:
    """float64[n]: two-sided p of Fisher's exact test that `hits` of `drawn` steps carry a label that `corpus` of all
    `steps` carry: the drawn steps against the rest of the corpus. Draws count as independent."""
    from scipy.stats import fisher_exact

    return np.array(
        [
            fisher_exact([[k, drawn - k], [all_ - k, steps - drawn - all_ + k]]).pvalue
            for k, all_ in zip(hits.tolist(), corpus.tolist(), strict=True)
        ],
        float,
    )


def holm(p: np.ndarray) -> np.ndarray:
    """float64[n]: p-values corrected by Holm: below 0.05, no false one at all with 95 % confidence."""
    order = np.argsort(p, kind="stable")
    found = np.empty(len(p))
    found[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return found


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """float64[n]: p-values corrected by Benjamini and Hochberg: of those below 0.05, at most 5 % are false."""
    from scipy.stats import false_discovery_control

    return false_discovery_control(p)


CORRECTIONS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "holm": ("Holm", holm),
    "benjamini-hochberg": ("Benjamini-Hochberg", benjamini_hochberg),
}
"""Corrections for the number of tests, by the name under which they are chosen: what they are called, and how."""
