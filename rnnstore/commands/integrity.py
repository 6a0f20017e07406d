"""`check`, `pack`, `unpack` and `doctor`: whether what is there can be trusted, carried elsewhere, and used here."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

import rnnstore
from rnnstore.commands.options import Name, StoreFolder, model_names
from rnnstore.commands.progress import Line
from rnnstore.errors import UnknownModel, suggest
from rnnstore.integrity import checking, doctor, packing, unpacking
from rnnstore.integrity.findings import Finding, Report
from rnnstore.store.card import CARD
from rnnstore.store.overview import size


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODEL", help="The models to check; all of them.", autocompletion=model_names),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Compute everything again from the states, not only a sample of it.")
    ] = False,
    seal: Annotated[
        bool, typer.Option("--seal", help="Take the checksums that are missing, of models that are found in order.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Leave damaged tables out of models for good, where no other builds on them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write what was found as JSON.")] = False,
    store: StoreFolder = Path("store"),
) -> None:
    """Check models: are all files there and unchanged, and do the tables say what they should?

    Every file is read for its checksum and every table for its counts and ranges; of the states, a sample is compared
    with the rows, runs and responses that were computed from them. Nothing is changed, unless --seal or --drop asks for
    it. What is wrong is told with the command that mends it, and the exit code is 1.

    Example: python -m rnnstore check demo-python-lstm
    """
    opened = rnnstore.open(store)
    known = [*opened.models, *(problem.name for problem in opened.problems)]
    for name in names or ():
        if name not in known:
            raise UnknownModel(f"The store {store} has no model {name!r}: {suggest(name, known)}")
    reports = []
    for name in dict.fromkeys(names or sorted(known)):
        with Line(name) as line:
            report = checking.check(opened.path / f"model={name}", full=full, progress=line)
        done = _dropped(opened, report) if drop else _sealed(opened, report) if seal else ""
        if done:
            with Line(name) as line:
                report = checking.check(opened.path / f"model={name}", full=full, progress=line)
        reports.append(report)
        if not as_json:
            _print(report, done)
    if as_json:
        print(json.dumps([dataclasses.asdict(report) | {"damaged": report.damaged} for report in reports], indent=1))
    elif not reports:
        print(f"The store {store} holds no models.")
    else:
        for finding in checking.beside_models(opened.path) if not names else ():
            print(f"note: {finding.where}: {finding.sentence} {finding.mending}")
    damaged = [report.model for report in reports if report.damaged]
    if damaged:
        some = f"{len(damaged):,} of {len(reports):,} models are" if len(reports) > 1 else f"{damaged[0]} is"
        print(f"{some} damaged.", file=sys.stderr)
        raise typer.Exit(1)


def pack(
    name: Name,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to; NAME.rnnstore.zip in this folder.")
    ] = None,
    store: StoreFolder = Path("store"),
) -> None:
    """Pack a model with all it holds into one file, to be sent or kept; `unpack` brings it back.

    The file is a zip archive, not compressed, since tables are so already. Every byte is compared with its checksum.

    Example: python -m rnnstore pack demo-python-lstm
    """
    model = rnnstore.open(store).model(name)
    with Line() as line:
        written = packing.pack(model.folder, file, progress=line)
    print(f"{name} has been packed into {written} ({size(written.stat().st_size)}).")


def unpack(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A packed model.")],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call it here.")] = None,
    store: StoreFolder = Path("store"),
) -> None:
    """Bring a packed model into the store.

    The file may come from anywhere: it is refused whole unless it holds exactly the files of one model, each with its
    checksum, and nothing in it is ever executed.

    Example: python -m rnnstore unpack demo-python-lstm.rnnstore.zip --name another
    """
    with Line() as line:
        unpacked = unpacking.unpack(rnnstore.open(store), file, name, progress=line)
    print(f"{unpacked} has been unpacked into {store}.")


def diagnose(store: StoreFolder = Path("store")) -> None:
    """Say what this machine has, what is missing, and which command brings it.

    Nothing private is said: paths begin with ~ where they are yours. The exit code is 1 when something that is needed
    is missing.

    Example: python -m rnnstore doctor
    """
    facts = doctor.facts(store)
    width = max(len(fact.what) for fact in facts)
    for fact in facts:
        print(f"{'ok' if fact.good else 'MISSING' if fact.needed else '-':7}  {fact.what:{width}}  {fact.value}")
        if fact.mending:
            print(f"{'':7}  {'':{width}}  -> {fact.mending}")
    if any(fact.needed and not fact.good for fact in facts):
        raise typer.Exit(1)


def _dropped(opened: rnnstore.Store, report: Report) -> str:
    """Leave damaged tables out; what to say of that, empty where nothing was damaged."""
    keys = checking.drop_damaged(opened, report) if report.damaged else []
    return f"Left out for good: {', '.join(keys)}." if keys else ""


def _sealed(opened: rnnstore.Store, report: Report) -> str:
    """Seal a model that was found in order but for checksums; what to say of that, empty where that was not done."""
    changed_card = [finding for finding in report.findings if finding.damage and finding.where == CARD]
    wrong = [finding for finding in report.findings if finding.damage]
    by_hand = bool(report.files) and len(wrong) == 1 and bool(changed_card)
    if (report.damaged and not by_hand) or not (report.unsummed or by_hand):
        return ""
    count = checking.seal(opened, report.model)
    return f"{count:,} checksums were taken." if count else "Its card was taken as it is."


def _print(report: Report, done: str) -> None:
    wrong: list[Finding] = [finding for finding in report.findings if finding.damage]
    if not wrong:
        read = f"{size(report.bytes)} in {report.seconds:,.1f} s"
        print(f"{report.model}: in order. Looked at {'; '.join(report.looked_at)} ({read}).")
    else:
        places = "1 place" if len(wrong) == 1 else f"{len(wrong):,} places"
        print(f"{report.model}: DAMAGED in {places}.")
    for finding in sorted(report.findings, key=lambda finding: not finding.damage):
        print(f"  {'' if finding.damage else 'note: '}{finding.where}: {finding.sentence}")
        if finding.mending:
            print(f"      {finding.mending}")
    if done:
        print(f"  {done}")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to the command line."""
    for name, command in (("check", check), ("pack", pack), ("unpack", unpack), ("doctor", diagnose)):
        app.command(name)(command)
