"""A genome: records, regions and masked letters of FASTA files, intervals of BED files, and what is wrong with them."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import corpora
from pipelines.corpora import genome, kinds
from pipelines.errors import CorpusError

MOTIF = "GATTACAGATTA"


def settings(files=("genome.fa",), **given):
    return kinds.Genome(kind="genome", files=list(files), **given)


def load(folder, **given):
    return corpora.load(settings(**{"shares": kinds.Shares(train=1, validation=0, test=0), **given}), folder)


def text_of(corpus, split="train"):
    return "".join(corpus.vocabulary[i] for i in corpus.splits[split].word_ids)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "genome.fa").write_text(">chr1 the first\nACGTAC\nGTnnAC\n\n>chr2\nTTTTgggg\nCC\n")
    (tmp_path / "sites.bed").write_text("# sites\nchr1\t2\t5\tsite\t7\nchr1 4 8\nchr2 0 1\nchr9 3 4\n")
    return tmp_path


def test_records_are_sequences_of_bases_with_masked_letters_and_intervals_beside_them(folder):
    corpus = load(folder, tracks={"CTCF": "sites.bed"})
    split = corpus.splits["train"]
    assert (corpus.name, corpus.level, sorted(corpus.vocabulary)) == ("genome.fa", "character", list("ACGNT"))
    assert text_of(corpus) == "ACGTACGTNNAC" + "TTTTGGGGCC"
    assert np.flatnonzero(split.sequence_starts).tolist() == [0, 12]
    assert "".join("x" if label else "." for label in split.tracks["CTCF"]) == "..xxxxxx...." + "x........."
    assert "".join("r" if label else "." for label in split.tracks["repeat"]) == "........rr.." + "....rrrr.."
    assert split.track_sources["CTCF"] == "intervals of sites.bed"


@pytest.mark.parametrize(
    ("regions", "bases", "sites"),
    [
        (["chr1:3-6"], "GTAC", "xxxx"),
        (["chr2"], "TTTTGGGGCC", "x........."),
        (["chr2:1-2", "chr1:5-7", "chr1:6-1,000"], "ACG" + "CGTNNAC" + "TT", "xxx" + "xxx...." + "x."),  # file's order
    ],
)
def test_regions_are_read_as_genome_browsers_write_them(folder, regions, bases, sites):
    corpus = load(folder, regions=regions, tracks={"site": "sites.bed"})
    assert text_of(corpus) == bases
    assert "".join("x" if label else "." for label in corpus.splits["train"].tracks["site"]) == sites
    assert corpus.splits["train"].sequence_starts.sum() == len(regions)


def test_steps_can_be_limited_and_files_packed_or_plain(folder):
    (folder / "more.fa.gz").write_bytes(gzip.compress(b"AACC\nGGTT\n"))
    assert text_of(load(folder, files=["more.fa.gz", "genome.fa"], maximum_steps=11)) == "AACCGGTT" + "ACG"
    assert text_of(load(folder, files=["genome.fa", "more.fa.gz"], maximum_steps=11)) == "ACGTACGTNNA"


def test_one_record_is_cut_anywhere_and_several_at_their_starts(folder):
    shares = kinds.Shares(train=0.5, validation=0.5, test=0)
    corpus = corpora.load(settings(regions=["chr2"], shares=shares), folder)
    assert [text_of(corpus, name) for name in ("train", "validation")] == [
        "TTTTG",
        "GGGNN",
    ]  # C is not in what is trained on
    corpus = corpora.load(settings(shares=shares), folder)
    assert [text_of(corpus, name) for name in ("train", "validation")] == ["ACGTACGTNNAC", "TTTTGGGGCC"]


@given(st.lists(st.tuples(st.text("ACGTacgtN", max_size=30), st.integers(1, 9)), min_size=1, max_size=4), st.data())
def test_any_region_of_any_file_is_the_slice_of_its_record(tmp_path_factory, records, data):
    path = tmp_path_factory.mktemp("fasta") / "any.fa"
    lines = []
    for number, (bases, width) in enumerate(records):
        lines += [f">r{number}", *(bases[at : at + width] for at in range(0, len(bases), width))]
    path.write_text("\n".join(lines))
    record = data.draw(st.integers(0, len(records) - 1))
    start, stop = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 40))
    found = genome.read(path, [(f"r{record}", start, stop)], None)
    assert "".join(piece.bases for piece in found) == records[record][0][start:stop]


def test_planted_motifs_are_where_the_track_says(tmp_path):
    drawn = np.random.default_rng(5)
    bases = drawn.choice(list("ACGT"), 5000)
    places = np.sort(drawn.choice(400, 60, replace=False)) * 12
    for place in places:
        bases[place : place + 12] = list(MOTIF)
    (tmp_path / "planted.fa").write_text(">planted\n" + "\n".join("".join(row) for row in bases.reshape(-1, 50)))
    (tmp_path / "motif.bed").write_text("".join(f"planted\t{place}\t{place + 12}\n" for place in places))
    corpus = load(tmp_path, files=["planted.fa"], tracks={"motif": "motif.bed"})
    text, track = text_of(corpus), corpus.splits["train"].tracks["motif"]
    assert text == "".join(bases)
    inside = "".join(text[t] if track[t] else " " for t in range(len(text))).split()
    assert set("".join(inside).split(MOTIF)) == {""} and "".join(inside).count(MOTIF) == 60


@pytest.mark.parametrize(
    ("change", "given", "message"),
    [
        ({}, {"files": ["none.fa"]}, "There is no text file none.fa"),
        ({"genome.fa": ">chr1\nACGT\nAXGT\n"}, {}, r"genome\.fa, line 3: 'X' is no base"),
        ({"genome.fa": ">chr1\n>chr2\n"}, {}, "holds no bases"),
        ({"genome.fa": ">chr1\nACGÜ\n"}, {}, "is no FASTA file that can be read"),
        ({}, {"regions": ["chr3"]}, r"corpus\.regions names chr3, which is not in genome\.fa"),
        ({}, {"regions": ["chr1:20-30"]}, "corpus.regions names chr1:20-30, which is not in"),
        ({}, {"regions": ["chr1:9-3"]}, "its first base must be at least 1 and not behind its last"),
        ({"sites.bed": "chr1 2\n"}, {"tracks": {"a": "sites.bed"}}, r"sites\.bed, line 1 is 'chr1 2'; a line of a BED"),
        ({"sites.bed": "chr1 a b\n"}, {"tracks": {"a": "sites.bed"}}, "line 1 is 'chr1 a b'"),
        (
            {"sites.bed": "1 2 3\n"},
            {"tracks": {"a": "sites.bed"}},
            r"has intervals of 1, but genome\.fa has chr1, chr2",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(folder, change, given, message):
    for name, text in change.items():
        (folder / name).write_text(text)
    with pytest.raises(CorpusError, match=message):
        load(folder, **given)
