"""How each word of a sentence changes groups of units: the measures behind the glyphs of RNNVis (section 4.4).

For a group H of units and a step t with state h(t), and h(t-1) before it (zero where a sequence starts):

    positive, negative      mean over H of max(h, 0), of min(h, 0): the two bars
    their changes           this step's minus the step before's: the hats
    preserved               sum over H of |h(t-1)| clip(h(t) / h(t-1), 0, 1), which is min(|h(t-1)|, |h(t)|) where the
                            signs agree and 0 elsewhere, so nothing is divided by zero
    preserved share         preserved / sum over H of |h(t-1)|; NaN where there was nothing to preserve

With the gate that keeps a state (an LSTM's forget gate, a GRU's update gate), |h(t-1)| times the gate can replace the
clip.

Use them to see at which word of a sentence a group of units gains or loses. They are means and sums over a group: units
that change in opposite ways cancel, and a change says nothing about whether the network uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnstore.errors import QuestionError


@dataclass(frozen=True)
class SequenceMeasures:
    """The measures of n steps and K groups of units: float64[n, K] each; `units` int64[K], how many a group has."""

    positive: np.ndarray
    negative: np.ndarray
    positive_change: np.ndarray
    negative_change: np.ndarray
    preserved: np.ndarray
    preserved_share: np.ndarray
    units: np.ndarray


def sequence_measures(
    values: np.ndarray,
    before: np.ndarray,
    unit_cluster: np.ndarray,
    forget: np.ndarray | None = None,
    starts: np.ndarray | None = None,
) -> SequenceMeasures:
    """The measures of a state, float[n, D], with the state before it float[D], by cluster int[D] of its units.

    `forget` float[n, D] replaces the clip. `starts` bool[n] marks steps at which a sequence starts: the state before
    them is zero, whatever the step before left (at the first step, `before` counts). A unit of cluster -1 is in none.
    """
    values, before = np.asarray(values, np.float64), np.asarray(before, np.float64)
    unit_cluster = np.asarray(unit_cluster)
    steps, width = values.shape
    for what, found in (("the state before it", before), ("its clusters", unit_cluster)):
        if found.shape != (width,):
            raise QuestionError(f"The state has {width} units, but {what} {found.size}; take both from one state.")
    if forget is not None and np.shape(forget) != values.shape:
        given = " x ".join(map(str, np.shape(forget)))
        raise QuestionError(f"The state has {steps} x {width} values, its gate {given}; take both from one layer.")
    previous = np.concatenate([before[None], values[:-1]])[:steps]
    if starts is not None:
        previous[1:][np.asarray(starts, bool)[1:]] = 0
    kept = np.abs(previous)
    if forget is not None:
        kept = kept * np.asarray(forget, np.float64)
    else:
        kept = np.where(values * previous > 0, np.minimum(kept, np.abs(values)), 0.0)

    clusters = int(unit_cluster.max(initial=-1)) + 1
    member = unit_cluster[:, None] == np.arange(clusters)  # [D, K]
    units = member.sum(axis=0)
    mean = member / np.maximum(units, 1)
    positive, negative = np.maximum(values, 0) @ mean, np.minimum(values, 0) @ mean
    preserved, there = kept @ member, np.abs(previous) @ member
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(there > 0, preserved / there, np.nan)
    return SequenceMeasures(
        positive=positive,
        negative=negative,
        positive_change=positive - np.maximum(previous, 0) @ mean,
        negative_change=negative - np.minimum(previous, 0) @ mean,
        preserved=preserved,
        preserved_share=share,
        units=units,
    )
