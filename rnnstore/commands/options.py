"""What the commands share: the store's option, a model's name, and the names that a shell completes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer


def completes() -> bool:
    """Whether this program was started under a name that a shell can complete: `rnnstore`, not `python -m rnnstore`."""
    return Path(sys.argv[0]).suffix != ".py"


def _store(context: typer.Context) -> Path:
    return Path(context.params.get("store") or os.environ.get("RNNSTORE") or "store")


def model_names(context: typer.Context, incomplete: str) -> Iterator[str]:
    """The models of the store that the command names so far; the folder is looked at, no model is opened."""
    try:
        found = sorted(folder.name for folder in _store(context).glob("model=*") if folder.is_dir())
    except OSError:
        return
    yield from (name for name in (each.removeprefix("model=") for each in found) if name.startswith(incomplete))


def state_names(context: typer.Context, incomplete: str) -> Iterator[str]:
    """The states of the model that the command names so far."""
    name = context.params.get("name") or ""
    try:
        card = json.loads((_store(context) / f"model={name}" / "card.json").read_bytes())
        yield from (state for state in card["states"] if state.startswith(incomplete))
    except (OSError, ValueError, KeyError, TypeError):
        return


StoreFolder = Annotated[
    Path, typer.Option("--store", metavar="FOLDER", envvar="RNNSTORE", help="The folder that holds the models.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model's name (see `list`).", autocompletion=model_names)]
