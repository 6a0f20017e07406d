"""Itemized gradients: how much of a training batch's gradient flows from each loss step to each earlier step (RNNbow).

The gradient of the recurrent weights is a sum over loss steps t and source steps j <= t of g(t, j), the gradient of
the loss of step t through step j's copy of the weights. Each is an outer product of the state before step j and the
cotangent that arrives at j from t, so its norm needs no matrix (methods of Cashman et al., "RNNbow", 2018, whose
printed recursion holds for single units only). Norms do not add up to the norm of the sum; shares do, exactly:

    share(t, j) = <g(t, j), g(j)> / |g(j)|,   g(j) = sum over t of g(t, j),   so that   sum over t of share = |g(j)|.

Use them to see over how many steps a training learns, and whether its gradients vanish or explode. They are gradients
of the recurrent weights in one batch: a long reach there does not say that the trained network remembers as long, for
which state gradients and matching are the measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rnnstore.networks.unrolled import Unrolled

TOGETHER = 1 << 18
"""Cotangents (numbers) that are measured at once, about, so that they stay in the cache."""


@dataclass(frozen=True)
class ItemizedGradient:
    """The gradient of one layer's recurrent weights, by loss step (row) and source step (column); `n` steps.

    magnitude   float32[n, n]: |g(t, j)|; NaN where t < j or the lag was not asked for
    share       float32[n, n]: signed, see above; columns sum to |g(j)|
    """

    magnitude: np.ndarray
    share: np.ndarray

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """t and j of the pairs that were computed, by t, then j, including those whose gradient is not finite."""
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
        """For each of `fractions` the first lag at which the mean magnitude is below that fraction of the one at lag 0;
        NaN if it never is."""
        profile = self.by_lag
        sizes = profile / profile[0] if len(profile) and profile[0] > 0 else profile
        under = (np.flatnonzero(sizes < fraction) for fraction in fractions)
        return [float(lags[0]) if len(lags) else float("nan") for lags in under]


@lru_cache(maxsize=8)
def _triangle(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs t >= j, by t, then j."""
    t, j = np.nonzero(np.tri(steps, dtype=bool))
    return t, j


def itemize(unrolled: Unrolled, cotangents: np.ndarray, lags: int | None = None) -> dict[int, ItemizedGradient]:
    """The itemized gradient of every layer, from 1.

    `cotangents` float32[steps, batch, units]: the gradient of each step's loss with respect to the top layer's h, all
    factors of the training's loss included. A batch is one sum: the norms are those of the whole batch's gradient.
    `lags`: how many lags are followed, from 0; None for all.
    """
    steps, batch = cotangents.shape[:2]
    # Of each layer: |g(t, j)|^2 and <g(t, j), g(j)>, by column; and of each j |g(j)|^2.
    found = {layer: np.full((2, steps, steps), np.nan, np.float32) for layer in unrolled.cells}
    whole = {layer: np.zeros(steps, np.float32) for layer in unrolled.cells}
    waiting: dict[int, list[tuple]] = {layer: [] for layer in unrolled.cells}
    size = dict.fromkeys(waiting, 0)
    for arrived in unrolled.back(cotangents, lags, inputs=False):
        j = arrived.step
        for layer, inner in arrived.inner.items():
            residuals = {name: value[j] for name, value in unrolled.residuals[layer].items()}
            outer = unrolled.cells[layer].outer_products(_of_all(residuals, inner, batch), inner)
            waiting[layer].append((j, outer))
            size[layer] += sum(right.size for _, rights in outer for right in rights)
            if j == 0 or batch > 1 or size[layer] > TOGETHER:
                _measure(waiting[layer], batch, found[layer], whole[layer])
                waiting[layer], size[layer] = [], 0
    whole = {layer: np.where(values > 0, values, 1) for layer, values in whole.items()}
    return {
        layer: ItemizedGradient(np.sqrt(np.maximum(squares, 0)), alike / np.sqrt(whole[layer]))
        for layer, (squares, alike) in found.items()
    }


Measures = tuple[np.ndarray, np.ndarray, np.ndarray]


def _measure(waiting: list[tuple[int, Any]], batch: int, found: np.ndarray, whole: np.ndarray) -> None:
    """Write the norms and inner products of the outer products of some steps, (j, their factors) each, into `found` and
    `whole`: of many steps at once, because those of one step are too small to be worth a call each."""
    lengths = [len(outer[0][1][0]) // batch for _, outer in waiting]
    columns, which = np.array([j for j, _ in waiting]), np.repeat(np.arange(len(waiting)), lengths)
    first = np.cumsum([0, *lengths[:-1]])
    squares = alike = np.zeros(len(which), np.float32)
    for parts in zip(*(outer for _, outer in waiting), strict=True):
        lefts, rights = zip(*parts, strict=True)
        if batch == 1:
            measured = _of_one(np.stack([left[0] for left in lefts]), rights, first, which)
        else:
            measured = _of_several(lefts[0][:batch], rights[0])
        squares, alike = squares + measured[0], alike + measured[1]
        whole[columns] += measured[2]
    t, j = np.arange(len(which)) - first[which] + columns[which], columns[which]
    found[0, t, j], found[1, t, j] = squares, np.where(whole[j] > 0, alike, 0)


def _of_one(lefts: np.ndarray, rights: Any, first: np.ndarray, which: np.ndarray) -> Measures:
    """Of products of states `lefts` float32[steps, units] and loss steps' cotangents `rights`, of each step a list of
    float32[rows, units]; `first` is the first row of each step when all stand below one another, `which` its step.

    Their squared norms and inner products with the sum of their step's, float32[all rows]; those sums' squared norms.
    """
    squares = alike = whole = np.zeros((), np.float32)
    for right in zip(*rights, strict=True):
        rows = right[0] if len(right) == 1 else np.concatenate(right)
        totals = np.add.reduceat(rows, first)
        squares, whole = squares + np.vecdot(rows, rows), whole + np.vecdot(totals, totals)
        alike = alike + (rows @ totals[0] if len(right) == 1 else np.vecdot(rows, totals[which]))
    of_states = np.vecdot(lefts, lefts)
    return of_states[which] * squares, of_states[which] * alike, of_states * whole


def _of_several(left: np.ndarray, rights: list[np.ndarray]) -> Measures:
    """The same of sums of a batch's products: `left` float32[batch, units], rows of `rights` by step, then text."""
    squares = alike = whole = np.zeros((), np.float32)
    of_states = left @ left.T  # [batch, batch], inner products of the states before
    for right in rights:
        each = right.reshape(-1, len(left), right.shape[-1])  # [loss steps, batch, units]
        mixed = of_states @ each
        total = mixed.sum(axis=0)
        squares = squares + np.einsum("tbu,tbu->t", each, mixed)
        alike = alike + np.einsum("tbu,bu->t", each, total)
        whole = whole + np.vdot(each.sum(axis=0), total)
    return squares, alike, whole


def _of_all(residuals: dict[str, np.ndarray], inner: Mapping[str, np.ndarray], batch: int) -> dict[str, np.ndarray]:
    """A step's residuals repeated for all rows, so that both sides of an outer product have rows."""
    if batch == 1:
        return residuals
    rows = len(next(iter(inner.values())))
    return {name: np.tile(value, (rows // len(value), *[1] * (value.ndim - 1))) for name, value in residuals.items()}
