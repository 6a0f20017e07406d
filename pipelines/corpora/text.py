"""Anyone's text: one file or several, by character or by word.

Most of this module is about files that are not what the recipe says they are: each gets a sentence that names the
file, the place in it, and what to do.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipelines.corpora.corpus import Corpus, prepare
from pipelines.corpora.kinds import Text
from pipelines.corpora.nltk_data import PREDICTED, SENTENCES, need, predict_pos
from pipelines.corpora.raw_text import RawText, divide, join, one_stream
from pipelines.corpora.shared_settings import Shares
from pipelines.errors import CorpusError


def load(settings: Text, folder: Path | None = None) -> Corpus:
    """The corpus; a track `pos` only where `predicted_pos` asks for it."""
    parts = divide(_read(settings.files, settings, folder), _left_for(settings))
    for split in ("validation", "test"):
        files = getattr(settings, f"{split}_files")
        if files:
            parts[split] = _read(files, settings, folder)
    parts = {split: part.shortened(settings.maximum_length) for split, part in parts.items()}
    name = ", ".join(Path(file).name for file in settings.files)
    return prepare(
        name,
        settings.level,
        parts,
        limit=settings.vocabulary,
        minimum_count=settings.minimum_count,
        unknown=settings.unknown,
        track_sources={"pos": PREDICTED},
        tokenisation=_tokenisation(settings),
    )


def find(name: str, *folders: Path | None) -> Path:
    """The text file of this name: in the first of the folders that has it, or in the current folder."""
    places = [folder / name for folder in folders if folder is not None] + [Path(name).expanduser()]
    for place in places:
        if place.is_file():
            return place
        if place.is_dir():
            raise CorpusError(f"corpus.files names {place}, which is a folder; name the text files in it.")
    looked = " and ".join(dict.fromkeys(str(place.absolute()) for place in places))
    raise CorpusError(f"There is no text file {name}: looked for {looked}. Correct corpus.files, or put it there.")


def decode(path: Path, encoding: str) -> str:
    """The text of a file, its line ends as \\n. `CorpusError` says where a file stops being text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}.") from error
    if not data.strip():
        raise CorpusError(f"{path} is empty ({len(data)} bytes); a corpus needs text.")
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "utf16", "utf32"))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and not wide:
        raise CorpusError(f"{path} begins with the mark of UTF-16, not {encoding}; set corpus.encoding to utf-16.")
    if b"\0" in data and not wide:
        at = data.index(b"\0")
        raise CorpusError(
            f"{path} is not a text file: byte {at:,} is zero, which no text has. Name a text file in corpus.files."
        )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"{path} is not {encoding}: byte {error.start:,} (line {line:,}) is 0x{data[error.start]:02X}. Set "
            f"corpus.encoding to what the file is written in, such as latin-1, or save the file as UTF-8."
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _read(files: list[str], settings: Text, folder: Path | None) -> RawText:
    """The files one after another; cut at file starts if those reset the state and there are several."""
    cutter = _by_character if settings.level == "character" else _by_word
    texts = []
    for name in files:
        path = find(name, settings._beside, folder)
        text = decode(path, settings.encoding)
        texts.append(cutter(text.lower() if settings.lower else text, settings, folder))
    begins = np.cumsum([0] + [len(s) for s in texts])
    if settings.sequences == "file" and len(texts) > 1:
        cuts = begins[:-1]
    else:
        cuts = np.concatenate([s.cuts + begin for s, begin in zip(texts, begins, strict=False)])
    whole = join(texts, cuts if len(cuts) > 1 else None)
    if settings.sequences == "stream":
        whole = RawText(whole.words, one_stream(len(whole)), whole.tracks, whole.cuts)
    return whole.first(settings.maximum_steps)


def _by_character(text: str, settings: Text, folder: Path | None) -> RawText:
    begins = np.cumsum([0] + [len(line) + 1 for line in text.split("\n")])
    begins = begins[begins < len(text)]
    starts = one_stream(len(text))
    if settings.sequences == "line":
        starts[begins] = True
    return RawText(text, starts, cuts=begins)


def _by_word(text: str, settings: Text, folder: Path | None) -> RawText:
    tokenize = tokenizer(settings.tokenizer)
    pieces = _sentences(text, folder) if settings.sequences == "sentence" else text.split("\n")
    lines = [line for line in map(tokenize, pieces) if line]
    end = [] if settings.line_end is None else [settings.line_end]
    if settings.maximum_steps is not None:  # tag no more than will be used
        reached = np.cumsum([len(line) + len(end) for line in lines])
        lines = lines[: int(np.searchsorted(reached, settings.maximum_steps)) + 1]
    words = [word for line in lines for word in (*line, *end)]
    begins = np.cumsum([0] + [len(line) + len(end) for line in lines])[:-1]
    starts = one_stream(len(words))
    if settings.sequences in ("line", "sentence"):
        starts[begins] = True
    tracks = {}
    if settings.predicted_pos:
        tags = predict_pos(lines, folder)
        tracks["pos"] = np.array([tag for line in tags for tag in (*line, *[""] * len(end))])
    return RawText(words, starts, tracks, begins)


def tokenizer(name: str) -> Callable[[str], list[str]]:
    if name == "whitespace":
        return str.split
    from nltk.tokenize import NLTKWordTokenizer

    return NLTKWordTokenizer().tokenize


def _tokenisation(settings: Text) -> dict:
    """What of `rnnstore.networks.tokenising.Tokenisation` the settings decide."""
    reset_within_a_file = settings.sequences in ("line", "sentence")
    starts = settings.sequences if reset_within_a_file else "text"
    if settings.level == "character":
        return {"lower": settings.lower, "starts": starts}
    return {
        "lower": settings.lower,
        "split": "nltk" if settings.tokenizer == "nltk" else "white space",
        "end": settings.line_end,
        "piece": "sentence" if settings.sequences == "sentence" else "line",
        "starts": starts,
    }


def _sentences(text: str, folder: Path | None) -> list[str]:
    need(SENTENCES, folder)
    from nltk.tokenize import PunktTokenizer

    return PunktTokenizer("english").tokenize(text)


def _left_for(settings: Text) -> Shares:
    """The shares of `files` once splits with files of their own are taken out, scaled to 1."""
    given = {f"{split}": 0.0 for split in ("validation", "test") if getattr(settings, f"{split}_files")}
    shares = settings.shares.model_copy(update=given)
    total = shares.train + shares.validation + shares.test
    return shares.model_copy(
        update={split: getattr(shares, split) / total for split in ("train", "validation", "test")}
    )
