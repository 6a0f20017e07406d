"""What can be exported from the page "Co-clusters": pictures, numbers, the link."""

from __future__ import annotations

import pyarrow as pa

from pages.parts.co_clusters import queries
from pages.parts.co_clusters.panel import Panel
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.export import exporting, offer_link, offer_numbers
from rnnstore.co_clusters.membership import members


def offer_export(panel: Panel) -> None:
    """Pictures, numbers and the link of what is shown."""
    view, name, key = panel.view, panel.name, panel.prefix

    def words_of_units() -> pa.Table:
        tables = [
            queries.words_of_unit(view.model, view.state.name, unit, view.boxes, view.least) for unit in view.units
        ]
        numbered = zip(view.units, tables, strict=True)
        return pa.concat_tables(
            each.add_column(0, "unit", pa.array([unit] * each.num_rows, pa.int32())) for unit, each in numbered
        )

    with exporting():
        save_picture_button("Co-clusters as a picture", f"{key}cluster_view", f"co-clusters-{name}")
        if view.picked:
            save_picture_button("Responses as a picture", f"{key}response_view", f"responses-{name}")
        if view.units:
            save_picture_button("Words of units as a picture", f"{key}unit_view", f"units-{name}")
        groups = f"co-clusters-{name}-{view.clusters}"
        offer_numbers("Groups", groups, lambda: members(panel.clusters, view.expected), key=key)
        if view.units:
            offer_numbers("Words of the units", f"words-of-units-{name}", words_of_units, kinds=("CSV",), key=key)
        offer_link(view.model, view.state)
