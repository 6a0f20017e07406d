"""What can be exported from the page "Sentences": pictures, numbers, the link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pages.parts.co_clusters import queries
from pages.parts.sentences.address import View
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.export import exporting, offer_link, offer_numbers
from pages.parts.shared.messages import errors_as, ignore
from rnnstore.sentences.passage_tables import measures_table, predictions_table, response_table, values_table
from rnnstore.sentences.passages import Grouping, Passage, TitledReading, response_at


def offer_export(
    view: View,
    shown: Sequence[TitledReading],
    passages: Sequence[Passage],
    chosen: tuple[int, int] | None,
    found: Grouping,
) -> None:
    """Pictures, numbers and the link of what is shown."""
    prefix, name = view.prefix, f"sentences-{view.model.name}-{view.state.name}"

    one: Any = {"kinds": ("CSV",), "key": prefix}
    with exporting():
        save_picture_button("Glyphs as a picture", f"{prefix}glyph_view", name)
        offer_numbers("Numbers of the glyphs", name, lambda: measures_table(passages), key=prefix)
        predictions = predictions_table(passages)
        if predictions is not None:
            offer_numbers("Predictions", f"predictions-{name}", lambda: predictions, **one)
        if view.colouring is not None:
            save_picture_button("Coloured text as a picture", f"{prefix}text_view", f"text-{name}")
            offer_numbers("Values that colour it", f"text-{name}", lambda: values_table(passages), **one)
        responses = None if chosen is None else _responses(view, shown[chosen[0]], chosen[1], found)
        if responses is not None:
            save_picture_button("Response as a picture", f"{prefix}response_view", f"response-{name}")
            offer_numbers("Response of every unit", f"response-{name}", lambda: responses, **one)
        offer_link(view.model, view.state)


def _responses(view: View, shown: TitledReading, index: int, found: Grouping) -> pa.Table | None:
    """The chosen word's response beside its distribution; None for a word that was never recorded, which is said."""
    with errors_as(ignore):
        word = queries.word_response(view.model, view.state.name, shown.reading.words[index])
        return response_table(word, response_at(shown.reading, view.state.name, index), found.unit_cluster)
    return None
