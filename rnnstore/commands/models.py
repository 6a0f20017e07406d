"""`list`, `show`, `rename`, `delete` and `copy-in`: the models of a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

import rnnstore
from rnnstore.commands.formats import AnswerFormat, Format, write
from rnnstore.commands.options import Name, StoreFolder
from rnnstore.export import printable
from rnnstore.store.overview import is_blank, notes, overview, size, status, stored_bytes


def list_models(store: StoreFolder = Path("store"), format: AnswerFormat = Format.table) -> None:
    """List the models, with what is known about each.

    Example: python -m rnnstore list --format csv
    """
    opened = rnnstore.open(store)
    table = overview(opened)
    if format is Format.table and not opened.models:
        print(f"The store {store} holds no models. `python -m rnnstore demo {store}` brings small ones and shows them.")
    elif format is Format.table:
        metrics = [name for name in table.column_names if name.endswith(")")]
        brief = ["model", "status", "cell", "layers", "units", *metrics, "steps", "corpus"]
        sizes = pa.array([size(count) for count in table["bytes"].to_pylist()])
        table = table.select([name for name in brief if not is_blank(table[name])]).append_column("size", sizes)
        write(table, format)
    else:
        write(table, format)
    for problem in opened.problems:
        print(printable(f"Cannot be opened: {problem.sentence}"), file=sys.stderr)


def show(name: Name, store: StoreFolder = Path("store")) -> None:
    """Say all that is known about one model.

    Example: python -m rnnstore show demo-python-lstm
    """
    model = rnnstore.open(store).model(name)
    card, how = model.card, status(model)
    facts = {
        "model": name,
        "description": card.description,
        "status": f"{how.name}. {how.advice}".removesuffix(". "),
        "task": card.task,
        "cell": card.cell,
        "layers": card.layers,
        "units": card.units,
        "embedding": card.embedding,
        "parameters": card.parameters and f"{card.parameters:,}",
        "corpus": card.corpus,
        "vocabulary": card.vocabulary and f"{card.vocabulary:,} {card.level}s",
        "recorded": ", ".join(part for part in (f"{model.steps:,} steps", card.recorded) if part),
        "size on disk": size(stored_bytes(model)),
        "created": card.created,
    }
    facts |= {f"{metric.name} ({metric.split})": f"{metric.value:,.2f}" for metric in card.metrics}
    width = max(map(len, facts))
    for fact, value in facts.items():
        if value not in ("", None):
            print(printable(f"{fact:{width}}  {value}"))
    for state in model.states.values():
        thresholds = ", ".join(f"{threshold:g}" for threshold in state.thresholds) or "none"
        print(
            f"state {state.name}: {model.steps:,} x {state.units} as {state.dtype}, {state.minimum:.3g} to "
            f"{state.maximum:.3g}, runs recorded at {thresholds}"
        )
    for track in model.tracks.values():
        holds = (
            f"{track.minimum or 0:g} to {track.maximum or 0:g}"
            if track.kind == "scalar"
            else f"{track.distinct:,} labels"
        )
        print(printable(f"track {track.name}: {track.kind}, {holds}{f', {track.source}' if track.source else ''}"))
    for note in notes(model):
        print(printable(f"note: {note}"))
    for table, files in card.files.items():
        rows, stored = sum(file.rows for file in files), sum(file.bytes for file in files)
        print(
            f"files of {table}: {rows:,} rows, {size(stored)} in {len(files)} {'file' if len(files) == 1 else 'files'}"
        )


def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW-NAME", help="What it is to be called.")],
    store: StoreFolder = Path("store"),
) -> None:
    """Give a model another name.

    Example: python -m rnnstore rename demo-python-lstm python-150-units
    """
    rnnstore.open(store).rename(name, new)
    print(f"{name} is now called {new}.")


def delete(
    name: Name,
    store: StoreFolder = Path("store"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a model with all it holds. To keep it elsewhere first, see `pack`.

    Example: python -m rnnstore delete demo-python-lstm
    """
    opened = rnnstore.open(store)
    if name not in [problem.name for problem in opened.problems]:  # a damaged one can be deleted too
        opened.model(name)
    if not yes:
        typer.confirm(f"Delete {name} from {store}? This cannot be undone.", abort=True)
    opened.delete(name)
    print(f"{name} has been deleted.")


def copy_in(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A model's folder: model=<name> of another store.")],
    store: StoreFolder = Path("store"),
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call it here.")] = None,
) -> None:
    """Copy a model's folder into the store.

    Example: python -m rnnstore copy-in ../elsewhere/store/model=mine --name theirs
    """
    print(f"{rnnstore.open(store).copy_in(folder, name)} has been copied in.")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    app.command("list")(list_models)
    for command in (show, rename, delete):
        app.command()(command)
    app.command("copy-in")(copy_in)
