"""A model's files against its card: there, of the listed size and checksum, and none besides.

Every file is read once for its checksum. Files that no card lists are findings too: most are harmless remains that the
next writer sweeps away, but a program that reads the folder by a pattern, not by the card, would take them for rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from rnnstore.integrity.findings import Finding, mending, quoted, several
from rnnstore.store import checksums, leases
from rnnstore.store.card import CARD, Card, File, OwnFile, is_as_written
from rnnstore.store.layout import own_files
from rnnstore.store.staging import STAGING
from rnnstore.store.tables import folders

SEAL = "python -m rnnstore check {name} --seal takes them, once everything else was found right."


def listed(card: Card) -> list[File | OwnFile]:
    """All files that a card lists."""
    return [*(file for files in card.files.values() for file in files), *card.own_files]


def check_card(folder: Path, name: str) -> Iterator[Finding]:
    """Whether the card itself is the one that was written."""
    if is_as_written((folder / CARD).read_bytes()) is False:
        yield Finding(
            CARD,
            "It does not have its own checksum: it was changed, by hand or by damage.",
            f"If you changed it, python -m rnnstore check {quoted(name)} --seal takes it as it is. Else: "
            + mending(name, None, CARD),
        )


def check_file(folder: Path, name: str, card: Card, file: File | OwnFile, read: Callable[[int], None]) -> str:
    """A sentence about what is wrong with a listed file; empty when nothing is. `read` hears of bytes read."""
    path = folder / file.path
    try:
        if path.is_symlink() and not path.exists():
            return "It is a link to a file that is not there."
        size = path.stat().st_size
        if size != file.bytes:
            read(file.bytes)
            return f"It has {size:,} bytes instead of {file.bytes:,}: it is truncated or was changed."
        found = checksums.of_file(path, read)
    except FileNotFoundError:
        return "It is not there."
    except OSError as error:
        return f"It cannot be read ({error.strerror})."
    if file.crc32 and found != file.crc32:
        return f"Its checksum is {found} instead of {file.crc32}: bytes of it changed since it was written."
    return ""


def strays(folder: Path, card: Card, being_written: bool) -> Iterator[Finding]:
    """Files and folders that the card does not list, none of which the store reads."""
    known, unlisted = {file.path for file in listed(card)}, []
    kept = known | leases.kept(folder)
    swept = "Nothing to do: the next program that writes the model deletes it."
    if being_written:
        swept = "Nothing to do: the program that writes the model now sees to it."
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((STAGING, f".{CARD}")):
            yield Finding(entry.name, "A writer's unfinished files; the store does not read them.", swept, False)
    for table in folders():
        for path in sorted((folder / table).rglob("*")):
            relative = path.relative_to(folder).as_posix()
            if relative not in kept and not path.is_dir():
                unlisted.append(relative)
    if unlisted:
        yield Finding(
            several(unlisted),
            "No block of the table: the store does not read it, but a program that reads the folder by a pattern "
            "would take it for one.",
            swept,
            False,
        )
    for name in sorted(known):
        if any((folder / inner).is_symlink() for inner in (Path(name), *Path(name).parents)):
            yield Finding(
                name,
                "It is reached through a link, so the model's folder alone is not the whole model.",
                "Copy what the link points to in its place.",
                False,
            )


def unsummed(folder: Path, card: Card) -> list[str]:
    """Files without a checksum, by path: of an older program, or of a writer that was stopped."""
    known = {file.path for file in card.own_files}
    tables = [file.path for files in card.files.values() for file in files if not file.crc32]
    return [*tables, *(path for path in own_files(folder) if path not in known)]


def unsummed_finding(name: str, paths: list[str], being_written: bool) -> Finding:
    """The finding about files without checksums."""
    if being_written:
        return Finding(
            several(paths),
            "Files that are being written now have no checksums yet.",
            "Nothing to do: they get them when their program ends.",
            False,
        )
    some = f"{len(paths):,} files have" if len(paths) > 1 else "One file has"
    return Finding(
        several(paths),
        f"{some} no checksum, so a change of single bytes in them would not be noticed: they were written by an older "
        "version, by hand, or by a program that was stopped.",
        SEAL.format(name=quoted(name)),
        False,
    )
