"""NLTK's corpora by name, with the tags that each brings along as tracks.

Tracks, all gold and discrete, where the corpus has them: `pos` (its own tag set), `universal_pos`, `chunk` and
`phrase` (conll2000), `category` (the genre or opinion that NLTK files a text under). Traces of the Penn Treebank
(-NONE-), which nobody ever wrote or read, are dropped.
"""

import difflib
import hashlib
import importlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.corpora.corpus import Corpus, prepare
from pipelines.corpora.kinds import Nltk
from pipelines.corpora.nltk_data import PREDICTED, SENTENCES, need, predict_pos, universal
from pipelines.corpora.raw_text import RawText, divide, join
from pipelines.errors import CorpusError

FEW_FILES = 20  # a corpus of fewer files is divided inside each file, so that every split has some of each

UNIVERSAL_MAPS = {"wsj": "en-ptb", "brown": "en-brown"}  # tag set of a corpus -> its map to universal tags


def load(settings: Nltk, folder: Path | None = None) -> Corpus:
    """The corpus; files come in an order that mixes categories and is the same everywhere."""
    reader = _reader(settings.corpus, folder)
    files = sorted(reader.fileids(), key=lambda name: hashlib.md5(name.encode()).digest())
    texts, steps = [], 0
    for name in files:
        text = _file(reader, name, settings, folder)
        if len(text) == 0:
            continue
        texts.append(text)
        steps += len(text)
        if settings.maximum_steps is not None and steps >= settings.maximum_steps and len(files) >= FEW_FILES:
            break
    if not texts:
        raise CorpusError(f"NLTK's {settings.corpus} holds no words; choose another corpus.")
    parts = {
        split: part.shortened(settings.maximum_length) for split, part in _divide(texts, settings, len(files)).items()
    }
    sources = {track: f"gold: NLTK {settings.corpus}" for track in texts[0].tracks}
    if settings.predicted_pos and _tagged(reader) is None:
        sources["pos"] = PREDICTED
    return prepare(
        f"NLTK {settings.corpus}",
        "word",
        parts,
        limit=settings.vocabulary,
        minimum_count=settings.minimum_count,
        unknown=settings.unknown,
        track_sources=sources,
        tokenisation={
            "lower": settings.lower,
            "end": settings.sentence_end,
            "piece": "line" if _tagged(reader) or hasattr(reader, "sents") else "text",
            "starts": "line" if settings.sequences == "sentence" else "text",
        },
    )


def _reader(name: str, folder: Path | None) -> Any:
    """NLTK's reader of the corpus, its data at hand; `CorpusError` with the nearest name for an unknown one."""
    from nltk.corpus.reader.api import CorpusReader
    from nltk.corpus.util import LazyCorpusLoader  # becomes a CorpusReader on first use

    corpora = importlib.import_module("nltk.corpus")  # the module itself; `nltk.corpus` is a stand-in for it
    known = sorted(key for key, value in vars(corpora).items() if isinstance(value, LazyCorpusLoader | CorpusReader))
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}."
        raise CorpusError(f"NLTK has no corpus {name}; {meant}")
    need(f"corpora/{name}", folder)
    reader = getattr(corpora, name)
    if not hasattr(reader, "words") or not hasattr(reader, "fileids"):
        raise CorpusError(f"NLTK's {name} is no running text; choose one with words, such as brown or treebank.")
    return reader


def _tagged(reader: Any) -> Any:
    """The method that gives tagged sentences of a file, (word, tag) or (word, tag, chunk); None without tags."""
    if hasattr(reader, "iob_sents"):
        return reader.iob_sents
    return getattr(reader, "tagged_sents", None)


def _file(reader: Any, name: str, settings: Nltk, folder: Path | None) -> RawText:
    """One file as a stretch that may be cut at its sentences."""
    tagged = _tagged(reader)
    if tagged is not None:
        sentences = [[token for token in sentence if token[1] != "-NONE-"] for sentence in tagged(name)]
    else:
        sentences = [[(word,) for word in sentence] for sentence in _untagged_sentences(reader, name, settings, folder)]
    sentences = [sentence for sentence in sentences if sentence]
    end = [] if settings.sentence_end is None else [settings.sentence_end]
    words = [w for s in sentences for w in (*((t[0].lower() if settings.lower else t[0]) for t in s), *end)]
    begins = np.cumsum([0] + [len(s) + len(end) for s in sentences])[:-1]
    starts = np.zeros(len(words), dtype=bool)
    starts[:1] = True
    if settings.sequences == "sentence":
        starts[begins] = True

    def track(labels: Callable[[Any], list[str]]) -> np.ndarray:
        return np.array([label for s in sentences for label in (*labels(s), *[""] * len(end))], dtype=str)

    tracks = {}
    if tagged is not None:
        tracks["pos"] = track(lambda s: [token[1] or "" for token in s])
        tagset = UNIVERSAL_MAPS.get(getattr(reader, "_tagset", None) or "")
        if tagset:
            tracks["universal_pos"] = universal(tracks["pos"], tagset, folder)
        if sentences and len(sentences[0][0]) == 3:
            tracks["chunk"] = track(lambda s: [token[2] for token in s])
            tracks["phrase"] = track(lambda s: [token[2].split("-")[-1] for token in s])
    elif settings.predicted_pos:
        predicted = iter(predict_pos([[token[0] for token in s] for s in sentences], folder))
        tracks["pos"] = track(lambda s: next(predicted))
    if hasattr(reader, "categories"):
        tracks["category"] = np.full(len(words), " ".join(reader.categories(fileids=[name])))
    return RawText(words, starts, tracks, begins if len(sentences) > 1 else None)


def _untagged_sentences(reader: Any, name: str, settings: Nltk, folder: Path | None) -> Iterable[Sequence[str]]:
    """Sentences of a file without tags; the whole file as one where NLTK does not know its sentences."""
    if hasattr(reader, "sents"):
        need(SENTENCES, folder)
        return reader.sents(name)
    if settings.sequences == "sentence":
        raise CorpusError(
            f"NLTK's {settings.corpus} is not divided into sentences; set corpus.sequences to file or stream."
        )
    return [list(reader.words(name))]


def _divide(texts: list[RawText], settings: Nltk, files: int) -> dict[str, RawText]:
    if settings.sequences != "file" and files < FEW_FILES:
        most = settings.maximum_steps
        total = sum(map(len, texts))
        divided = [
            divide(s.first(None if most is None else max(1, round(most * len(s) / total))), settings.shares)
            for s in texts
        ]
        parts = {split: join([parts[split] for parts in divided]) for split in divided[0]}
    else:
        begins = np.cumsum([0] + [len(s) for s in texts])[:-1]
        whole = join(texts, begins).first(settings.maximum_steps)
        parts = divide(whole, settings.shares)
    if settings.sequences == "stream":
        for part in parts.values():
            part.sequence_starts[1:] = False
    return parts
