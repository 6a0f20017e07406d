"""Importing: a folder that was read and found good becomes a model of the store, or nothing does."""

import shutil
from pathlib import Path

import numpy as np

import rnnstore
from pipelines.lstmvis import datasets
from pipelines.lstmvis.description import LstmvisError, load
from pipelines.lstmvis.project import Progress, Project, model_name, read
from pipelines.lstmvis.sources import State
from rnnstore.store.folder import Store
from rnnstore.store.overview import size
from rnnstore.store.recorder import Recorder

ORIGIN = "lstmvis"
"""The key of a card's settings under which an import says where the model came from."""

UNTRANSFORMED = "as in the file"


def import_folder(
    folder: str | Path,
    store: str | Path,
    *,
    name: str | None = None,
    transform: str | None = None,
    dtype: str | None = None,
    dry_run: bool = False,
    rows: int | None = None,
    progress: Progress = lambda doing, done, total: None,
) -> Project:
    """Import an LSTMVis project folder into a store as one model; returns what was (or, dry, would be) imported.

    See `project.read` for the options. Everything is checked before the first byte is written, and an import that
    fails all the same (a full disk, a file that changes meanwhile) leaves nothing. Raises `LstmvisError`.
    """
    opened = rnnstore.open(store)
    described = load(Path(folder))
    _check_free(opened, model_name(described, name))
    project = read(described.path, name=name, transform=transform, dtype=dtype, rows=rows, progress=progress)
    _check_room(opened, project)
    if not dry_run:
        _record(project, opened, progress)
    return project


def summary(project: Project) -> list[str]:
    """What an import brings, in lines for the person at the terminal."""
    words = f"{len(project.vocabulary):,} different {project.level}s"
    lines = [
        f"{project.title}: {project.steps:,} steps, {words}, one sequence",
        *(
            f"  state {state.name}: {state.units:,} units, {source(state)}, {state.dataset.dtype}, "
            f"{state.range[0]:.3g} to {state.range[1]:.3g}, {applied(state)}"
            for state in project.states
        ),
        *(f"  track {track.name}: {track.kind}, {track.source}" for track in project.tracks),
    ]
    if project.predictions is not None:
        top = project.predictions
        lines.append(f"  predictions {top.name}: {top.k} words a step, {top.ids.file.name}, {top.ids.path}")
    lines.append(f"  stored as {project.dtype}, about {size(2 * project.bytes)}")
    return [*lines, *(f"  Note: {note}." for note in project.notes)]


def source(state: State) -> str:
    """The file and dataset of a state."""
    return f"{state.dataset.file.name}, {state.dataset.path}"


def applied(state: State) -> str:
    """Which transform was applied to a state, and on whose word."""
    if state.transform == "none":
        return UNTRANSFORMED
    return f"{state.transform} applied{'' if state.stated else ' (as LSTMVis does where lstm.yml says nothing)'}"


def _check_free(store: Store, name: str) -> None:
    """Refuse to write over a model, unless it is what a killed import of this kind left."""
    store.refresh()
    there = store.models.get(name)
    damaged = [problem for problem in store.problems if problem.name == name]
    if damaged or (there is not None and (there.steps or ORIGIN not in there.card.settings)):
        raise LstmvisError(
            f"The store {store.path} has a model '{name}' already; choose another name with --name, or delete that one."
        )


def _check_room(store: Store, project: Project) -> None:
    """Refuse to begin when the disk has certainly too little room."""
    there = next(folder for folder in (store.path, *store.path.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < project.bytes:
        raise LstmvisError(
            f"The disk of {store.path} has {size(free)} free; {project.name} needs {size(project.bytes)} at least, "
            f"about {size(2 * project.bytes)}. Make room, or choose another store."
        )


def _record(project: Project, store: Store, progress: Progress) -> None:
    opened = False
    facts = {"layers": project.layers, "embedding": project.embedding}
    try:
        with store.record(
            project.name,
            vocabulary=project.vocabulary,
            dtype=project.dtype,
            track_sources={track.name: track.source for track in project.tracks},
            recorded=_origin(project),
            description=project.description,
            level=project.level,
            settings={ORIGIN: _details(project)},
            **{fact: value for fact, value in facts.items() if value is not None},
        ) as recorder:
            opened = True
            for start, stop in datasets.pieces(project.steps, project.rows):
                _add(project, recorder, start, stop)
                progress("importing", stop, project.steps)
    except BaseException:
        store.refresh()
        left = store.models.get(project.name)
        if opened and left is not None and not left.steps:
            store.delete(project.name)
        raise


def _add(project: Project, recorder: Recorder, start: int, stop: int) -> None:
    """Record the steps start..stop-1."""
    ids = project.words.ids(start, stop)
    places, _ = project.words.known.find(ids)
    recorder.add(
        words=project.word_places[places],
        states={state.name: state.values(start, stop) for state in project.states},
        annotations={track.name: track.values(start, stop, ids) for track in project.tracks},
        predictions=_predictions(project, start, stop),
    )


def _predictions(project: Project, start: int, stop: int) -> rnnstore.Predictions | None:
    if project.predictions is None:
        return None
    places, probabilities = project.predictions.ranked(start, stop)
    unknown = np.full(stop - start, np.nan)
    return rnnstore.Predictions(
        word_ids=np.where(places < 0, -1, project.predicted_places[places]),
        probabilities=probabilities,
        targets=np.full(stop - start, -1),
        target_probabilities=unknown,
        loss=unknown,
    )


def _origin(project: Project) -> str:
    """A phrase for the card: where the recording comes from, and what was applied to which states."""
    by_transform: dict[str, list[str]] = {}
    for state in project.states:
        applied_to = UNTRANSFORMED if state.transform == "none" else f"after {state.transform}"
        by_transform.setdefault(applied_to, []).append(state.name)
    states = ", ".join(f"{' and '.join(names)} {applied_to}" for applied_to, names in by_transform.items())
    return f"imported from the LSTMVis folder {project.folder.absolute().name} ({states})"


def _details(project: Project) -> dict:
    """What the card keeps of the import."""
    return {
        "folder": str(project.folder.absolute()),
        "name": project.title,
        "states": {
            state.name: {
                "file": state.dataset.file.name,
                "path": state.dataset.path,
                "transform": state.transform,
                "transform_stated": state.stated,
                "minimum_in_file": state.minimum,
                "maximum_in_file": state.maximum,
            }
            for state in project.states
        },
        "notes": list(project.notes),
    }
