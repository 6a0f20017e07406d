"""Word vectors from elsewhere: the embedding that a training starts with, and goes on to change or leaves as it is.

They come from a file, from a model of the store, or from the training text itself, by counting neighbours: that needs
no download and takes seconds. A word of the vocabulary that has no vector there starts at random, and how many those
are is said. Only vectors of words in the vocabulary are kept while reading, so a file of millions of words does not
fill the memory.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np

from pipelines.corpora.corpus import Corpus
from pipelines.errors import CorpusError
from pipelines.recipe import Embedding
from rnnstore.networks import open_network
from rnnstore.store.folder import Store
from rnnstore.threads import one_thread

SMOOTHED = 0.75  # power of the neighbours' counts: rare ones would otherwise seem to say most (Levy et al., 2015)


@dataclass(frozen=True)
class Vectors:
    """The embedding of a corpus's vocabulary before training.

    values    float32[words, width]
    known     bool[words]: the source has a vector of this word; others are drawn at random
    tuned     whether training changes them
    source    where they come from, for the person who reads it
    notes     sentences about what was found and what was not
    """

    values: np.ndarray
    known: np.ndarray
    tuned: bool
    source: str
    notes: tuple[str, ...]

    @property
    def width(self) -> int:
        return self.values.shape[1]

    @property
    def facts(self) -> dict:
        """What a model's card keeps of it."""
        found = int(self.known.sum())
        sizes = {"width": self.width, "found": found, "missing": len(self.known) - found}
        return {"source": self.source, **sizes, "tuned": self.tuned}


@dataclass(frozen=True)
class _Found:
    """Vectors by number of the word, float32[width] each; how many words the source has; words that it has twice."""

    source: str
    rows: dict[int, np.ndarray]
    words: int
    twice: list[str]


def load(
    settings: Embedding, corpus: Corpus, seed: int, folder: Path | None = None, store: Store | None = None
) -> Vectors:
    """The vectors that `settings` (a recipe's `network.embedding`) name, for the vocabulary of `corpus`.

    `seed` draws those of words that have none; `folder` is where corpora are kept on this machine; `store` the opened
    store that a model is taken from. Raises `CorpusError` with what was found, what was expected and what to do.
    """
    numbers = {word: number for number, word in enumerate(corpus.vocabulary)}
    if settings.neighbours is not None:
        assert settings.width is not None  # its own check
        found = of_neighbours(corpus, settings.neighbours, settings.width)
    elif settings.model is not None:
        assert store is not None
        found = _of_model(store, settings.model, numbers)
    else:
        assert settings.file is not None  # one of the three is given
        path = _find(settings.file, settings._beside, folder)
        listed = None if settings.words is None else _find(settings.words, settings._beside, folder)
        found = _of_arrays(path, listed, numbers) if path.suffix in (".npz", ".npy") else _of_text(path, numbers)
    if not found.rows:
        raise CorpusError(
            f"None of the {found.words:,} words of {found.source} is a word of {corpus.name}, whose words are such as "
            f"{_examples(corpus.vocabulary)}. Name vectors of the same language and spelling, or leave them out with "
            "`embedding: 64`."
        )
    width = len(next(iter(found.rows.values())))
    if settings.width not in (None, width):
        raise CorpusError(
            f"network.embedding.width is {settings.width}, and the vectors of {found.source} have {width} numbers "
            f"each; write {width}, or leave width out."
        )
    return _whole(found, corpus, seed, settings.tuned)


def _whole(found: _Found, corpus: Corpus, seed: int, tuned: bool) -> Vectors:
    """The vectors of all words: those found, and for the others random ones of the same mean and spread."""
    places = np.array(sorted(found.rows))
    rows = np.stack([found.rows[place] for place in places.tolist()]).astype(np.float32)
    drawn = np.random.default_rng(seed).normal(rows.mean(0), rows.std(0), (len(corpus.vocabulary), rows.shape[1]))
    values, known = drawn.astype(np.float32), np.zeros(len(corpus.vocabulary), bool)
    values[places], known[places] = rows, True
    after = "training goes on to change them" if tuned else "training leaves them as they are"
    notes = [
        f"The embedding starts as {found.source}: {len(places):,} of {len(known):,} words have a vector there; {after}."
    ]
    if not known.all():
        ids = corpus.splits["train"].word_ids
        without = [word for word, there in zip(corpus.vocabulary, known.tolist(), strict=True) if not there]
        lower = sum(word.lower() != word for word in without)
        notes.append(
            f"{len(without):,} words without a vector, {100 * (~known[ids]).mean():.1f} % of the training text, such "
            f"as {_examples(without)}, start at random with the mean and the spread of the others."
            + (f" {lower:,} of them have capitals: did the vectors read small letters only?" if lower else "")
        )
    if found.twice:
        notes.append(
            f"{len(found.twice):,} words, such as {_examples(found.twice)}, are in {found.source} more than once; the "
            "first vector of each is used."
        )
    return Vectors(values, known, tuned, found.source, tuple(notes))


def of_neighbours(corpus: Corpus, window: int, width: int) -> _Found:
    """Vectors from which words stand within `window` steps of one another in the training split of `corpus`.

    Positive pointwise mutual information of word and neighbour, taken down to `width` numbers by a singular value
    decomposition whose values count by their root (Levy, Goldberg and Dagan, "Improving distributional similarity with
    lessons learned from word embeddings", 2015): near what word2vec learns, and the same every time. Vectors have
    length 1 in the mean.
    """
    from scipy import sparse
    from scipy.sparse.linalg import svds

    split, size = corpus.splits["train"], len(corpus.vocabulary)
    if width >= size:
        raise CorpusError(
            f"network.embedding.width is {width}; counted from neighbours it must be less than the {size} words of "
            f"{corpus.name}."
        )
    sequence = np.cumsum(split.sequence_starts)
    counts = sparse.csr_matrix((size, size))
    for ago in range(1, min(window, len(split) - 1) + 1):
        inside = sequence[ago:] == sequence[:-ago]
        left, right = split.word_ids[:-ago][inside], split.word_ids[ago:][inside]
        counts += sparse.csr_matrix((np.ones(len(left)), (left, right)), (size, size))
    counts = (counts + counts.T).tocoo()
    if counts.nnz <= width:
        raise CorpusError(f"The training split of {corpus.name} is too short to count neighbours in; use more text.")
    of_word = np.asarray(counts.sum(1)).ravel()
    of_neighbour = of_word**SMOOTHED / (of_word**SMOOTHED).sum()
    information = np.log(counts.data / (of_word[counts.row] * of_neighbour[counts.col]))
    positive = sparse.csr_matrix((np.maximum(information, 0), (counts.row, counts.col)), (size, size))
    with one_thread():
        left, values, _ = svds(positive, k=width, v0=np.ones(size) / np.sqrt(size))
    left = left[:, ::-1] * np.sqrt(values[::-1])
    left *= np.sign(left[np.abs(left).argmax(0), np.arange(width)])  # a decomposition leaves the signs open
    known = np.flatnonzero(of_word)
    left /= np.linalg.norm(left[known], axis=1).mean()
    source = f"vectors counted from neighbours within {window} steps in the training text"
    return _Found(source, {int(word): left[word] for word in known}, len(known), [])


def _of_model(store: Store, name: str, numbers: dict[str, int]) -> _Found:
    """The embedding of a model of the store."""
    found = open_network(store.model(name))
    rows = found.embed(np.arange(len(found.words)))
    taken = {numbers[word]: row for word, row in zip(found.words, rows, strict=True) if word in numbers}
    return _Found(f"the embedding of {name}", taken, len(found.words), [])


def _of_arrays(path: Path, listed: Path | None, numbers: dict[str, int]) -> _Found:
    """Vectors of an .npz with `words` and `vectors`, or of an .npy whose words are the lines of another file."""
    try:
        with np.load(path, allow_pickle=False) if path.suffix == ".npz" else _single_array(path) as arrays:
            lacking = [name for name in ("vectors", "words") if name not in arrays and not (name == "words" and listed)]
            if lacking:
                raise CorpusError(
                    f"{path} has no array `{lacking[0]}` but {', '.join(arrays) or 'none'}; word vectors are an .npz "
                    "with `words` and `vectors`, or an .npy beside a list of words (network.embedding.words)."
                )
            vectors = arrays["vectors"]
            words = listed.read_text("utf-8").splitlines() if listed else arrays["words"].astype(str).tolist()
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CorpusError(f"{path} cannot be read as an array of word vectors ({error}).") from error
    if vectors.ndim != 2 or len(vectors) != len(words) or vectors.dtype.kind not in "fiu":
        raise CorpusError(
            f"{path} holds {vectors.dtype} of shape {vectors.shape} for {len(words):,} words; vectors are numbers, a "
            "row a word."
        )
    rows, twice = {}, []
    for place, word in enumerate(words):
        number = numbers.get(word)
        if number is None:
            continue
        if number in rows:
            twice.append(word)
            continue
        rows[number] = _finite(vectors[place].astype(np.float32), word, f"{path}, row {place + 1}")
    return _Found(path.name, rows, len(words), twice)


@contextmanager
def _single_array(path: Path) -> Iterator[dict[str, np.ndarray]]:
    yield {"vectors": np.load(path, allow_pickle=False)}


def _of_text(path: Path, numbers: dict[str, int]) -> _Found:
    """Vectors of a text file: a word a line, then its numbers with blanks between, as word2vec and GloVe write them.

    A first line with two whole numbers, as word2vec has it, is how many words there are and how wide. The file may be
    packed by gzip.
    """
    wanted = {word.encode(): number for word, number in numbers.items()}
    rows, twice, width, count = {}, [], None, 0
    try:
        with _opened(path) as file:
            for line, text in enumerate(file, 1):
                text = text.replace(b"\t", b" ").rstrip(b" \r\n")
                if line == 1 and b"\0" in text:
                    raise _binary(path)
                if not text:
                    continue
                pieces = text.count(b" ")
                if line == 1 and pieces == 1 and text.replace(b" ", b"").isdigit():
                    width = int(text.split()[1])
                    continue
                width = width or pieces
                if pieces < width or not pieces:
                    if b"\0" in text:
                        raise _binary(path)
                    raise CorpusError(
                        f"{path}, line {line}: {_excerpt(text)} has {pieces} numbers, where {width or 'some'} are "
                        "expected; a line is a word and its numbers, with blanks between."
                    )
                count += 1
                word = text[: text.index(b" ")] if pieces == width else text.rsplit(b" ", width)[0]
                number = wanted.get(word)
                if number is None:
                    if pieces > width and word.split(b" ")[0] in wanted and _is_number(word.rsplit(b" ", 1)[1]):
                        raise CorpusError(
                            f"{path}, line {line}: {_excerpt(text)} has {pieces} numbers, where {width} are expected."
                        )
                    continue
                if number in rows:
                    twice.append(word.decode())
                    continue
                try:
                    values = np.array([float(piece) for piece in text.rsplit(b" ", width)[1:]], np.float32)
                except ValueError:
                    if b"\0" in text:
                        raise _binary(path) from None
                    raise CorpusError(
                        f"{path}, line {line}: not all that follows {_excerpt(word)} are numbers; a line is a word and "
                        "its numbers, with blanks between."
                    ) from None
                rows[number] = _finite(values, word.decode(), f"{path}, line {line}")
    except (OSError, EOFError, zlib.error) as error:
        raise CorpusError(f"{path} cannot be read ({error}).") from error
    if not count:
        raise CorpusError(f"{path} is empty; a file of word vectors has a word and its numbers in every line.")
    return _Found(path.name, rows, count, twice)


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    """The file as bytes, unpacked where it is packed by gzip."""
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else open(path, "rb")


def _finite(values: np.ndarray, word: str, where: str) -> np.ndarray:
    if not np.isfinite(values).all():
        raise CorpusError(f"{where}: the vector of '{word}' has a value that is no finite number; leave it out.")
    return values


def _binary(path: Path) -> CorpusError:
    return CorpusError(
        f"{path} is not text; vectors in word2vec's binary format have to be saved as text first (gensim: "
        "`save_word2vec_format(..., binary=False)`)."
    )


def _is_number(piece: bytes) -> bool:
    try:
        float(piece)
    except ValueError:
        return False
    return True


def _find(name: str, *folders: Path | None) -> Path:
    """The file of this name: beside the recipe, in the corpora folder or in the current folder."""
    places = [folder / name for folder in folders if folder is not None] + [Path(name).expanduser()]
    for place in places:
        if place.is_file():
            return place
    looked = " and ".join(dict.fromkeys(str(place.absolute()) for place in places))
    raise CorpusError(
        f"There is no file of word vectors {name}: looked for {looked}. Correct network.embedding, or put it there."
    )


def _examples(words: list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words[:3])


def _excerpt(text: bytes) -> str:
    words = text[:40].decode("utf-8", "replace")
    return f"'{words}...'" if len(text) > 40 else f"'{words}'"
