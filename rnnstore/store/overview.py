"""What is in a store, in one table: for a list on the screen, on the command line, or as CSV.

A model's status is read off its card, and off its lock: a card without recorded steps belongs to a model that is being
trained, was trained and never recorded, or was left half way, and each wants another next step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from rnnstore.store.folder import Store
from rnnstore.store.locks import is_locked
from rnnstore.store.model import Model

POINTS = 40
"""Points of the small training curve in a list; the whole curve is in the table `training`."""

METRICS = 40
"""Columns of metrics in a list, at most."""

COLUMNS = pa.schema(
    [
        ("model", pa.string()),
        ("status", pa.string()),
        ("task", pa.string()),
        ("cell", pa.string()),
        ("layers", pa.int32()),
        ("units", pa.int32()),
        ("embedding", pa.int32()),
        ("parameters", pa.int64()),
        ("corpus", pa.string()),
        ("vocabulary", pa.int32()),
        ("steps", pa.int64()),
        ("states", pa.list_(pa.string())),
        ("tracks", pa.list_(pa.string())),
        ("predictions", pa.int32()),
        ("bytes", pa.int64()),
        ("created", pa.string()),
        ("description", pa.string()),
    ]
)


@dataclass(frozen=True)
class Status:
    """How far a model is, in a word or two, and what to do next (empty when there is nothing to do).

    `pipelines` names the command of `python -m pipelines` that does it, empty when none does.
    """

    name: str
    advice: str = ""
    pipelines: str = ""


def status(model: Model) -> Status:
    """How far `model` is."""
    trained, begun = bool(model.card.metrics), "training" in model.card.files
    if being_written(model):
        if model.steps:
            return Status(
                "being recorded anew", "What is shown is the recording before; it stays until the new one ends."
            )
        if trained:
            return Status("being recorded", "Its states appear when the recording has ended.")
        return Status("being trained", "Its training curve grows with every epoch; reload to see it.")
    if model.steps:
        return Status("recorded")
    if trained:
        return Status("trained, not recorded", "Record what it keeps in its states:", "record")
    if begun:
        return Status("training stopped early", "Go on from where it stopped, then record:", "run")
    if "name" in model.card.settings:  # those of a recipe
        return Status("nothing recorded", "Train and record it:", "run")
    return Status(
        "nothing recorded",
        "Its recording failed, or was stopped before it had recorded anything. Run the program or the import that "
        "records it once more: under the same name it takes this place. Or delete it: "
        f"python -m rnnstore delete {model.name!r}",
    )


def being_written(model: Model) -> bool:
    """Whether another process holds the model's lock now."""
    return is_locked(model.folder.parent, model.name)


def stored_bytes(model: Model) -> int:
    """Bytes of the model's tables on disk."""
    return sum(file.bytes for files in model.card.files.values() for file in files)


def size(count: int) -> str:
    """`count` bytes as a person says it, for example 12.3 MB."""
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if count >= 1000**power:
            return f"{count / 1000**power:,.1f} {unit}"
    return f"{count} bytes"


def notes(model: Model) -> list[str]:
    """What the recording left out or changed, and why, a sentence each; those of an import stand in its settings."""
    imports = [of.get("notes") for of in model.card.settings.values() if isinstance(of, dict)]
    found = [*model.card.notes, *(str(note) for noted in imports if isinstance(noted, list) for note in noted)]
    return [note[:1].upper() + note[1:].rstrip(".") + "." for note in found]


def is_blank(column: pa.ChunkedArray) -> bool:
    """Whether a column says nothing about any model: null, empty or zero in every row."""
    return not any(column.to_pylist())


def overview(store: Store) -> pa.Table:
    """A row for each healthy model: `COLUMNS`, and before `steps` a column `<metric> (<split>)` for each metric.

    Of many metrics these are the `METRICS` that most models have; the table `models` has all of them.
    """
    models = list(store.models.values())
    rows = [
        {
            **{name: getattr(model.card, name, None) for name in COLUMNS.names},
            "model": model.name,
            "status": status(model).name,
            "states": [f"{state.name} ({state.units})" for state in model.states.values()],
            "tracks": list(model.tracks),
            "predictions": model.predictions_per_step,
            "bytes": stored_bytes(model),
        }
        for model in models
    ]
    table = pa.Table.from_pylist(rows, COLUMNS)
    counts = Counter((metric.name, metric.split) for model in models for metric in model.card.metrics)
    most = {named for named, _ in counts.most_common(METRICS)}
    for name, split in (named for named in counts if named in most):
        values = [{(m.name, m.split): m.value for m in model.card.metrics}.get((name, split)) for model in models]
        at = table.column_names.index("steps")
        table = table.add_column(at, f"{name} ({split})", pa.array(values, pa.float64()))
    return table


def small_curves(store: Store) -> pa.Array:
    """list<float64>[models]: at most `POINTS` values of each model's training loss, evenly taken, its last included."""
    curves = []
    for model in store.models.values():
        losses = model.table("training")["loss"].to_pylist()
        places = range(len(losses)) if len(losses) <= POINTS else _evenly(len(losses))
        curves.append([losses[place] for place in places])
    return pa.array(curves, pa.list_(pa.float64()))


def _evenly(rows: int) -> list[int]:
    return [round(point * (rows - 1) / (POINTS - 1)) for point in range(POINTS)]
