"""The page "Sentences": typed and recorded, what is said of bad input; in a browser, that clicks reach the address."""

import json

import numpy as np
import pytest

import rnnstore
from pages.parts.shared.markdown import escape
from rnnstore.networks import open_network
from tests.pages.test_matching import said, widget
from tests.support import stores
from tests.support.screens import assert_fits, settle, visit

PAGE = "pages/sentences.py"
WORDS = ["<unk>", "<eos>", "the", "a", "cat", "dog", "sat", "ran", "down", "up", "and", "then"]
UNITS = 12


@pytest.fixture(scope="module")
def reading_store(tmp_path_factory):
    """A small LSTM with weights by chance that reads sentences, its states recorded over 300 words; and the small
    store's models, which have no network."""
    path = stores.small_store(tmp_path_factory.mktemp("reading") / "store")
    random = np.random.default_rng(3)
    shapes = {
        "embedding": (len(WORDS), 6), "layer1.kernel": (6, 4 * UNITS), "layer1.recurrent": (UNITS, 4 * UNITS),
        "layer1.bias": (4 * UNITS,), "output.kernel": (UNITS, len(WORDS)), "output.bias": (len(WORDS),),
    }  # fmt: skip
    sizes = {
        "vocabulary": len(WORDS), "embedding": 6, "tie": False,
        "layers": [{"cell": "lstm", "units": UNITS, "peepholes": False}],
    }  # fmt: skip
    how = {"level": "word", "lower": True, "unknown": "<unk>", "end": "<eos>"}
    facts = {"format": 1, "network": sizes, "level": "word", "vocabulary": WORDS, "tokenisation": how}
    store = rnnstore.open(path)
    with store.writer("reader") as writer:
        folder = writer.folder("network")
        np.savez(
            folder / "weights.npz",
            **{name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()},
        )
        (folder / "network.json").write_text(json.dumps(facts), "utf-8")
    store.refresh()
    text = " ".join(np.array(WORDS[2:])[random.integers(0, len(WORDS) - 2, 300)])
    found = open_network(store.model("reader")).read(text)
    with store.record("reader", level="word", cell="lstm", layers=1, units=UNITS) as recorder:
        recorder.add(words=found.words, states=found.states)
    return path


@pytest.fixture
def reader(run, reading_store):
    """reader(text=...) -> the page of the model that reads sentences."""
    return lambda **address: run(reading_store, PAGE, model="reader", state="layer1.c", **address)


def type_in(app, sentence: str) -> None:
    """Type a sentence and have it read."""
    widget(app, "text_input", "Type a sentence").set_value(sentence)
    widget(app, "button", "Read").click().run()
    assert not app.exception


def charts(app) -> dict[str, list]:
    """The names of the tables of every chart of the page, by one that only that chart has."""
    kinds = {"tokens": "glyphs", "bands": "response"}
    found = [{part.name for part in chart.proto.datasets} for chart in app.main if chart.type == "vega_lite_chart"]
    return {kind: [names for names in found if only in names] for only, kind in kinds.items()}


def test_without_a_sentence_the_beginning_of_the_recording_is_shown(reader):
    app = reader()
    assert "Step 0: steps 0 to 15 of" in said(app)
    assert charts(app)["glyphs"] and charts(app)["response"]
    assert not app.main.get("error") and not app.main.get("warning")


def test_a_typed_sentence_is_read_whole(reader):
    app = reader()
    type_in(app, "The cat sat DOWN")
    assert app.query_params["text"] in ("The cat sat DOWN", ["The cat sat DOWN"])
    assert "was added at the end of each line" in said(app)
    type_in(app, "then a florble ran")
    assert app.query_params["text"] in (both := "The cat sat DOWN\nthen a florble ran", [both])
    assert "1 word the model never learned (florble)" in said(app)
    assert widget(app, "selectbox", "Align at").options == ["nothing", "<eos>"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"text": "  \n \n"}, "Step 0: steps 0 to 15"),
        ({"text": "the " * 2_000}, "the first 1,000 of them were read"),
        ({"text": "the 🐈 sat\x07 ‮down"}, "the model never learned"),
        ({"span": "290-5000"}, "steps to 300 are shown: the recording ends there"),
        ({"span": "9000-9010"}, "There is no step 9,000: reader has 301, from 0."),
        ({"span": "first"}, "first and last step were expected, as in 120-143"),
        ({"at": "x"}, "two whole numbers were expected, as in 3:14"),
        ({"colour": "unit-99"}, "unit-0 to unit-11 or cluster-0 to cluster-4 were expected"),
        ({"k": "50"}, "from 2 to 11 were expected"),
        ({"text": "\n".join(["the cat"] * 9)}, "9 passages were asked for; shown: the first 6."),
        ({"long": "yes"}, "a text that was too long for it"),
        ({"gates": "yes"}, "cannot be taken from a gate"),
    ],
)
def test_what_cannot_be_followed_is_a_sentence_and_the_rest_is_shown(reader, address, sentence):
    app = reader(**address)
    assert escape(sentence) in said(app)  # shown as it is, not as Markdown
    assert charts(app)["glyphs"]


def test_blanks_alone_are_no_sentence(reader):
    app = reader()
    type_in(app, "   ")
    assert "Nothing was typed but blanks" in said(app)


def test_a_text_too_long_for_a_link_is_shown_and_said(reader):
    app = reader()
    type_in(app, "the cat sat down " * 500)
    assert "is too long for a link" in said(app) and "text" not in app.query_params
    assert charts(app)["glyphs"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("model", "state"), [("sentences", "layer2.h"), ("sensor", "memory"), ("brackets", "layer1.c")]
)
def test_a_model_without_a_network_says_so_and_shows_its_recording(run, small_store, model, state):
    app = run(small_store, PAGE, model=model, state=state, text="a sentence from a link")
    assert "There is no network in the folder" in said(app) and "*From the corpus*" in said(app)
    assert widget(app, "text_input", "Type a sentence").disabled
    app = run(small_store, PAGE, model=model, state=state)
    assert charts(app)["glyphs"] and not app.main.get("error")


def test_units_that_cannot_be_grouped_are_one_group(run, tmp_path, monkeypatch):
    monkeypatch.setattr("rnnstore.store.series.LABELS_FROM", 100)
    values = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    with rnnstore.open(tmp_path).record("clock") as recorder:
        recorder.add(words=[f"{step:04}" for step in range(400)], states={"memory": values})
    app = run(tmp_path, PAGE, model="clock", state="memory", colour="unit-3")
    assert "all units are one group, because they cannot be told apart" in said(app)
    assert charts(app)["glyphs"] and not charts(app)["response"]
    assert "The text, coloured by unit 3" in said(app)


def test_gates_are_used_where_they_were_read(reader):
    app = reader(text="the cat sat", gates="yes")
    assert "cannot be taken" not in said(app) and charts(app)["glyphs"]


def test_clicks_and_brushes_reach_the_address(page, serve, reading_store):
    address = serve(reading_store)
    text = "the+cat+sat+down+and+the+dog+ran+up+then+a+cat+ran%0Athen+a+dog+sat"
    visit(page, f"{address}/sentences?model=reader&state=layer1.c&k=4&align=dog&colour=unit-3&text={text}")
    drawn = page.locator(".st-key-glyph_view .marks").first
    drawn.wait_for()
    for width in (1920, 1280):
        page.set_viewport_size({"width": width, "height": 1000})
        settle(page)
        assert_fits(page)
    page.get_by_role("textbox", name="Type a sentence").fill("the dog sat")
    page.keyboard.press("Enter")
    page.wait_for_url("**the+dog+sat*")
    settle(page)
    page.locator(".st-key-glyph_view .marks").first.scroll_into_view_if_needed()
    tiles = page.locator(".st-key-glyph_view svg.marks path[aria-roledescription]")
    assert tiles.count() == 0  # marks are not described one by one
    box = page.locator(".st-key-glyph_view .marks").first.bounding_box()
    cell = (box["width"] - 98) / 14
    page.mouse.move(box["x"] + 88 + 0.5 * cell, box["y"] + 130)
    page.mouse.click(box["x"] + 88 + 0.5 * cell, box["y"] + 130)
    page.wait_for_url("**at=0%3A0*chip=*")
    settle(page)
    course = page.locator(".st-key-course_view .marks").first.bounding_box()
    start = course["x"] + 88 + 4
    page.mouse.move(start, course["y"] + 30)
    page.mouse.down()
    page.mouse.move(start + 3 * cell, course["y"] + 30, steps=5)
    page.mouse.up()
    page.wait_for_url("**shown=0-*")
    settle(page)
    assert page.locator(".st-key-response_view .marks").count() == 1
    assert page.locator(".st-key-text_view .marks").count() == 1
    assert_fits(page)
