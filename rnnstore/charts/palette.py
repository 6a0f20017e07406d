"""The colours of every picture, for a light and a dark background, in one place.

Blue to orange diverges (blue negative, orange positive, as in the papers), one hue grows with a count, at most eight
muted colours tell labels apart. All of them are light (or dark) enough that text on them stays readable, and differ
in lightness as well as in hue so that colour-blind readers can tell them apart; `tests/test_charts.py` measures both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np

LABELS = 8
"""Labels that get a colour of their own; more are unreadable, the rest share `Palette.other` and show on hovering."""

FONT = "Source Sans, Segoe UI, Helvetica, Arial, sans-serif"
"""A canvas takes no font at all from a list in which one name, unquoted, has a word that begins with a digit."""


@dataclass(frozen=True)
class Palette:
    """Colours for one background. Scales are lists to interpolate between; `labels` are taken in order."""

    background: str
    surface: str
    text: str
    muted: str
    grid: str
    accent: str
    threshold: str
    diverging: tuple[str, ...]
    sequential: tuple[str, ...]
    shade: tuple[str, ...]
    bands: tuple[str, str, str]
    labels: tuple[str, ...]
    other: str
    right: str
    wrong: str

    def label_colours(self, labels: Sequence[str]) -> tuple[list[str], list[str]]:
        """(domain, range) of a colour scale for `labels` by falling frequency: eight colours, then `other`."""
        labels = list(labels)
        return labels, [self.labels[i] if i < LABELS else self.other for i in range(len(labels))]


LIGHT = Palette(
    background="#ffffff",
    surface="#f5f6f8",
    text="#1d2530",
    muted="#667085",
    grid="#e3e6eb",
    accent="#1f5f9e",
    threshold="#c2410c",
    diverging=("#1f5f9e", "#6aa3d5", "#c9deef", "#f6f5f2", "#fbd9b0", "#ee9d45", "#b85c00"),
    sequential=("#f3f6fa", "#c3d9ee", "#82b1dd", "#3f82c4", "#1b558f", "#0d3359"),
    shade=("#ffffff", "#d5e5f5", "#a9cbec", "#7db1e2"),
    bands=("#e9edf2", "#d3dae4", "#98a3b3"),
    labels=("#5ba6e2", "#f7d07e", "#bff0c6", "#bd8796", "#a0a070", "#8592bf", "#86dcf5", "#cc8a4a"),
    other="#dfe1e5",
    right="#7cc9a8",
    wrong="#f0a860",
)

DARK = Palette(
    background="#0f141b",
    surface="#1a212b",
    text="#e8ecf2",
    muted="#98a2b3",
    grid="#2a323e",
    accent="#7db4ea",
    threshold="#fb923c",
    diverging=("#8cc2f5", "#4a8ac9", "#234f7d", "#1f252e", "#6d4316", "#c47a24", "#ffbe73"),
    sequential=("#18202a", "#1d3b5c", "#2a5f94", "#4488c8", "#7fb5e8", "#cfe4f8"),
    shade=("#0f141b", "#16304b", "#1c4670", "#235c93"),
    bands=("#1d2530", "#2b3644", "#5d6b7e"),
    labels=("#1d5590", "#6b4f12", "#123a1c", "#8a5f66", "#6c6c18", "#3b2a63", "#0f7088", "#9a5a45"),
    other="#3d444f",
    right="#1d7a5c",
    wrong="#98510f",
)


def palette(theme: str | None = "light") -> Palette:
    """The palette for a "light" or "dark" background; anything else is light."""
    return DARK if theme == "dark" else LIGHT


def styled(chart: alt.TopLevelMixin, colours: Palette) -> alt.TopLevelMixin:
    """`chart` with background, fonts and quiet axes of the palette, so that it looks alike on a page, in a notebook and
    as an exported picture. Marks are not described one by one: thousands of descriptions help nobody and cost time."""
    return chart.configure(
        background=colours.background,
        font=FONT,
        mark=alt.MarkConfig(aria=False, tooltip=None),  # Streamlit's own default says "true" over a brush
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            domain=False,
            gridColor=colours.grid,
            tickColor=colours.grid,
            labelColor=colours.muted,
            titleColor=colours.muted,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
        ),
        legend=alt.LegendConfig(
            labelColor=colours.text,
            titleColor=colours.muted,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
            symbolStrokeWidth=0,
        ),
        title=alt.TitleConfig(color=colours.text, fontSize=13, fontWeight="normal", anchor="start"),
        header=alt.HeaderConfig(labelColor=colours.text, titleColor=colours.muted),
        text=alt.MarkConfig(color=colours.text),
    )


def interpolate(scale: Sequence[str], shares: np.ndarray) -> list[str]:
    """The colour at each of `shares` (0 to 1, clipped) of the way along `scale`, as "#rrggbb"; NaN is transparent."""
    stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in scale], float)
    shares = np.asarray(shares, float)
    places = np.clip(np.nan_to_num(shares), 0, 1) * (len(stops) - 1)
    low = np.minimum(places.astype(int), len(stops) - 2)
    mixed = np.rint(stops[low] + (stops[low + 1] - stops[low]) * (places - low)[:, None]).astype(int)
    return [
        "transparent" if missing else f"#{red:02x}{green:02x}{blue:02x}"
        for (red, green, blue), missing in zip(mixed.tolist(), np.isnan(shares).tolist(), strict=True)
    ]
