"""The page "Connectivity": address, bad input; in a browser, that hovering shades and a held step is in the address."""

import numpy as np
import pytest

import rnnstore
from rnnstore.connectivity.texts import text_connectivity
from rnnstore.networks import open_network
from tests.connectivity.test_connected import LETTERS
from tests.pages.test_matching import said, widget
from tests.support import stores
from tests.support.screens import assert_fits, settle, visit

PAGE = "pages/connectivity.py"


@pytest.fixture(scope="module")
def connected_store(tmp_path_factory):
    """Two small GRUs that read letters, one of them recorded; a classifier; and models without a network."""
    path = stores.small_store(tmp_path_factory.mktemp("connecting") / "store")
    store = rnnstore.open(path)
    for name in ("letters", "others"):
        stores.keep_network(store, name, LETTERS, {"level": "character"})
    stores.keep_network(
        store, "labels", ["<unk>", "fine", "poor"], {"level": "word", "unknown": "<unk>"}, ["good", "bad"]
    )
    found = open_network(store.model("letters")).read("abcade bead\ncab " * 20)
    with store.record("letters", level="character", cell="gru", layers=1, units=6) as recorder:
        recorder.add(words=found.words, states=found.states)
    return path


@pytest.fixture
def drawn(run, connected_store):
    """drawn(model="letters", text=...) -> the page as drawn."""
    return lambda model="letters", **address: run(connected_store, PAGE, model=model, **address)


def errors(app) -> str:
    return " ".join(each.value for each in app.main.get("error"))


def test_without_a_text_the_beginning_of_the_recording_is_shown(drawn):
    app = drawn()
    assert "200 steps, 20,100 pairs, none sampled." in said(app)
    assert not errors(app) and not app.main.get("warning")


def test_models_that_were_never_recorded_read_typed_text(drawn):
    assert "Type a text above" in said(drawn(model="others"))
    assert "4 steps, 10 pairs" in said(drawn(model="others", text="abca", **{"with": "letters"}))
    app = drawn(model="labels", text="fine poor", target="word", word="bad")
    assert "2 steps, 3 pairs" in said(app)
    assert widget(app, "selectbox", "Label").value == "bad"


@pytest.mark.long
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"text": "abc", "target": "word", "word": "zebra"}, "no output 'zebra'"),
        ({"text": "a" * 1001}, "The text has 1,001 steps"),
        ({"text": "\ufeff"}, "There is nothing to read"),
        ({"span": "0-40", "with": "others"}, "was not recorded over the same text"),
    ],
)
def test_what_cannot_be_worked_out_is_a_sentence(drawn, address, sentence):
    assert sentence in errors(drawn(**address))


@pytest.mark.long
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"span": "abc"}, "first and last step were expected"),
        ({"span": "310-400"}, "steps to 319 are shown: the recording ends there"),
        (
            {"with": "nobody"},
            "The store has no model nobody; it has brackets, labels, letters, only-trained, others, sensor, sentences.",
        ),
        ({"input": "hidden"}, "one of embedding, one-hot, times-input was expected"),
        ({"at": "many"}, "a whole step was expected"),
    ],
)
def test_what_the_address_names_in_vain_is_said(drawn, address, sentence):
    app = drawn(**address)
    assert sentence in " ".join(each.value for each in app.main.get("warning"))
    assert "pairs, none sampled" in said(app)


def test_letters_outside_the_vocabulary_are_said(drawn):
    app = drawn(text="ab漢c")
    assert "1 character the model never learned (漢)" in said(app) and not errors(app)


def test_a_model_without_a_network_says_what_is_missing(drawn):
    app = drawn(model="brackets")
    assert "There is no network in the folder of 'brackets'" in said(app)
    assert not errors(app)


def test_choices_are_written_into_the_address(drawn):
    app = drawn(text="abc")
    widget(app, "toggle", "Occlusion check").set_value(True).run()
    assert app.query_params["check"] in ("yes", ["yes"])
    widget(app, "text_area", "What you see, with positions as @12").set_value("see @1").run()
    assert app.query_params["notes"] in ("see @1", ["see @1"])
    assert not app.exception


def test_hovering_shades_by_connectivity_and_a_click_holds(serve, connected_store, page):
    text = "abcade bead cab"
    visit(page, f"{serve(connected_store)}/connectivity?model=letters&with=others&text={text}&notes=see+@3")
    steps = page.locator(".text.main").first.locator(".step")
    steps.first.wait_for()
    assert steps.count() == len(text)
    found = text_connectivity(rnnstore.open(connected_store).model("letters"), text)
    seen = page.get_by_role("group", name="Text shaded by connectivity")

    def shades(panel: int) -> list[str]:
        return page.locator(".text.main").nth(panel).locator(".step").evaluate_all(
            "spans => spans.map(span => span.style.backgroundColor)"
        )  # fmt: skip

    steps.nth(9).hover()
    seen.and_(page.locator("[data-step='9']")).wait_for()
    first = shades(0)
    assert all(first[:10]) and not any(first[10:])  # nothing after the output step is connected with it
    strongest = int(np.nanargmax(found.values[9]))
    levels = np.rint(found.values[9, :10] / found.values[9].max() * 32)
    same = [step for step in range(10) if first[step] == first[strongest]]
    assert same == np.flatnonzero(levels == levels[strongest]).tolist()
    assert all(shades(1)[:10]) and not any(shades(1)[10:])
    assert "at=" not in page.url
    steps.nth(5).click()
    page.wait_for_url("**at=5**")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**at=6**")
    settle(page)
    page.go_back()
    seen.and_(page.locator("[data-step='5']")).wait_for()
    page.get_by_role("button", name="@3").click()
    page.wait_for_url("**at=3**")
    settle(page)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save this as a picture (SVG)").click()
    picture = saved.value.path().read_text("utf-8")
    assert picture.startswith("<svg") and picture.count("<text") > 2 * len(text.replace(" ", ""))
    assert_fits(page)


@pytest.mark.long
def test_the_box_suggests_while_typing_and_reads_when_asked(serve, connected_store, page):
    visit(page, f"{serve(connected_store)}/connectivity?model=letters")
    area = page.locator("textarea").first
    area.click()
    area.press_sequentially("<b>ab")
    chips = page.locator(".chips button")
    chips.first.wait_for()
    assert chips.count() == 5
    area.press("Control+Enter")
    page.wait_for_url("**text=**")
    settle(page)
    assert page.locator(".text.main").first.inner_text() == "<b>ab"  # text, and no element
    assert_fits(page)
