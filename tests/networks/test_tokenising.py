"""Typed text becomes words by a description: each rule on a sentence that shows it, and what holds for any text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnstore.networks.tokenising import LONGEST, Tokenisation, tokenise

WORDS = ["<unk>", "<eos>", "the", "food", "was", "n't", "good", "mr.", "N", "$", ",", ".", "``", "''", "(", ")"]
ID = {word: number for number, word in enumerate(WORDS)}


def read(text, ids=ID, **facts):
    facts = {"level": "word", "unknown": "<unk>"} | facts
    return tokenise(text, Tokenisation.model_validate_json(json.dumps(facts)), ids)


MARKS = {",": ",", "n't": "n't", '"': "''", ")": ")"}
APART = {"before": {"$": "$", '"': "``", "(": "("}, "after": MARKS, "lower": True, "full_stop": True, "number": "N"}


def words_and_typed(found):
    return list(zip(found.words, found.typed, strict=True))


def test_words_are_looked_up_and_every_line_ends_as_in_training():
    found = read("The  food\n\n good\t<unk>", lower=True, end="<eos>", starts="line")
    assert found.words == ["the", "food", "<eos>", "good", "<unk>", "<eos>"]
    assert found.ids.tolist() == [2, 3, 1, 6, 0, 1]
    assert found.typed == ["The", "food", "", "good", "<unk>", ""]
    assert found.starts.tolist() == [True, False, False, True, False, False]
    assert not found.unknown.any()
    assert found.notes == ["<eos> was added at the end of each line, as in the text it was trained on."]


def test_an_end_that_was_typed_is_not_added_again():
    assert read("the food <eos>", end="<eos>").words == ["the", "food", "<eos>"]


def test_what_the_corpus_has_apart_is_taken_off_words_that_have_no_number():
    found = read("The food wasn't $3.50, (good) Mr. Food.", **APART)
    assert words_and_typed(found) == [
        ("the", "The"), ("food", "food"), ("was", "was"), ("n't", "n't"), ("$", "$"), ("N", "3.50"), (",", ","),
        ("(", "("), ("good", "good"), (")", ")"), ("mr.", "Mr."), ("food", "Food"), (".", "."),
    ]  # fmt: skip
    assert not found.unknown.any()


def test_double_quotes_open_and_close():
    assert read('"the food" was " good "', **APART).words == [
        "``", "the", "food", "''", "was", "``", "good", "''",
    ]  # fmt: skip


def test_a_full_stop_ends_a_sentence_only_where_one_can_end():
    assert read("food. The good. the food.", **APART).words == [
        "food", ".", "the", "<unk>", "the", "food", ".",
    ]  # fmt: skip
    assert read("U.S. food Xy.", **APART).words == ["<unk>", "food", "<unk>"]  # abbreviations, as far as one can see
    assert read("Flabbergasted.", **APART).words == ["<unk>", "."]


def test_words_that_the_corpus_writes_like_this_stay_whole():
    assert read("food, good,", **APART, whole=["food,"]).words == ["<unk>", "good", ","]


def test_marks_that_the_corpus_leaves_out_are_said_and_stay_with_what_was_typed():
    found = read('"The! food (good) --', before={'"': None, "(": None, "--": None}, after={"!": None, ")": None})
    assert words_and_typed(found) == [("<unk>", '"The!'), ("food", "food"), ("good", "(good)--")]
    assert found.notes[-1] == 'Left out, as in the text it was trained on: " ! ( ) --'


def test_a_line_of_nothing_but_left_out_marks_is_no_line():
    found = read("!!\nfood", after={"!": None}, before={"!": None}, end="<eos>")
    assert found.words == ["food", "<eos>"]
    assert "trained on: !" in found.notes[0]


def test_an_apostrophe_is_read_as_the_corpus_writes_it():
    assert read("wasn’t", **APART, written={"’": "'"}).words == ["was", "n't"]


def test_runs_of_letters_and_of_marks_are_words_of_their_own():
    ids = {word: number for number, word in enumerate(["don", "'", "t", "<unk>", "!!"])}
    found = read("don't!! <unk>,", ids, split="word or punctuation")
    assert words_and_typed(found) == [
        ("don", "don"), ("'", "'"), ("t", "t"), ("!!", "!!"), ("<unk>", "<"), ("<unk>", "unk"), ("<unk>", ">,"),
    ]  # fmt: skip


def test_unknown_words_are_marked_and_named():
    found = read("the zebra\u0007 the zebra 👩‍🚀 was")
    assert found.words == ["the", "<unk>", "the", "<unk>", "<unk>", "was"]
    assert found.unknown.tolist() == [False, True, False, True, True, False]
    assert found.typed[1] == "zebra\u0007"
    assert found.notes == [
        "3 words the model never learned (zebra�, zebra, 👩‍🚀): read as its unknown word, <unk>.",
    ]


def test_a_model_without_an_unknown_word_says_how_it_reads_one():
    found = read("food zebra", {"food": 0}, unknown=None)
    assert (found.words, found.ids.tolist(), found.unknown.tolist()) == (["food", "zebra"], [0, -1], [False, True])
    assert found.notes == [
        "1 word the model never learned (zebra), and it has no unknown word: there its input is zero, as if nothing "
        "were read."
    ]


def test_by_character_every_character_is_a_step():
    ids = {sign: number for number, sign in enumerate("ab\n?")}
    found = read("aB\r\nb\u0000", ids, level="character", unknown="?", lower=True, starts="line")
    assert words_and_typed(found) == [("a", "a"), ("b", "B"), ("\n", "\n"), ("b", "b"), ("?", "\u0000")]
    assert found.starts.tolist() == [True, False, False, True, False]
    assert found.notes == ["1 character the model never learned (�): read as its unknown character, ?."]
    assert read("acgN", dict(A=0, C=1, G=2), level="character", unknown=None, upper=True).ids.tolist() == [0, 1, 2, -1]


def test_a_capital_of_two_small_letters_is_two_steps():
    found = read("xİ", {"x": 0, "i": 1, "\u0307": 2}, level="character", lower=True, unknown=None)
    assert words_and_typed(found) == [("x", "x"), ("i", "İ"), ("\u0307", "")]


@pytest.mark.parametrize("text", ["", "  ", "\n\n", "\ufeff"])
def test_a_text_without_words_has_none(text):
    found = read(text, **APART, end="<eos>")
    assert (len(found), found.notes, found.ids.dtype.kind) == (0, [], "i")


def test_a_very_long_text_is_cut_and_says_so():
    found = read("the " * (LONGEST // 4 + 5))
    assert len(found) == LONGEST // 4
    assert found.notes == ["The text has 200,020 characters; the first 200,000 of them were looked at."]


def test_half_a_character_is_none():
    assert read("the \ud83d").typed == ["the", "�"]


def test_sentences_of_nltk_start_anew_where_its_data_is(monkeypatch):
    class Found:
        def __init__(self, language):
            assert language == "english"

        def span_tokenize(self, text):
            assert text == "the food. good"
            return [(0, 9), (10, 14)]

    monkeypatch.setattr("nltk.tokenize.PunktTokenizer", Found)
    facts = {"split": "nltk", "piece": "sentence", "starts": "sentence", "lower": True, "end": "<eos>"}
    found = read("The food. good", **facts)
    assert words_and_typed(found) == [
        ("the", "The"), ("food", "food"), (".", "."), ("<eos>", ""), ("good", "good"), ("<eos>", ""),
    ]  # fmt: skip
    assert found.starts.tolist() == [True, False, False, False, True, False]

    class Missing(Found):
        def span_tokenize(self, text):
            raise LookupError("punkt_tab")

    monkeypatch.setattr("nltk.tokenize.PunktTokenizer", Missing)
    found = read("The food.\ngood", **facts)
    assert found.words == ["the", "food", ".", "<eos>", "good", "<eos>"]
    assert found.notes[0].endswith("(punkt_tab) is not on this machine; each line was read as a sentence.")


signs = st.lists(st.sampled_from([*"ab.,'\"$()! \n", "n't", "İ", "’", "�", "\x00", "\x1c", "N", "3"]), max_size=20).map(
    "".join
)


@given(
    signs,
    st.sampled_from(["white space", "word or punctuation", "nltk"]),
    st.booleans(),
    st.sampled_from([None, "<eos>"]),
)
def test_no_character_that_was_typed_is_lost(text, split, lower, end):
    if lower and split == "nltk":
        text = text.replace("İ", "")  # of which lower case makes two characters: then the small ones are shown
    found = read(text, **(APART | {"split": split, "lower": lower, "end": end}))
    assert "".join("".join(found.typed).split()) == "".join(text.split())
    assert len(found.words) == len(found.typed) == len(found.ids) == len(found.starts) == len(found.unknown)
    assert all((ID.get(word, 0) == number) for word, number in zip(found.words, found.ids, strict=True))


@given(st.lists(st.sampled_from([word for word in WORDS if word != "<eos>"]), min_size=1))
def test_words_of_the_vocabulary_with_blanks_between_them_are_themselves(words):
    assert read(" ".join(words), **APART, end="<eos>").words == [*words, "<eos>"]


@pytest.mark.parametrize(
    "facts", [{"level": "sentence"}, {"level": "word", "run": "code"}, {"level": "word", "lower": 1}]
)
def test_a_description_that_is_none_is_refused(facts):
    with pytest.raises(ValueError, match="validation error"):
        Tokenisation.model_validate_json(json.dumps(facts))


def test_every_fact_of_a_description_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "network.md").read_text("utf-8")
    assert [name for name in Tokenisation.model_fields if f"`{name}`" not in page] == []
