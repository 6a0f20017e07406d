"""Connected texts: whose score, where it stands, recorded stretches, completions; by brute force on tiny networks."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

import rnnstore
from rnnstore.connectivity.charts.pairs import pairs_picture, shaded_text_picture
from rnnstore.connectivity.norms import LONGEST
from rnnstore.connectivity.texts import pairs_table, suggestions_table, text_connectivity
from rnnstore.drawing.palette import LIGHT
from rnnstore.errors import MissingNetwork, QuestionError
from rnnstore.networks import open_network
from rnnstore.networks.completions import completions
from tests.support.stores import keep_network

LETTERS = list("abcde \n")
WORDS = ["<unk>", "<eos>", "the", "they", "then", "cat", "sat"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = rnnstore.open(tmp_path_factory.mktemp("connected") / "store")
    keep_network(store, "letters", LETTERS, {"level": "character"})
    keep_network(store, "words", WORDS, {"level": "word", "lower": True, "unknown": "<unk>", "end": "<eos>"})
    keep_network(store, "labels", WORDS, {"level": "word", "unknown": "<unk>"}, ["good", "bad"])
    text = "abcade bead\ncab " * 5
    found = open_network(store.model("letters")).read(text)
    with store.record("letters", level="character", dtype="float32") as recorder:
        recorder.add(words=found.words, states=found.states)
    return store


@pytest.fixture
def letters(store):
    return store.model("letters")


def probabilities(model, text):
    """float[n, outputs] after every step, by hand."""
    reader = open_network(model)
    hidden = reader.read(text).states["layer1.h"]
    with np.load(model.folder / "network" / "weights.npz") as weights:
        scores = hidden @ weights["output.kernel"] + weights["output.bias"]
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def test_the_target_is_what_follows_and_the_prediction_where_nothing_does(letters):
    found = text_connectivity(letters, "abc")
    chances = probabilities(letters, "abc")
    last = LETTERS[chances[2].argmax()]
    assert found.targets == ["b", "c", last]
    assert found.instead.tolist() == [False, False, True]
    at = [LETTERS.index(word) for word in found.targets]
    np.testing.assert_allclose(found.probability, chances[range(3), at], rtol=1e-5)
    assert found.rank.tolist() == [1 + int((row > row[place]).sum()) for row, place in zip(chances, at, strict=True)]


def test_a_named_word_is_asked_about_at_every_step(letters):
    assert text_connectivity(letters, "abc", "word", word="␣").targets == [" "] * 3
    with pytest.raises(QuestionError, match="no output 'zebra'"):
        text_connectivity(letters, "abc", "word", word="zebra")
    with pytest.raises(QuestionError, match="Name the word"):
        text_connectivity(letters, "abc", "word")


def test_a_recorded_stretch_goes_on_from_what_came_before_it(letters):
    text = "".join(letters.words(0, 41)["word"].to_pylist())
    whole, part = text_connectivity(letters, text), text_connectivity(letters, (20, 40))
    assert part.first == 20 and part.targets == whole.targets[20:40] and not part.instead.any()
    np.testing.assert_allclose(part.values, whole.values[20:40, 20:40], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(part.probability, whole.probability[20:40], rtol=1e-4)


def test_every_step_knows_its_place_in_what_was_typed(store):
    text = "The  cat\nxyz sat"
    found = text_connectivity(store.model("words"), text)
    assert found.reading.words == ["the", "cat", "<eos>", "<unk>", "sat", "<eos>"]
    assert [text[begin:end] for begin, end in zip(found.begin, found.end, strict=True)] == [
        "The", "cat", "", "xyz", "sat", ""
    ]  # fmt: skip


def test_progress_goes_up_to_one_and_what_it_raises_ends_the_work(letters):
    told = []
    text_connectivity(letters, "abcade", check=True, progress=told.append)
    assert told == sorted(told) and len(told) == 2 * 6 and told[5] == 0.5 and told[-1] == 1

    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        text_connectivity(letters, "abcade", progress=stop)


def test_agreement_is_the_rank_correlation_of_a_row_with_the_check(letters):
    found = text_connectivity(letters, "abcad bea", check=True)
    for row in range(4, 9):
        own, check = np.abs(found.values[row, : row + 1]), np.abs(found.fallen[row, : row + 1])
        assert found.agreement()[row] == pytest.approx(spearmanr(own, check).statistic)
    assert np.isnan(found.agreement()[:4]).all()
    with pytest.raises(QuestionError, match="not asked for"):
        text_connectivity(letters, "abc").agreement()


def test_tables_have_a_row_a_pair_and_a_row_a_suggestion(letters):
    found = text_connectivity(letters, "abc", check=True)
    pairs = pairs_table([found]).to_pylist()
    assert [(row["output_step"], row["input_step"]) for row in pairs] == [
        (0, 0),
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
        (2, 2),
    ]
    assert pairs[4]["connectivity"] == found.values[2, 1] and pairs[4]["occlusion"] == found.fallen[2, 1]
    assert (pairs[1]["output_word"], pairs[1]["target"], pairs[1]["input_word"]) == ("b", "c", "a")
    suggested = suggestions_table([found])
    assert suggested.num_rows == 3 * 5
    assert set(suggested["target_rank"].to_pylist()[:5]) == {int(found.rank[0])}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "nothing to read"), ("a" * (LONGEST + 1), "1,001 steps"), ((70, 400), "are outside of")],
)
def test_bad_input_is_a_sentence(letters, text, sentence):
    with pytest.raises(QuestionError, match=sentence):
        text_connectivity(letters, text)


def test_a_model_without_a_network_says_so(store):
    with store.record("states-only") as recorder:
        recorder.add(words=["a"], states={"h": np.zeros((1, 1))})
    with pytest.raises(MissingNetwork, match="no network"):
        text_connectivity(store.model("states-only"), "abc")


def test_a_classifier_is_asked_about_its_labels(store):
    found = text_connectivity(store.model("labels"), "the cat sat", "word", word="bad")
    assert found.labels and found.targets == ["bad"] * 3
    answers = probabilities(store.model("labels"), "the cat sat").argmax(1)
    assert text_connectivity(store.model("labels"), "the cat sat").targets == [
        ["good", "bad"][answer] for answer in answers
    ]


def test_letters_are_completed_by_what_is_probable_next(letters):
    chances = probabilities(letters, "abca")[-1]
    found = completions(letters, "abca", 3)
    assert [each.word for each in found] == [LETTERS[place] for place in np.argsort(-chances)[:3]]
    assert [each.probability for each in found] == pytest.approx(np.sort(chances)[::-1][:3], rel=1e-5)
    assert [(each.adds, each.cuts) for each in found] == [(each.word, 0) for each in found]
    assert completions(letters, "") == []


def test_a_word_begun_is_completed_and_a_known_one_is_followed(store):
    model = store.model("words")
    chances = dict(zip(WORDS, probabilities(model, "cat")[0], strict=True))
    begun = completions(model, "cat Th")  # as expected after "cat", among what begins so
    assert {each.word for each in begun} == {"the", "they", "then"}
    expected = sorted((chances[each.word] for each in begun), reverse=True)
    assert [each.probability for each in begun] == pytest.approx(expected, rel=1e-5)
    assert ("Cat Th"[: -begun[0].cuts] + begun[0].adds) == f"Cat {begun[0].word} "
    followed = completions(model, "cat the", 7)
    assert len(followed) == 7 and {each.adds for each in followed if each.word == "sat"} == {" sat "}
    assert completions(model, "cat q") == []
    assert completions(store.model("labels"), "the cat")[0].adds is None


def test_pictures_show_the_row_and_every_pair(letters):
    found = text_connectivity(letters, "abcade")
    picture = shaded_text_picture([found, found], LIGHT, 3)
    words = picture.tables["words"].to_pylist()
    row = found.values[3] / found.values[3].max()
    assert [each["value"] for each in words[:6]] == pytest.approx(row.tolist())
    assert [each["place"] for each in words if each["selected"]] == ["0:3", "1:3"]
    later = shaded_text_picture([found], LIGHT, 3, later=True).tables["words"]["value"].to_pylist()
    assert later == pytest.approx((found.values[:, 3] / found.values[:, 3].max()).tolist())
    with pytest.raises(QuestionError, match="0 to 5"):
        shaded_text_picture([found], LIGHT, 6)
    names = [replace(found, model=f"complete-{name}") for name in ("gru-2x200", "lstm-2x200")]
    assert shaded_text_picture(names, LIGHT, 3).tables["titles"]["text"].to_pylist() == ["gru-2x200", "lstm-2x200"]
    pairs = pairs_picture(found, LIGHT)
    assert pairs.tables["pairs"].num_rows == 21 and pairs.chart().to_dict()["layer"]
