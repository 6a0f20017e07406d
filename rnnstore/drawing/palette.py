"""The colours of every picture, for a light and a dark background, in one place.

Blue to orange diverges (blue negative, orange positive, as in the papers), one hue grows with a count, at most eight
muted colours distinguish labels. All of them are light (or dark) enough that text on them stays readable, and differ
in lightness as well as in hue so that colour-blind readers can tell them apart; `tests/drawing/test_charts.py`
measures both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np

LABELS = 8
"""Labels that get a colour of their own; the rest share `Palette.other` and are named in tooltips."""

FONT = "Source Sans, Segoe UI, Helvetica, Arial, sans-serif"
"""No name here may have a word that begins with a digit: a canvas then ignores the whole list."""


@dataclass(frozen=True)
class Palette:
    """Colours for one background. Scales are lists to interpolate between; `labels` are assigned in order.

    `groups` are twenty pale fills for numbered groups, and `cells` the colour of what lies on each; `series` are for
    lines drawn over one another, none of them blue or orange, which mean negative and positive.
    """

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
    groups: tuple[str, ...]
    cells: tuple[str, ...]
    series: tuple[str, ...]
    other: str
    right: str
    wrong: str

    def label_colours(self, labels: Sequence[str]) -> tuple[list[str], list[str]]:
        """(domain, range) of a colour scale for `labels` by falling frequency: eight colours, then `other`."""
        labels = list(labels)
        return labels, [self.labels[i] if i < LABELS else self.other for i in range(len(labels))]


def _colours(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


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
    groups=_colours(
        "#d8efdc #efe2fa #ede9cf #cef0ed #fbdfeb #d1edfb #e2ecd3 #e3e6ff #ffdfde #f6e5cf "
        "#c3e3c8 #e3d1f2 #e0dbb5 #b4e4e0 #f4ccde #b8e0f4 #d1dfbc #d2d6fa #f9cdcb #edd5b5"
    ),
    cells=_colours(
        "#8fbf98 #c0a4d5 #bcb37b #76c1bc #d79eb8 #7ebbd8 #a6ba85 #a7ace1 #dd9e9d #cdab7b "
        "#72a77c #a88ac0 #a49a5a #51a9a4 #c183a0 #5da2c3 #8ca267 #8e93cc #c78382 #b7915b"
    ),
    series=("#7955b0", "#008457", "#ad4251", "#8a730c", "#4a5568", "#b0489a"),
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
    groups=_colours(
        "#1e3022 #312638 #2f2c17 #14312f #39242e #182f39 #272e1b #28293d #3b2424 #362917 "
        "#263f2b #3f3149 #3d391c #173f3d #4a2e3b #1d3c4b #333c22 #33354f #4d2e2e #46351c"
    ),
    cells=_colours(
        "#4b7453 #755e87 #726a38 #307672 #88586f #3a708a #607043 #616491 #8d5858 #816339 "
        "#5f8d68 #8e74a2 #8b814b #438f8a #a36e86 #4d89a5 #768856 #777bad #a96e6e #9b7a4c"
    ),
    series=("#bd9ff2", "#5bc99e", "#f39098", "#e3ca69", "#c5ccd8", "#f08fd6"),
    other="#3d444f",
    right="#1d7a5c",
    wrong="#98510f",
)


def palette(theme: str | None = "light") -> Palette:
    """The palette for a "light" or "dark" background; anything else is light."""
    return DARK if theme == "dark" else LIGHT


def with_style(chart: alt.TopLevelMixin, colours: Palette) -> alt.TopLevelMixin:
    """`chart` with the palette's background, fonts and axes, the same on a page, in a notebook and when exported.

    ARIA descriptions of single marks are off: thousands of them help no screen reader and cost drawing time."""
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
