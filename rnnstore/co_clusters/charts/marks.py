"""The tables of the co-cluster picture: squares, chips, links, clouds and words, with their positions.

Every row names its chip or cloud in `group` and those with which it is emphasised in `with`, so that hovering needs no
request to the server; `lit` is its emphasis by the focus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.charts.layout import WIDEST, Layout
from rnnstore.co_clusters.charts.responses import signed, with_error
from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses, WordTags
from rnnstore.drawing.palette import Palette, interpolate
from rnnstore.visible import visible

LEAST_STRIPE = 2.0
"""Pixels under which a square is not divided between several words."""

NAMED = 3
"""Words named for a unit, and units for a word, in tooltips."""


@dataclass(frozen=True)
class Highlights:
    """What is selected: `words` whose responses colour the squares (where squares are too small to be divided, the word
    `alone`, or else the first), `units` of which the last colours the words, `pinned` words, which are always drawn,
    and the `tags` by which words are coloured instead."""

    words: Sequence[str] = ()
    units: Sequence[int] = ()
    pinned: Sequence[str] = ()
    tags: WordTags | None = None
    alone: str = ""


# What the squares show


@dataclass(frozen=True)
class Heat:
    """What squares show: the `words` shown with the `colours` of their units, from -`most` to `most`; and of all words
    selected `values` and `errors` float[words, units]."""

    words: list[str]
    values: np.ndarray
    errors: np.ndarray
    most: float
    colours: list[list[str]]


def heat_of(expected: ExpectedResponses, chosen: Highlights, palette: Palette, cell: float) -> Heat | None:
    """The responses to the selected words; None where none is."""
    words = list(chosen.words)
    if not words:
        return None
    alone = words.index(chosen.alone) if chosen.alone in words else 0
    shown = list(range(len(words))) if (cell - 1) / len(words) >= LEAST_STRIPE else [alone]
    rows = [expected.row(word) for word in words]
    values, errors = expected.response[rows].astype(float), expected.standard_error[rows]
    most = float(np.quantile(np.abs(values[shown]), 0.99)) or 1.0
    colours = [interpolate(palette.diverging, values[index] / (2 * most) + 0.5) for index in shown]
    return Heat([words[index] for index in shown], values, errors, most, colours)


def unit_table(
    clusters: CoClusters,
    response: np.ndarray,
    layout: Layout,
    heat: Heat | None,
    chosen: Highlights,
    palette: Palette,
) -> pa.Table:
    of = clusters.unit_cluster
    place = np.argsort(clusters.partner)
    plain = np.array(palette.cells)[place[of] % len(palette.cells)].tolist()
    captions = [""] * len(of)
    if heat:
        parts = [
            [f"{word} {with_error(value, error)}" for value, error in zip(*both, strict=True)]
            for word, *both in zip(map(visible, chosen.words), heat.values.tolist(), heat.errors.tolist(), strict=True)
        ]
        captions = [", ".join(each) for each in zip(*parts, strict=True)]
    side = layout.cell - (1 if layout.cell > 4 else 0.5)
    picked = np.isin(np.arange(len(of)), np.asarray(chosen.units, int))
    return pa.table(
        {
            **group_columns("u", of, layout),
            "unit": pa.array(np.arange(len(of)), pa.int16()),
            "middle": pa.array(layout.unit_x + side / 2, pa.float32()),
            "y": pa.array(layout.unit_y + side / 2, pa.float32()),
            "size": pa.array(np.full(len(of), side**2), pa.float32()),
            "colour": pa.array(heat.colours[0] if heat else plain, pa.string()),
            "picked": pa.array(picked, pa.bool_()),
            "emphasised": pa.array([heat is not None] * len(of), pa.bool_()),
            "top": pa.array(strongest(response.T, [visible(word) for word in clusters.words]), pa.string()),
            "caption": pa.array(captions, pa.string()),
        }
    )


def stripe_table(clusters: CoClusters, layout: Layout, heat: Heat | None) -> pa.Table:
    """The parts of the squares that belong to the second word and those after it."""
    others = heat.colours[1:] if heat else []
    part = (layout.cell - 1) / (len(others) + 1)
    units = len(clusters.unit_cluster)
    return pa.table(
        {
            **group_columns("u", np.tile(clusters.unit_cluster, len(others)), layout),
            "x": pa.array(np.tile(layout.unit_x, len(others)), pa.float32()),
            "y": pa.array(
                (layout.unit_y[None, :] + (np.arange(len(others)) + 1)[:, None] * part).ravel()
                if others
                else np.zeros(0),
                pa.float32(),
            ),
            "side": pa.array(np.full(units * len(others), layout.cell - 1), pa.float32()),
            "tall": pa.array(np.full(units * len(others), part), pa.float32()),
            "colour": pa.array([colour for colours in others for colour in colours], pa.string()),
        }
    )


def turned_table(clusters: CoClusters, layout: Layout) -> pa.Table:
    """The middles of the squares whose units are counted with their sign reversed."""
    turned = np.flatnonzero(clusters.unit_sign < 0)
    return pa.table(
        {
            **group_columns("u", clusters.unit_cluster[turned], layout),
            "x": pa.array(layout.unit_x[turned] + (layout.cell - 1) / 2, pa.float32()),
            "y": pa.array(layout.unit_y[turned] + (layout.cell - 1) / 2, pa.float32()),
            "size": pa.array(np.full(len(turned), (0.4 * layout.cell) ** 2), pa.float32()),
        }
    )


# Chips and links


def chip_table(clusters: CoClusters, layout: Layout, palette: Palette) -> pa.Table:
    numbers = np.arange(clusters.k)
    sizes = np.bincount(clusters.unit_cluster, minlength=clusters.k)
    place = np.argsort(clusters.partner)
    opposite = [
        ", ".join(f"{cloud} ({signed(clusters.edges[cloud, chip])})" for cloud in strong(clusters.edges[:, chip]))
        for chip in range(clusters.k)
    ]
    return pa.table(
        {
            **group_columns("u", numbers, layout),
            "chip": pa.array(numbers, pa.int16()),
            "wide": pa.array(layout.chip_width, pa.float32()),
            "y": pa.array(layout.chip_top, pa.float32()),
            "tall": pa.array(layout.chip_height, pa.float32()),
            "colour": pa.array(np.array(palette.groups)[place % len(palette.groups)].tolist(), pa.string()),
            "units": pa.array([f"{size:,}" for size in sizes], pa.string()),
            "opposite": pa.array(opposite, pa.string()),
        }
    )


def link_table(clusters: CoClusters, layout: Layout, palette: Palette) -> pa.Table:
    """A row a link: where it leaves the chip (`from_y`, on its side `side`) and reaches the cloud (`to_x`, `to_y`)."""
    cloud_of, chip_of = np.nonzero(layout.links)
    mean = clusters.edges[cloud_of, chip_of]
    strongest = float(np.abs(clusters.edges).max(initial=0)) or 1.0
    widest = min(WIDEST, 0.32 * layout.drawing.height / clusters.k) * layout.drawing.thickness
    thick = np.abs(mean) / strongest * widest
    chip_middle = layout.chip_top + layout.chip_height / 2
    cloud_middle = layout.cloud_top + layout.cloud_height / 2
    from_y, to_y = np.empty(len(mean)), np.empty(len(mean))
    for chip in range(clusters.k):
        for side in (-1, 1):
            here = np.flatnonzero((chip_of == chip) & (layout.side[cloud_of] == side))
            here = here[np.argsort(cloud_middle[cloud_of[here]], kind="stable")]
            from_y[here] = _ports(thick[here], chip_middle[chip], layout.chip_height[chip])
    for each in range(clusters.k):
        here = np.flatnonzero(cloud_of == each)
        here = here[np.argsort(chip_middle[chip_of[here]], kind="stable")]
        to_y[here] = _ports(thick[here], cloud_middle[each], layout.cloud_height[each])
    states = [
        0 if not layout.drawing.focus else 1 if layout.drawing.focus in (f"w{i}", f"u{j}") else -1
        for i, j in zip(cloud_of, chip_of, strict=True)
    ]
    return pa.table(
        {
            "with": pa.array([f"|w{i}|u{j}|" for i, j in zip(cloud_of, chip_of, strict=True)], pa.string()),
            "lit": pa.array(states, pa.int8()),
            "from_x": pa.array(layout.side[cloud_of] * layout.chip_width[chip_of] / 2, pa.float32()),
            "from_y": pa.array(from_y, pa.float32()),
            "to_x": pa.array(layout.near[cloud_of], pa.float32()),
            "to_y": pa.array(to_y, pa.float32()),
            "thick": pa.array(thick, pa.float32()),
            "colour": pa.array([palette.diverging[-2 if value > 0 else 1] for value in mean], pa.string()),
            "caption": pa.array([signed(value) for value in mean], pa.string()),
            "ends": pa.array([f"words {i}, units {j}" for i, j in zip(cloud_of, chip_of, strict=True)], pa.string()),
        }
    )


def _ports(thick: np.ndarray, middle: float, room: float) -> np.ndarray:
    """The heights at which links of these widths meet an edge, stacked around its middle."""
    total = thick.sum()
    squeezed = thick * min(1.0, 0.86 * room / total) if total else thick
    return middle - squeezed.sum() / 2 + np.cumsum(squeezed) - squeezed / 2


def group_columns(kind: str, numbers: np.ndarray, layout: Layout) -> dict[str, pa.Array]:
    """The columns by which a row is emphasised or stands back: group, with, lit."""
    each = {number: (layout.counterparts(kind, number), layout.lit(kind, number)) for number in set(numbers.tolist())}
    return {
        "group": pa.array([f"{kind}{number}" for number in numbers.tolist()], pa.string()),
        "with": pa.array([each[number][0] for number in numbers.tolist()], pa.string()),
        "lit": pa.array([each[number][1] for number in numbers.tolist()], pa.int8()),
    }


def strong(edges: np.ndarray) -> list[int]:
    """The three strongest of a cluster's links."""
    return np.argsort(-np.abs(edges), kind="stable")[:3].tolist()


def strongest(response: np.ndarray, names: Sequence[str]) -> list[str]:
    """For each row of `response`, the columns of the largest |values| by name, with the values."""
    many = min(NAMED, response.shape[1])
    best = np.argpartition(-np.abs(response), many - 1, axis=1)[:, :many]
    order = np.argsort(-np.abs(np.take_along_axis(response, best, axis=1)), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    values = np.take_along_axis(response, best, axis=1)
    return [
        ", ".join(f"{names[column]} {signed(value)}" for column, value in zip(*row, strict=True))
        for row in zip(best.tolist(), values.tolist(), strict=True)
    ]
