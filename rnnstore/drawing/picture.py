"""A picture: a Vega-Lite specification and the tables it draws, kept apart.

Altair writes the specification, once for each shape of a picture (palette, tracks, rows), because that takes it a
third of a second; what differs between two answers of the same shape are tables and a few numbers. A page sends the
tables as Arrow beside the specification, so that marks move instead of the chart being built anew; a notebook shows a
picture by itself, or takes the Altair chart from `chart()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt
import pyarrow as pa

FEW_MARKS = 1000
"""Marks that are quicker drawn one by one, and can then be saved as SVG."""


@dataclass(frozen=True)
class Picture:
    """`specification` in Vega-Lite, which names its data, and the `tables` of those names."""

    specification: Mapping[str, Any]
    tables: Mapping[str, pa.Table]

    def for_page(self) -> dict[str, Any]:
        """The specification with its tables as Arrow, as `st.vega_lite_chart` takes them."""
        return {**self.specification, "datasets": dict(self.tables)}

    def whole(self) -> dict[str, Any]:
        """The specification with its tables as rows inside: Vega-Lite that any program draws."""
        return {**self.specification, "datasets": {name: table.to_pylist() for name, table in self.tables.items()}}

    def chart(self) -> alt.LayerChart | alt.FacetChart:
        """The Altair chart with its data inside, to change, save or combine."""
        kind = alt.FacetChart if "facet" in self.specification else alt.LayerChart
        return kind.from_dict(self.whole(), validate=False)

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> Any:
        renderer = alt.renderers.get()
        return renderer(self.whole()) if renderer else None


def named(name: str) -> alt.Chart:
    """The start of a layer that draws the table `name` of a picture."""
    return alt.Chart(alt.NamedData(name=name))


def clicked(name: str, field: str, on: str = "click") -> alt.Parameter:
    """A parameter that a page listens to for clicks on marks with `field`.

    Every click adds the mark's value or takes it away again, so that two clicks on one mark are two messages: what was
    clicked is what differs from the message before.
    """
    return alt.selection_point(name=name, fields=[field], on=on, toggle="true", clear=False, empty=False)


def hovered(name: str, *fields: str) -> alt.Parameter:
    """A parameter for what the pointer is over; it stays in the browser."""
    return alt.selection_point(
        name=name, fields=list(fields), on="pointerover", clear="pointerout", toggle=False, empty=False
    )


def fitted(chart: alt.LayerChart, margin: Mapping[str, int], width: int) -> alt.LayerChart:
    """`chart` with a fixed margin (part of the width) for what stands beside the plot, so that the plot never jumps."""
    return chart.properties(
        width=width, padding=dict(margin), autosize=alt.AutoSizeParams(type="none", contains="padding")
    )


def as_wide(chart: alt.LayerChart) -> alt.LayerChart:
    """`chart` made as wide as its page has room, its height as it is: parts that are placed by pixels stay in place."""
    return chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))


def with_numbers(specification: Mapping[str, Any], height: float, **numbers: Any) -> dict[str, Any]:
    """`specification` of another height, in which the parameters named in `numbers` have these values."""
    parameters = [
        {**parameter, "value": numbers[parameter["name"]]} if parameter["name"] in numbers else parameter
        for parameter in specification["params"]
    ]
    return {**specification, "params": parameters, "height": height}


def rendered(specification: Mapping[str, Any], marks: int) -> dict[str, Any]:
    """`specification` with the way it is drawn: as SVG, or on a canvas where there are more than `FEW_MARKS`.

    Left open, a page would choose anew with every answer, and a chart that is built anew forgets what was clicked.
    """
    renderer = "svg" if marks <= FEW_MARKS else "canvas"
    return {**specification, "usermeta": {"embedOptions": {"renderer": renderer}}}
