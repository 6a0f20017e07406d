"""The component of the page "Connectivity": text that is shaded on hovering, in the browser alone.

`show_text` sends the numbers of every text once, packed; hovering then asks nobody. Only a held position comes back.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from rnnstore.connectivity.texts import TextConnectivity
from rnnstore.drawing.palette import Palette, interpolate
from rnnstore.drawing.tracks import readable_ink
from rnnstore.visible import visible

SHADES = 33
SIZE = 32767
"""Connectivity is sent as so many steps of a row's largest."""

_HERE = Path(__file__).parent


def show_text(
    texts: Sequence[TextConnectivity],
    titles: Sequence[tuple[str, str]],
    colours: Palette,
    *,
    held: int | None,
    notes: str,
    later: bool,
    absolute: bool,
    own_scale: bool,
    difference: bool,
    target: str,
    hold: Callable[[int | None], None],
    file: str,
) -> None:
    """The texts with their suggestions, linked; `hold` is called with the step that a person holds, None for none.

    `titles` are a name and a line about each; `notes` may link to positions, written @12.
    """
    panels = [_panel(each, *title) for each, title in zip(texts, titles, strict=True)]
    middle = len(colours.diverging) // 2
    data = {
        "panels": panels,
        "signature": _signature(panels, colours, difference),
        "at": held,
        "notes": notes,
        "later": later,
        "absolute": absolute,
        "own": own_scale,
        "difference": difference,
        "target": target,
        "positive": _shades(colours.diverging[middle:], colours),
        "signed": _shades(colours.diverging, colours),
        "background": colours.background,
        "accent": colours.accent,
        "file": file,
    }
    key = "connectivity-text"

    def take() -> None:
        sent = st.session_state[key].get("held")
        at = sent.get("at") if sent else None
        hold(at if isinstance(at, int) and at >= 0 else None)

    component = st.components.v2.component(
        "connectivity_text",
        html='<div class="root" tabindex="0" role="group" aria-label="Text shaded by connectivity"></div>',
        css=_HERE.joinpath("text.css").read_text("utf-8"),
        js=_HERE.joinpath("text.js").read_text("utf-8"),
    )
    component(data=data, key=key, on_held_change=take)


def _panel(text: TextConnectivity, title: str, about: str) -> dict[str, Any]:
    """A text as the component takes it."""
    reading, steps = text.reading, len(text)
    signs = all(len(word) < 2 for word in reading.words)
    typed = [typed or word for typed, word in zip(reading.typed, reading.words, strict=True)]
    added = [not typed for typed in reading.typed]
    found = reading.predictions
    best: list[list] = [[] for _ in range(steps)]
    assert found is not None, "whoever is shaded has predicted"
    for step, word, chance in zip(
        found["t"].to_pylist(), found["word"].to_pylist(), found["probability"].to_pylist(), strict=True
    ):
        best[step].append([visible(word), round(chance, 6)])
    ends = [step + 1 < steps and ("\n" in word or _ends_line(text, step)) for step, word in enumerate(typed)]
    agreement = None if text.fallen is None else text.agreement()
    return {
        "title": title,
        "about": about,
        "signs": signs,
        "words": [_shown(word, signs) for word in typed],
        "read": [visible(word) for word in reading.words],
        "added": added,
        "unknown": reading.unknown.tolist(),
        "gaps": ["" if signs or (step and ends[step - 1]) else " " for step in range(steps)],
        "breaks": ends,
        "begin": text.begin.tolist(),
        "end": text.end.tolist(),
        "first": text.first,
        "labels": text.labels,
        "completes": text.completes,
        "target": [None if word is None else visible(word) for word in text.targets],
        "instead": text.instead.tolist(),
        "rank": text.rank.tolist(),
        "chance": [None if np.isnan(chance) else round(chance, 8) for chance in text.probability.tolist()],
        "best": best,
        "usual": steps - 1 if text.labels else max(0, steps - 2),
        "signed": text.scale == "times-input",
        "values": _packed(text.values),
        "check": None if text.fallen is None else _packed(text.fallen),
        "agreement": None if agreement is None else [None if np.isnan(each) else each for each in agreement.tolist()],
        "agreed": None if agreement is None or np.isnan(agreement).all() else float(np.nanmedian(agreement)),
    }


def _shown(word: str, signs: bool) -> str:
    if signs and word == " ":
        return " "
    return visible(word) if signs or not word.isprintable() else word


def _ends_line(text: TextConnectivity, step: int) -> bool:
    """Whether a word that was added stands at the end of a line."""
    return not text.reading.typed[step] and text.reading.words[step] in ("<eos>", "\n")


def _packed(values: np.ndarray) -> dict[str, Any]:
    """The lower triangle of float32[n, n] as parts of each row's largest; a row of NaN has none."""
    peak = np.abs(values).max(axis=1)
    known = np.isfinite(peak)
    shares = np.where(known[:, None], values, 0) / np.where(known & (peak > 0), peak, 1)[:, None]
    rows, columns = np.tril_indices(len(values))
    packed = np.rint(shares[rows, columns] * SIZE).astype("<i2")
    return {
        "values": base64.b64encode(packed.tobytes()).decode("ascii"),
        "peak": [float(most) if here else None for most, here in zip(peak, known, strict=True)],
    }


def _shades(scale: Sequence[str], colours: Palette) -> dict[str, list[str]]:
    fills = interpolate(scale, np.linspace(0, 1, SHADES))
    return {"fills": fills, "inks": readable_ink(fills, colours)}


def _signature(panels: Sequence[dict], colours: Palette, difference: bool) -> str:
    """Another one for other texts, numbers or colours: then the text is built anew."""
    found = hashlib.sha256(repr((colours.background, difference)).encode())
    for panel in panels:
        found.update(repr([panel[name] for name in panel]).encode("utf-8", "replace"))
    return found.hexdigest()
