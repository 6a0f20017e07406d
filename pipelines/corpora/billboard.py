"""The McGill Billboard corpus: chords of 890 entries of the American charts, found on this machine or downloaded.

It is read as it was published, a file `salami_chords.txt` a song (one folder each, or all in the published archive),
or from a table of two files: `billboard_chords.txt`, a song a line, and `billboard_songs.csv` with titles and tonics.
The published files say where a song changes key; the table has one key a song, so its degrees are right in that one.

    # tonic: C
    22.346394557    B, verse, | A:min | A:min | C:maj . G:maj . |, (voice

    <verse> | A:min | A:min | C:maj . G:maj . |
"""

import csv
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pooch

from pipelines.errors import CorpusError

HOME = "https://ddmal.music.mcgill.ca/research/The_McGill_Billboard_Project_(Chord_Analysis_Dataset)/"
SOURCE = "https://www.dropbox.com/s/2lvny9ves8kns4o/billboard-2.0-salami_chords.tar.gz?dl=1"
CHECKSUM = "md5:6954a6fad962a111e69c9c80cb87d3a5"
ARCHIVE = "billboard-2.0-salami_chords.tar.gz"
TABLE = ("billboard_chords.txt", "billboard_songs.csv")

BAR, HELD = "|", "."
SECTIONS = {"prechorus": "pre-chorus", "trans": "transition"}  # the same section, spelled in two ways


@dataclass
class Song:
    """A song as a list of symbols: chords, `|` before every bar and at the end, `.` for a beat more of the same chord,
    `N` for no chord. `sections` and `tonics` say for each symbol what it is in ("" for unknown)."""

    title: str
    artist: str
    words: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    tonics: list[str] = field(default_factory=list)

    def add(self, words: list[str], section: str, tonic: str) -> None:
        self.words += words
        self.sections += [section] * len(words)
        self.tonics += [tonic] * len(words)


def songs(folder: Path | None, source: str = SOURCE) -> list[Song]:
    """Every song of the corpus, in its order; downloaded from `source` and checked where it is not in `folder`."""
    for place in [] if folder is None else [folder / "chords", folder]:
        if all((place / name).is_file() for name in TABLE):
            return read_table(place)
        for name in ("McGill-Billboard", "billboard-2.0-salami_chords"):
            if (place / name).is_dir():
                return _read_files(_in_folder(place / name), place / name)
        if (place / ARCHIVE).is_file():
            return _read_files(_in_archive(place / ARCHIVE), place / ARCHIVE)
    archive = _download((folder or Path(pooch.os_cache("rnnstore"))) / "chords", source)
    return _read_files(_in_archive(archive), archive)


def read_annotation(text: str) -> Song:
    """The song of one published file."""
    song, section, tonic = Song("", ""), "", ""
    for line in text.splitlines():
        if line.startswith("#"):
            key, _, value = (part.strip() for part in line[1:].partition(":"))
            tonic = value if key == "tonic" else tonic
            song.title = value if key == "title" else song.title
            song.artist = value if key == "artist" else song.artist
            continue
        before, opened, rest = line.partition("\t")[2].partition(BAR)
        if not opened:  # silence, the end, or sound that is no music
            continue
        section = _section(before, section)
        music, _, after = rest.rpartition(BAR)
        bars = [_symbols(bar) for bar in music.split(BAR)] if music.strip() else []
        repeats = re.match(r"\s*x(\d+)", after)
        for bar in bars * (int(repeats[1]) if repeats else 1):
            song.add([BAR, *bar], section, tonic)
    song.add([BAR] if song.words else [], section, tonic)
    return song


def read_table(folder: Path) -> list[Song]:
    """The songs of the two files in `folder`: line n of the one is row n of the other."""
    chords, facts = (folder / name for name in TABLE)
    lines = [line for line in chords.read_text(encoding="utf-8").split("\n") if line.strip()]
    with facts.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = {"title", "artist", "tonic"} - set(rows[0] if rows else ())
    if missing or len(rows) != len(lines):
        found = f"no column {sorted(missing)[0]}" if missing else f"{len(rows):,} songs"
        raise CorpusError(
            f"{facts} has {found}, and {chords} has {len(lines):,} lines; a row with title, artist and tonic for every "
            f"line was expected. Put the files of one version there."
        )
    read: list[Song] = []
    for line, row in zip(lines, rows, strict=True):
        song, section = Song(row["title"], row["artist"]), ""
        for symbol in re.findall(r"<[^>]*>|[^\s<]+", line):
            if symbol.startswith("<"):
                section = _section_name(symbol[1:-1])
            else:
                song.add([symbol], section, row["tonic"])
        read.append(song)
    return read


def _section(before: str, current: str) -> str:
    """The section of a line by what stands before its first bar: `B, verse, ` begins one, nothing goes on."""
    parts = [part.strip() for part in before.split(",")]
    parts = [part for part in parts if part and not set("()") & set(part)]
    names = [part for part in parts if not re.fullmatch(r"[A-Z]+'*", part)]
    return _section_name(names[0]) if names else "" if parts else current


def _section_name(section: str) -> str:
    section = " ".join(section.lower().split())
    return SECTIONS.get(section, section)


def _symbols(bar: str) -> list[str]:
    """The symbols of a bar, without a change of metre such as `(2/4)`."""
    return [symbol for symbol in bar.split() if not re.fullmatch(r"\(\d+/\d+\)", symbol)]


def _read_files(files: Iterator[tuple[str, bytes]], where: Path) -> list[Song]:
    found = [(name, read_annotation(data.decode("utf-8"))) for name, data in files]
    if not any(song.words for _, song in found):
        raise CorpusError(
            f"{where} holds no file salami_chords.txt with chords, such as 0003/salami_chords.txt. Put the annotations "
            f"of {HOME} there, or take it away to have them downloaded."
        )
    return [song for _, song in sorted(found, key=lambda named: named[0]) if song.words]


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("salami_chords.txt"):
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def _in_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member)  # None for a folder
                if file and Path(member.name).name == "salami_chords.txt":
                    yield member.name, file.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise CorpusError(f"{path} is no archive that can be read ({error}). Take it away and try again.") from error


def _download(into: Path, source: str) -> Path:
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(source, known_hash=CHECKSUM, fname=ARCHIVE, path=into))
    except ValueError as error:
        raise CorpusError(
            f"{source} is not the file that was expected ({CHECKSUM}). Take the annotations of version 2.0 from {HOME} "
            f"and put the archive at {into / ARCHIVE}."
        ) from error
    except OSError as error:  # no connection, a server that answers with an error, or no room for the file
        raise CorpusError(
            f"{ARCHIVE} could not be downloaded from {source} ({type(error).__name__}). Without a connection, take the "
            f"annotations of version 2.0 from {HOME} and put the archive at {into / ARCHIVE}, or name the folder that "
            f"has it with --corpora or RNNSTORE_CORPORA."
        ) from error
