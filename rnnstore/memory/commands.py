"""`memory`: state gradients of a model, computed and saved."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import rnnstore
from rnnstore.commands.options import Name, StoreFolder
from rnnstore.commands.progress import Line
from rnnstore.errors import QuestionError


def span(text: str, steps: int) -> tuple[int, int]:
    """The steps that `text`, "A:B" with either left out, stands for, as (first, one past the last)."""
    first, colon, last = text.partition(":")
    try:
        if text and not colon:
            raise ValueError
        return int(first or 0), int(last or steps)
    except ValueError:
        raise QuestionError(f"{text!r} are no steps; write the first and one past the last, such as 0:10000.") from None


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
    from rnnstore.memory.properties import save_properties
    from rnnstore.memory.word_classes import shipped_properties, two_classes

    opened = rnnstore.open(store)
    model = opened.model(name)
    start, stop = span(steps, model.steps)
    asked = shipped_properties(model) | dict(two_classes(text) for text in properties or ())
    try:
        with Line(name, "steps", log=True) as line:
            found = measuring.state_gradients(
                model,
                states or None,
                delays=delays,
                classes=classes or (),
                start=start,
                stop=stop,
                progress=partial(line, "following words"),
            )
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        sys.exit(130)
    measuring.save(opened, name, found, model)
    named, kinds = (list(dict.fromkeys(found.table[column].to_pylist())) for column in ("state", "word_class"))
    print(
        f"State gradients of {', '.join(named)} over steps {found.start:,} to {found.stop - 1:,} for "
        f"{', '.join(kinds)} are in the table state_gradients."
    )
    for note in [*found.notes, *save_properties(opened, name, asked)]:
        print(f"note: {note}")
