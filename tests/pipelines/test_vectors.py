"""Word vectors to start an embedding with: what each kind of file gives, and the sentence for every wrong one."""

import gzip

import numpy as np
import pytest

import rnnstore
from pipelines import recipe as recipes
from pipelines import vectors
from pipelines.corpora.corpus import Corpus, Split
from pipelines.errors import CorpusError, RecipeError
from pipelines.recipe import Embedding

WORDS = ["the", "cat", "sat", "<unk>"]
THREE = "the 1 2\ncat -0.5 4e-1\ndog 9 9\nsat 0 1\n"


def a_corpus(words=WORDS, ids=(0, 1, 2, 0, 1, 3), starts=(0,)):
    ids = np.array(ids, np.int32)
    return Corpus("small", "word", list(words), {"train": Split(ids, np.isin(np.arange(len(ids)), starts))})


def loaded(tmp_path, text=THREE, name="v.txt", corpus=None, **settings):
    """The vectors of a file with this text."""
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return vectors.load(Embedding(file=name, **settings), corpus or a_corpus(), 1, tmp_path)


def refused(tmp_path, text=THREE, **options) -> str:
    with pytest.raises(CorpusError) as caught:
        loaded(tmp_path, text, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        THREE,
        "4 2\n" + THREE,
        THREE.replace(" ", "\t"),
        THREE.replace("\n", " \r\n"),
        gzip.compress(THREE.encode()),
        ". . . 3 3\n".join(["the 1 2\n", "cat -0.5 0.4\nsat 0 1\n"]),
    ],
    ids=["glove", "word2vec", "tabs", "blanks at the end", "gzip", "a word with blanks"],
)
def test_words_get_the_vectors_of_a_text_file_and_others_are_drawn(tmp_path, text):
    found = loaded(tmp_path, text)
    np.testing.assert_allclose(found.values[:3], [[1, 2], [-0.5, 0.4], [0, 1]], atol=1e-7)
    assert found.known.tolist() == [True, True, True, False]
    assert np.isfinite(found.values[3]).all() and found.values[3].any()
    assert found.facts == {"source": "v.txt", "width": 2, "found": 3, "missing": 1, "tuned": True}
    assert "3 of 4 words have a vector there" in found.notes[0]
    assert found.notes[1].startswith("1 words without a vector, 16.7 % of the training text, such as '<unk>', start at")
    np.testing.assert_array_equal(found.values, loaded(tmp_path, text).values)


def test_arrays_are_read_with_their_words(tmp_path):
    rows = np.array([[1, 2], [-0.5, 0.4], [9, 9], [0, 1]])
    words = ["the", "cat", "dog", "sat"]
    np.savez(tmp_path / "v.npz", words=np.array(words), vectors=rows)
    np.save(tmp_path / "v.npy", rows.astype(np.float16))
    (tmp_path / "w.txt").write_text("\n".join(words), "utf-8")
    corpus = a_corpus()
    for given in (Embedding(file="v.npz"), Embedding(file="v.npy", words="w.txt")):
        found = vectors.load(given, corpus, 1, tmp_path)
        np.testing.assert_allclose(found.values[:3], rows[[0, 1, 3]], atol=1e-3)
    (tmp_path / "w.txt").write_text("the\ncat", "utf-8")
    with pytest.raises(CorpusError, match=r"holds float16 of shape \(4, 2\) for 2 words"):
        vectors.load(Embedding(file="v.npy", words="w.txt"), corpus, 1, tmp_path)
    np.savez(tmp_path / "v.npz", embedding=rows)
    with pytest.raises(CorpusError, match="has no array `vectors` but embedding"):
        vectors.load(Embedding(file="v.npz"), corpus, 1, tmp_path)
    np.savez(tmp_path / "v.npz", words=np.array(words, object), vectors=rows)
    with pytest.raises(CorpusError, match="cannot be read as an array"):
        vectors.load(Embedding(file="v.npz"), corpus, 1, tmp_path)


def test_what_is_missing_twice_or_spelled_otherwise_is_said(tmp_path):
    corpus = a_corpus(["the", "Cat", "sat"], [0, 1, 1, 2])
    found = loaded(tmp_path, "the 1 2\nthe 3 4\nsat 5 6\n", corpus=corpus, tuned=False)
    np.testing.assert_array_equal(found.values[0], [1, 2])
    assert "training leaves them as they are" in found.notes[0]
    assert "50.0 % of the training text" in found.notes[1]
    assert "1 of them have capitals: did the vectors read small letters only?" in found.notes[1]
    assert found.notes[2] == "1 words, such as 'the', are in v.txt more than once; the first vector of each is used."


@pytest.mark.parametrize(
    ("text", "settings", "sentence"),
    [
        ("", {}, "v.txt is empty; a file of word vectors has a word and its numbers in every line."),
        ("le 1 2\nla 1 2", {}, "None of the 2 words of v.txt is a word of small, whose words are such as 'the', 'cat'"),
        (THREE, {"width": 3}, "network.embedding.width is 3, and the vectors of v.txt have 2 numbers each; write 2"),
        ("the 1 2\ncat 1\n", {}, "line 2: 'cat 1' has 1 numbers, where 2 are expected"),
        ("the 1 2\ncat 1 2 3\n", {}, "line 2: 'cat 1 2 3' has 3 numbers, where 2 are expected"),
        ("the 1 2\ncat 1 x\n", {}, "line 2: not all that follows 'cat' are numbers"),
        ("the 1 nan\n", {}, "line 1: the vector of 'the' has a value that is no finite number"),
        ("once upon a time\nthe end\n", {}, "line 2: 'the end' has 1 numbers, where 3 are expected"),
        (b"4 2\nthe \x00\x00\x80?\x00\x00\x00@\ncat \x00\x01", {}, "is not text; vectors in word2vec's binary format"),
        (gzip.compress(THREE.encode() * 50, mtime=0)[:60], {}, "cannot be read (Compressed file ended"),
    ],
)
def test_a_wrong_file_gets_a_sentence(tmp_path, text, settings, sentence):
    assert sentence in refused(tmp_path, text, **settings)


def test_a_file_that_is_not_there_is_said_with_where_it_was_looked_for(tmp_path):
    with pytest.raises(CorpusError, match=r"There is no file of word vectors no\.txt: looked for .*no\.txt"):
        vectors.load(Embedding(file="no.txt"), a_corpus(), 1, tmp_path)


def test_the_embedding_of_a_model_is_taken_by_word(tmp_path):
    import json

    store = rnnstore.open(tmp_path)
    embedding = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    facts = {
        "format": 1,
        "network": {"vocabulary": 3, "embedding": 5, "layers": [{"cell": "vanilla", "units": 2}]},
        "vocabulary": ["sat", "the", "dog"],
    }
    shapes = {"layer1.kernel": (5, 2), "layer1.recurrent": (2, 2), "layer1.bias": (2,)}
    shapes |= {"output.kernel": (2, 3), "output.bias": (3,)}
    with store.writer("other") as writer:
        weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        np.savez(writer.folder("network") / "weights.npz", embedding=embedding, **weights)
        (writer.folder("network") / "network.json").write_text(json.dumps(facts), "utf-8")
    store.refresh()
    found = vectors.load(Embedding(model="other"), a_corpus(), 1, store=store)
    np.testing.assert_array_equal(found.values[[0, 2]], embedding[[1, 0]])
    assert found.known.tolist() == [True, False, True, False]


def test_words_with_the_same_neighbours_get_the_same_vector():
    """Two animals stand in the same places, two verbs in others; a sequence's edge separates neighbours."""
    words = ["a", "cat", "dog", "runs", "sleeps", "."]
    rng = np.random.default_rng(0)
    ids = [i for _ in range(400) for i in (0, rng.integers(1, 3), rng.integers(3, 5), 5)]
    corpus = a_corpus(words, ids, range(0, len(ids), 4))
    given = Embedding(neighbours=1, width=3, tuned=False)
    values = vectors.load(given, corpus, 1).values
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    alike = unit @ unit.T
    assert alike[1, 2] > 0.95 and alike[3, 4] > 0.95
    assert alike[1, 3] < 0.7 and alike[2, 4] < 0.7
    assert np.linalg.norm(values, axis=1).mean() == pytest.approx(1, rel=1e-5)
    np.testing.assert_array_equal(values, vectors.load(given, corpus, 7).values)
    with pytest.raises(CorpusError, match="it must be less than the 6 words of small"):
        vectors.load(Embedding(neighbours=2, width=6), corpus, 1)


RECIPE = """
name: brackets
corpus: {{kind: parentheses, symbols: 2000, shares: {{train: 0.8, validation: 0.1, test: 0.1}}}}
network: {{embedding: {embedding}, layers: [{{cell: gru, units: 5}}]{more}}}
training: {{epochs: 1, batch: 2, unroll: 5}}
"""


@pytest.mark.parametrize(
    ("embedding", "more", "sentence"),
    [
        ("{}", "", "network.embedding needs one of file, model and neighbours, and has none."),
        ("{file: a, model: b}", "", "needs one of file, model and neighbours, and has file and model."),
        ("{neighbours: 3}", "", "network.embedding.width is missing: how many numbers a word is to get"),
        ("{file: a.npy}", "", "network.embedding.words is missing: an .npy holds no words"),
        ("{file: a, words: b}", "", "network.embedding.words belongs to a file that ends in .npy; leave words out."),
        ("{file: a, tune: true}", "", "network.embedding.tune is not a setting; did you mean tuned?"),
        ("{file: a, tuned: 1}", "", "network.embedding.tuned is 1; expected true or false."),
        ("{model: brackets}", "", "network.embedding.model is brackets, which is this model; name another one."),
        ("{file: a, tuned: false}", ", tie: true", "network.tie would fix the output weights too"),
        ("{file: a}", ", tie: true", "network.tie needs embedding.width, to be as wide as the last layer; write it."),
        ("{file: a, width: 4}", ", tie: true", "embedding is 4 and the last layer has 5 units."),
        ("glove.txt", "", "network.embedding is 'glove.txt'; expected a whole number."),
    ],
)
def test_settings_that_do_not_fit_are_refused(embedding, more, sentence):
    with pytest.raises(RecipeError) as caught:
        recipes.parse(RECIPE.format(embedding=embedding, more=more))
    assert sentence in str(caught.value)


@pytest.mark.long
@pytest.mark.parametrize("tuned", [True, False])
def test_fixed_vectors_do_not_move_in_training_and_tuned_ones_do(tmp_path, tuned):
    pytest.importorskip("tensorflow")
    from pipelines.__main__ import work
    from rnnstore.networks import open_network

    (tmp_path / "v.txt").write_text("( 1 2 3\n) 4 5 6\n0 -1 -1 -1\n", "utf-8")
    text = RECIPE.format(embedding=f"{{file: v.txt, tuned: {str(tuned).lower()}}}", more="")
    (tmp_path / "r.yaml").write_text(text, "utf-8")
    work(str(tmp_path / "r.yaml"), tmp_path / "store", None, training=True, recording=True)
    model = rnnstore.open(tmp_path / "store").model("brackets")
    trained = open_network(model)
    rows = trained.embed(np.array([trained.words.index(word) for word in "()0"]))
    moved = np.abs(rows - [[1, 2, 3], [4, 5, 6], [-1, -1, -1]]).max()
    assert moved > 1e-3 if tuned else moved == 0
    prepared = model.card.settings["prepared"]
    assert prepared["vectors"] == {"source": "v.txt", "width": 3, "found": 3, "missing": 4, "tuned": tuned}
    assert any("3 of 7 words have a vector there" in note for note in prepared["notes"])
    sizes = 7 * 3 * tuned + (3 + 5) * 15 + 30 + 5 * 7 + 7
    assert (model.card.embedding, model.card.parameters) == (3, sizes)
    (tmp_path / "v.txt").unlink()
    work(str(tmp_path / "r.yaml"), tmp_path / "store", None, recording=True)  # needs no file of vectors
