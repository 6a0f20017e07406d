"""The page "Co-clusters": what the address says is shown, what is clicked goes into the address."""

import json
import re

import numpy as np
import pytest

import rnnstore
from pages.parts.co_clusters.address import View
from tests.support.screens import assert_fits, settle, visit

PAGE = "pages/co_clusters.py"
WORDS = [
    "in",
    "on",
    "at",
    "by",
    "of",
    "with",
    "may",
    "can",
    "must",
    "will",
    "should",
    "could",
    ",",
    "100%",
    "oil",
    "gas",
]
GROUP = np.array([0] * 6 + [1] * 6 + [2] * 4)
UNITS = np.repeat([0, 1, 2], 8)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """`grouped`: three planted groups of words and units; `alone`: one word; `without`: no expected responses."""
    random = np.random.default_rng(4)
    ids = np.concatenate([np.arange(16), random.integers(0, 16, 2000)])
    planted = np.array([[1.0, -0.5, 0.0], [0.0, 1.0, -0.6], [-0.7, 0.0, 1.0]])
    values = planted[GROUP[ids]][:, UNITS] + random.normal(0, 0.1, (len(ids), 24))
    store = rnnstore.open(tmp_path_factory.mktemp("clusters") / "store")
    with store.record("grouped", vocabulary=WORDS) as recorder:
        kinds = np.array(["preposition", "modal verb", "other"], dtype=object)[GROUP[ids]]
        recorder.add(words=ids, states={"c": values, "one": values[:, :1]}, annotations={"kind": kinds})
    with store.record("alone", vocabulary=["x"]) as recorder:
        recorder.add(words=np.zeros(50, int), states={"c": values[:50]})
    with store.record("without") as recorder:  # signals: every step reads a word of its own
        recorder.add(words=[f"{number / 7:.4f}" for number in range(300)], states={"c": values[:300]})
    path = store.path / "model=without" / "card.json"
    card = json.loads(path.read_text("utf-8"))
    del card["files"]["expected_responses/c"]  # as the recorder leaves them out where nearly every word is read once
    path.write_text(json.dumps(card), "utf-8")
    return store.path


def sentences(app) -> str:
    return " ".join(each.value for each in [*app.warning, *app.info, *app.error])


def test_the_page_shows_groups_and_says_how_many_words_it_draws(run, store):
    app = run(store, PAGE, model="grouped", state="c", k="3")
    assert any("16 of the 16 words" in each.value for each in app.caption)
    assert not app.warning and not app.error


@pytest.mark.long
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"k": "99"}, "from 2 to 16 were expected. Shown instead: 16."),
        ({"k": "some"}, "a whole number of clusters was expected"),
        ({"words": "3", "k": "5"}, "3 words cannot make 5 clusters"),
        ({"word": "nonesuch"}, "no expected response to 'nonesuch'"),
        ({"unit": "24"}, "c has units 0 to 23"),
        ({"method": "magic"}, "one of signed, mirrored, spectral was expected"),
        ({"focus": "u77"}, "u or w with the number of a cluster"),
        ({"tags": "nonesuch"}, "one of none, kind was expected"),
        ({"state": "one"}, "Groups need two of either"),
        ({"model": "alone", "state": "c"}, "1 different word"),
        ({"model": "without", "state": "c"}, "has no expected responses of c"),
    ],
)
def test_what_cannot_be_shown_gets_a_sentence(run, store, address, sentence):
    app = run(store, PAGE, **{"model": "grouped", "state": "c", **address})
    assert re.sub(r"\\", "", sentences(app)).count(sentence) == 1


@pytest.mark.long
def test_every_method_draws_and_only_spectral_has_a_seed(run, store):
    for method in ("signed", "mirrored", "spectral"):
        app = run(store, PAGE, model="grouped", state="c", k="3", method=method)
        assert ("Seed" in [each.label for each in app.number_input]) == (method == "spectral")


def test_a_word_is_found_by_a_part_and_words_that_are_marks_stay_words(run, store):
    app = run(store, PAGE, model="grouped", state="c", k="3", find="OU", word=View.picked.serialise([",", "100%"]))
    assert set(app.dataframe[0].value["word"]) == {"should", "could"}
    compared = next(each for each in app.multiselect if each.label == "Words compared")
    assert compared.value == [",", "100%"]


def word(page, text):
    """The middle of a word of the clouds, once they stand still."""
    exactly = re.compile(f"^{re.escape(text)}$")
    box = page.locator(".st-key-cluster_view svg.marks text").filter(has_text=exactly).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_clicks_go_into_the_address_and_back_undoes_them(serve, store, page):
    visit(page, f"{serve(store)}/co_clusters?model=grouped&state=c&k=3")
    page.wait_for_selector(".st-key-cluster_view svg.marks")
    assert_fits(page)
    page.mouse.click(*word(page, "must"))
    page.wait_for_url("**word=must*")
    page.wait_for_selector(".st-key-response_view .marks")
    settle(page)  # the detail view came and moved the words: a click that misses one is never answered
    page.mouse.click(*word(page, "oil"))
    page.wait_for_url(re.compile("word=must%2Coil"))
    settle(page)
    square = page.evaluate(
        """() => { const all = [...document.querySelectorAll('.st-key-cluster_view svg.marks g.mark-symbol path')];
            const box = all.map(each => each.getBoundingClientRect())
                .find(each => Math.abs(each.width - each.height) < 0.6 && each.width > 6 && each.width < 15);
            return [box.x + box.width / 2, box.y + box.height / 2]; }"""
    )
    page.mouse.click(*square)
    page.wait_for_url("**unit=*")
    page.wait_for_selector(".st-key-unit_view .marks")
    settle(page)
    assert_fits(page)
    page.mouse.click(*word(page, "must"))  # again: it goes
    page.wait_for_url(re.compile(r"word=oil(&|$)"))
    for expected in (r"word=must%2Coil&unit=", r"word=must%2Coil$", r"word=must$", r"k=3$"):
        page.go_back()
        page.wait_for_url(re.compile(expected))
    settle(page)
    assert page.locator(".st-key-response_view").count() == 0


@pytest.mark.long
def test_hovering_a_cloud_brings_its_counterparts_forward_and_a_click_holds_that(serve, store, page):
    visit(page, f"{serve(store)}/co_clusters?model=grouped&state=c&k=3")
    page.wait_for_selector(".st-key-cluster_view svg.marks")
    strong = """text => { const all = [...document.querySelectorAll('.st-key-cluster_view svg.marks text')];
        return +getComputedStyle(all.find(each => each.textContent === text)).opacity; }"""
    x, y = word(page, "must")
    assert page.evaluate(strong, "oil") == page.evaluate(strong, "can") == 1
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_function(f"() => ({strong})('oil') < 1")
    assert page.evaluate(strong, "can") == 1
    page.mouse.move(5, 5)
    page.wait_for_function(f"() => ({strong})('oil') === 1")
    box = page.locator(".st-key-cluster_view svg.marks").bounding_box()
    edge = page.evaluate(
        """([x, y]) => { const all = [...document.querySelectorAll('.st-key-cluster_view svg.marks g.mark-rect path')];
            const room = all.map(each => each.getBoundingClientRect())
                .find(each => each.width > 150 && each.x < x && each.right > x && each.y < y && each.bottom > y);
            return [room.x + room.width / 2, room.bottom - 3]; }""",
        [x, y],
    )
    assert box["y"] < edge[1]
    page.mouse.click(*edge)
    page.wait_for_url(re.compile(r"focus=w\d"))
    page.mouse.move(5, 5)
    page.wait_for_function(f"() => ({strong})('oil') < 1")
