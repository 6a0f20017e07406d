"""A picture: a Vega-Lite specification, and separately the tables that it draws.

Altair takes a third of a second to build a specification, so it is built once for each shape of a picture (palette,
tracks, rows) and cached; two pictures of the same shape differ in their tables and a few parameters only. A page sends
the tables as Arrow beside the specification, and the browser moves marks instead of rebuilding the chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt
import pyarrow as pa

AnyChart = TypeVar("AnyChart", alt.LayerChart, alt.FacetChart, alt.LayerChart | alt.FacetChart)

FEW_MARKS = 1000
"""Up to so many marks a chart is drawn as SVG; with more, a canvas is faster."""


@dataclass(frozen=True)
class Picture:
    """A Vega-Lite `specification` that refers to its data by name, and the `tables` of those names."""

    specification: Mapping[str, Any]
    tables: Mapping[str, pa.Table]

    def for_page(self) -> dict[str, Any]:
        """The specification with its tables as Arrow, as `st.vega_lite_chart` takes them."""
        return {**self.specification, "datasets": dict(self.tables)}

    def whole(self) -> dict[str, Any]:
        """The specification with the tables as rows inside: Vega-Lite that any program can draw."""
        return {**self.specification, "datasets": {name: table.to_pylist() for name, table in self.tables.items()}}

    def chart(self) -> alt.LayerChart | alt.FacetChart:
        """The Altair chart with its data inside, to change, save or combine."""
        kind = alt.FacetChart if "facet" in self.specification else alt.LayerChart
        return kind.from_dict(self.whole(), validate=False)

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> Any:
        renderer = alt.renderers.get()
        return renderer(self.whole()) if renderer else None


def data(name: str) -> alt.Chart:
    """A layer over the picture's table `name`, without marks yet."""
    return alt.Chart(alt.NamedData(name=name))


def click(name: str, field: str, on: str = "click") -> alt.Parameter:
    """A selection parameter `name` through which a page learns of clicks on marks with `field`.

    A click toggles the mark's value, so that two clicks on one mark are two messages; the mark that was clicked is the
    difference between a message and the one before.
    """
    return alt.selection_point(name=name, fields=[field], on=on, toggle="true", clear=False, empty=False)


def hover(name: str, *fields: str) -> alt.Parameter:
    """A selection parameter `name` for the mark under the pointer; it is handled in the browser alone."""
    return alt.selection_point(
        name=name, fields=list(fields), on="pointerover", clear="pointerout", toggle=False, empty=False
    )


def with_margin(chart: AnyChart, margin: Mapping[str, int], width: int) -> AnyChart:
    """`chart` with a fixed margin (part of the width) for labels beside the plot, so that the plot never moves."""
    return chart.properties(
        width=width, padding=dict(margin), autosize=alt.AutoSizeParams(type="none", contains="padding")
    )


def as_wide_as_page(chart: alt.LayerChart) -> alt.LayerChart:
    """`chart` as wide as its container; the height stays, for marks that are placed by pixels."""
    return chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))


def with_parameters(specification: Mapping[str, Any], height: float, **numbers: Any) -> dict[str, Any]:
    """`specification` with another height, and with these values of its parameters."""
    parameters = [
        {**parameter, "value": numbers[parameter["name"]]} if parameter["name"] in numbers else parameter
        for parameter in specification["params"]
    ]
    return {**specification, "params": parameters, "height": height}


def with_renderer(specification: Mapping[str, Any], marks: int) -> dict[str, Any]:
    """`specification` with its renderer: SVG, or a canvas for more than `FEW_MARKS` marks.

    If it were left open, the page would choose again for every answer, and a chart that is rebuilt loses its clicks.
    """
    renderer = "svg" if marks <= FEW_MARKS else "canvas"
    return {**specification, "usermeta": {"embedOptions": {"renderer": renderer}}}
