"""The command line: `python -m pipelines ...` turns recipes into models in a store.

TensorFlow takes seconds to start, so it is imported only after the recipe and its corpus were found to be good.
Whatever a person can mend ends as one line on stderr and exit code 1; a bug stays a traceback.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from pipelines.errors import NOT_TRAINED, Interrupted, TrainingError
from rnnstore.commands.interrupts import interruptible
from rnnstore.commands.options import completes
from rnnstore.commands.progress import Line
from rnnstore.errors import StoreError

if TYPE_CHECKING:
    from pipelines.corpora import Corpus
    from pipelines.network import RecurrentNetwork
    from pipelines.recipe import Recipe
    from pipelines.vectors import Vectors

app = typer.Typer(
    help="Train recurrent networks by recipe and record what they keep in their states, into a store that "
    "the application (streamlit run streamlit_app.py) shows.",
    epilog="First time here? `python -m rnnstore demo` shows small models that come along; "
    "`python -m pipelines run demo-python-lstm` trains one in about a minute.",
    no_args_is_help=True,
    add_completion=completes(),
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Transform = Literal["tanh", "none", "sigmoid", "tanh_abs"]
Precision = Literal["float16", "float32"]


def recipe_names(incomplete: str) -> list[str]:
    """The shipped recipes that begin so, for a shell to complete."""
    names = sorted(path.stem for path in Path(__file__).with_name("recipes").glob("*.yaml"))
    return [name for name in names if name.startswith(incomplete)]


RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A shipped recipe's name (see `recipes`) or the path of a .yaml file.",
        autocompletion=recipe_names,
    ),
]
StoreFolder = Annotated[
    Path,
    typer.Option(
        "--store", metavar="FOLDER", envvar="RNNSTORE", help="Where the models are kept; made when it is not there."
    ),
]
CorporaFolder = Annotated[
    Path | None,
    typer.Option(
        "--corpora",
        metavar="FOLDER",
        envvar="RNNSTORE_CORPORA",
        help="A folder of corpora on this machine; files are looked for there first, downloads go there.",
    ),
]
Again = Annotated[bool, typer.Option("--again", help="Train anew, even what is trained already.")]


@app.command()
def train(
    recipe: RecipeName, store: StoreFolder = Path("store"), corpora: CorporaFolder = None, again: Again = False
) -> None:
    """Train the model of a recipe. An interrupted training goes on from where it was."""
    work(recipe, store, corpora, training=True, again=again)


@app.command()
def record(recipe: RecipeName, store: StoreFolder = Path("store"), corpora: CorporaFolder = None) -> None:
    """Record what a trained model keeps in its states.

    Its states, gates, predictions and annotations, over the part of the corpus that the recipe names.
    """
    work(recipe, store, corpora, recording=True)


@app.command()
def run(
    recipe: RecipeName, store: StoreFolder = Path("store"), corpora: CorporaFolder = None, again: Again = False
) -> None:
    """Train the model of a recipe and record it."""
    work(recipe, store, corpora, training=True, recording=True, again=again)


@app.command()
def demonstration(store: StoreFolder = Path("demonstration"), corpora: CorporaFolder = None) -> None:
    """Make the small store that comes along: every page has something to show on it.

    Models that are there already are left as they are.
    """
    import rnnstore
    from pipelines import demonstration as small

    for name, shown in small.MODELS.items():
        model = rnnstore.open(store).models.get(name)
        if model is not None and model.steps:
            print(f"{name} is in {store} already.")
        else:
            work(name, store, corpora, training=True, recording=True, steps=shown.steps)
        if followed := small.measure_memory(store, name):
            print(f"{name}: followed {followed:,} words for {small.DELAYS} steps each")
        for title in small.save_hypotheses(store, name):
            print(f"{name}: saved the hypothesis {title!r}")


@app.command("recipes")
def list_recipes() -> None:
    """List the shipped recipes: name, network, how long it takes on two cores, what it is."""
    from pipelines import recipe as recipes

    found = [recipes.load(name) for name in recipes.shipped()]
    rows = [(recipe.name, recipe.network.summary, recipe.takes, recipe.description) for recipe in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


@app.command("corpora")
def list_corpora() -> None:
    """List the kinds of corpus that a recipe can name."""
    from pipelines.corpora.kinds import KINDS

    for name, kind in KINDS.items():
        print(f"{name:15}  {(kind.__doc__ or '').splitlines()[0]}")


@app.command("import-lstmvis")
def import_lstmvis(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An LSTMVis project folder: the one with lstm.yml.")],
    store: StoreFolder = Path("store"),
    name: Annotated[str | None, typer.Option("--name", help="The model's name, instead of the project's.")] = None,
    transform: Annotated[
        Transform | None,
        typer.Option("--transform", help="What to apply to all states, instead of what lstm.yml says (or tanh)."),
    ] = None,
    dtype: Annotated[
        Precision | None, typer.Option("--dtype", help="Precision of the states; half where their values allow it.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and say what would be imported.")
    ] = False,
) -> None:
    """Import an LSTMVis project folder as a model.

    All of it is checked first; an import that fails leaves nothing in the store.
    """
    from pipelines import lstmvis

    console = Console(highlight=False)
    began = time.monotonic()
    with Line(folder.name, "steps", console) as line:
        project = lstmvis.import_folder(
            folder, store, name=name, transform=transform, dtype=dtype, dry_run=dry_run, progress=line
        )
    print(f"{'Would import' if dry_run else 'Imported'} {folder} into {store} as {project.name}")
    print("\n".join(lstmvis.summary(project)))
    if not dry_run:
        console.print(f"{project.name}: imported {project.steps:,} steps in {time.monotonic() - began:.0f} s")


def work(
    recipe: str,
    store: Path,
    corpora: Path | None,
    *,
    training: bool = False,
    recording: bool = False,
    again: bool = False,
    steps: int | None = None,
) -> None:
    """Train, record (so many `steps` instead of the recipe's), or both, by one recipe, holding the model's lock."""
    import rnnstore
    from pipelines import corpora as corpora_of
    from pipelines import recipe as recipes
    from pipelines.windows import check_length

    console = Console(highlight=False)
    settings = recipes.load(recipe)
    if steps is not None:
        settings = settings.model_copy(update={"record": settings.record.model_copy(update={"steps": steps})})
    with console.status(f"Preparing the corpus of {settings.name}"):
        corpus = corpora_of.load(settings.corpus, corpora)
        check_length(corpus, settings)
    opened, vectors = rnnstore.open(store), None
    if training and not isinstance(settings.network.embedding, int):
        from pipelines import vectors as word_vectors

        with console.status(f"Reading the word vectors of {settings.name}"):
            given = settings.network.embedding
            vectors = word_vectors.load(given, corpus, settings.training.seed, corpora, opened)
    licence = [f"Licence of the corpus: {settings.licence}."] if settings.licence else []
    notes = [*licence, *corpus.notes, *(vectors.notes if vectors else ())]
    for note in notes:
        console.print(f"{settings.name}: {note}", soft_wrap=True)
    if not training and settings.name not in {*opened.models, *(problem.name for problem in opened.problems)}:
        raise TrainingError(NOT_TRAINED.format(name=settings.name))  # before a writer makes an empty model
    with opened.writer(settings.name) as writer:
        folder = writer.folder("network")
        with console.status("Starting TensorFlow"), quiet():
            from pipelines import recording as recorder
            from pipelines import training as trainer
            from pipelines.network import RecurrentNetwork
        if training:
            untrained = RecurrentNetwork.described(settings.network, corpus, vectors.width if vectors else None)
            writer.describe(**facts(settings, corpus, untrained, notes, vectors))
            network = trainer.train(settings, corpus, folder, writer, console, again=again, vectors=vectors)
        else:
            network = trainer.trained(settings, corpus, folder)
        if recording:
            began = time.monotonic()
            with Line(settings.name, "steps", console) as line:
                if settings.record.start:
                    line("recording", 0, None, f"reading up to step {settings.record.start:,}")
                progress = partial(line, "recording")
                steps = recorder.record(settings, corpus, recorder.Reader(network), writer, progress)
            console.print(f"{settings.name}: recorded {steps:,} steps in {time.monotonic() - began:.0f} s into {store}")


def facts(
    recipe: Recipe, corpus: Corpus, network: RecurrentNetwork, notes: list[str], vectors: Vectors | None = None
) -> dict[str, Any]:
    """What the store's list of models says about this one."""
    cells = dict.fromkeys(cell.kind for cell in network.cells)
    return {
        "task": corpus.task,
        "description": recipe.description,
        "cell": " + ".join(cells),
        "layers": len(network.cells),
        "units": max(cell.units for cell in network.cells),
        "embedding": network.embedding,
        "parameters": network.parameters,
        "corpus": corpus.name,
        "level": corpus.level,
        "vocabulary": len(corpus.vocabulary),
        "settings": recipe.model_dump(mode="json")
        | ({"prepared": {"notes": notes} | ({"vectors": vectors.facts} if vectors else {})} if notes else {}),
    }


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep TensorFlow's start-up notes, which are written past Python, off the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def main() -> None:
    try:
        with interruptible():
            app()
    except Interrupted as stopped:
        print(stopped, file=sys.stderr)
        sys.exit(130)
    except StoreError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
