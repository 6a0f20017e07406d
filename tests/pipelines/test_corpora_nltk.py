"""NLTK's corpora: a small Brown corpus written here, and the real ones where the corpora folder has them."""

import importlib
import os
from pathlib import Path

import numpy as np
import pytest

from pipelines import corpora
from pipelines.corpora import kinds, nltk_data
from pipelines.errors import CorpusError

FOLDER = Path(os.environ.get("RNNSTORE_CORPORA", "/nowhere"))
WHOLE = {"train": 1.0, "validation": 0.0, "test": 0.0}


def needs(package):
    return pytest.mark.skipif(
        not (FOLDER / "nltk_data" / "corpora" / f"{package}.zip").exists(),
        reason=f"needs NLTK's {package}: set RNNSTORE_CORPORA to a folder with nltk_data/",
    )


def load(folder, **given):
    settings = {"kind": "nltk", "corpus": "brown", "shares": WHOLE} | given
    return corpora.load(kinds.Nltk.model_validate(settings), folder)


def table(corpus, split="train"):
    """A row for every step: word, start, and the tracks."""
    part = corpus.splits[split]
    words = [corpus.vocabulary[i] for i in part.word_ids]
    return list(zip(words, part.sequence_starts.tolist(), *(v.tolist() for v in part.tracks.values()), strict=True))


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder whose nltk_data holds a Brown corpus of three files, and nothing else for NLTK to find."""
    nltk = importlib.import_module("nltk")
    corpus_module, reader = importlib.import_module("nltk.corpus"), importlib.import_module("nltk.corpus.reader")
    loader = importlib.import_module("nltk.corpus.util").LazyCorpusLoader
    brown = tmp_path / "nltk_data" / "corpora" / "brown"
    brown.mkdir(parents=True)
    (brown / "ca01").write_text("The/at dog/nn ran/vbd ./.\n\nIt/pps ran/vbd\n")
    (brown / "ca02").write_text("A/at dog/nn\n")
    (brown / "cb01").write_text("Ran/vbd it/pps ?/.\n")
    (brown / "cats.txt").write_text("ca01 news\nca02 news\ncb01 editorial\n")
    universal = tmp_path / "nltk_data" / "taggers" / "universal_tagset"
    universal.mkdir(parents=True)
    (universal / "en-brown.map").write_text("AT\tDET\nNN\tNOUN\nVBD\tVERB\n.\t.\n")
    monkeypatch.setattr(nltk.data, "path", [])
    arguments = ("brown", reader.CategorizedTaggedCorpusReader, r"c[a-z]\d\d")
    lazy = loader(*arguments, cat_file="cats.txt", tagset="brown", encoding="ascii")
    monkeypatch.setattr(corpus_module, "brown", lazy)
    monkeypatch.delitem(importlib.import_module("nltk.tag.mapping")._MAPPINGS, "en-brown", raising=False)
    nltk.data.clear_cache()  # of maps that another test read from real ones
    nltk_data._universal_map.cache_clear()
    yield tmp_path
    nltk.data.clear_cache()
    nltk_data._universal_map.cache_clear()


def test_sentences_are_sequences_with_the_tags_of_the_corpus(small):
    corpus = load(small, lower=True)
    assert (corpus.name, corpus.level) == ("NLTK brown", "word")
    assert corpus.vocabulary == ["<eos>", "ran", "dog", "it", ".", "?", "a", "the"]
    part = corpus.splits["train"]
    assert list(part.tracks) == ["pos", "universal_pos", "category"]
    assert part.track_sources == dict.fromkeys(part.tracks, "gold: NLTK brown")
    assert sorted(table(corpus), key=lambda row: row[-1] == "news") == [
        ("ran", True, "VBD", "VERB", "editorial"),
        ("it", False, "PPS", "X", "editorial"),
        ("?", False, ".", ".", "editorial"),
        ("<eos>", False, "", "", "editorial"),
        ("the", True, "AT", "DET", "news"),
        ("dog", False, "NN", "NOUN", "news"),
        ("ran", False, "VBD", "VERB", "news"),
        (".", False, ".", ".", "news"),
        ("<eos>", False, "", "", "news"),
        ("it", True, "PPS", "X", "news"),
        ("ran", False, "VBD", "VERB", "news"),
        ("<eos>", False, "", "", "news"),
        ("a", True, "AT", "DET", "news"),
        ("dog", False, "NN", "NOUN", "news"),
        ("<eos>", False, "", "", "news"),
    ]


@pytest.mark.parametrize(("sequences", "count"), [("sentence", 4), ("file", 3), ("stream", 1)])
def test_the_state_is_reset_where_the_recipe_says(small, sequences, count):
    assert load(small, sequences=sequences).splits["train"].sequence_starts.sum() == count


def test_ends_lengths_vocabulary_and_steps_can_be_chosen(small):
    corpus = load(small, sentence_end=None, maximum_length=2, vocabulary=3)
    assert len(corpus.splits["train"]) == 8
    assert len(corpus.vocabulary) == 3
    assert 0 < len(load(small, maximum_steps=9).splits["train"]) <= 9


def test_few_files_are_each_divided_so_that_every_split_has_some_of_each(small):
    brown = small / "nltk_data" / "corpora" / "brown"
    (brown / "ca02").unlink()
    (brown / "ca01").write_text("a/at\n" * 10)
    (brown / "cb01").write_text("b/at\n" * 10)
    (brown / "cats.txt").write_text("ca01 news\ncb01 editorial\n")
    corpus = load(small, sentence_end=None, shares={"train": 0.6, "validation": 0.2, "test": 0.2})
    counts = {name: sorted(row[0] for row in table(corpus, name)) for name in corpus.splits}
    assert counts == {"train": ["a"] * 6 + ["b"] * 6, "validation": ["a", "a", "b", "b"], "test": ["a", "a", "b", "b"]}


def test_an_unknown_corpus_gets_the_nearest_name():
    with pytest.raises(CorpusError) as caught:
        load(None, corpus="browm")
    assert str(caught.value) == "NLTK has no corpus browm; did you mean brown?"


def test_a_corpus_that_cannot_be_fetched_says_what_to_run_and_where_to_put_it(small, monkeypatch):
    def offline(*args, **kwargs):
        raise ValueError("Error loading treebank: no connection")

    monkeypatch.setattr("nltk.download", offline)
    own = small / "nltk_data"
    with pytest.raises(CorpusError) as caught:
        load(small, corpus="treebank")
    assert str(caught.value) == (
        "NLTK's treebank is not on this machine and could not be downloaded (Error loading treebank: no connection). "
        f"With a connection, run `python -m nltk.downloader --dir {own} treebank`; without one, put treebank.zip into "
        f"{own}/corpora, or set NLTK_DATA to the folder that has it."
    )


def test_a_missing_corpus_is_fetched_by_nltks_downloader_into_the_corpora_folder(small, monkeypatch):
    asked = []

    def download(package, download_dir, **rest):
        asked.append((package, download_dir))
        return True

    monkeypatch.setattr("nltk.download", download)
    nltk_data.need("corpora/gutenberg", small)
    assert asked == [("gutenberg", str(small / "nltk_data"))]


# --- the real ones -----------------------------------------------------------------------------------------


@needs("conll2000")
def test_conll2000_has_phrases():
    part = load(FOLDER, corpus="conll2000", maximum_steps=5000).splits["train"]
    assert list(part.tracks) == ["pos", "universal_pos", "chunk", "phrase"]
    assert part.tracks["chunk"][:6].tolist() == ["B-NP", "B-PP", "B-NP", "I-NP", "B-VP", "I-VP"]
    assert part.tracks["phrase"][:6].tolist() == ["NP", "PP", "NP", "NP", "VP", "VP"]


@needs("treebank")
def test_traces_of_the_treebank_are_dropped():
    corpus = load(FOLDER, corpus="treebank", maximum_steps=20_000)
    assert "-NONE-" not in corpus.splits["train"].tracks["pos"]
    assert not any(word.startswith("*T*") for word in corpus.vocabulary)


@needs("movie_reviews")
def test_a_corpus_without_tags_has_its_categories_and_predicted_tags_on_request():
    part = load(FOLDER, corpus="movie_reviews", maximum_steps=3000, predicted_pos=True, vocabulary=500).splits["train"]
    assert part.track_sources == {
        "category": "gold: NLTK movie_reviews",
        "pos": "predicted by NLTK's perceptron tagger",
    }
    assert np.mean(part.tracks["pos"] != "") > 0.9


@needs("shakespeare")
def test_a_corpus_without_sentences_is_read_by_file_or_as_a_stream():
    assert load(FOLDER, corpus="shakespeare", sequences="file").splits["train"].sequence_starts.sum() == 8
    shares = {"train": 0.8, "validation": 0.1, "test": 0.1}
    assert len(load(FOLDER, corpus="shakespeare", sequences="stream", shares=shares).splits) == 3
    with pytest.raises(CorpusError, match=r"is not divided into sentences; set corpus\.sequences to file or stream"):
        load(FOLDER, corpus="shakespeare")
