"""Fit the trees of words and of units to each other, so that the block means of their cuts explain more of the matrix.

Ward's trees of words and of units are built independently. Here the clusters of one cut are improved by alternating
k-means: each word, then each unit, moves to the cluster whose block means are nearest, until none moves. Then clusters
are joined, on either side in turn, where the explained sum of squares falls least. So one cut is a local optimum, and
the cuts above and below it are nested with it.
"""

from __future__ import annotations

import numpy as np

from rnnstore.co_clusters.ward_tree import Tree, ward_of_many

ROUNDS = 25
"""Rounds of moving, at most; later ones move little."""


def fit_trees(
    words: np.ndarray,
    units: np.ndarray,
    word_tree: Tree,
    unit_tree: Tree,
    k: int,
    either_way: bool,
    at_most: int | None,
) -> tuple[Tree, Tree]:
    """(tree of words, tree of units), whose cuts at `k` and fewer clusters are fitted to each other.

    The matrix is the product of `words` float[n, r] and `units` float[units, r]; `either_way` allows the signs of units
    to be flipped. Beyond k clusters, each is split by Ward's tree of its first `at_most` members (`ward_of_many`); with
    None these trees are not built, which saves time, and cuts at more than k are meaningless.
    """
    words, units = words.astype(float), units.astype(float)
    rows, columns = word_tree.cut(k), unit_tree.cut(k)
    signs = unit_tree.signs.astype(float)
    for _ in range(ROUNDS):
        sizes = np.bincount(columns, minlength=k)
        points = words @ _sums(units * signs[:, None], columns, k).T / np.sqrt(sizes)
        moved_rows, _ = _move_to_nearest(points, rows, k, np.ones(len(rows)), False)
        sizes = np.bincount(moved_rows, minlength=k)
        points = units @ _sums(words, moved_rows, k).T / np.sqrt(sizes)
        moved_columns, signs = _move_to_nearest(points, columns, k, signs, either_way)
        if (moved_rows == rows).all() and (moved_columns == columns).all():
            break
        rows, columns = moved_rows, moved_columns
    sums = _sums(words, rows, k) @ _sums(units * signs[:, None], columns, k).T
    row_joins, column_joins, turned = _join_clusters(sums, np.bincount(rows), np.bincount(columns), either_way)
    signs = signs * turned[columns]
    plain = np.ones(len(rows))
    return (
        _tree(words, rows, plain, row_joins, at_most),
        _tree(units * signs[:, None], columns, signs, column_joins, at_most),
    )


def _sums(points: np.ndarray, cluster: np.ndarray, k: int) -> np.ndarray:
    """float[k, r]: the sum of the points of each cluster."""
    return np.eye(k)[cluster].T @ points


def _move_to_nearest(
    points: np.ndarray, cluster: np.ndarray, k: int, signs: np.ndarray, either_way: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(clusters, signs) after every point moved to its nearest centre, except where that would empty a cluster."""
    centres = _sums(points * signs[:, None], cluster, k) / np.bincount(cluster, minlength=k)[:, None]
    along = points @ centres.T
    squares = (centres**2).sum(axis=1)
    distance = squares - 2 * (np.abs(along) if either_way else along)  # but for the point's own square
    here = np.arange(len(points))
    stayed = distance[here, cluster]
    nearest = distance.argmin(axis=1)
    gain = stayed - distance[here, nearest]
    moved = np.where(gain > 1e-9 * np.abs(distance).max(initial=0), nearest, cluster)
    while len(empty := np.flatnonzero(np.bincount(moved, minlength=k) == 0)):
        kept = np.isin(cluster, empty)
        moved[kept] = cluster[kept]
    if either_way:
        signs = np.where(along[here, moved] < 0, -1.0, 1.0)
    return moved, signs


def _join_clusters(
    sums: np.ndarray, row_sizes: np.ndarray, column_sizes: np.ndarray, either_way: bool
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], np.ndarray]:
    """(joins of rows, joins of columns, signs of columns): from k clusters of either side to one, a pair at a time.

    A join (i, j) puts cluster j into i. Joining rows i and j loses n_i n_j / (n_i + n_j) times the squared distance of
    their means, every column cluster counting by its size.
    """
    k = len(sums)
    sums, sizes = sums.copy(), [row_sizes.astype(float), column_sizes.astype(float)]
    alive = [np.arange(k), np.arange(k)]
    joins: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    turned = np.ones(k)
    members = [[index] for index in range(k)]
    for _ in range(k - 1):
        for side in (0, 1):
            table = sums if side == 0 else sums.T
            means = table / sizes[side][:, None] / np.sqrt(sizes[1 - side])
            inner, squares = means @ means.T, (means**2).sum(axis=1)
            flip = np.where((inner < 0) & (either_way and side == 1), -1.0, 1.0)
            weight = np.outer(sizes[side], sizes[side]) / np.add.outer(sizes[side], sizes[side])
            loss = weight * (np.add.outer(squares, squares) - 2 * flip * inner)
            loss[np.tril_indices(len(loss))] = np.inf
            i, j = np.unravel_index(loss.argmin(), loss.shape)
            joins[side].append((int(alive[side][i]), int(alive[side][j])))
            table[i] += flip[i, j] * table[j]
            sizes[side][i] += sizes[side][j]
            sums = np.delete(sums, j, axis=side)
            sizes[side], alive[side] = np.delete(sizes[side], j), np.delete(alive[side], j)
            if side == 1:
                into, gone = joins[1][-1]
                turned[members[gone]] *= flip[i, j]
                members[into] += members[gone]
    return joins[0], joins[1], turned


def _tree(
    points: np.ndarray, cluster: np.ndarray, signs: np.ndarray, joins: list[tuple[int, int]], at_most: int | None
) -> Tree:
    """One tree: of the members of each cluster, then of the clusters in the order of `joins`."""
    n, k = len(points), len(joins) + 1
    joined, heights, roots = [np.zeros((0, 2), np.int64)], [np.zeros(0)], np.empty(k, np.int64)
    made = n
    for number in range(k):
        mine = np.flatnonzero(cluster == number)
        inner = _chain(len(mine)) if at_most is None else ward_of_many(points[mine], at_most)
        nodes = np.concatenate([mine, made + np.arange(len(mine) - 1)])
        joined.append(nodes[inner.joins])
        heights.append(inner.heights)
        roots[number] = nodes[-1]
        made += len(mine) - 1
    order = np.argsort(np.concatenate(heights), kind="stable")
    place = np.arange(2 * n - 1)
    place[n + order] = n + np.arange(len(order))
    top = []
    for into, gone in joins:
        top.append((place[roots[into]], place[roots[gone]]))
        roots[into] = made
        made += 1
    below, highest = np.concatenate(heights)[order], max((each.max(initial=0) for each in heights), default=0)
    return Tree(
        np.concatenate([place[np.concatenate(joined)[order]], np.array(top, np.int64).reshape(-1, 2)]),
        np.concatenate([below, np.full(len(top), highest)]),
        signs.astype(np.int8),
    )


def _chain(n: int) -> Tree:
    """A tree of n points that are joined one after the other."""
    first = np.concatenate([[0], n + np.arange(n - 2)]) if n > 1 else np.zeros(0, np.int64)
    return Tree(np.column_stack([first, np.arange(1, n)]).astype(np.int64), np.zeros(n - 1), np.ones(n, np.int8))
