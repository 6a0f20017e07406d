"""Itemized gradients: from which step to which step the gradient of a training batch reached (RNNbow).

The gradient of the recurrent weights is a sum over loss steps t and source steps j <= t of g(t, j), the gradient of
the loss of step t through step j's copy of the weights. Each is an outer product of the state before step j and the
cotangent that arrives at j from t, so its norm needs no matrix (methods of Cashman et al., "RNNbow", 2018, whose
printed recursion holds for single units only). Norms do not add up to the norm of the sum; shares do, exactly:

    share(t, j) = <g(t, j), g(j)> / |g(j)|,   g(j) = sum over t of g(t, j),   so that   sum over t of share = |g(j)|.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnnstore.networks.unrolled import Unrolled


@dataclass(frozen=True)
class Itemized:
    """The gradient of one layer's recurrent weights, by loss step (row) and source step (column); `n` steps.

    magnitude   float32[n, n]: |g(t, j)|; NaN where t < j or the lag was not asked for
    share       float32[n, n]: signed, see above; columns sum to |g(j)|
    """

    magnitude: np.ndarray
    share: np.ndarray

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """t and j of the pairs that were followed, by t, then j; also those whose gradient is no number."""
        t, j = _triangle(len(self.magnitude))
        last = (t - j)[np.isfinite(self.magnitude[t, j])].max(initial=0)
        followed = t - j <= last
        return t[followed], j[followed]

    @property
    def by_lag(self) -> np.ndarray:
        """float32[lags]: mean magnitude at each lag t - j, over the loss steps that have a gradient at all."""
        steps, (t, j) = len(self.magnitude), _triangle(len(self.magnitude))
        values, asked = self.magnitude[t, j], np.zeros(len(self.magnitude), bool)
        asked[t[values > 0]] = True
        kept = np.isfinite(values) & asked[t]
        counts, sums = (np.bincount((t - j)[kept], weights, steps) for weights in (None, values[kept]))
        lags = int(np.count_nonzero(counts))
        return (sums[:lags] / np.maximum(counts[:lags], 1)).astype(np.float32)

    def horizon(self, *fractions: float) -> list[float]:
        """For each of `fractions` the first lag at which the mean magnitude is under so much of that at lag 0; NaN if
        it never is."""
        profile = self.by_lag
        sizes = profile / profile[0] if len(profile) and profile[0] > 0 else profile
        under = [np.flatnonzero(sizes < fraction) if len(sizes) else [] for fraction in fractions]
        return [float(lags[0]) if len(lags) else float("nan") for lags in under]


@lru_cache(maxsize=8)
def _triangle(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs t >= j, by t, then j."""
    return np.nonzero(np.tri(steps, dtype=bool))


def itemized(unrolled: Unrolled, seeds: np.ndarray, lags: int | None = None) -> dict[int, Itemized]:
    """The itemized gradient of every layer, from 1.

    `seeds` float32[steps, batch, units]: the gradient of each step's loss with respect to the top layer's h, all
    factors of the training's loss included. A batch is one sum: the norms are those of the whole batch's gradient.
    `lags`: how many lags are followed, from 0; None for all.
    """
    steps, batch = seeds.shape[:2]
    found = {layer: np.full((2, steps, steps), np.nan, np.float32) for layer in unrolled.derivatives}
    for arrived in unrolled.back(seeds, lags, inputs=False):
        j = arrived.step
        for layer, inner in arrived.inner.items():
            factors = {name: value[j] for name, value in unrolled.factors[layer].items()}
            squares = alike = whole = 0.0
            for left, rights in unrolled.derivatives[layer].outer(_of_all(factors, inner, batch), inner):
                measured = _of_one(left[0], rights) if batch == 1 else _of_several(left[:batch], rights)
                squares, alike, whole = squares + measured[0], alike + measured[1], whole + measured[2]
            rows = slice(j, j + len(squares))
            found[layer][0, rows, j] = np.sqrt(np.maximum(squares, 0))
            found[layer][1, rows, j] = alike / np.sqrt(whole) if whole > 0 else 0
    return {layer: Itemized(*both) for layer, both in found.items()}


def _of_one(left, rights):
    """Of products of one state `left` float32[units] and each loss step's cotangents `rights` float32[steps, units]:

    their squared norms and their inner products with the sum of all, float32[steps] each, and that sum's squared norm.
    """
    squares, alike, whole = 0.0, 0.0, 0.0
    for right in rights:
        total = right.sum(axis=0)
        squares = squares + np.einsum("tu,tu->t", right, right)
        alike, whole = alike + right @ total, whole + total @ total
    of_state = left @ left
    return of_state * squares, of_state * alike, of_state * whole


def _of_several(left, rights):
    """The same of sums of a batch's products: `left` float32[batch, units], rows of `rights` by step, then text."""
    squares, alike, whole = 0.0, 0.0, 0.0
    of_states = left @ left.T  # [batch, batch], how alike the states before are
    for right in rights:
        each = right.reshape(-1, *left.shape)  # [loss steps, batch, units]
        mixed = of_states @ each
        total = mixed.sum(axis=0)
        squares = squares + np.einsum("tbu,tbu->t", each, mixed)
        alike = alike + np.einsum("tbu,bu->t", each, total)
        whole = whole + np.vdot(each.sum(axis=0), total)
    return squares, alike, whole


def _of_all(factors, inner, batch):
    """A step's factors repeated for all rows, so that both sides of an outer product have rows."""
    if batch == 1:
        return factors
    rows = len(next(iter(inner.values())))
    return {name: np.tile(value, (rows // len(value), 1)) for name, value in factors.items()}
