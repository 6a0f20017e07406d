"""The co-cluster picture: units as squares on memory chips, words in clouds, and links between them (RNNVis, Figure 1).

A chip is a cluster of units, a cloud one of words; a link is as wide as the mean response of the chip's units to the
cloud's words is large, orange where it is positive and blue where it is negative. Words that are selected colour the
squares by how they move each unit; a unit that is selected lays its response to each word behind the words. This
module makes the tables, `co_cluster_layers` the specification that draws them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rnnstore.co_clusters.charts.layers import LEGEND, TITLE, co_cluster_specification
from rnnstore.co_clusters.charts.layout import Drawing, Layout, arrange
from rnnstore.co_clusters.charts.marks import (
    Heat,
    Highlights,
    chip_table,
    heat_of,
    link_table,
    stripe_table,
    turned_table,
    unit_table,
)
from rnnstore.co_clusters.charts.words import cloud_table, end_of, place_words, word_table
from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.co_clusters.expected import ExpectedResponses
from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import LABELS, Palette, interpolate
from rnnstore.drawing.picture import Picture, with_parameters, with_renderer
from rnnstore.drawing.tracks import Key, legend_table, wrap_legends
from rnnstore.visible import visible

__all__ = ["Drawing", "Highlights", "co_cluster_picture", "words_drawn"]


def co_cluster_picture(
    clusters: CoClusters,
    expected: ExpectedResponses,
    palette: Palette,
    chosen: Highlights | None = None,
    drawing: Drawing | None = None,
) -> Picture:
    """The picture of a clustering.

    Parameters that a page can listen to: `clicked_chip` (chip), `clicked_cloud` (cloud), `clicked_unit` (unit) and
    `clicked_word` (word, its row in `expected`). `words_drawn` counts the words that fit.
    """
    chosen, drawing = chosen or Highlights(), drawing or Drawing()
    layout = arrange(clusters, drawing)
    response = expected.response[clusters.rows]
    placed = place_words(clusters, layout, {*chosen.words, *chosen.pinned})
    heat = heat_of(expected, chosen, palette, layout.cell)
    tables = {
        "links": link_table(clusters, layout, palette),
        "chips": chip_table(clusters, layout, palette),
        "cells": unit_table(clusters, response, layout, heat, chosen, palette),
        "stripes": stripe_table(clusters, layout, heat),
        "turned": turned_table(clusters, layout),
        "clouds": cloud_table(clusters, layout, placed, palette),
        "words": word_table(clusters, expected, response, layout, placed, chosen, palette),
    }
    legends = [("links", _link_keys(clusters, layout, palette))]
    legends.append(("squares", _square_keys(heat, clusters.mirrored, palette)))
    legends.append(("words", _word_keys(response, chosen, palette)))
    legends = wrap_legends(legends, drawing.width - TITLE)
    table = legend_table(legends, palette, drawing.height + 6, LEGEND)
    tables["legends"] = table.set_column(1, "x", pa.array(table["x"].to_numpy() + TITLE, pa.float32()))
    written = co_cluster_specification(palette, drawing.width, layout.middle)
    written = with_parameters(written, drawing.height + 8 + LEGEND * len(legends))
    return Picture(with_renderer(written, 2 * expected.units), tables)


def words_drawn(picture: Picture) -> int:
    """How many words fit into the clouds of a picture."""
    return picture.tables["words"].num_rows


def _link_keys(clusters: CoClusters, layout: Layout, palette: Palette) -> list[Key]:
    drawn, strongest = int(layout.links.sum()), float(np.abs(clusters.edges).max(initial=0))
    remark = f"mean response, the widest {numeral(strongest)}; {drawn} of {clusters.k**2} are drawn"
    return [Key(palette.diverging[-2], "positive"), Key(palette.diverging[1], "negative"), Key("", remark)]


def _square_keys(heat: Heat | None, mirrored: bool, palette: Palette) -> list[Key]:
    dotted = "; with a dot: counted with the sign reversed" if mirrored else ""
    if heat is None:
        return [Key("", f"each is a unit; click a word to see how it moves them{dotted}")]
    words = " / ".join(visible(word) for word in heat.words)
    what = f"response to {words}" + (", from top to bottom" if len(heat.words) > 1 else "")
    return [*_scale(heat.most, palette), Key("", what + dotted)]


def _word_keys(response: np.ndarray, chosen: Highlights, palette: Palette) -> list[Key]:
    if chosen.tags is not None:
        labels, colours = palette.label_colours(chosen.tags.labels)
        others = len(labels) - LABELS
        keys = [Key(colour, label) for label, colour in list(zip(labels, colours, strict=True))[:LABELS]]
        return keys + [Key(palette.other, f"{others} other{'s' if others > 1 else ''}")] * (others > 0)
    larger = Key("", "the larger, the nearer to the middle of its group")
    if chosen.units:
        what = Key("", f"their response in unit {chosen.units[-1]}; {larger.label}")
        return [*_scale(end_of(response, chosen), palette), what]
    return [larger]


def _scale(most: float, palette: Palette) -> list[Key]:
    """Five colours from the most negative to the most positive."""
    shares = np.linspace(0, 1, 5)
    labels = [numeral(value, 2 * most).replace("-", "−") for value in (shares * 2 - 1) * most]
    return [Key(colour, label) for colour, label in zip(interpolate(palette.diverging, shares), labels, strict=True)]
