"""What the page "Memory" shows, to export: pictures, numbers, and the lines of a notebook that draw it again."""

from __future__ import annotations

import pyarrow as pa

from pages.parts.memory.address import CURVES, View
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.export import exporting, offer_code, offer_numbers


def offer_export(view: View, drawn: pa.Table) -> None:
    """What is drawn, as pictures, numbers and lines of a notebook."""
    name = f"memory-{view.model.name}-{view.states[0]}"
    with exporting():
        if view.show == CURVES:
            save_picture_button("Curves as a picture", "memory_view", name)
            save_picture_button("Spectrum as a picture", "spectrum_view", f"{name}-delay-{view.delay}")
        else:
            save_picture_button("Properties as a picture", "property_view", f"{name}-properties")
        offer_numbers("Numbers", name, lambda: drawn)
        offer_code('store = rnnstore.open("store")', _opening(view), _call(view))


def _opening(view: View) -> str:
    if view.show == CURVES and view.models != (view.model.name,):
        return f"models = [store.model(name) for name in {list(view.models)!r}]"
    return f'model = store.model("{view.model.name}")'


def _call(view: View) -> str:
    if view.show != CURVES:
        more = f', word_class="{view.word_class}"' if view.word_class else ""
        return f'pictures.properties_picture(model, "{view.states[0]}", n={view.n}, measure="{view.how}"{more})'
    which = "models" if len(view.models) > 1 else "model"
    states = repr(view.states[0]) if len(view.states) == 1 else repr(list(view.states))
    own = f", own={view.own!r}" if view.own else ""
    log = ", log=True" if view.log else ""
    return f'pictures.memory_picture({which}, {states}, {list(view.classes)!r}, measure="{view.measure}"{own}{log})'
