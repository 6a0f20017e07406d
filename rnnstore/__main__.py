"""The store's command line: `python -m rnnstore ...` lists, shows, moves and asks what is in a store.

Training and recording are done by `python -m pipelines`; here no network runs. Whatever a person can mend ends as
one line on stderr and exit code 1; a bug stays a traceback. `rnnstore.commands` has those about checking and packing.
"""

from __future__ import annotations

import enum
import os
import sys
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

import rnnstore
from rnnstore import export
from rnnstore.commands import integrity as trust
from rnnstore.commands.interrupts import interruptible
from rnnstore.commands.options import Name, StoreFolder, completes, state_names
from rnnstore.errors import StoreError
from rnnstore.store.macros import MACROS
from rnnstore.store.overview import is_blank, notes, overview, size, status, stored_bytes
from rnnstore.store.tables import MODELS, TABLES

app = typer.Typer(
    help="Look into a store of hidden states: what models it holds, what is known about them, SQL over its tables, "
    "whether all of it is in order, and models as single files.",
    epilog='Example: python -m rnnstore sql "select model, steps from models"',
    no_args_is_help=True,
    add_completion=completes(),
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Format(enum.StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    json = "json"


AnswerFormat = Annotated[Format, typer.Option("--format", help="How to write the answer.")]


@app.command("list")
def list_models(store: StoreFolder = Path("store"), format: AnswerFormat = Format.table) -> None:
    """List the models, with what is known about each.

    Example: python -m rnnstore list --format csv
    """
    opened = rnnstore.open(store)
    table = overview(opened)
    if format is Format.table and not opened.models:
        print(f"The store {store} holds no models. `python -m pipelines demo --store {store}` trains three small ones.")
    elif format is Format.table:
        metrics = [name for name in table.column_names if name.endswith(")")]
        brief = ["model", "status", "cell", "layers", "units", *metrics, "steps", "corpus"]
        sizes = pa.array([size(count) for count in table["bytes"].to_pylist()])
        table = table.select([name for name in brief if not is_blank(table[name])]).append_column("size", sizes)
        write(table, format)
    else:
        write(table, format)
    for problem in opened.problems:
        print(f"Cannot be opened: {problem.sentence}", file=sys.stderr)


@app.command()
def show(name: Name, store: StoreFolder = Path("store")) -> None:
    """Say all that is known about one model.

    Example: python -m rnnstore show demo-python-lstm
    """
    model = rnnstore.open(store).model(name)
    card, how = model.card, status(model)
    facts = {
        "model": name,
        "description": card.description,
        "status": f"{how.said}. {how.advice}".removesuffix(". "),
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
            print(f"{fact:{width}}  {value}")
    for state in model.states.values():
        thresholds = ", ".join(f"{threshold:g}" for threshold in state.thresholds) or "none"
        print(
            f"state {state.name}: {model.steps:,} x {state.units} as {state.dtype}, {state.minimum:.3g} to "
            f"{state.maximum:.3g}, runs recorded at {thresholds}"
        )
    for track in model.tracks.values():
        holds = f"{track.minimum:g} to {track.maximum:g}" if track.kind == "scalar" else f"{track.distinct:,} labels"
        print(f"track {track.name}: {track.kind}, {holds}{f', {track.source}' if track.source else ''}")
    for note in notes(model):
        print(f"note: {note}")
    for table, files in card.files.items():
        rows, stored = sum(file.rows for file in files), sum(file.bytes for file in files)
        print(
            f"files of {table}: {rows:,} rows, {size(stored)} in {len(files)} {'file' if len(files) == 1 else 'files'}"
        )


@app.command()
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


@app.command()
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


@app.command("copy-in")
def copy_in(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A model's folder: model=<name> of another store.")],
    store: StoreFolder = Path("store"),
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call it here.")] = None,
) -> None:
    """Copy a model's folder into the store.

    Example: python -m rnnstore copy-in ../elsewhere/store/model=mine --name theirs
    """
    print(f"{rnnstore.open(store).copy_in(folder, name)} has been copied in.")


@app.command()
def cluster(
    name: Name,
    state: Annotated[
        str,
        typer.Argument(
            metavar="STATE", help="A recorded state, for example layer2.c (see `show`).", autocompletion=state_names
        ),
    ],
    k: Annotated[int, typer.Option("--k", metavar="NUMBER", help="Word clusters, and as many unit clusters.")] = 10,
    method: Annotated[str, typer.Option("--method", help="How to cluster: signed, mirrored or spectral.")] = "signed",
    words: Annotated[int, typer.Option("--words", min=0, help="Most frequent words to cluster; 0 for all.")] = 500,
    minimum_count: Annotated[int, typer.Option("--minimum-count", min=1, help="Leave out words read less often.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random start of the spectral method.")] = 0,
    store: StoreFolder = Path("store"),
) -> None:
    """Cluster words and units by their expected responses, and keep that in the table co_clusters.

    Example: python -m rnnstore cluster demo-python-lstm layer1.h --k 8
    """
    from rnnstore.co_clusters import clusterings
    from rnnstore.co_clusters.decomposition import decompose
    from rnnstore.co_clusters.expected import expected_responses

    opened = rnnstore.open(store)
    expected = expected_responses(opened.model(name), state)
    found = decompose(expected, words or None, minimum_count).clusters(k, method, seed)
    clusterings.keep(opened, expected, found)
    print(
        f"{len(found.words):,} words and {len(found.unit_cluster):,} units of {state} are in {k} clusters each "
        f"({method}), whose means explain {found.explained:.1%} of the responses. They are in the table co_clusters."
    )
    for note in found.notes:
        print(f"note: {note}")


@app.command()
def memory(
    name: Name,
    states: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Whose gradients; again for another. Usual: all of the network."),
    ] = None,
    delays: Annotated[int, typer.Option("--delays", min=1, max=1000, help="Delays 0 to one less than this.")] = 50,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--classes",
            metavar="CLASS",
            help="Classes of words besides all: TRACK, TRACK:LABEL or name=word,word; again for another.",
        ),
    ] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="CLASS/CLASS",
            help="Two classes to tell apart, besides those that a track of parts of speech gives; again for another.",
        ),
    ] = None,
    steps: Annotated[
        str, typer.Option("--steps", metavar="A:B", help="Recorded steps to follow, half-open; all where not given.")
    ] = "",
    store: StoreFolder = Path("store"),
) -> None:
    """Measure how long a model's states keep the words they read (state gradients), for the page "Memory".

    Example: python -m rnnstore memory demo-python-lstm --delays 20 --steps 0:10000
    """
    from rnnstore.memory import measuring
    from rnnstore.memory.word_classes import shipped_properties, two_classes

    opened = rnnstore.open(store)
    model = opened.model(name)
    start, stop = measuring.stretch(steps, model.steps)
    asked = shipped_properties(model) | dict(two_classes(text) for text in properties or ())
    progress = measuring.Progress(sys.stderr)
    try:
        found = measuring.state_gradients(
            model, states or None, delays=delays, classes=classes or (), start=start, stop=stop, progress=progress
        )
    except KeyboardInterrupt:
        progress.end()
        print("Stopped; nothing was written.", file=sys.stderr)
        sys.exit(130)
    progress.end()
    measuring.save(opened, name, found, model)
    named, kinds = (list(dict.fromkeys(found.table[column].to_pylist())) for column in ("state", "word_class"))
    print(
        f"State gradients of {', '.join(named)} over steps {found.start:,} to {found.stop - 1:,} for "
        f"{', '.join(kinds)} are in the table state_gradients."
    )
    for note in [*found.notes, *measuring.save_properties(opened, name, asked)]:
        print(f"note: {note}")


@app.command()
def tables() -> None:
    """Explain the tables that SQL can ask, column by column.

    Example: python -m rnnstore tables
    """
    for table in (MODELS, *TABLES):
        print(f"{table.name}: one row is {table.row}")
        columns = {"model": "name of the model"} | {column.name: column.meaning for column in table.columns}
        if table.wide:
            columns["u0, u1, ..."] = "value of each unit"
        for column, meaning in columns.items():
            print(f"    {column:20} {meaning}")
    for macro in MACROS:
        print(f"{macro.call}: {macro.meaning}")
        for column, meaning in macro.columns:
            print(f"    {column:20} {meaning}")


@app.command()
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help='For example "select model, steps from models".')] = "",
    store: StoreFolder = Path("store"),
    format: AnswerFormat = Format.table,
    limit: Annotated[int, typer.Option("--limit", metavar="ROWS", min=0, help="Most rows to write; 0 for all.")] = 100,
    script: Annotated[
        bool, typer.Option("--script", help="Write the views and macros down instead, for DuckDB's own shell.")
    ] = False,
) -> None:
    """Ask the tables with SQL; see `tables` for columns and macros.

    Example: python -m rnnstore sql "select model, steps from models"
    """
    if script:
        print(rnnstore.open(store).script(), end="")
        return
    answer = rnnstore.open(store).sql(query, limit=limit + 1 if limit else None)
    if not answer.num_columns:
        said = "has no answer" if query.strip(" ;\t\r\n") else "is empty"
        raise StoreError(f'The query {said}; ask for something, for example "select model, steps from models".')
    cut = bool(limit) and answer.num_rows > limit
    write(answer.slice(0, limit) if cut else answer, format)
    if cut:
        print(f"These are the first {limit:,} rows; there are more. --limit 0 gives all.", file=sys.stderr)


def write(table: pa.Table, format: Format) -> None:
    """Write an answer to stdout."""
    if format is Format.table:
        print(export.lined(table))
    else:
        sys.stdout.write((export.csv(table) if format is Format.csv else export.json(table)).decode())


trust.add_to(app)


def main() -> None:
    try:
        with interruptible():
            app()
    except StoreError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
