"""Ward's hierarchical clustering as a tree that can be cut at any number of clusters, with optional sign flips.

SciPy's `ward` needs memory quadratic in the points and knows no flips of signs, which units of a network need.

Ward (1963) joins, again and again, the two clusters whose union raises the sum of squared distances to the clusters'
centres least. Cut at k, the tree gives k clusters, none of them empty; one more cluster splits one of them and leaves
the others as they are. Numbers follow the splits, so that a cluster keeps its number (and colour) for as long as it
exists: of two halves the larger one keeps it, the other gets the next free one.

The tree is exact: two clusters that are each other's nearest are joined in it sooner or later whatever else is joined
(Bruynooghe 1978), so that all such pairs are joined at once, in some fifty rounds of matrix products for 10,000 points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

DOUBLE_TO = 4096
"""Points up to which distances are computed in double precision; in single, joins of almost equal height may swap."""

_DISTANCES_AT_ONCE = 1 << 18  # so many stay in the processor's cache


@dataclass(frozen=True)
class Tree:
    """The joins of n points, int64[n - 1, 2], in order of rising height float64[n - 1].

    Points are 0..n-1 and the cluster made by join i is n + i; a height is what the join adds to the sum of squares.
    `signs` int8[n] are -1 for points that were flipped (multiplied by -1) to fit those they were joined with; they are
    meaningful within a cluster only.
    """

    joins: np.ndarray
    heights: np.ndarray
    signs: np.ndarray

    @property
    def points(self) -> int:
        return len(self.joins) + 1

    def cut(self, k: int) -> np.ndarray:
        """int64[n]: the cluster 0..k-1 of each point, for 1 <= k <= n. Each has at least one point.

        Going from k to k + 1 moves some points of one cluster into cluster k and changes nothing else.
        """
        return self._numbered(k)[0]

    def parents(self, k: int) -> np.ndarray:
        """int64[k]: for cluster j > 0 of a cut the one, with a smaller number, that it was split from."""
        return self._numbered(k)[1]

    def within(self, k: int) -> float:
        """The sum of squared distances to the centres of k clusters."""
        return float(self.heights[: self.points - k].sum())

    def _numbered(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        label, parents = np.zeros(self.points, np.int64), np.zeros(k, np.int64)
        for number, join in enumerate(range(self.points - 2, self.points - 1 - k, -1), start=1):
            smaller = min(self.joins[join].tolist(), key=self._claim)
            moved = self._order[self._first[smaller] : self._first[smaller] + self._sizes[smaller]]
            parents[number] = label[moved[0]]
            label[moved] = number
        return label, parents

    def _claim(self, node: int) -> tuple[int, int]:
        """The claim of a half to the whole's number: its size and, between equals, having the earliest point."""
        return int(self._sizes[node]), -int(self._earliest[node])

    @cached_property
    def _sizes(self) -> np.ndarray:
        sizes = [1] * self.points
        for first, second in self.joins.tolist():
            sizes.append(sizes[first] + sizes[second])
        return np.array(sizes)

    @cached_property
    def _earliest(self) -> np.ndarray:
        earliest = list(range(self.points))
        for first, second in self.joins.tolist():
            earliest.append(min(earliest[first], earliest[second]))
        return np.array(earliest)

    @cached_property
    def _first(self) -> np.ndarray:
        """For each node the place in `_order` of its first point: the points of a node stand together."""
        places, sizes = [0] * (2 * self.points - 1), self._sizes.tolist()
        for join, (first, second) in zip(range(self.points - 2, -1, -1), self.joins[::-1].tolist(), strict=True):
            places[first] = places[self.points + join]
            places[second] = places[first] + sizes[first]
        return np.array(places)

    @cached_property
    def _order(self) -> np.ndarray:
        order = np.empty(self.points, np.int64)
        order[self._first[: self.points]] = np.arange(self.points)
        return order


def ward(points: np.ndarray, either_way: bool = False) -> Tree:
    """Ward's tree of float[n, dimensions], n >= 1. Equal input gives the equal tree.

    `either_way`: a cluster may be flipped before it is joined, so that points which differ by their sign alone count as
    equal; `Tree.signs` says which were flipped. Memory grows linearly with n, time quadratically.
    """
    forest = _Forest(points, either_way)
    while len(forest.node) > 1:
        forest.join_nearest()
    return forest.tree()


def ward_of_many(points: np.ndarray, at_most: int) -> Tree:
    """Ward's tree of the first `at_most` of float[n, dimensions]; each further point is joined to the nearest of them.

    These joins have height 0. For so many points that a tree of all would take too long.
    """
    tree = ward(points[:at_most])
    n, m = len(points), tree.points
    if n == m:
        return tree
    node, joins = list(range(m)), []
    for follower, leader in enumerate(_nearest_of(points[:m], points[m:]).tolist(), start=m):
        joins.append((node[leader], follower))
        node[leader] = n + len(joins) - 1
    number = np.concatenate([node, n + (n - m) + np.arange(m - 1)])
    return Tree(
        np.concatenate([np.array(joins), number[tree.joins]]),
        np.concatenate([np.zeros(n - m), tree.heights]),
        np.ones(n, np.int8),
    )


def _nearest_of(known: np.ndarray, points: np.ndarray) -> np.ndarray:
    """int64[len(points)]: which of `known` is nearest to each point."""
    middle = known.mean(axis=0)
    known, points = known - middle, points - middle
    columns = np.column_stack([-2 * known, np.square(known).sum(axis=1)]).astype(np.float32).T
    rows = np.column_stack([points, np.ones(len(points))]).astype(np.float32)
    pieces = np.array_split(rows, -(-len(rows) * len(known) // _DISTANCES_AT_ONCE))
    return np.concatenate([(piece @ columns).argmin(axis=1) for piece in pieces])


class _Forest:
    """The clusters at present: centre, size and nearest other cluster of each, and the joins so far."""

    def __init__(self, points: np.ndarray, either_way: bool) -> None:
        points = np.asarray(points, float)
        n = len(points)
        self.points, self.either_way = n, either_way
        self.dtype = np.float64 if n <= DOUBLE_TO else np.float32
        self.centre = points.copy() if either_way else points - points.mean(axis=0)
        self.size, self.height = np.ones(n), np.zeros(n)
        self.node = np.arange(n)
        self.nearest, self.distance = np.full(n, -1), np.full(n, np.inf)
        self.others = np.zeros(n)  # no cluster but the nearest is nearer than this
        self.unknown = np.arange(n)  # clusters whose nearest has to be looked for
        self.made = n
        self.joins: list[np.ndarray] = [np.zeros((0, 2), np.int64)]
        self.heights: list[np.ndarray] = [np.zeros(0)]
        self.flips: list[np.ndarray] = [np.zeros(0, np.int8)]

    def join_nearest(self) -> None:
        """Join all pairs that are each other's nearest, and drop the second of each."""
        self._look()
        m = len(self.node)
        first = np.flatnonzero(self.nearest[self.nearest] == np.arange(m))
        first = first[first < self.nearest[first]]
        if not len(first):  # rounding can hide that the two nearest of all are a pair
            one = int(self.distance.argmin())
            first = np.minimum([one], self.nearest[one])
            self.nearest[first] = max(one, int(self.nearest[one]))
        second = self.nearest[first]
        apart, flips = self._apart(first, second)
        heights = np.maximum(apart, np.maximum(self.height[first], self.height[second]))
        self.joins.append(np.stack([self.node[first], self.node[second]], axis=1))
        self.heights.append(heights)
        self.flips.append(flips)

        sizes = self.size[first] + self.size[second]
        turned = flips[:, None] * self.centre[second]
        both = self.size[first, None] * self.centre[first] + self.size[second, None] * turned
        self.centre[first], self.size[first], self.height[first] = both / sizes[:, None], sizes, heights
        self.node[first] = self.made + np.arange(len(first))
        self.made += len(first)
        self._drop(first, second)

    def _drop(self, first: np.ndarray, second: np.ndarray) -> None:
        """Drop the clusters `second`, which are merged into `first`, and mark those whose nearest is now unknown.

        A union is never nearer to a third cluster than the nearer one of its halves. So whoever had neither half as its
        nearest keeps its nearest, and whoever had one takes the union where that is not farther than all `others`.
        """
        m = len(self.node)
        into = np.arange(m)
        into[second] = first
        gone, unknown = np.zeros(m, bool), np.zeros(m, bool)
        gone[second] = unknown[first] = True
        self.nearest = into[self.nearest]
        lost = np.flatnonzero(unknown[self.nearest] & ~unknown & ~gone)
        self.distance[lost] = self._apart(lost, self.nearest[lost])[0]
        unknown[lost[self.distance[lost] > self.others[lost]]] = True
        keep = ~gone
        self.nearest = (np.cumsum(keep) - 1)[self.nearest]
        for name in ("node", "centre", "size", "height", "nearest", "distance", "others"):
            setattr(self, name, getattr(self, name)[keep])
        self.unknown = np.flatnonzero(unknown[keep])

    def _apart(self, one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(what joining each pair adds to the sum of squares, 1 or -1: whether the other has to be turned for that)."""
        a, b = self.centre[one], self.centre[other]
        flips = np.ones(len(one), np.int8)
        if self.either_way:
            flips[np.einsum("ij,ij->i", a, b) < 0] = -1
        weight = self.size[one] * self.size[other] / (self.size[one] + self.size[other])
        return weight * ((a - flips[:, None] * b) ** 2).sum(axis=1), flips

    def _look(self) -> None:
        """Find the nearest of every cluster in `unknown`.

        For clusters of one size s the weight s * s' / (s + s') and the square |a|^2 + |b|^2 - 2 a.b are one product of
        a matrix with rows (-2 a, 1, |a|^2) and one with rows weight * (b, |b|^2, 1).
        """
        m, width = self.centre.shape
        square = np.einsum("ij,ij->i", self.centre, self.centre)
        columns = np.column_stack([self.centre, square, np.ones(m)])
        rows = np.column_stack([-2 * self.centre, np.ones(m), square])
        looking = self.unknown[np.argsort(self.size[self.unknown], kind="stable")]
        for alike in np.split(looking, np.flatnonzero(np.diff(self.size[looking])) + 1):
            if not len(alike):
                continue
            size = self.size[alike[0]]
            weighted = (columns * (size * self.size / (size + self.size))[:, None]).astype(self.dtype).T
            for some in np.array_split(alike, -(-len(alike) * m // _DISTANCES_AT_ONCE)):
                row = rows[some].astype(self.dtype)
                apart = row @ weighted
                if self.either_way:
                    np.negative(row[:, :width], out=row[:, :width])
                    np.minimum(apart, row @ weighted, out=apart)
                place = np.arange(len(some))
                apart[place, some] = np.inf
                nearest = apart.argmin(axis=1)
                self.nearest[some], self.distance[some] = nearest, apart[place, nearest]
                apart[place, nearest] = np.inf
                self.others[some] = apart.min(axis=1)

    def tree(self) -> Tree:
        joins, heights, flips = (np.concatenate(each) for each in (self.joins, self.heights, self.flips))
        order = np.argsort(heights, kind="stable")
        number = np.arange(2 * self.points - 1)
        number[self.points + order] = self.points + np.arange(len(order))
        signs = [1] * (2 * self.points - 1)
        for join in range(len(joins) - 1, -1, -1):  # a join is numbered after what it joins
            first, second = joins[join].tolist()
            signs[first] = signs[self.points + join]
            signs[second] = signs[first] * int(flips[join])
        return Tree(number[joins[order]], heights[order], np.array(signs[: self.points], np.int8))
