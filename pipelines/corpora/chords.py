"""Chords of songs: the McGill Billboard corpus, with what a musician would say about every chord.

A song is a sequence. All entries of one title are in one split, so that no song is in two of them by another singer or
annotator. Entries that equal another to the last chord (151 of 890) are left out, since copies are no evidence.

`degree`       the chord in the song's key: I, V, vi, ...; a bar line has none
`progression`  "I-V-vi-IV", "I-vi-IV-V" or "I-V-vi-iii-IV-I" from the first chord of one to the end of its last
`progression_chunk`  the same as B- on the first step and I- on the others, so that one that is repeated is two
`section`      intro, verse, chorus, ... as the annotators named it
`song`         title and artist
`bar`          number of the bar in its section, from 1
`beat`         place in the bar, from 1; 0 at the bar line. Chords and held beats count
"""

import hashlib
import re
from itertools import groupby
from pathlib import Path

import numpy as np

from pipelines.corpora import harmony
from pipelines.corpora.billboard import BAR, HELD, Song, songs
from pipelines.corpora.corpus import Corpus, prepare
from pipelines.corpora.kinds import Chords
from pipelines.corpora.raw_text import RawText, divide, join


def load(settings: Chords, folder: Path | None = None) -> Corpus:
    """The corpus, in whole titles, with the tracks that stand above."""
    titles = [list(group) for _, group in groupby(in_order(songs(folder)), lambda song: title_of(song.title))]
    texts = [_raw_text(song, settings) for group in titles for song in group]
    first_of_title = np.cumsum([0] + [len(group) for group in titles])[:-1]
    begins = np.cumsum([0] + [len(text) for text in texts])[:-1]
    whole = join(texts, begins[first_of_title]).first(settings.maximum_steps)
    annotated = dict.fromkeys(("song", "section", "bar", "beat"), "the annotators' (McGill Billboard)")
    derived = dict.fromkeys(
        ("degree", "progression", "progression_chunk"), "exact (from the annotators' chords and tonic)"
    )
    return prepare(
        "McGill Billboard chords" + (", in their key" if settings.spelling == "degree" else ""),
        "word",
        divide(whole, settings.shares),
        limit=settings.vocabulary,
        minimum_count=settings.minimum_count,
        unknown=settings.unknown,
        track_sources=annotated | derived,
    )


def in_order(found: list[Song]) -> list[Song]:
    """The songs, copies left out, by title in an order that mixes years and is the same on every machine."""
    different = {(title_of(song.title), *song.words): song for song in reversed(found)}
    order = {id(song): place for place, song in enumerate(found)}
    return sorted(
        different.values(),
        key=lambda song: (hashlib.md5(title_of(song.title).encode()).digest(), order[id(song)]),
    )


def title_of(title: str) -> str:
    """A title by which spellings of it are one: letters and digits, in lower case, without a leading "The".

    >>> title_of("The Way You Do The Things You Do") == title_of("Way you do the things you do ")
    True
    """
    words = re.sub(r"[^\w\s]|_", "", title.casefold()).split()
    return "".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)


def _raw_text(song: Song, settings: Chords) -> RawText:
    sounding = harmony.degrees(song.words, song.tonics)
    bar, beat = _places(song)
    label = np.full(len(song.words), "", dtype=object)
    chunk = label.copy()
    for start, stop, name in harmony.progressions(song.words, sounding):
        label[start:stop] = name
        chunk[start:stop] = f"I-{name}"
        chunk[start] = f"B-{name}"
    tracks = {  # what is looked at most comes first
        "degree": np.array(sounding),
        "progression": label.astype(str),
        "section": np.array(song.sections),
        "song": np.full(len(song.words), f"{song.title.strip()} ({song.artist.strip()})"),
        "bar": bar,
        "beat": beat,
        "progression_chunk": chunk.astype(str),
    }
    words = song.words
    if settings.spelling == "degree":
        words = [harmony.in_its_key(word, tonic) for word, tonic in zip(words, song.tonics, strict=True)]
    starts = np.zeros(len(words), dtype=bool)
    if not settings.bars:
        kept = np.array([word not in (BAR, HELD) for word in words])
        words = [word for word, keep in zip(words, kept, strict=True) if keep]
        starts, tracks = starts[kept], {name: values[kept] for name, values in tracks.items()}
    starts[:1] = True
    return RawText(words, starts, tracks)


def _places(song: Song) -> tuple[np.ndarray, np.ndarray]:
    """float64[steps]: the bar in its section and the place in the bar of every symbol."""
    bars, beats = [], []
    bar = beat = 0
    before = None
    for word, section in zip(song.words, song.sections, strict=True):
        if section != before:
            bar, before = 0, section
        if word == BAR:
            bar, beat = bar + 1, 0
        else:
            beat += 1
        bars.append(bar)
        beats.append(beat)
    return np.array(bars, float), np.array(beats, float)
