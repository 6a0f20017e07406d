"""Memory read from the store: gradients against derivatives by hand, measures and properties against their formulas."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import rnnstore
from rnnstore import pictures
from rnnstore.errors import MissingNetwork, QuestionError, UnknownName
from rnnstore.memory import commands, measuring, spectra
from rnnstore.memory import singular_values as memory
from rnnstore.memory.gradients import ALL
from rnnstore.memory.probes import probe
from rnnstore.memory.properties import cosine_with_span, memory_of, property_of, relative_memory, save_properties
from rnnstore.memory.samples import sample
from rnnstore.memory.word_classes import class_words, of_steps, shipped_properties, two_classes
from rnnstore.networks import open_network
from tests.support.remembered import EMBEDDING, STEPS, UNITS, WORDS, arrays, by_complex_steps, store_with_memory, text
from tests.support.worlds import record

SINGULAR, PLURAL = ("pos:NN", "pos:NNS")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store whose model has gradients of both states, by the paper's classes."""
    opened = store_with_memory(tmp_path_factory.mktemp("memory") / "store")
    found = measuring.state_gradients(opened.model("tiny"), delays=6, classes=["pos"], threads=2)
    measuring.save(opened, "tiny", found, opened.model("tiny"))
    assert save_properties(opened, "tiny", shipped_properties(opened.model("tiny"))) == []
    return opened


def means(state, members, delays=6, start=0, stop=STEPS):
    """The mean matrix at each delay, by hand."""
    single = {source: by_complex_steps(source, delays, state) for source in range(start, stop) if members[source]}
    return [
        np.mean([each[d] for source, each in single.items() if d < len(each) and source + d < stop], axis=0)
        for d in range(delays)
    ]


@pytest.mark.parametrize("state", ["layer1.c", "layer1.h"])
def test_what_is_kept_is_the_mean_derivative_by_hand(store, state):
    ids, _ = text()
    kinds = {ALL: np.ones(STEPS, bool), "nouns": ids < 20}
    for word_class, members in kinds.items():
        for delay, expected in enumerate(means(state, members)):
            found, _ = spectra.matrix(store.model("tiny"), state, word_class, delay)
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_a_part_in_the_middle_of_a_sequence_starts_from_the_state_there(store):
    found = measuring.state_gradients(store.model("tiny"), ["layer1.h"], delays=3, start=70, stop=90)
    rows = found.table.to_pylist()
    for row, expected in zip(rows, means("layer1.h", np.ones(STEPS, bool), 3, 70, 90), strict=True):
        np.testing.assert_allclose(np.reshape(row["matrix"], (UNITS, EMBEDDING)), expected, rtol=1e-3, atol=1e-5)


def test_curves_hold_the_measures(store):
    model = store.model("tiny")
    table = memory.curves(model, "layer1.c")
    assert set(table["word_class"].to_pylist()) == {
        "nouns", "verbs", "conjunctions and prepositions", ALL,
    }  # fmt: skip
    for row in table.to_pylist():
        sigma = np.linalg.svd(spectra.matrix(model, "layer1.c", row["word_class"], row["delay"])[0], compute_uv=False)
        assert row["sigma_1"] == pytest.approx(sigma[0], rel=1e-4)
        assert row["total"] == pytest.approx(sigma.sum(), rel=1e-4)
        assert row["ratio"] == pytest.approx(sigma[0] / sigma.sum(), rel=1e-4)
        shares = sigma / sigma.sum()
        assert row["effective_rank"] == pytest.approx(np.prod(shares**-shares), rel=1e-3)
    assert memory.effective_rank(np.ones(7)) == pytest.approx(7)
    assert memory.effective_rank(np.array([3.0, 0, 0])) == pytest.approx(1)


@pytest.mark.parametrize("fraction", [0.9, 0.5, 1e-9])
def test_sql_says_how_long_a_class_is_remembered(store, fraction):
    """The last delay before the mean largest singular value of single words falls below a fraction of that at 0."""
    table, expected = memory.curves(store.model("tiny"), "layer1.c").to_pylist(), {}
    for name in {row["word_class"] for row in table}:
        single = [row["mean_sigma_1"] for row in sorted(table, key=lambda r: r["delay"]) if row["word_class"] == name]
        last = next((d for d, value in enumerate(single) if value < fraction * single[0]), len(single)) - 1
        expected[name] = (last, len(single) - 1, pytest.approx(single[0]))
    rows = store.sql(f"from longest_remembered('tiny', 'layer1.c', fraction := {fraction})").to_pylist()
    assert {row["word_class"]: (row["remembered"], row["measured"], row["at_once"]) for row in rows} == expected
    assert [row["remembered"] for row in rows] == sorted((row["remembered"] for row in rows), reverse=True)


def test_directions_make_the_matrix_again(store):
    found = spectra.directions(store.model("tiny"), "layer1.h", "nouns", 2)
    again = (found.left.T * found.singular_values) @ found.right
    np.testing.assert_allclose(again, spectra.matrix(store.model("tiny"), "layer1.h", "nouns", 2)[0], atol=1e-6)
    units = found.strongest_units(0)
    assert [unit for unit, _ in units] == np.argsort(-np.abs(found.left[0])).tolist()
    assert units[0][1] > 0


def test_nearest_words_are_those_of_the_highest_cosine(store):
    trained = open_network(store.model("tiny"))
    direction = np.array([1.0, 0, 0, 0])
    along, against = spectra.nearest_words(trained, direction, 5)
    table = arrays()["embedding"]
    cosine = cosine_similarity(table - table.mean(axis=0), direction[None])[:, 0]
    assert [word for word, _ in along] == [WORDS[i] for i in np.argsort(-cosine)[:5]]
    assert [value for _, value in against] == pytest.approx(np.sort(cosine)[:5], abs=1e-6)
    assert all(word.startswith("s") for word, _ in along)  # plurals are larger in the first dimension


def test_the_cosine_is_with_exactly_n_directions():
    random = np.random.default_rng(0)
    right = np.linalg.qr(random.normal(size=(5, 5)))[0]
    d = random.normal(size=5)
    d /= np.linalg.norm(d)
    for n in range(1, 6):
        projected = right[:n].T @ right[:n] @ d  # equation 3
        assert cosine_with_span(d, right, n) == pytest.approx(d @ projected / np.linalg.norm(projected))
    assert cosine_with_span(right[1], right, 1) == pytest.approx(0, abs=1e-12)
    assert cosine_with_span(right[1], right, 2) == pytest.approx(1)
    with pytest.raises(QuestionError, match="the embedding has 1 to 5"):
        cosine_with_span(d, right, 6)


def test_properties_are_followed_beside_random_directions(store):
    model = store.model("tiny")
    table = arrays()["embedding"].astype(float)
    d = table[:10].mean(axis=0) - table[10:20].mean(axis=0)
    d /= np.linalg.norm(d)
    found = property_of(model, "number", SINGULAR, PLURAL)
    np.testing.assert_allclose(found.direction, d, atol=1e-6)
    assert (found.first, found.second) == (tuple(WORDS[:10]), tuple(WORDS[10:20]))
    for row in memory_of(model, "layer1.c", [found], n=2).to_pylist():
        gradient = spectra.matrix(model, "layer1.c", ALL, row["delay"])[0].astype(float)
        _, sigma, right = np.linalg.svd(gradient)
        assert row["cosine"] == pytest.approx(np.hypot(right[0] @ d, right[1] @ d), rel=1e-4)
        assert row["relative_memory"] == pytest.approx(np.linalg.norm(gradient @ d) / sigma[0], rel=1e-4)
        assert 0.65 < row["random_cosine"] < 0.69  # 2 of 4 dimensions: the mean is 2/3
        assert row["random_cosine_low"] < row["random_cosine"] < row["random_cosine_high"]
    assert relative_memory(right[0], gradient) == pytest.approx(1)


def test_the_table_of_properties_can_be_asked_by_sql(store):
    rows = store.sql("select distinct property, words_first, words_second, directions from memory_of_properties")
    assert rows.to_pylist() == [
        {"property": "singular / plural", "words_first": 10, "words_second": 10, "directions": 3}
    ]


def test_a_probe_is_logistic_regression_on_words_held_out(store):
    found = probe(store.model("tiny"), "number", (SINGULAR, PLURAL))
    x, y = arrays()["embedding"][:20].astype(float), np.repeat([0, 1], 10)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    told = cross_val_predict(model, x, y, cv=StratifiedKFold(5, shuffle=True, random_state=0))
    assert found.accuracy == np.mean(told == y) >= 0.95
    assert (found.words, found.majority) == ((10, 10), 0.5)
    assert found.low < found.accuracy <= found.high
    assert found.control <= 0.75  # shuffled labels cannot be told


def test_one_words_curve_is_over_its_occurrences(store):
    model, ids = store.model("tiny"), text()[0]
    found = sample(model, "layer1.h", "n3", delays=4)
    places = np.flatnonzero(ids == 3)
    assert (found.places, found.of) == (len(places), len(places))
    expected = [np.linalg.norm(matrix, 2) for matrix in means("layer1.h", ids == 3, 4)]
    np.testing.assert_allclose(found.table["sigma_1"].to_numpy(), expected, rtol=1e-3)
    few = sample(model, "layer1.h", "n3", delays=4, places=2)
    assert (few.places, few.of) == (2, len(places))


def test_a_class_of_ones_own_is_followed_where_the_text_has_it(store):
    model, ids = store.model("tiny"), text()[0]
    for written, name, members in (
        ("n1,s2", "“n1+s2”", np.isin(ids, (1, 12))),
        ("pos:VB", "“VB”", np.isin(ids, (20, 21))),
        ("things=pos:NN,NNS", "“things”", ids < 20),
        (ALL, "all words, a sample", np.ones(STEPS, bool)),
    ):
        found = sample(model, "layer1.c", written, delays=3, places=STEPS)
        assert (found.name, found.places, found.of) == (name, members.sum(), members.sum())
        assert set(found.table["word_class"].to_pylist()) == {name}
        expected = [np.linalg.norm(matrix, 2) for matrix in means("layer1.c", members, 3)]
        np.testing.assert_allclose(found.table["sigma_1"].to_numpy(), expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("cat", "'tiny' never read 'cat'"),
        ("", "'tiny' never read ''"),
        ("n1,cat", "never read 'cat'"),
        ("pos:XX", "has no label 'XX'"),
        ("pos", "'pos' stands for 3 classes .*; name one, such as pos:LABEL"),
    ],
)
def test_a_class_of_ones_own_that_cannot_be_is_a_sentence(store, written, sentence):
    with pytest.raises((QuestionError, UnknownName), match=sentence):
        sample(store.model("tiny"), "layer1.c", written)


def test_a_gate_is_kept_and_shown_beside_states(store, tmp_path):
    opened = store_with_memory(tmp_path / "store")
    found = measuring.state_gradients(opened.model("tiny"), ["layer1.h", "layer1.f"], delays=3, stop=60)
    measuring.save(opened, "tiny", found, opened.model("tiny"))
    model = opened.model("tiny")
    assert sorted(memory.has_memory(model)) == ["layer1.f", "layer1.h"]
    points = pictures.memory_picture(model, ["layer1.h", "layer1.f"]).tables["points"].to_pylist()
    assert {point["series"] for point in points} == {"layer1.h", "layer1.f"}
    assert spectra.matrix(model, "layer1.f", ALL, 0)[0].shape == (UNITS, EMBEDDING)


def test_a_class_of_few_words_says_that_its_mean_cancels_less(store):
    found = measuring.state_gradients(
        store.model("tiny"), ["layer1.h"], delays=2, classes=["few=n1,n2,n3", "verbs=be,do"]
    )
    count = int(np.isin(text()[0], (1, 2, 3)).sum())
    assert found.notes[0].startswith(f"The class 'few' has {count} steps of 200: ")
    assert len(found.notes) == 2  # 'verbs' too


def test_classes_are_by_the_steps_own_labels_or_by_words(store):
    model, ids = store.model("tiny"), text()[0]
    found, notes = of_steps(model, ["few=n1,s2", "pos:VB", "things=pos:NN,NNS"], 10, 60)
    assert list(found) == ["few", "VB", "things"] and notes == []
    np.testing.assert_array_equal(found["few"], np.isin(ids[10:60], (1, 12)))
    np.testing.assert_array_equal(found["things"], ids[10:60] < 20)
    assert class_words(model, "pos:IN") == ["of", "in"]
    assert shipped_properties(model) == {"singular / plural": (SINGULAR, PLURAL)}
    assert two_classes("pos:NN/pos:NNS") == ("pos:NN / pos:NNS", (SINGULAR, PLURAL))


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (["position"], "has no track of that name"),
        (["pos:XX"], "Track 'pos' of 'tiny' has no label 'XX'"),
        (["depth"], "holds numbers"),
        (["a=n1,cat"], "never read 'cat'"),
        (["a="], "names no words"),
        (["pos:"], "names no label"),
        (["a=n1", "a=n2"], "Two classes are called 'a'"),
    ],
)
def test_a_class_that_cannot_be_is_a_sentence(store, classes, sentence):
    with pytest.raises((QuestionError, UnknownName), match=sentence):
        of_steps(store.model("tiny"), classes, 0, STEPS)


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("a=n0,n1,n2", PLURAL, "The first class of 'it' has 3 words; at least 5 are needed"),
        (SINGULAR, "b=n1,s0,s1,s2,s3", r"overlap: 1 word is in both \(n1\)"),
        (SINGULAR, SINGULAR, "overlap: 10 words are in both"),
        (SINGULAR, "b=s0,s1,s2,s3,cat", "The network of 'tiny' does not know 'cat'"),
    ],
)
def test_a_property_that_cannot_be_is_a_sentence(store, first, second, sentence):
    with pytest.raises((QuestionError, UnknownName), match=sentence):
        property_of(store.model("tiny"), "it", first, second)
    with pytest.raises((QuestionError, UnknownName), match=sentence):
        probe(store.model("tiny"), "it", (first, second))


def test_what_is_missing_is_said_with_the_command(store, tmp_path):
    model = store.model("tiny")
    with pytest.raises(QuestionError, match=r"python -m rnnstore memory tiny --state layer1\.z"):
        memory.curves(model, "layer1.z")
    with pytest.raises(QuestionError, match="Delays up to 5 were computed, not 9"):
        spectra.directions(model, "layer1.c", ALL, 9)
    with pytest.raises(UnknownName, match="did you mean nouns"):
        spectra.directions(model, "layer1.c", "noun", 0)
    with pytest.raises(UnknownName, match="never read 'cat'"):
        sample(model, "layer1.c", "cat")
    with pytest.raises(MissingNetwork, match="no network in the folder"):
        measuring.state_gradients(record(tmp_path).model("small"))
    with pytest.raises(QuestionError, match="Steps 10 to 10 were asked for"):
        measuring.state_gradients(model, start=10, stop=10)


def test_delays_longer_than_any_sequence_are_said(store):
    found = measuring.state_gradients(store.model("tiny"), ["layer1.h"], delays=60, stop=100)
    assert found.notes == ("No sequence is longer than 50 steps, so there is no delay of 50 or more.",)
    assert max(found.table["delay"].to_pylist()) == 49


def test_gradients_that_grow_beyond_all_numbers_are_a_sentence(tmp_path):
    opened = store_with_memory(tmp_path / "store", steps=60)
    weights = arrays()
    weights["layer1.bias"][:] = 0
    weights["embedding"][:] = 0
    weights["layer1.recurrent"][:] = 0
    weights["layer1.recurrent"][:, 6:9] = np.eye(3) * 1e20  # each step multiplies by that
    weights["layer1.bias"][3:6] = -100
    np.savez(opened.model("tiny").folder / "network" / "weights.npz", **weights)
    with pytest.raises(QuestionError, match=r"no numbers any more from delay [12] on: they grow at every step"):
        measuring.state_gradients(opened.model("tiny"), delays=6)


def test_the_command_writes_what_the_page_reads(tmp_path):
    store_with_memory(tmp_path / "store")
    asked = [sys.executable, "-m", "rnnstore", "memory", "tiny", "--store", str(tmp_path / "store")]
    done = subprocess.run(
        [*asked, "--delays", "4", "--classes", "verbs=be,do", "--property", "pos:NN/b=be,do"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "State gradients of layer1.c, layer1.h over steps 0 to 199 for verbs, all words" in done.stdout
    assert "note: The second class of 'pos:NN / b' has 2 words" in done.stdout
    assert "200 of 200 steps" in done.stderr and "steps/s" in done.stderr
    opened = rnnstore.open(tmp_path / "store")
    assert memory.has_memory(opened.model("tiny")) == ["layer1.c", "layer1.h"]
    assert opened.sql("select count(*) n from state_gradients").to_pylist() == [{"n": 2 * 2 * 4}]
    refused = subprocess.run([*asked, "--steps", "5"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: '5' are no steps; write the first and one past the last")


def test_a_run_that_is_stopped_writes_nothing(tmp_path, monkeypatch, capsys):
    from rnnstore.memory.commands import memory as command

    store_with_memory(tmp_path / "store")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.Line, "__call__", stop)
    with pytest.raises(SystemExit) as ended:
        command("tiny", states=None, delays=3, classes=None, properties=None, steps="", store=tmp_path / "store")
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Stopped; nothing was written.\n"
    assert memory.has_memory(rnnstore.open(tmp_path / "store").model("tiny")) == []


def test_each_picture_is_one_call(store):
    model = store.model("tiny")
    found = pictures.memory_picture(model, "layer1.c", [ALL, "nouns"])
    points = found.tables["points"].to_pylist()
    assert {(point["series"], point["kind"]) for point in points} == {
        (name, kind) for name in (ALL, "nouns") for kind in ("of the mean gradient", "mean of single words'")
    }
    first = next(point for point in points if point["series"] == ALL)
    row = memory.curves(model, "layer1.c").to_pylist()[0]
    assert row["word_class"] == ALL and first["high"] == pytest.approx(row["sigma_1"] + 1.96 * row["sigma_1_error"])
    assert pictures.spectrum_picture(model, "layer1.h", delay=1).tables["values"].num_rows == UNITS
    assert pictures.properties_picture(model, "layer1.h").tables["rows"].num_rows == 6
    with pytest.raises(UnknownName, match="no state gradients of 'noun'"):
        pictures.memory_picture(model, "layer1.c", ["noun"])


def test_every_pair_of_directions_is_turned_and_the_delay_is_none_by_default(store):
    model = store.model("tiny")
    for state in ("layer1.c", "layer1.h"):
        for delay in range(6):
            found = spectra.directions(model, state, delay=delay)
            largest = found.left[np.arange(UNITS), np.abs(found.left).argmax(axis=1)]
            assert found.delay == delay and (largest > 0).all()
        assert spectra.directions(model, state).delay == 0


def test_words_that_are_read_often_enough_are_all_of_them(store):
    """Also the first word of the vocabulary, and one that is read exactly so often."""
    counts = np.bincount(text()[0], minlength=len(WORDS))
    for minimum in (1, int(counts[0]), int(counts[0]) + 1):
        found = spectra.read_words(store.model("tiny"), open_network(store.model("tiny")), minimum)
        assert found.tolist() == [number for number, count in enumerate(counts.tolist()) if count >= minimum]
