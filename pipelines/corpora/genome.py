"""A genome by letter: FASTA files of one's own, with intervals of BED files as tracks.

This is the third example of the LSTMVis paper (section 6.3): bases are the words, and any number of tracks say where a
protein binds, or was predicted to. Nothing comes with the project; a file is read line by line, so that one region of
a chromosome costs no more memory than the region.

Lower-case letters, which is how genomes mark repeats, are read in upper case, and the track `repeat` keeps where they
were. In a track from a BED file a step has the track's own name where an interval lies, and no label elsewhere.
"""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipelines.corpora.corpus import Corpus, prepare
from pipelines.corpora.kinds import Genome
from pipelines.corpora.raw_text import RawText, divide, join, one_stream
from pipelines.corpora.text import find
from pipelines.errors import CorpusError

LETTERS = frozenset("ACGTUNRYSWKMBDHV")  # the bases, and IUPAC's letters for one of several


@dataclass
class Piece:
    """Bases `start` (from 0) and on of a record, as they stand in the file."""

    record: str
    start: int
    parts: list[str] = field(default_factory=list)

    @property
    def bases(self) -> str:
        return "".join(self.parts)


def load(settings: Genome, folder: Path | None = None) -> Corpus:
    """The corpus: a sequence for each record or region, tracks `repeat` (where there is any) and those of BED files."""
    wanted = [_region(region) for region in settings.regions or []]
    pieces: list[Piece] = []
    left = settings.maximum_steps
    for name in settings.files:
        if left == 0:
            break
        for piece in read(find(name, settings._beside, folder), wanted, left):
            pieces.append(piece)
            left = None if left is None else left - sum(map(len, piece.parts))
    for region, (record, start, _) in zip(settings.regions or [], wanted, strict=True):
        if left is None and not any((piece.record, piece.start) == (record, start) for piece in pieces):
            raise CorpusError(
                f"corpus.regions names {region}, which is not in {', '.join(settings.files)}. A region is written as "
                f"chr21:30,000,001-31,000,000 (first and last base, from 1) or as the name of a record alone."
            )
    named = settings.tracks or {}
    intervals = {track: _intervals(find(name, settings._beside, folder)) for track, name in named.items()}
    _check_names(intervals, pieces, settings)
    texts = [_raw_text(piece, intervals) for piece in pieces]
    if not any(np.any(text.tracks["repeat"] != "") for text in texts):
        for text in texts:
            del text.tracks["repeat"]
    whole = join(texts)
    if len(texts) > 1:
        begins = np.cumsum([0] + [len(text) for text in texts])[:-1]
        whole = RawText(whole.words, whole.sequence_starts, whole.tracks, begins)
    sources = {track: f"intervals of {Path(name).name}" for track, name in named.items()}
    return prepare(
        ", ".join(Path(name).name for name in settings.files),
        "character",
        divide(whole, settings.shares),
        limit=settings.vocabulary,
        minimum_count=settings.minimum_count,
        unknown=settings.unknown,
        track_sources={"repeat": "lower-case letters of the file", **sources},
        tokenisation={"upper": True},
    )


def read(path: Path, wanted: list[tuple[str, int, int | None]], most: int | None) -> list[Piece]:
    """The records of a FASTA file, or the `wanted` (record, start, stop) of them, at most so many bases in all.

    A file without a line that begins with ">" is one record, with the name of the file. Raises `CorpusError` with the
    line where something is no base.
    """
    pieces: list[Piece] = []
    record, at, taken = path.name, 0, 0
    here = _begun(record, wanted, pieces)
    for number, line in enumerate(_lines(path), 1):
        if line.startswith(">"):
            record, at = (line[1:].split() or [""])[0], 0
            here = _begun(record, wanted, pieces)
            continue
        wrong = set(line.upper()) - LETTERS
        if wrong:
            raise CorpusError(
                f"{path}, line {number:,}: {sorted(wrong)[0]!r} is no base. A FASTA file has lines of bases "
                f"(A, C, G, T, N) under a line such as >chr21."
            )
        for piece, stop in here:
            low, high = max(piece.start, at), at + len(line) if stop is None else min(stop, at + len(line))
            if most is not None:
                high = min(high, low + most - taken)
            if low < high:
                piece.parts.append(line[low - at : high - at])
                taken += high - low
        at += len(line)
        if most is not None and taken >= most:
            break
    found = [piece for piece in pieces if piece.parts]
    if not found and not wanted:
        raise CorpusError(f"{path} holds no bases; a corpus needs some.")
    return found


def _begun(
    record: str, wanted: list[tuple[str, int, int | None]], pieces: list[Piece]
) -> list[tuple[Piece, int | None]]:
    """The pieces that are to be filled from a record that begins here, with the base at which each ends."""
    here = [(start, stop) for name, start, stop in wanted if name == record] if wanted else [(0, None)]
    begun = [(Piece(record, start), stop) for start, stop in here]
    pieces += [piece for piece, _ in begun]
    return begun


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rt", encoding="ascii") if packed else path.open(encoding="ascii") as file:
            for line in file:
                yield line.strip()
    except (UnicodeDecodeError, EOFError, OSError) as error:
        raise CorpusError(f"{path} is no FASTA file that can be read: {error}.") from error


def _region(text: str) -> tuple[str, int, int | None]:
    """(record, first base from 0, base after the last one) of `chr21:1,001-2,000` or `chr21`."""
    found = re.fullmatch(r"(.+):([\d,]+)-([\d,]+)", text)
    if not found:
        return text, 0, None
    start, stop = (int(number.replace(",", "")) for number in found.groups()[1:])
    if not 1 <= start <= stop:
        raise CorpusError(f"corpus.regions names {text}; its first base must be at least 1 and not behind its last.")
    return found[1], start - 1, stop


def _intervals(path: Path) -> dict[str, np.ndarray]:
    """int64[n, 2] for each record: start and stop (half-open, from 0) of the intervals of a BED file."""
    found: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line or line.startswith(("#", "track", "browser")):
            continue
        columns = line.split()
        if len(columns) < 3 or not (columns[1].isdigit() and columns[2].isdigit()):
            raise CorpusError(
                f"{path}, line {number:,} is {line[:60]!r}; a line of a BED file has a record, a start and a stop "
                f"(from 0, half-open), such as: chr21 100 120."
            )
        found.setdefault(columns[0], []).append((int(columns[1]), int(columns[2])))
    return {record: np.array(pairs, np.int64) for record, pairs in found.items()}


def _check_names(intervals: dict[str, dict[str, np.ndarray]], pieces: list[Piece], settings: Genome) -> None:
    records = {piece.record for piece in pieces}
    for track, of in intervals.items():
        if of and not records & set(of):
            file = (settings.tracks or {})[track]
            raise CorpusError(
                f"{file} has intervals of {', '.join(sorted(of)[:3])}, but {settings.files[0]} has "
                f"{', '.join(sorted(records)[:3])}; the names of records must be the same in both."
            )


def _raw_text(piece: Piece, intervals: dict[str, dict[str, np.ndarray]]) -> RawText:
    bases = piece.bases
    letters = np.frombuffer(bases.encode("ascii"), np.uint8)
    tracks = {"repeat": np.where(letters >= ord("a"), "repeat", "")}
    for track, of in intervals.items():
        change = np.zeros(len(bases) + 1, np.int64)
        pairs = np.clip(of.get(piece.record, np.zeros((0, 2), np.int64)) - piece.start, 0, len(bases))
        np.add.at(change, pairs[:, 0], 1)
        np.add.at(change, pairs[:, 1], -1)
        tracks[track] = np.where(np.cumsum(change)[:-1] > 0, track, "")
    return RawText(bases.upper(), one_stream(len(bases)), tracks)
