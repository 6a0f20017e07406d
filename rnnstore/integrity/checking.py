"""Checking a model of a store: files against the card, tables against their description, results against states.

A model may be recorded anew while it is checked; then the new one is looked at. Nothing is written, and a model that
is damaged in any way makes findings, never an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from rnnstore.errors import DamagedModel, StoreError
from rnnstore.integrity import files
from rnnstore.integrity.contents import Contents
from rnnstore.integrity.findings import Finding, Report, mending
from rnnstore.integrity.recomputed import Recomputed, of_model
from rnnstore.networks.checking import agreement
from rnnstore.networks.facts import read_facts
from rnnstore.networks.saved import SavedNetwork
from rnnstore.store.card import CARD, Card, card_alone
from rnnstore.store.dropping import drop
from rnnstore.store.folder import Store
from rnnstore.store.layout import COPYING, NEW, PREFIX, TRASH, model_folder
from rnnstore.store.model import Model
from rnnstore.store.overview import being_written
from rnnstore.store.parts import PARTS
from rnnstore.store.tables import VECTORS

AGAIN = 3
"""Times that a model is looked at while a writer keeps replacing it."""

Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, and how much there is."""


def check(folder: Path, *, full: bool = False, progress: Progress = lambda *_: None) -> Report:
    """What is wrong with the model in `folder`; `full` computes everything again instead of a sample of it."""
    began = time.monotonic()
    for _ in range(AGAIN):
        report, card = _once(folder, full, progress, began)
        try:
            if not report.damaged or (card is not None and card_alone(folder).files == card.files):
                break
        except DamagedModel:
            break
    return report


def beside_models(store: Path) -> list[Finding]:
    """What stands in a store's folder and is no model: remains of stopped programs."""
    found = []
    for entry in sorted(store.iterdir()) if store.is_dir() else ():
        if entry.name.partition("-")[0] in (NEW, COPYING, TRASH):
            sentence = "Left by a program that was stopped, or being made or deleted now; it is no model."
            found.append(
                Finding(entry.name, sentence, "Nothing to do: the next program that writes deletes it.", False)
            )
        elif entry.name.startswith(f"{PARTS}-"):
            name = entry.name.removeprefix(f"{PARTS}-")
            mending = f"Its program commits them: store.writer({name!r}).commit(), or .drop_parts()."
            found.append(Finding(entry.name, "Parts of a recording that were not committed yet.", mending, False))
    return found


def seal(store: Store, name: str) -> int:
    """Take the checksums that a model lacks, and its card as it is; how many files had none."""
    with store.writer(name) as writer:
        count = writer.seal()
    store.refresh()
    return count


def drop_damaged(store: Store, report: Report) -> list[str]:
    """Leave out of a model the damaged tables on which no other builds, for good; their names.

    `DamagedModel` where another table is damaged, too: then nothing is changed.
    """
    card = card_alone(model_folder(store.path, report.model))
    damaged = {finding.where for finding in report.findings if finding.damage}
    keys = [
        key for key, blocks in card.files.items() if key in damaged or any(block.path in damaged for block in blocks)
    ]
    if keys:
        with store.writer(report.model) as writer:
            drop(writer, keys)
        store.refresh()
    return keys


def _once(folder: Path, full: bool, progress: Progress, began: float) -> tuple[Report, Card | None]:
    name = folder.name.removeprefix(PREFIX)
    try:
        card = card_alone(folder)
    except StoreError as error:
        return Report(name, (Finding(CARD, str(error), mending(name, None, CARD)),)), None
    wrong: dict[str, str] = {}
    findings = [*files.check_card(folder, name)]
    listed = files.listed(card)
    size, done = sum(file.bytes for file in listed), 0

    def read(count: int) -> None:
        nonlocal done
        done += count
        progress("checksums", done, size)

    for file in listed:
        if sentence := files.check_file(folder, name, card, file, read):
            wrong[file.path] = sentence
    findings += [Finding(path, sentence, mending(name, card, path)) for path, sentence in wrong.items()]
    model = of_model(folder, name, card)
    writing = being_written(model)
    findings += files.strays(folder, card, writing)
    unsummed = files.unsummed(folder, card)
    if unsummed:
        findings.append(files.unsummed_finding(name, unsummed, writing))

    rows = sum(f.rows for key, blocks in card.files.items() if key.split("/")[0] != VECTORS for f in blocks)
    looked, of = 0, max(1, rows)

    def compare(count: int) -> None:
        nonlocal looked
        looked += count
        progress("contents", min(looked, of), of)

    contents = Contents(folder, card, set(wrong), compare)
    problems = list(contents.problems())
    recomputed = Recomputed(model, contents, full, compare)
    if not any(path == CARD or path.split("/")[0] == "tokens" for path, _ in problems):
        problems += recomputed.problems()
    problems += _weights(folder, name, wrong, recorded=bool(card.steps) and not problems and not wrong)
    findings += [Finding(path, sentence, mending(name, card, path)) for path, sentence in problems]
    what = (f"{len(listed):,} files" + ("" if unsummed else " with their checksums"), *contents.looked_at)
    report = Report(
        name,
        tuple(findings),
        files=len(listed),
        bytes=size,
        steps=card.steps,
        seconds=time.monotonic() - began,
        looked_at=(*what, *recomputed.looked_at),
        unsummed=tuple(unsummed),
    )
    return report, card


def _weights(folder: Path, name: str, wrong: dict[str, str], recorded: bool) -> Iterator[tuple[str, str]]:
    """Whether the network beside the tables, where there is one, can be read, has finite weights, and is the one that
    was `recorded`, where the tables can be believed."""
    described, weights = (f"network/{file}" for file in ("network.json", "weights.npz"))
    if not all((folder / path).is_file() and path not in wrong for path in (described, weights)):
        return
    try:
        found = SavedNetwork(name, read_facts(folder / described), folder / weights)
        infinite = [weight for weight, values in found.weights.items() if not np.isfinite(values).all()]
    except StoreError as error:
        yield weights, str(error)
    except Exception as error:
        yield weights, f"It cannot be read ({type(error).__name__}: {error})."
    else:
        if infinite:
            yield weights, f"The weights {infinite[0]} hold a value that is no finite number."
        elif recorded:
            yield from _agrees(Store(folder.parent, read_only=True).model(name), found, weights)


def _agrees(model: Model, network: SavedNetwork, where: str) -> Iterator[tuple[str, str]]:
    try:
        found = agreement(model, network)
    except StoreError as error:
        yield where, str(error)
    else:
        if not found.agrees:
            yield where, str(found)
