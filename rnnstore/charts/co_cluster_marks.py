"""The tables of the co-cluster picture: what each square, chip, link, cloud and word is, and where it stands.

Every row names its chip or cloud in `group` and all those with which it is brought forward in `with`, so that hovering
needs no answer from the store; `lit` says how the focus sets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.charts.clouds import Cloud, cloud, text_width
from rnnstore.charts.co_cluster_layout import FEW, LABEL, WIDEST, Layout
from rnnstore.charts.palette import Palette, interpolate
from rnnstore.charts.responses import signed, with_error
from rnnstore.charts.tracks import ink_on
from rnnstore.co_clusters import CoClusters
from rnnstore.expected import ExpectedResponses, WordTags
from rnnstore.windows import visible

SIZES, BACK = (9.5, 32.0), (9.5, 14.0)
"""Size in pixels of the smallest and of the largest words; those of clouds that stand back."""

LEAST_STRIPE = 2.0
"""Pixels under which a square is not divided between several words."""

NAMED = 3
"""Words named for a unit, and units for a word, in tooltips."""


@dataclass(frozen=True)
class Chosen:
    """What is selected: `words` whose responses colour the squares (the first is shown where squares are too small to
    be divided), `units` of which the last colours the words, `pinned` words, which are always drawn, and the `tags` by
    which words are coloured instead."""

    words: Sequence[str] = ()
    units: Sequence[int] = ()
    pinned: Sequence[str] = ()
    tags: WordTags | None = None


def colours_of_words(words: Sequence[str], palette: Palette) -> dict[str, str]:
    """The colour of each selected word, wherever it is drawn."""
    return {word: palette.series[index % len(palette.series)] for index, word in enumerate(words)}


# What the squares show


@dataclass(frozen=True)
class Heat:
    """Responses to `words` on the squares: `values` float[words, units], the colour scale's end `most`, `colours`."""

    words: list[str]
    values: np.ndarray
    errors: np.ndarray
    most: float
    colours: list[list[str]]


def heat_of(expected: ExpectedResponses, words: Sequence[str], palette: Palette, cell: float) -> Heat | None:
    if not words:
        return None
    shown = list(words) if (cell - 1) / len(words) >= LEAST_STRIPE else [words[0]]
    rows = [expected.row(word) for word in words]
    values, errors = expected.response[rows].astype(float), expected.standard_error[rows]
    most = float(np.quantile(np.abs(values[: len(shown)]), 0.99)) or 1.0
    colours = [interpolate(palette.diverging, value / (2 * most) + 0.5) for value in values[: len(shown)]]
    return Heat(shown, values, errors, most, colours)


def unit_table(
    clusters: CoClusters,
    expected: ExpectedResponses,
    response: np.ndarray,
    layout: Layout,
    heat: Heat | None,
    chosen: Chosen,
    palette: Palette,
) -> pa.Table:
    of = clusters.unit_cluster
    place = np.argsort(clusters.partner)
    plain = np.array(palette.cells)[place[of] % len(palette.cells)].tolist()
    said = [""] * len(of)
    if heat:
        parts = [
            [f"{word} {with_error(value, error)}" for value, error in zip(*both, strict=True)]
            for word, *both in zip(map(visible, chosen.words), heat.values.tolist(), heat.errors.tolist(), strict=True)
        ]
        said = [", ".join(each) for each in zip(*parts, strict=True)]
    side = layout.cell - (1 if layout.cell > 4 else 0.5)
    picked = np.isin(np.arange(len(of)), np.asarray(chosen.units, int))
    return pa.table(
        {
            **_grouped("u", of, layout),
            "unit": pa.array(np.arange(len(of)), pa.int16()),
            "middle": pa.array(layout.unit_x + side / 2, pa.float32()),
            "y": pa.array(layout.unit_y + side / 2, pa.float32()),
            "size": pa.array(np.full(len(of), side**2), pa.float32()),
            "colour": pa.array(heat.colours[0] if heat else plain, pa.string()),
            "picked": pa.array(picked, pa.bool_()),
            "told": pa.array([heat is not None] * len(of), pa.bool_()),
            "top": pa.array(_strongest(response.T, [visible(word) for word in clusters.words]), pa.string()),
            "said": pa.array(said, pa.string()),
        }
    )


def stripe_table(clusters: CoClusters, layout: Layout, heat: Heat | None) -> pa.Table:
    """The parts of the squares that belong to the second word and those after it."""
    others = heat.colours[1:] if heat else []
    part = (layout.cell - 1) / (len(others) + 1)
    units = len(clusters.unit_cluster)
    return pa.table(
        {
            **_grouped("u", np.tile(clusters.unit_cluster, len(others)), layout),
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
            **_grouped("u", clusters.unit_cluster[turned], layout),
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
        ", ".join(f"{cloud} ({signed(clusters.edges[cloud, chip])})" for cloud in _strong(clusters.edges[:, chip]))
        for chip in range(clusters.k)
    ]
    return pa.table(
        {
            **_grouped("u", numbers, layout),
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
            "said": pa.array([signed(value) for value in mean], pa.string()),
            "ends": pa.array([f"words {i}, units {j}" for i, j in zip(cloud_of, chip_of, strict=True)], pa.string()),
        }
    )


def _ports(thick: np.ndarray, middle: float, room: float) -> np.ndarray:
    """The heights at which links of these widths meet an edge, one under the other around its middle."""
    total = thick.sum()
    squeezed = thick * min(1.0, 0.86 * room / total) if total else thick
    return middle - squeezed.sum() / 2 + np.cumsum(squeezed) - squeezed / 2


# Clouds


def set_words(clusters: CoClusters, layout: Layout, first: set[str]) -> list[Cloud]:
    """The cloud of each word cluster; indices count those of the clustering. Words in `first` find room in any case.

    A cloud that has room for them anyway stays as it is, so that a word does not move when it is clicked.
    """
    placed = []
    for number in range(clusters.k):
        members = np.flatnonzero(clusters.word_cluster == number)
        members = members[np.lexsort((members, -clusters.word_weight[members]))]
        ahead = np.array([clusters.words[member] in first for member in members], bool)
        room = abs(layout.far[number] - layout.near[number]) - LABEL - 8, layout.cloud_height[number] - 4
        back = layout.lit("w", number) < 0
        most, sizes = (max(FEW, int(ahead.sum())), BACK) if back else (len(members), SIZES)
        found = _cloud(clusters, members[:most], room, sizes)
        if not set(members[ahead]) <= set(found.kept):
            members = members[np.argsort(~ahead, kind="stable")]
            found = _cloud(clusters, members[:most], room, sizes, int(ahead.sum()))
        placed.append(found)
    return placed


def _cloud(
    clusters: CoClusters,
    members: np.ndarray,
    room: tuple[float, float],
    sizes: tuple[float, float],
    first: int = 0,
) -> Cloud:
    texts = tuple(visible(clusters.words[member]) for member in members)
    found = cloud(texts, tuple(clusters.word_weight[members].tolist()), room, sizes, first)
    return Cloud(members[found.kept], found.x, found.y, found.size, found.texts)


def cloud_table(clusters: CoClusters, layout: Layout, placed: Sequence[Cloud], palette: Palette) -> pa.Table:
    numbers = np.arange(clusters.k)
    sizes = np.bincount(clusters.word_cluster, minlength=clusters.k)
    opposite = [
        ", ".join(f"{chip} ({signed(clusters.edges[cloud, chip])})" for chip in _strong(clusters.edges[cloud]))
        for cloud in range(clusters.k)
    ]
    return pa.table(
        {
            **_grouped("w", numbers, layout),
            "cloud": pa.array(numbers, pa.int16()),
            "near": pa.array(layout.near, pa.float32()),
            "far": pa.array(layout.far, pa.float32()),
            "side": pa.array(layout.side, pa.int8()),
            "y": pa.array(layout.cloud_top, pa.float32()),
            "tall": pa.array(layout.cloud_height, pa.float32()),
            "colour": pa.array(np.array(palette.cells)[numbers % len(palette.cells)].tolist(), pa.string()),
            "shown": pa.array(
                [f"{len(each.kept):,} of {size:,}" for each, size in zip(placed, sizes, strict=True)], pa.string()
            ),
            "opposite": pa.array(opposite, pa.string()),
        }
    )


def word_table(
    clusters: CoClusters,
    expected: ExpectedResponses,
    response: np.ndarray,
    layout: Layout,
    placed: Sequence[Cloud],
    chosen: Chosen,
    palette: Palette,
) -> pa.Table:
    of = np.repeat(np.arange(clusters.k), [len(each.kept) for each in placed])
    member = np.concatenate([each.kept for each in placed]).astype(int)
    rows = clusters.rows[member]
    words = [clusters.words[index] for index in member]
    tag_fills, tags = _tagged(expected, rows, chosen, palette)
    selected = colours_of_words(chosen.words, palette)
    lit = [
        layout.lit("w", number) if word not in {*chosen.words, *chosen.pinned} else abs(layout.lit("w", number))
        for number, word in zip(of.tolist(), words, strict=True)
    ]
    fills = [
        selected.get(word, fill)
        for word, fill in zip(words, tag_fills or _moved(response, member, chosen, palette), strict=True)
    ]
    middle = (layout.near + layout.far) / 2 + layout.side * (LABEL - 4) / 2
    errors = expected.standard_error[rows].mean(axis=1)  # NaN in every unit for a word that was read once
    return pa.table(
        {
            **{**_grouped("w", of, layout), "lit": pa.array(lit, pa.int8())},
            "word": pa.array(rows, pa.int32()),
            "middle": pa.array(middle[of], pa.float32()),
            "x": pa.array(np.concatenate([each.x for each in placed]), pa.float32()),
            "y": pa.array(np.concatenate([each.y for each in placed]), pa.float32()),
            "centre": pa.array((layout.cloud_top + layout.cloud_height / 2)[of], pa.float32()),
            "size": pa.array(np.concatenate([each.size for each in placed]), pa.float32()),
            "wide": pa.array(_widths(placed), pa.float32()),
            "text": pa.array([text for each in placed for text in each.texts], pa.string()),
            "fill": pa.array(fills, pa.string()),
            "ink": pa.array(ink_on(fills, palette), pa.string()),
            "pinned": pa.array([word in chosen.pinned for word in words], pa.bool_()),
            "told": pa.array([fill != "transparent" for fill in fills], pa.bool_()),
            "read": pa.array([f"{count:,}" for count in expected.counts[rows]], pa.string()),
            "nearness": pa.array(clusters.word_weight[member], pa.float32()),
            "moved": pa.array(
                _strongest(response[member], [f"{unit}" for unit in range(response.shape[1])]), pa.string()
            ),
            "error": pa.array([_error(value) for value in errors.tolist()], pa.string()),
            "said": pa.array(
                [visible(word) + (f", {tag}" if tag else "") for word, tag in zip(words, tags, strict=True)],
                pa.string(),
            ),
        }
    )


def _tagged(
    expected: ExpectedResponses, rows: np.ndarray, chosen: Chosen, palette: Palette
) -> tuple[list[str], list[str]]:
    """(fill, what a tooltip says) of each word by its most frequent tag; no fills where words are not tagged."""
    if chosen.tags is None:
        return [], [""] * len(rows)
    colours = dict(zip(*palette.label_colours(chosen.tags.labels), strict=True))
    ids = expected.word_ids[rows].tolist()
    labels = [chosen.tags.label[index] for index in ids]
    shares = [float(chosen.tags.share[index]) for index in ids]
    said = [f"{label} ({share:.0%})" if label else "no tag" for label, share in zip(labels, shares, strict=True)]
    return [colours[label] if label else "transparent" for label in labels], said


def _moved(response: np.ndarray, member: np.ndarray, chosen: Chosen, palette: Palette) -> list[str]:
    """The fill of each word by how it moves the unit selected last; none where no unit is."""
    if not chosen.units:
        return ["transparent"] * len(member)
    return interpolate(palette.diverging, response[member, chosen.units[-1]] / (2 * end_of(response, chosen)) + 0.5)


def end_of(response: np.ndarray, chosen: Chosen) -> float:
    """The end of the scale by which words are coloured: the largest response of the unit selected last."""
    return float(np.abs(response[:, chosen.units[-1]]).max()) or 1.0


def _grouped(kind: str, numbers: np.ndarray, layout: Layout) -> dict[str, pa.Array]:
    """The columns by which a row is brought forward or stands back: group, with, lit."""
    each = {number: (layout.counterparts(kind, number), layout.lit(kind, number)) for number in set(numbers.tolist())}
    return {
        "group": pa.array([f"{kind}{number}" for number in numbers.tolist()], pa.string()),
        "with": pa.array([each[number][0] for number in numbers.tolist()], pa.string()),
        "lit": pa.array([each[number][1] for number in numbers.tolist()], pa.int8()),
    }


def _strong(edges: np.ndarray) -> list[int]:
    """The three strongest of a cluster's links."""
    return np.argsort(-np.abs(edges), kind="stable")[:3].tolist()


def _strongest(response: np.ndarray, names: Sequence[str]) -> list[str]:
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


def _error(value: float) -> str:
    return f"{value:.2g}" if value == value else "read once"


def _widths(placed: Sequence[Cloud]) -> list[float]:
    return [
        text_width(text, size) + 4 for each in placed for text, size in zip(each.texts, each.size.tolist(), strict=True)
    ]
