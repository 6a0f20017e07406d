"""Similarity of words, agreement of clusters, and losses of two models (page "Compare"), each by one call."""

from __future__ import annotations

from collections.abc import Sequence

from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import expected_responses
from rnnstore.comparing import charts
from rnnstore.comparing.predictions import disagreement
from rnnstore.comparing.similarity import cluster_agreement, compare
from rnnstore.drawing.palette import palette
from rnnstore.drawing.picture import Picture
from rnnstore.errors import QuestionError
from rnnstore.networks.opening import open_network
from rnnstore.store.model import Model

Side = tuple[Model, str]
"""A model and the name of one of its states."""


def comparison_picture(
    left: Side,
    right: Side,
    quantity: str = "magnitude",
    *,
    words: int = 500,
    minimum_count: int = 5,
    picked: Sequence[str] = (),
    theme: str = "light",
) -> Picture:
    """A point for each of the `words` most frequent words that both have read, by how it moves either state.

    `quantity` is "magnitude" (strength of the response) or "participation" (share of units that carry it); see
    `rnnstore.comparing.compare` for the numbers and for errors.

    >>> comparison_picture((lstm, "layer1.c"), (lstm, "layer2.c"), picked=["he", "she"])  # doctest: +SKIP
    """
    if quantity not in charts.QUANTITIES:
        raise QuestionError(f"Words cannot be drawn by {quantity!r}; one of {', '.join(charts.QUANTITIES)} is.")
    found = compare(expected_responses(*left), expected_responses(*right), words, minimum_count)
    return charts.words_picture(found, quantity, palette(theme), picked=picked)


def agreement_picture(left: Side, right: Side, k: int = 10, *, words: int = 500, theme: str = "light") -> Picture:
    """How many words of each of the k word clusters on the left are in each on the right."""
    groups = [decompose(expected_responses(*side), words).clusters(k) for side in (left, right)]
    names = [f"{model.name} · {state}" for model, state in (left, right)]
    return charts.clusters_picture(cluster_agreement(*groups), palette(theme), left=names[0], right=names[1])


def disagreement_picture(left: Model, right: Model, text: str, *, theme: str = "light") -> Picture:
    """One sentence read by two models: by how much the loss of each word differs, or, of classifiers, how probable
    the label that the left one ends with is after each word."""
    found = disagreement(open_network(left).read(text), open_network(right).read(text))
    draw = charts.losses_picture if found.label is None else charts.labels_picture
    return draw(found, palette(theme), left=left.name, right=right.name)
