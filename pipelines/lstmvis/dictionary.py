"""Dict files: a word and its id on each line, in any order, with ids that start anywhere and may have gaps.

The word may be a space, as character models have it: it is written as it is, so the line begins with a space. A line
break as a word leaves an empty line before the line of its id.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.lstmvis.description import LstmvisError

_LINE = re.compile(r"(?P<word>.*?)(?:^|[ \t])[ \t]*(?P<id>-?[0-9]+)[ \t]*", re.DOTALL)


@dataclass(frozen=True)
class Dictionary:
    """Words by their ids: `ids` int64[n], ascending, and the word of each."""

    name: str
    ids: np.ndarray
    words: tuple[str, ...]

    def find(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(place of each id among `words`, whether it is there at all), in the shape of `ids`."""
        places = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        return places, self.ids[places] == ids

    def about(self) -> str:
        """What ids there are, for a sentence about one that is not there."""
        return f"{self.name} has {len(self.ids):,} ids, from {self.ids[0]} to {self.ids[-1]}"


def numbered(ids: Iterable[int], name: str) -> Dictionary:
    """A dictionary that calls every id by its number."""
    ordered = np.array(sorted(ids), np.int64)
    return Dictionary(name, ordered, tuple(str(each) for each in ordered.tolist()))


def load(path: Path, key: str) -> Dictionary:
    """The dictionary in a file; `key` is where lstm.yml names it. Raises `LstmvisError` with the line's number."""
    where = f"{key}: {path.name}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise LstmvisError(
            f"{where}, line {number}, is not UTF-8 text; a word, a space and its id were expected."
        ) from error
    except FileNotFoundError:
        raise LstmvisError(f"{where} is not there; it was looked for in {path.parent}.") from None
    except OSError as error:
        raise LstmvisError(f"{where} cannot be read: {error.strerror}.") from error
    found: dict[int, tuple[str, int]] = {}
    lines = text.split("\n")  # not splitlines(): other separators of lines may be words
    for number, given in enumerate(lines, 1):
        if not (line := given.removesuffix("\r")):
            continue
        after_break = number > 1 and not lines[number - 2].removesuffix("\r")
        word, id_ = _split(line, f"{where}, line {number},", after_break)
        if not -(2**63) <= id_ < 2**63:
            raise LstmvisError(f"{where}, line {number}, has the id {id_}, which is too large for a number of 64 bits.")
        if found.setdefault(id_, (word, number))[0] != word:
            before, first = found[id_]
            raise LstmvisError(
                f"{where}, line {number}, gives the id {id_} to {word!r}; line {first} gave it to {before!r}."
            )
    if not found:
        raise LstmvisError(f"{where} is empty; a word, a space and its id were expected on each line.")
    ids = sorted(found)
    return Dictionary(path.name, np.array(ids, np.int64), tuple(found[id_][0] for id_ in ids))


def _split(line: str, where: str, after_break: bool) -> tuple[str, int]:
    """(word, id) of a line."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise LstmvisError(f"{where} is {_excerpt(line)}; a word, a space and its id were expected.")
    word = match["word"].strip(" \t")
    if re.search(r"[ \t]", word):
        raise LstmvisError(f"{where} is {_excerpt(line)}: several words; one word and its id were expected.")
    if not word:
        blank = line[: match.start("id")]
        if not blank:
            raise LstmvisError(f"{where} is {_excerpt(line)}: an id without a word; write the word before it.")
        word = "\n" if after_break and len(blank) == 1 else "\t" if blank[0] == "\t" and len(blank) > 1 else " "
    return word, int(match["id"])


def _excerpt(line: str) -> str:
    return repr(line if len(line) <= 60 else f"{line[:57]}...")
