"""The layout of the co-cluster picture: chips in the middle, word clouds on either side, links between them.

Cloud i has place i: the left column and the right one in turn, so that one cluster more leaves the others where they
are. The chip opposite stands at the same height in the stack. Lengths are pixels of a picture `width` wide; a browser
that has more or less room stretches what lies between the chips and the clouds, not the squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnstore.co_clusters.decomposition import CoClusters

GAP, PAD, LABEL = 7.0, 3.0, 22.0
"""Between two clouds or chips, around the squares of a chip, and for the number at the side of a chip or cloud."""

MOST_CHIP = 0.27
"""Share of the width that the longest chip takes at most."""

LARGEST_CELL = 13.0
ASIDE = 4
"""Pixels that stay empty at either side of the picture."""

TWO_SIDES = 720
"""Width from which on clouds stand on both sides of the chips."""

GROWN, SHRUNK = 2.4, 0.55
"""Factors for the height of clouds that are, or are not, related to the chip or cloud in focus."""

WIDEST = 13.0
"""Width of the strongest link."""

FEW = 6
"""Words of a cloud that stands back."""


@dataclass(frozen=True)
class Drawing:
    """How a picture is drawn, whatever is in it.

    `share` (0 to 1): links weaker than this share of the strongest are not drawn. `thickness` multiplies the width of
    links. `equal` "height" or "width": what all chips have in common. `focus`: a chip ("u3") or a cloud ("w3") whose
    counterparts are brought forward; "" for none. `width` and `height` in pixels.
    """

    share: float = 0.2
    thickness: float = 1.0
    equal: str = "height"
    focus: str = ""
    width: int = 960
    height: int = 560

    @property
    def inner(self) -> float:
        """The width without what stays empty at either side."""
        return self.width - 2 * ASIDE


@dataclass(frozen=True)
class Layout:
    """Places in pixels. Of chip j: `chip_top`, `chip_height`, `chip_width` [k]; of unit u: `unit_x`, its left edge from
    the middle of the chips, and `unit_y` [units], its top; `cell` is the side of a square with the gap beside it. Of
    cloud i: `side` -1 (left) or 1, `near` and `far`, its edges towards and away from the chips, `cloud_top` and
    `cloud_height` [k]. `middle` is that of the chips. `links` bool[k, k] are those drawn between clouds i and chips j,
    and `related` says which belong together: those with a link, and to each the one it is linked to most.
    """

    drawing: Drawing
    middle: float
    cell: float
    chip_top: np.ndarray
    chip_height: np.ndarray
    chip_width: np.ndarray
    unit_x: np.ndarray
    unit_y: np.ndarray
    side: np.ndarray
    near: np.ndarray
    far: np.ndarray
    cloud_top: np.ndarray
    cloud_height: np.ndarray
    links: np.ndarray
    related: np.ndarray

    def lit(self, kind: str, number: int) -> int:
        """1 for what the focus emphasises, -1 for what stands back, 0 where there is no focus."""
        focus = self.drawing.focus
        if not focus:
            return 0
        return 1 if f"|{focus}|" in self.counterparts(kind, number) else -1

    def counterparts(self, kind: str, number: int) -> str:
        """The chips and clouds with which chip ("u") or cloud ("w") `number` is brought forward, as "|u1|w0|w3|"."""
        others, letter = (self.related[:, number], "w") if kind == "u" else (self.related[number], "u")
        return "|".join(["", f"{kind}{number}", *(f"{letter}{other}" for other in np.flatnonzero(others)), ""])


def arrange(clusters: CoClusters, drawing: Drawing) -> Layout:
    """The places of chips, squares and clouds."""
    k, two_sides = clusters.k, drawing.width >= TWO_SIDES
    links = drawn_links(clusters, drawing.share)
    related = links | _strongest(np.abs(clusters.edges))
    most_chip = MOST_CHIP * drawing.inner * (1 if two_sides else 1.2)
    middle = drawing.inner / 2 if two_sides else most_chip / 2 + 2
    sizes = np.bincount(clusters.unit_cluster, minlength=k)
    order = clusters.partner  # the chip at each place
    if drawing.equal == "width":
        cell, columns, rows = _equal_widths(sizes, most_chip, drawing.height)
    else:
        cell, columns, rows = _equal_heights(sizes, most_chip, drawing.height)
    width = columns * cell + LABEL + 2 * PAD
    height = rows * cell + 2 * PAD
    top = np.empty(k)
    spare = (drawing.height - height.sum()) / k  # above and below each chip
    top[order] = np.cumsum(height[order] + spare) - height[order] - spare / 2
    unit_x, unit_y = _squares(clusters.unit_cluster, cell, width, top, columns, rows, drawing.equal)
    side, near, far = _columns(k, drawing.inner, most_chip, two_sides)
    cloud_top, cloud_height = _slots(clusters, drawing, related, side)
    return Layout(
        drawing,
        middle,
        cell,
        top,
        height,
        width,
        unit_x,
        unit_y,
        side,
        near,
        far,
        cloud_top,
        cloud_height,
        links,
        related,
    )


def drawn_links(clusters: CoClusters, share: float) -> np.ndarray:
    """bool[k, k]: the links (word cluster, unit cluster) that are at least `share` of the strongest."""
    strength = np.abs(clusters.edges)
    return (strength >= share * strength.max(initial=0)) & (strength > 0)


def _strongest(strength: np.ndarray) -> np.ndarray:
    """bool[k, k]: for each row and for each column its largest entry."""
    largest = np.maximum(strength, np.finfo(np.float32).tiny)  # an empty cluster has none
    return (largest == strength.max(axis=1, keepdims=True)) | (largest == strength.max(axis=0, keepdims=True))


def _equal_heights(sizes: np.ndarray, most: float, height: float) -> tuple[float, np.ndarray, np.ndarray]:
    """(cell, columns[k], rows[k]) of chips with as many rows each, of the largest squares that find room."""
    room = height / len(sizes) - GAP - 2 * PAD
    for cell in np.arange(LARGEST_CELL, 1.5, -0.5):
        rows = int(room // cell)
        if rows and -(-sizes.max() // rows) * cell + LABEL + 2 * PAD <= most:
            break
    rows = max(rows, 1)
    return float(cell), np.maximum(-(-sizes // rows), 1), np.full(len(sizes), rows)


def _equal_widths(sizes: np.ndarray, most: float, height: float) -> tuple[float, np.ndarray, np.ndarray]:
    """(cell, columns[k], rows[k]) of chips with as many columns each."""
    for cell in np.arange(LARGEST_CELL, 1.5, -0.5):
        columns = max(int((most - LABEL - 2 * PAD) // cell), 1)
        rows = np.maximum(-(-sizes // columns), 1)
        if (rows * cell + 2 * PAD + GAP).sum() <= height:
            break
    columns = int(min(columns, max(sizes.max(), 1)))
    return float(cell), np.full(len(sizes), columns), np.maximum(-(-sizes // columns), 1)


def _squares(
    cluster: np.ndarray,
    cell: float,
    width: np.ndarray,
    top: np.ndarray,
    columns: np.ndarray,
    rows: np.ndarray,
    equal: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Left (from the middle) and top of each unit's square: in the order of units, by columns or rows."""
    x, y = np.empty(len(cluster)), np.empty(len(cluster))
    for chip in range(len(width)):
        units = np.flatnonzero(cluster == chip)
        number = np.arange(len(units))
        across, down = divmod(number, rows[chip]) if equal == "height" else divmod(number, columns[chip])[::-1]
        x[units] = -width[chip] / 2 + LABEL + PAD + across * cell
        y[units] = top[chip] + PAD + down * cell
    return x, y


def _columns(k: int, width: float, chip: float, two_sides: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(side, near edge, far edge) of each cloud."""
    if not two_sides:
        return np.ones(k, int), np.full(k, chip + 0.16 * width), np.full(k, float(width))
    side = np.where(np.arange(k) % 2 == 0, -1, 1)
    link = 0.1 * width
    near = width / 2 + side * (chip / 2 + link)
    return side, near, np.where(side < 0, 0.0, width)


def _slots(
    clusters: CoClusters, drawing: Drawing, related: np.ndarray, side: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(top, height) of each cloud: more for more words, and for what the focus brings forward."""
    words = np.bincount(clusters.word_cluster, minlength=clusters.k)
    demand = np.clip(np.sqrt(words / max(words.mean(), 1)), 0.6, 1.5)
    kind, number = drawing.focus[:1], drawing.focus[1:]
    if kind == "w":
        demand *= np.where(np.arange(clusters.k) == int(number), GROWN, SHRUNK)
    elif kind == "u":
        demand *= np.where(related[:, int(number)], GROWN, SHRUNK)
    top, height = np.empty(clusters.k), np.empty(clusters.k)
    for each in np.unique(side):
        here = np.flatnonzero(side == each)
        height[here] = demand[here] / demand[here].sum() * (drawing.height - GAP * len(here))
        top[here] = np.cumsum(height[here] + GAP) - height[here] - GAP / 2
    return top, height
