"""A picture: a Vega-Lite specification, and separately the tables that it draws.

Altair takes a third of a second to build a specification, so it is built once for each shape of a picture (palette,
tracks, rows) and cached; two pictures of the same shape differ in their tables and a few parameters only. A page sends
the tables as Arrow beside the specification, and the browser moves marks instead of rebuilding the chart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt
import pyarrow as pa

from rnnstore.drawing.palette import Palette, with_style

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


def picture_of(chart: alt.TopLevelMixin, colours: Palette, tables: Mapping[str, pa.Table], **size: Any) -> Picture:
    """A chart over `tables`, named as its layers name them, in the palette's style; `size` gives width and height."""
    sized = chart.properties(**size) if size else chart
    return Picture(with_style(sized, colours).to_dict(validate=False), tables)


def tooltips(*lines: str) -> list[alt.Tooltip]:
    """The lines of a tooltip, each "field:type", "field:type|title" or "field:type|title|format"."""
    found = []
    for line in lines:
        field, title, format, *_ = *line.split("|"), "", ""
        found.append(alt.Tooltip(field, title=title or alt.Undefined, format=format or alt.Undefined))
    return found


def at_x(field: str) -> alt.X:
    """A place in pixels from the left, which the table says."""
    return alt.X(f"{field}:Q", scale=None, axis=None)


def at_y(field: str = "y") -> alt.Y:
    """A height in pixels from the top, which the table says."""
    return alt.Y(f"{field}:Q", scale=None, axis=None)


def at_share(field: str = "x") -> alt.X:
    """A place as a share of the width, which only the browser knows."""
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, 1], nice=False, zero=False), axis=None)


def series_colour(field: str, names: Sequence[str], palette: Palette, legend: alt.Legend | None = None) -> alt.Color:
    """A colour for each of some lines drawn over one another; without a `legend`, none is drawn."""
    colours = [palette.accent, palette.threshold, *palette.series]
    scale = alt.Scale(domain=list(names), range=[colours[i % len(colours)] for i in range(len(names))])
    return alt.Color(f"{field}:N", title=None, scale=scale, legend=legend)


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
