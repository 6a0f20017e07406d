"""Python source by character, with what Python's own tokenizer says about every character.

The standard library is on every machine that runs this, so a model of code needs no download, and its tracks
are exact: what a unit is compared with is not another model's opinion.

`token`       kind of token the character belongs to: name, keyword, number, string, comment, operator, line end,
              indent (white space that begins a line) or space
`nesting`     brackets open here, (, [ and {; an opening bracket has the level it opens to, a closing one the
              level it closes
`in_string`   "in string" from the first to the last quote (prefix and quotes included), else ""
`in_comment`  "in comment" from # to the end of the line, else ""
"""

import hashlib
import io
import keyword
import sysconfig
import tokenize
from pathlib import Path

import numpy as np

from pipelines.corpora.corpus import Corpus, prepare
from pipelines.corpora.kinds import PythonSource
from pipelines.corpora.raw_text import RawText, divide, join, one_stream
from pipelines.errors import CorpusError

LEFT_OUT = {"test", "tests", "idle_test", "idlelib", "site-packages", "dist-packages", "__pycache__"}
LEFT_OUT |= {"encodings", "pydoc_data"}  # tables and texts that are no code
TOKENS = ("space", "indent", "name", "keyword", "number", "string", "comment", "operator", "line end")
SHORTEST = 200  # characters; shorter files are empty packages, which teach nothing

_SPACE, _INDENT, _NAME, _KEYWORD, _NUMBER, _STRING, _COMMENT, _OPERATOR, _LINE_END = range(len(TOKENS))
_KINDS = {
    tokenize.NAME: _NAME,
    tokenize.NUMBER: _NUMBER,
    tokenize.STRING: _STRING,
    tokenize.COMMENT: _COMMENT,
    tokenize.OP: _OPERATOR,
    tokenize.NEWLINE: _LINE_END,
    tokenize.NL: _LINE_END,
    tokenize.INDENT: _INDENT,
}
# From Python 3.12 an f-string is several tokens, from 3.14 a t-string too.
_F_STRING_STARTS = {getattr(tokenize, f"{kind}STRING_START", None) for kind in "FT"}
_F_STRING_ENDS = {getattr(tokenize, f"{kind}STRING_END", None) for kind in "FT"}
_KEYWORDS = frozenset(keyword.kwlist)


def load(settings: PythonSource, folder: Path | None = None) -> Corpus:
    """The corpus, in whole files, with tracks `token`, `nesting`, `in_string` and `in_comment`."""
    root = Path(settings.folder) if settings.folder else Path(sysconfig.get_path("stdlib"))
    whole = read(root, settings.maximum_steps)
    if settings.sequences == "stream":
        whole = RawText(whole.words, one_stream(len(whole)), whole.tracks, whole.cuts)
    python = ".".join(sysconfig.get_python_version().split(".")[:2])
    name = f"Python source in {root}" if settings.folder else f"Python {python} standard library"
    return prepare(
        name,
        "character",
        divide(whole, settings.shares),
        limit=settings.vocabulary,
        minimum_count=settings.minimum_count,
        unknown=settings.unknown,
        track_sources=dict.fromkeys(whole.tracks, "exact (Python's tokenize)"),
    )


def read(root: Path, most: int | None) -> RawText:
    """The files under `root` one after another, cut at file starts: as many as fit into `most` characters.

    Files come in an order that mixes folders and does not depend on the machine. A file that Python cannot
    tokenize is left out.
    """
    if not root.is_dir():
        raise CorpusError(f"corpus.folder {root} is not a folder; name a folder of .py files, or null.")
    files = [p for p in root.rglob("*.py") if not LEFT_OUT & set(p.relative_to(root).parts[:-1])]
    files = [p for p in files if not p.name.startswith("_sysconfigdata")]  # differs between machines
    files.sort(key=lambda p: hashlib.md5(p.relative_to(root).as_posix().encode()).digest())
    texts, steps = [], 0
    for path in files:
        if most is not None and (steps >= most or path.stat().st_size > 4 * (most - steps)):
            continue
        try:
            with tokenize.open(path) as file:  # heeds the file's own coding line
                text = file.read()
            if len(text) < SHORTEST or (most is not None and steps + len(text) > most):
                continue
            texts.append(RawText(text, one_stream(len(text)), describe(text)))
        except (SyntaxError, tokenize.TokenError, UnicodeDecodeError, OSError):
            continue
        steps += len(text)
    if not texts:
        limit = "" if most is None else f" of at most {most:,} characters"
        raise CorpusError(f"{root} has no Python file{limit} that can be read; name another corpus.folder.")
    return join(texts, cuts=np.cumsum([0] + [len(s) for s in texts[:-1]]))


def describe(text: str) -> dict[str, np.ndarray]:
    """The tracks of a source text, a value for every character, as defined at the top of this module."""
    line_begins = [0, *(i + 1 for i, character in enumerate(text) if character == "\n")]
    kinds, levels, lengths = [], [], []  # of stretches of characters, in the order of the text
    here = level = f_strings = 0  # first character not yet described, open brackets, open f-strings

    def offset(row: int, column: int) -> int:
        return min(line_begins[row - 1] + column, len(text)) if row <= len(line_begins) else len(text)

    def until(stop: int, kind: int) -> None:
        nonlocal here
        if stop > here:
            kinds.append(kind)
            levels.append(level)
            lengths.append(stop - here)
            here = stop

    for kind, word, begin, end, _ in tokenize.generate_tokens(io.StringIO(text).readline):
        if not f_strings:  # white space between two tokens is no token
            until(offset(*begin), _SPACE if here and text[here - 1] != "\n" else _INDENT)
        if kind in _F_STRING_STARTS:
            f_strings += 1
        elif kind in _F_STRING_ENDS:
            f_strings -= 1
            kind = tokenize.STRING
        if f_strings:
            continue
        opens, closes = (kind == tokenize.OP and word in marks for marks in ("([{", ")]}"))
        level += opens
        if kind in _KINDS:
            until(offset(*end), _KEYWORD if kind == tokenize.NAME and word in _KEYWORDS else _KINDS[kind])
        level = max(0, level - closes)
    until(len(text), _SPACE)
    token = np.repeat(np.array(kinds, dtype=np.int8), lengths)
    return {
        "token": np.array(TOKENS)[token],
        "nesting": np.repeat(np.array(levels, dtype=np.float64), lengths),
        "in_string": np.where(token == _STRING, "in string", ""),
        "in_comment": np.where(token == _COMMENT, "in comment", ""),
    }
