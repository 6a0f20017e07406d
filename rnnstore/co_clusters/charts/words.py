"""The word clouds of the co-cluster picture: which words fit, their positions, and the colours behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.charts.clouds import Cloud, cloud, text_width
from rnnstore.co_clusters.charts.layout import FEW, LABEL, Layout
from rnnstore.co_clusters.charts.marks import Highlights, group_columns, strong, strongest
from rnnstore.co_clusters.charts.responses import signed
from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.drawing.palette import Palette, interpolate
from rnnstore.drawing.tracks import readable_ink
from rnnstore.visible import visible

SIZES, BACK = (9.5, 32.0), (9.5, 14.0)
"""Size in pixels of the smallest and of the largest words; those of clouds that stand back."""


def colours_of_words(words: Sequence[str], palette: Palette) -> dict[str, str]:
    """The colour of each selected word, wherever it is drawn."""
    return {word: palette.series[index % len(palette.series)] for index, word in enumerate(words)}


def place_words(clusters: CoClusters, layout: Layout, first: set[str]) -> list[Cloud]:
    """The cloud of each word cluster; indices are those of the clustering. Words in `first` are placed in any case.

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
        ", ".join(f"{chip} ({signed(clusters.edges[cloud, chip])})" for chip in strong(clusters.edges[cloud]))
        for cloud in range(clusters.k)
    ]
    return pa.table(
        {
            **group_columns("w", numbers, layout),
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
    chosen: Highlights,
    palette: Palette,
) -> pa.Table:
    of = np.repeat(np.arange(clusters.k), [len(each.kept) for each in placed])
    member = np.concatenate([each.kept for each in placed]).astype(int)
    rows = clusters.rows[member]
    words = [clusters.words[index] for index in member]
    tag_fills, tags = _tag_fills(expected, rows, chosen, palette)
    selected = colours_of_words(chosen.words, palette)
    lit = [
        layout.lit("w", number) if word not in {*chosen.words, *chosen.pinned} else abs(layout.lit("w", number))
        for number, word in zip(of.tolist(), words, strict=True)
    ]
    fills = [
        selected.get(word, fill)
        for word, fill in zip(words, tag_fills or _response_fills(response, member, chosen, palette), strict=True)
    ]
    middle = (layout.near + layout.far) / 2 + layout.side * (LABEL - 4) / 2
    errors = expected.standard_error[rows].mean(axis=1)  # NaN in every unit for a word that was read once
    return pa.table(
        {
            **{**group_columns("w", of, layout), "lit": pa.array(lit, pa.int8())},
            "word": pa.array(rows, pa.int32()),
            "middle": pa.array(middle[of], pa.float32()),
            "x": pa.array(np.concatenate([each.x for each in placed]), pa.float32()),
            "y": pa.array(np.concatenate([each.y for each in placed]), pa.float32()),
            "centre": pa.array((layout.cloud_top + layout.cloud_height / 2)[of], pa.float32()),
            "size": pa.array(np.concatenate([each.size for each in placed]), pa.float32()),
            "wide": pa.array(_widths(placed), pa.float32()),
            "text": pa.array([text for each in placed for text in each.texts], pa.string()),
            "fill": pa.array(fills, pa.string()),
            "ink": pa.array(readable_ink(fills, palette), pa.string()),
            "pinned": pa.array([word in chosen.pinned for word in words], pa.bool_()),
            "emphasised": pa.array([fill != "transparent" for fill in fills], pa.bool_()),
            "read": pa.array([f"{count:,}" for count in expected.counts[rows]], pa.string()),
            "nearness": pa.array(clusters.word_weight[member], pa.float32()),
            "moved": pa.array(
                strongest(response[member], [f"{unit}" for unit in range(response.shape[1])]), pa.string()
            ),
            "error": pa.array([_error(value) for value in errors.tolist()], pa.string()),
            "caption": pa.array(
                [visible(word) + (f", {tag}" if tag else "") for word, tag in zip(words, tags, strict=True)],
                pa.string(),
            ),
        }
    )


def _tag_fills(
    expected: ExpectedResponses, rows: np.ndarray, chosen: Highlights, palette: Palette
) -> tuple[list[str], list[str]]:
    """(fill, tooltip) of each word by its most frequent tag; no fills where words have no tags."""
    if chosen.tags is None:
        return [], [""] * len(rows)
    colours = dict(zip(*palette.label_colours(chosen.tags.labels), strict=True))
    ids = expected.word_ids[rows].tolist()
    labels = [chosen.tags.label[index] for index in ids]
    shares = [float(chosen.tags.share[index]) for index in ids]
    captions = [f"{label} ({share:.0%})" if label else "no tag" for label, share in zip(labels, shares, strict=True)]
    return [colours[label] if label else "transparent" for label in labels], captions


def _response_fills(response: np.ndarray, member: np.ndarray, chosen: Highlights, palette: Palette) -> list[str]:
    """The fill of each word by its response of the last selected unit; none where no unit is selected."""
    if not chosen.units:
        return ["transparent"] * len(member)
    return interpolate(palette.diverging, response[member, chosen.units[-1]] / (2 * end_of(response, chosen)) + 0.5)


def end_of(response: np.ndarray, chosen: Highlights) -> float:
    """The end of the scale by which words are coloured: the largest response of the unit selected last."""
    return float(np.abs(response[:, chosen.units[-1]]).max()) or 1.0


def _error(value: float) -> str:
    return f"{value:.2g}" if value == value else "read once"


def _widths(placed: Sequence[Cloud]) -> list[float]:
    return [
        text_width(text, size) + 4 for each in placed for text, size in zip(each.texts, each.size.tolist(), strict=True)
    ]
