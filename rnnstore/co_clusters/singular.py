"""The strongest singular vectors of a matrix, deterministic and to the precision of the recorded numbers.

A complete decomposition would cost many times as much as these few vectors.
"""

from __future__ import annotations

import numpy as np

GRAM_TO = 1000
"""Units (or words, where they are fewer) up to which singular vectors are computed from the Gram matrix."""

KRYLOV_TO = 360
"""Dimensions of the Krylov space otherwise, at most: 15 rounds, where 5 are typical."""


def singular_embedding(response: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(words, directions, scales): a product words @ directions.T as near to the matrix as one of this rank can be.

    float32[n, r] words scaled by singular values, float32[units, r] orthonormal, float32[r] those values, r <= rank.
    """
    wide = response.shape[0] < response.shape[1]
    matrix = response.T if wide else response
    squares, vectors = _by_gram(matrix, rank) if matrix.shape[1] <= GRAM_TO else _by_krylov(matrix, rank)
    scales = np.sqrt(squares)
    if not wide:
        return response @ vectors, vectors, scales
    known = scales > 1e-4 * scales.max(initial=0)
    others = matrix @ vectors[:, known] / scales[known]
    return vectors[:, known] * scales[known], others, scales[known]


def _by_gram(response: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """(squares of the largest singular values, right singular vectors), from the matrix of inner products of units."""
    from scipy.linalg import eigh

    units = response.shape[1]
    gram = (response.T @ response).astype(float)
    values, vectors = eigh(gram, subset_by_index=[max(0, units - rank), units - 1])
    return np.maximum(values, 0).astype(np.float32), vectors.astype(np.float32)


def _by_krylov(response: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The same by block Lanczos iteration from a fixed start, until no square changes by more than one in 10,000.

    For wide matrices, of which the inner products of all units would take several times as long.
    """
    width = response.shape[1]
    block = np.random.default_rng(0).standard_normal((width, rank + 4), np.float32)
    basis, images = np.zeros((width, 0), np.float32), np.zeros((len(response), 0), np.float32)
    values, before, inside = np.zeros(0), np.zeros(0), np.zeros((0, 0))
    while basis.shape[1] < min(width, KRYLOV_TO):
        for _ in range(2):  # once more against what rounding left
            block = _orthonormal(block - basis @ (basis.T @ block))
        if not block.shape[1]:
            break  # the basis spans all that the matrix maps anywhere
        image = response @ block
        basis, images = np.hstack([basis, block]), np.hstack([images, image])
        before = values
        values, inside = np.linalg.eigh((images.T @ images).astype(float))
        values, inside = np.maximum(values[-rank:], 0), inside[:, -rank:]
        tolerance = 1e-4 * values + 1e-6 * values[-1]
        if len(before) and (np.abs(values - before) <= tolerance).all():
            break
        block = response.T @ image
    return values.astype(np.float32), basis @ inside.astype(np.float32)


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the span of the columns, without directions that are rounding errors."""
    values, vectors = np.linalg.eigh((columns.T @ columns).astype(float))
    kept = values > max(1e-8 * values.max(initial=0), 1e-30)
    return columns @ (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32)
