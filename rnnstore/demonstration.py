"""`demo`: the application at once, on small models that come along, and a training beside it in the same terminal.

The application needs a quarter of the packages that training needs. So it opens first; then what training needs is
installed, and one small model is trained and recorded into the same store. What is being done stands in a small file,
named to the application by an environment variable, and the first page shows it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

import rnnstore
from rnnstore.commands import application, installing
from rnnstore.commands.starting import Browser, Port, StoreFolder, folder_of
from rnnstore.hypotheses import storage
from rnnstore.store.layout import PREFIX

RECIPE = "trained-here"
"""The recipe of the model that is trained while somebody looks at the others."""

TRAINING_NEEDS = ("tensorflow", "yaml", "pooch", "rich", "h5py")
"""Modules without which nothing can be trained."""

ACTIVITY = "RNNSTORE_ACTIVITY"
"""Environment variable: the file that says what is being done beside the application."""

FAREWELL = 30
"""Seconds that a training has to save where it is when Control-C ends it."""


@dataclass(frozen=True)
class Activity:
    """What is being done beside the application: a sentence, and the model that is being trained, if one is."""

    message: str
    model: str | None = None


def current_activity() -> Activity | None:
    """What is being done beside this application, None where nothing is."""
    try:
        given = json.loads(Path(os.environ[ACTIVITY]).read_text("utf-8"))
        return Activity(str(given["message"]), given["model"])
    except (KeyError, OSError, TypeError, ValueError):
        return None


def bring(store: Path) -> list[str]:
    """Copy the models that come along, and the hypotheses, into the store where it lacks them; the models' names."""
    source = application.demonstration()
    if source is None:
        return []
    opened = rnnstore.open(store)
    there = {*opened.models, *(problem.name for problem in opened.problems)}
    lacking = [name for name in rnnstore.open(source, read_only=True).models if name not in there]
    copied = [opened.copy_in(source / f"{PREFIX}{name}") for name in lacking]
    known = storage.saved(opened).hypotheses
    for name, hypothesis in storage.saved(rnnstore.open(source, read_only=True)).hypotheses.items():
        if hypothesis.model in copied and name not in known:
            storage.save(opened, hypothesis)
    return copied


def demo(
    store: StoreFolder = None,
    train: Annotated[
        Path | None,
        typer.Option(
            metavar="REQUIREMENTS",
            help="While it is open, install the packages that this file names and train a small model.",
        ),
    ] = None,
    port: Port = None,
    browser: Browser = True,
) -> None:
    """Open the application on small models that come along, copied into a store that lacks them.

    Example: python -m rnnstore demo store
    """
    demonstrate(folder_of(store), train, port=port, browser=browser)


def add_to(commands: typer.Typer) -> None:
    """Add the command to a command line."""
    commands.command("demo")(demo)


def demonstrate(store: Path, requirements: Path | None, *, port: int | None = None, browser: bool = True) -> None:
    """Show the models that come along and, where `requirements` names what training needs, train one more.

    Models that the store has already are left as they are. Control-C ends both; the next call goes on from there.
    """
    if copied := bring(store):
        print(f"{len(copied)} small models that come along are now in {store}: {', '.join(copied)}.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        activity = Path(folder) / "activity.json"
        os.environ[ACTIVITY] = str(activity)

        def meanwhile() -> None:
            if requirements is not None:
                train(store, requirements, lambda now: _write(activity, now))

        application.run(store, port=port, browser=browser, meanwhile=meanwhile)


def train(store: Path, requirements: Path, report: Callable[[Activity | None], None]) -> None:
    """Install what training needs, then train and record the model of `RECIPE`; a failure is reported and ends
    nothing."""
    model = rnnstore.open(store).models.get(RECIPE)
    if model is not None and model.steps:
        return
    if lacking := [module for module in TRAINING_NEEDS if importlib.util.find_spec(module) is None]:
        report(Activity("Installing what training needs; then a small model is trained here."))
        print(f"Installing what training needs ({', '.join(lacking)}); the application is open meanwhile.", flush=True)
        if installing.install(requirements):
            report(Activity("What training needs could not be installed; the terminal says why. All else works."))
            return
    report(Activity("A small model is being trained here.", RECIPE))
    if _run([sys.executable, "-m", "pipelines", "run", RECIPE, "--store", str(store)]):
        report(Activity("The training ended with an error; the terminal says which.", RECIPE))
        return
    report(None)
    print(f"{RECIPE} is trained and recorded. The application stays open; Control-C ends it.", flush=True)


def _run(command: list[str]) -> int:
    """The exit code of a command; Control-C, which the command receives too, waits until it has saved its work."""
    with subprocess.Popen(command) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            try:
                process.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _write(path: Path, activity: Activity | None) -> None:
    """Put what is being done into the file that the application reads; None: nothing is."""
    if activity is None:
        path.unlink(missing_ok=True)
        return
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(activity)), "utf-8")
    new.replace(path)
