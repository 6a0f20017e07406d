"""Ward's clustering as a tree that is cut at any number of clusters.

Ward (1963) joins, again and again, the two clusters whose union raises the sum of squared distances to the clusters'
centres least. Cut at k, the tree gives k clusters, none of them empty; one more cluster splits one of them and leaves
the others as they are. Numbers follow the splits, so that a cluster keeps its number (its colour) for as long as it
exists: of the two halves the larger one keeps it, the other gets the next free one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Tree:
    """The joins of n points, int64[n - 1, 2], in order of rising height float64[n - 1].

    Points are 0..n-1 and the cluster made by join i is n + i. A height is the rise of the sum of squares.
    """

    joins: np.ndarray
    heights: np.ndarray

    @property
    def points(self) -> int:
        return len(self.joins) + 1

    def cut(self, k: int) -> np.ndarray:
        """int64[n]: the cluster 0..k-1 of each point, for 1 <= k <= n. Each has at least one point.

        Going from k to k + 1 moves some points of one cluster into cluster k and changes nothing else.
        """
        label = np.zeros(self.points, np.int64)
        for number, (first, stop) in enumerate(self._split_off(k), start=1):
            label[self._order[first:stop]] = number
        return label

    def _split_off(self, k: int) -> list[tuple[int, int]]:
        """Where the points of clusters 1, 2, .. k-1 stand in `_order` at the moment each is split off."""
        n, spans = self.points, []
        for join in range(n - 2, n - 1 - k, -1):
            left, right = self.joins[join]
            spans.append(self._span(min(left, right, key=self._claim)))
        return spans

    def _claim(self, node: int) -> tuple[int, int]:
        """The claim of a half to its parent's number: its size, then having the earliest point."""
        first, stop = self._span(node)
        return stop - first, -int(self._earliest[node])

    def _span(self, node: int) -> tuple[int, int]:
        return int(self._first[node]), int(self._first[node] + self._sizes[node])

    @cached_property
    def _sizes(self) -> np.ndarray:
        sizes = np.ones(2 * self.points - 1, np.int64)
        for node, (left, right) in enumerate(self.joins.tolist(), start=self.points):
            sizes[node] = sizes[left] + sizes[right]
        return sizes

    @cached_property
    def _earliest(self) -> np.ndarray:
        earliest = np.arange(2 * self.points - 1)
        for node, (left, right) in enumerate(self.joins.tolist(), start=self.points):
            earliest[node] = min(earliest[left], earliest[right])
        return earliest

    @cached_property
    def _first(self) -> np.ndarray:
        """For each node the place in `_order` of its first point: the points of a node stand together."""
        first = np.zeros(2 * self.points - 1, np.int64)
        for node in range(2 * self.points - 2, self.points - 1, -1):
            left, right = self.joins[node - self.points]
            first[left], first[right] = first[node], first[node] + self._sizes[left]
        return first

    @cached_property
    def _order(self) -> np.ndarray:
        order = np.empty(self.points, np.int64)
        order[self._first[: self.points]] = np.arange(self.points)
        return order


def ward(points: np.ndarray) -> Tree:
    """Ward's tree of float[n, dimensions]."""
    from scipy.cluster.hierarchy import linkage

    if len(points) == 1:
        return Tree(np.zeros((0, 2), np.int64), np.zeros(0))
    found = linkage(points, "ward")
    return Tree(found[:, :2].astype(np.int64), found[:, 2] ** 2 / 2)
