"""Where a store keeps what: the names of its folders and files, and which of them belong to tables."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from rnnstore.store.card import CARD, checked_name
from rnnstore.store.tables import folders

PREFIX = "model="
"""With which the name of a model's folder begins."""

LOCKS = ".locks"

NEW, COPYING, TRASH = ".new", ".copying", ".trash"
"""Beside the models: a model before it has its card, one being copied in, one being deleted."""


def model_folder(store: Path, name: str) -> Path:
    """The folder of the model `name`; a `StoreError` where that can name none."""
    return store / f"{PREFIX}{checked_name(name)}"


def new_id() -> str:
    """A name for the files of one writing; later ones sort behind earlier ones."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def own_files(model: Path) -> list[str]:
    """Paths inside a model's folder of the files that are no table's, and not hidden: weights, settings, notes."""
    found: list[Path] = []
    for folder, inner, names in os.walk(model):
        top = Path(folder) == model
        inner[:] = sorted(name for name in inner if name[0] != "." and not (top and name in folders()))
        found += [Path(folder, name) for name in sorted(names) if name[0] != "." and not (top and name == CARD)]
    return [path.relative_to(model).as_posix() for path in found if path.is_file()]
