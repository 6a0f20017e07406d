"""Examples of SQL that the analyses' manifests give, filled in for the model and state at hand."""

from __future__ import annotations

import numpy as np

from rnnstore.registry import Example, analyses
from rnnstore.store.model import Model
from rnnstore.store.runs import is_on


def examples(model: Model, state: str) -> list[Example]:
    """The examples that this model's tables can answer, about this state."""
    facts = model.states[state]
    has = {part for key in model.card.files for part in (key, key.partition("/")[0])}
    level = facts.thresholds[0] if facts.thresholds else 0.3
    start, stop = _first_selection(model)
    on = np.flatnonzero(is_on(model.vectors(state, start, stop), level).all(axis=0))[:3].tolist() or [0]
    there: dict[str, object] = {
        "name": _quoted(model.name),
        "state": _quoted(state),
        "level": f"{level:g}",
        "unit": on[-1],
    }
    there |= {"units": on, "start": start, "stop": stop}
    there["track"] = _quoted(next((name for name in model.tracks if model.tracks[name].kind != "scalar"), ""))
    return [
        example.model_copy(update={"query": example.query.format(**there)})
        for analysis in analyses()
        for example in analysis.examples
        if has >= set(example.needs) and ("{track}" not in example.query or there["track"] != "''")
    ]


def _first_selection(model: Model) -> tuple[int, int]:
    """Three steps of the longest sequence, as a selection to begin with."""
    starts = model.sequence_starts
    lengths = np.diff(np.append(starts, model.steps))
    longest = int(lengths.argmax())
    first = int(starts[longest]) + min(100, int(lengths[longest]) // 2)
    return first, min(first + 3, int(starts[longest] + lengths[longest]))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
