"""Chords: reading songs as they were published and as a table, what a chord is in its key, and progressions."""

import csv
import hashlib
import io
import itertools
import os
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import corpora
from pipelines.corpora import billboard, kinds
from pipelines.corpora.chords import in_order, title_of
from pipelines.corpora.harmony import PROGRESSIONS, ROOTS, degree, degrees, in_its_key, progressions
from pipelines.errors import CorpusError

FOLDER = Path(os.environ.get("RNNSTORE_CORPORA", "/nowhere"))
needs_billboard = pytest.mark.skipif(
    not (FOLDER / "chords" / "billboard_chords.txt").exists(),
    reason="needs the McGill Billboard chords: set RNNSTORE_CORPORA to a folder with chords/",
)

PUBLISHED = """# title: The Song
# artist: Somebody
# metre: 4/4
# tonic: C

0.0\tsilence
0.5\tA, intro, | C:maj | G:maj/3 . A:min . |, (guitar
4.0\t| F:maj | N |
8.0\tB', Verse, | (2/4) C:5 | x2, voice)
# tonic: D
12.0\tC, trans, | D:maj |
16.0\tZ, fadeout
20.0\tend
"""
SYMBOLS = "| C:maj | G:maj/3 . A:min . | F:maj | N | C:5 | C:5 | D:maj |"
WORDS = SYMBOLS.split()
SECTIONS = ["intro"] * 11 + ["verse"] * 4 + ["transition"] * 3
TABLE_LINE = "<intro> | C:maj | G:maj/3 . A:min . | F:maj | N <verse> | C:5 | C:5 <trans> | D:maj |"  # the same song


def settings(**given):
    return kinds.Chords(kind="chords", **given)


def song(title="x", chords="| C:maj |", tonic="C"):
    made = billboard.Song(title, "somebody")
    made.add(chords.split(), "verse", tonic)
    return made


def table(folder: Path, lines, titles, tonics=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "billboard_chords.txt").write_text("\n".join(lines) + "\n", "utf-8")
    with (folder / "billboard_songs.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "artist", "tonic"])
        for number, title in enumerate(titles):
            writer.writerow([number, title, "Somebody", tonics[number] if tonics else "C"])


# --- reading -----------------------------------------------------------------------------------------------


def test_a_published_song_becomes_symbols_with_their_section_and_key():
    read = billboard.read_annotation(PUBLISHED)
    assert (read.title, read.artist) == ("The Song", "Somebody")
    assert read.words == WORDS
    assert read.sections == SECTIONS
    assert read.tonics == ["C"] * 15 + ["D"] * 3  # a song that changes key is in the new one from there on


def test_a_table_says_the_same_but_for_the_change_of_key(tmp_path):
    table(tmp_path, [TABLE_LINE], ["The Song"])
    (read,) = billboard.read_table(tmp_path)
    assert (read.words, read.sections, read.tonics) == (WORDS, SECTIONS, ["C"] * 18)


def archive(path: Path, files: dict[str, str]):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as target:
        for name, text in files.items():
            facts = tarfile.TarInfo(name)
            facts.size = len(text.encode())
            target.addfile(facts, io.BytesIO(text.encode()))


def test_songs_are_found_as_a_table_as_files_or_in_the_archive(tmp_path):
    files = {f"McGill-Billboard/{n:04}/salami_chords.txt": PUBLISHED.replace("Song", f"Song {n}") for n in (12, 3)}
    archive(tmp_path / "archive" / "chords" / billboard.ARCHIVE, files)
    for name, text in files.items():
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    for place in ("archive", "files"):
        found = billboard.songs(tmp_path / place)
        assert [(one.title, one.words) for one in found] == [("The Song 3", WORDS), ("The Song 12", WORDS)]
    table(tmp_path / "archive" / "chords", [TABLE_LINE], ["From the table"])
    assert [one.title for one in billboard.songs(tmp_path / "archive")] == ["From the table"]


def test_without_the_files_the_archive_is_downloaded_and_checked(tmp_path, monkeypatch):
    archive(tmp_path / "server" / billboard.ARCHIVE, {"McGill-Billboard/0003/salami_chords.txt": PUBLISHED})
    source = (tmp_path / "server" / billboard.ARCHIVE).as_uri()
    checksum = hashlib.md5((tmp_path / "server" / billboard.ARCHIVE).read_bytes()).hexdigest()

    def retrieve(url, known_hash, fname, path):  # pooch speaks http only; what it checks is checked here
        assert (url, fname) == (source, billboard.ARCHIVE)
        if known_hash != f"md5:{checksum}":
            raise ValueError("hash")
        return str(tmp_path / "server" / billboard.ARCHIVE)

    monkeypatch.setattr(billboard.pooch, "retrieve", retrieve)
    with pytest.raises(CorpusError, match=r"is not the file that was expected .* put the archive at .*chords"):
        billboard.songs(tmp_path / "empty", source)
    monkeypatch.setattr(billboard, "CHECKSUM", f"md5:{checksum}")
    assert [one.title for one in billboard.songs(tmp_path / "empty", source)] == ["The Song"]


def test_without_a_connection_it_says_where_to_take_them_from_and_where_to_put_them(tmp_path):
    with pytest.raises(CorpusError) as caught:
        billboard.songs(tmp_path, "http://127.0.0.1:9/chords.tar.gz")
    said = str(caught.value)
    assert said.startswith(f"{billboard.ARCHIVE} could not be downloaded from http://127.0.0.1:9/chords.tar.gz (")
    assert billboard.HOME in said and str(tmp_path / "chords" / billboard.ARCHIVE) in said


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "folder"])
def test_an_archive_that_is_none_is_named(tmp_path, damage):
    path = tmp_path / "chords" / billboard.ARCHIVE
    archive(path, {"McGill-Billboard/0003/notes.txt" if damage == "empty" else "a/salami_chords.txt": PUBLISHED})
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    if damage == "text":
        path.write_text("<html>Not found</html>")
    if damage == "folder":
        path.unlink()
        path = tmp_path / "chords" / "McGill-Billboard"
        path.mkdir()
    with pytest.raises(CorpusError, match=r"is no archive that can be read|holds no file salami_chords\.txt") as caught:
        billboard.songs(tmp_path)
    assert str(path) in str(caught.value)


def test_a_table_whose_files_do_not_belong_together_is_refused(tmp_path):
    table(tmp_path / "chords", [TABLE_LINE, TABLE_LINE], ["one"])
    with pytest.raises(CorpusError, match=r"has 1 songs, and .*billboard_chords\.txt has 2 lines"):
        billboard.songs(tmp_path)
    (tmp_path / "chords" / "billboard_songs.csv").write_text("title,artist\na,b\nc,d\n")
    with pytest.raises(CorpusError, match="has no column tonic"):
        billboard.songs(tmp_path)


# --- harmony -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chord", "tonic", "expected"),
    [
        ("C:maj", "C", "I"), ("G:7(b9)/3", "C", "V"), ("A:min7", "C", "vi"), ("Bb:maj", "C", "bVII"),
        ("F#:hdim7", "G", "vii°"), ("Gb:dim7", "G", "vii°"), ("Eb:min", "C", "biii"), ("C:aug", "F", "V+"),
        ("E:5", "A", "V5"), ("E:1", "A", "V5"), ("E:5(b7)", "A", "V5"), ("E:sus4(b7,9)", "A", "Vsus"),
        ("E:1(b3,b7)", "A", "v"), ("E:1(3)", "A", "V"), ("E:11", "A", "V"), ("E:13", "A", "V"), ("Cb:maj", "E", "V"),
        ("N", "C", ""), ("*", "C", ""), ("&pause", "C", ""), ("C:maj", "?", ""), ("H:maj", "C", ""),
    ],
)  # fmt: skip
def test_degrees_of_chords(chord, tonic, expected):
    assert degree(chord, tonic) == expected


@given(st.integers(0, 11), st.integers(0, 11), st.sampled_from(["maj", "min7", "7(#9)/3", "sus4"]))
def test_a_song_in_another_key_has_the_same_degrees(height, up, quality):
    notes = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
    here, there = (f"{notes[(height + by) % 12]}:{quality}" for by in (0, up))
    assert degree(here, "C") == degree(there, notes[up])
    assert in_its_key(here, "C") == in_its_key(there, notes[up]) == f"{ROOTS[height]}:{quality}"


def marked(chords: str, tonic: str = "C") -> str:
    """The symbols that are in a progression, others as -."""
    words = chords.split()
    shown = ["-"] * len(words)
    for start, stop, name in progressions(words, degrees(words, [tonic] * len(words))):
        assert name in PROGRESSIONS
        shown[start:stop] = words[start:stop]
    return " ".join(shown)


def test_a_progression_reaches_from_its_first_chord_to_the_end_of_its_last():
    assert (
        marked("| D:min | C:maj . | C:maj7 | G:7/3 . A:min . | F:maj | F:maj | D:min |")
        == "- - - C:maj . | C:maj7 | G:7/3 . A:min . | F:maj | F:maj - - -"
    )


def test_a_progression_belongs_to_its_key():
    chords = "| C:maj | G:maj | A:min | F:maj |"
    assert marked(chords) == "- C:maj | G:maj | A:min | F:maj -"
    assert marked(chords, "G") == "- - - - - - - - -"


@pytest.mark.parametrize("chord", ["G:5", "G:sus4", "G:1", "G:sus4 G:maj", "G:maj G:sus4 G:7"])
def test_a_chord_without_a_third_counts_as_either(chord):
    assert marked(f"C:maj {chord} A:min F:maj E:7") == f"C:maj {chord} A:min F:maj -"


@pytest.mark.parametrize("chord", ["G:min", "N", "*", "G:dim", "G:maj D:min", "Ab:maj", "G:maj N"])
def test_another_chord_or_silence_breaks_it(chord):
    assert set(marked(f"C:maj {chord} A:min F:maj").split()) == {"-"}


def test_a_pause_does_not_break_it():
    assert marked("C:maj G:maj | &pause | A:min F:maj") == "C:maj G:maj | &pause | A:min F:maj"


def test_of_two_progressions_the_earlier_one_is_told_and_the_next_begins_after_it():
    chords = "C:maj A:min F:maj G:maj C:maj G:maj A:min E:min F:maj C:maj G:maj A:min F:maj"
    words = chords.split()
    found = progressions(words, degrees(words, ["C"] * len(words)))
    assert found == [(0, 4, "I-vi-IV-V"), (4, 10, "I-V-vi-iii-IV-I")]


@given(st.lists(st.sampled_from(["C:maj", "G:7", "A:min", "F:maj", "E:min", "N", "|", "."]), max_size=40))
def test_every_progression_is_told_once_and_is_the_row_of_chords_that_it_says(words):
    """Against the plainest reading: a letter a chord, doubles taken out, the rows looked up in that text."""
    letters = {"C:maj": "a", "G:7": "b", "A:min": "c", "F:maj": "d", "E:min": "e", "N": "n"}
    rows = {"abcd": "I-V-vi-IV", "acdb": "I-vi-IV-V", "abceda": "I-V-vi-iii-IV-I"}

    def row(words):
        return re.sub(r"([a-e])\1+", r"\1", "".join(letters[word] for word in words if word not in "|."))

    found = progressions(words, degrees(words, ["C"] * len(words)))
    assert [name for _, _, name in found] == [rows[one] for one in re.findall("|".join(rows), row(words))]
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(found))
    for start, stop, name in found:
        assert rows[row(words[start:stop])] == name
        assert words[start] not in "|." and words[stop - 1] != "|"
        rest = [word for word in words[stop:] if word != "|"]  # the last chord is in it for as long as it is held
        assert not rest or (rest[0] != "." and row(words[stop - 1 : stop] + rest[:1]) != row(words[stop - 1 : stop]))


# --- the corpus --------------------------------------------------------------------------------------------


def test_titles_are_compared_by_their_letters():
    assert title_of("Schoool's Out!") == title_of(" schoools out")
    assert title_of("The Twist") == title_of("Twist") != title_of("The")
    assert title_of("Élan") != title_of("lan")


def test_copies_are_left_out_and_versions_stay_together():
    found = [song("A"), song("B"), song("a!"), song("A", "| D:maj |"), song("C", "| C:maj |")]
    kept = in_order(found)
    assert len(kept) == 4 and found[2] not in kept  # "C" has the chords of "A" but is another song
    places = [place for place, one in enumerate(kept) if title_of(one.title) == "a"]
    assert places == [places[0], places[0] + 1]


def small(folder: Path, songs: int = 40) -> Path:
    """A table of songs, each twice by title but with other chords, in two keys."""
    keys = [("C", "C:maj | G:maj | A:min | F:maj"), ("D", "D:maj | A:maj | B:min | G:maj")]
    lines = [f"<verse> | {keys[n % 2][1]} | {'ABCDE'[n % 5]}:{'maj7' if n < 20 else 'min7'} |" for n in range(songs)]
    table(folder / "chords", lines, [f"Title {n // 2}" for n in range(songs)], [keys[n % 2][0] for n in range(songs)])
    return folder


def test_every_song_is_a_sequence_and_no_title_is_in_two_splits(tmp_path):
    corpus = corpora.load(settings(shares=kinds.Shares(train=0.5, validation=0.25, test=0.25)), small(tmp_path))
    assert corpus.level == "word"
    seen = {}
    for name, split in corpus.splits.items():
        words = [corpus.vocabulary[i] for i in split.word_ids]
        assert [words[t] for t in np.flatnonzero(split.sequence_starts)] == ["|"] * (len(split) // 11)
        assert set(split.tracks["section"]) == {"verse"}
        for label in set(split.tracks["song"]):
            assert seen.setdefault(label, name) == name
        assert set(split.tracks) == set(split.track_sources)
        assert split.tracks["bar"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6] * (len(split) // 11)
        assert split.tracks["beat"].tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0] * (len(split) // 11)
        expected = ["", *["I-V-vi-IV"] * 7, "", "", ""]
        assert split.tracks["progression"].tolist() == expected * (len(split) // 11)
        chunk = ["B-I-V-vi-IV", *["I-I-V-vi-IV"] * 6]
        assert split.tracks["progression_chunk"].tolist() == ["", *chunk, "", "", ""] * (len(split) // 11)
        assert split.tracks["degree"].tolist()[:9] == ["", "I", "", "V", "", "vi", "", "IV", ""]
    assert sum(map(len, corpus.splits.values())) == 40 * 11 and len(seen) == 20


def test_chords_alone_and_in_their_key(tmp_path):
    corpus = corpora.load(settings(spelling="degree", bars=False), small(tmp_path))
    words = [corpus.vocabulary[i] for i in corpus.splits["train"].word_ids]
    assert words[:4] == words[5:9] == ["I:maj", "V:maj", "VI:min", "IV:maj"]
    assert corpus.splits["train"].tracks["progression"].tolist()[:5] == ["I-V-vi-IV"] * 4 + [""]
    assert np.flatnonzero(corpus.splits["train"].sequence_starts).tolist()[:3] == [0, 5, 10]


@pytest.mark.long
@needs_billboard
def test_the_billboard_corpus_has_the_songs_that_its_makers_count():
    found = billboard.songs(FOLDER)
    assert len(found) == 890
    corpus = corpora.load(settings(), FOLDER)
    assert sum(int(split.sequence_starts.sum()) for split in corpus.splits.values()) == 739
    titles = [
        {title_of(label.rpartition(" (")[0]) for label in split.tracks["song"]} for split in corpus.splits.values()
    ]
    assert not titles[0] & titles[1] and not titles[0] & titles[2] and not titles[1] & titles[2]
    every = np.concatenate([split.tracks["degree"] for split in corpus.splits.values()])
    assert (every == "").mean() < 0.45  # bar lines, silence and what nobody could hear
