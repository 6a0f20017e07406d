"""What a check found: where, what is wrong there, and the command that mends it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from rnnstore.store.card import Card
from rnnstore.store.tables import TABLES, folders

AGAIN = "or delete it and bring it back whole: python -m rnnstore unpack, or copy-in"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be: `where` in the model's folder, a sentence, and how to mend it.

    `damage` is False for what does no harm: remains of a stopped program, checksums that nobody took.
    """

    where: str
    sentence: str
    mending: str = ""
    damage: bool = True


@dataclass(frozen=True)
class Report:
    """What a check of one model found, and what it looked at.

    `files` and `bytes` were read for their checksums; `looked_at` says in words what was compared, and on how much.
    """

    model: str
    findings: tuple[Finding, ...]
    files: int = 0
    bytes: int = 0
    steps: int = 0
    seconds: float = 0.0
    looked_at: tuple[str, ...] = ()
    unsummed: tuple[str, ...] = field(default=(), repr=False)

    @property
    def damaged(self) -> bool:
        return any(finding.damage for finding in self.findings)


def mending(name: str, card: Card | None, path: str) -> str:
    """How to mend the file `path` of the model `name`."""
    top, *inner = path.split("/")
    recipe = card.settings.get("name") if card is not None else None
    recipe = recipe if isinstance(recipe, str) else ""
    if card is None or not inner:
        return f"Run what made the model under another name, {AGAIN}."
    if recipe and top == "network":
        return f"Train and record it again: python -m pipelines run {quoted(recipe)} --again, {AGAIN}."
    if top not in folders():
        return f"Put the file back from where you have it, {AGAIN}."
    again = f"Run the program or the import that recorded it once more under the same name, {AGAIN}."
    if recipe:
        again = f"Record it again with the network that it has: python -m pipelines record {quoted(recipe)}, {AGAIN}."
    if top not in TABLES:
        return again
    return TABLES[top].repair.format(
        again=again,
        drop=f"python -m rnnstore check {quoted(name)} --drop",
        model=quoted(name),
        folder=quoted(inner[0].partition("=")[2]),
    )


def several(paths: Sequence[str]) -> str:
    """Some paths as one `where`: the first, and how many besides."""
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1:,} more"


def quoted(text: str) -> str:
    """A name as it is typed into a shell."""
    return shlex.quote(text)


def first_sentence(findings: Sequence[Finding]) -> str:
    """The first damage in one sentence, for an error."""
    wrong = [finding for finding in findings if finding.damage]
    more = f" And {len(wrong) - 1:,} more." if len(wrong) > 1 else ""
    return f"{wrong[0].where}: {wrong[0].sentence}{more}"
