"""Hypotheses: what the page says without a browser, and in one that it is drawn whole and keeps what it is given."""

import shutil
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

import rnnstore
from pages.parts.shared.markdown import escape
from rnnstore import hypotheses
from rnnstore.hypotheses import associate, exchange, gather_evidence, storage
from rnnstore.matching.selection import Selection, select
from tests.pages.test_matching import said, widget
from tests.support.screens import assert_fits, assert_fits_both, settle, visit

PAGE = "pages/hypotheses.py"
BRUSHED = {"model": "brackets", "state": "layer1.c", "from": "44", "to": "46"}


@pytest.fixture
def own_store(small_store, tmp_path) -> Path:
    """A copy of the small store, to write into."""
    return shutil.copytree(small_store, tmp_path / "store")


@pytest.fixture
def kept(own_store) -> Path:
    """A store that keeps one hypothesis, three steps of brackets."""
    store = rnnstore.open(own_store)
    formed = hypotheses.from_selection(
        store.model("brackets"), Selection("layer1.c", 44, 47, 0.3), "deep", "a **note**"
    )
    hypotheses.save(store, formed)
    return own_store


@pytest.fixture
def at_home(monkeypatch):
    """The visitor sits at the machine itself."""
    monkeypatch.setattr("pages.parts.hypotheses.saving.may_change", lambda: True)


def choose(app: AppTest, name: str) -> AppTest:
    return widget(app, "selectbox", "Look at").set_value(name).run()


def test_without_words_it_says_what_to_do(run, small_store):
    app = run(small_store, PAGE, model="brackets")
    assert "No words are chosen" in said(app)
    assert "None is kept in this store yet" in said(app)


@pytest.mark.parametrize("track", ["kind", "nesting"])
def test_matches_are_held_against_the_corpus(run, small_store, track):
    app = run(small_store, PAGE, **BRUSHED, track=track)

    model = rnnstore.open(small_store).model("brackets")
    units = select(model, Selection("layer1.c", 44, 47, 0.3)).units
    found = gather_evidence(model, "layer1.c", units, 0.3, excluding=(44, 47))
    told = associate(model, found, track)
    assert f"{found.note} {told.note}" in said(app)
    assert app.main.get("vega_lite_chart") or app.main.get("arrow_vega_lite_chart")


def test_fewer_units_are_asked_for_by_the_address(run, small_store):
    app = run(small_store, PAGE, **BRUSHED, least="1")
    assert "with 1 or more of" in said(app)
    assert widget(app, "number_input", "Units at least").value == 1


def test_ranges_are_told_apart_when_asked_for(run, small_store):
    app = run(small_store, PAGE, model="brackets", state="layer1.c", track="kind")
    assert "held-out ranges" not in said(app)
    widget(app, "toggle", "Every range of 2 or more steps, by the units that it selects in layer1.c").set_value(
        True
    ).run()
    assert not app.exception
    assert "held-out ranges, after training on the" in said(app)


def test_a_track_without_such_ranges_says_so(run, small_store):
    app = run(small_store, PAGE, model="sentences", state="layer1.h", track="phrase", ranges="yes")
    assert not app.exception
    assert "There are 0 ranges; a classification needs at least 20." in said(app)


def test_a_model_without_tracks_says_so(run, small_store):
    app = run(small_store, PAGE, **{"model": "sensor", "from": "20", "to": "21"})
    assert "sensor has no track beside its words" in said(app)


def test_a_hypothesis_is_kept_and_listed(run, own_store, at_home):
    app = run(own_store, PAGE, **BRUSHED)
    widget(app, "text_input", "Name").set_value("deep brackets").run()
    widget(app, "button", "Keep it").click().run()
    assert not app.exception
    assert app.success[0].value == "deep brackets is kept."
    found = hypotheses.load(rnnstore.open(own_store), "deep brackets")
    assert (found.model, found.state, found.start, found.stop) == ("brackets", "layer1.c", 44, 47)
    widget(app, "button", "Keep it").click().run()
    assert "There is a hypothesis 'deep brackets' already" in app.error[0].value


def test_a_kept_one_is_run_again_and_compared(run, kept):
    app = run(kept, PAGE, **{**BRUSHED, "from": "50", "to": "51"}, other="deep")
    assert not app.exception
    assert escape("a **note**") in said(app)
    assert "at step 44" in said(app) and "Jaccard" in said(app)
    widget(app, "radio", "By").set_value("units").run()
    assert "units of deep in layer1.c of brackets" in said(app)


def test_what_cannot_be_run_again_is_a_sentence(run, kept):
    app = run(kept, PAGE, model="sentences", state="layer2.h", other="deep")
    assert "stand nowhere in the corpus of 'sentences'" in said(app)
    app = run(kept, PAGE, model="sentences", state="layer2.h", other="deep", by="units")
    assert "Run it by its words" in said(app)


def test_a_kept_one_is_renamed_and_deleted(run, kept, at_home):
    app = choose(run(kept, PAGE, model="brackets"), "deep")
    widget(app, "text_input", "New name").set_value("deeper").run()
    widget(app, "button", "Rename").click().run()
    assert app.success[0].value == "deep is now called deeper."
    widget(app, "checkbox", "Delete it; this cannot be undone").set_value(True).run()
    widget(app, "button", "Delete").click().run()
    assert app.success[0].value == "deeper has been deleted."
    assert storage.saved(rnnstore.open(kept)).hypotheses == {}


def test_what_a_stranger_keeps_is_of_their_visit_alone(run, kept, hosted):
    folder = kept / "hypotheses"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    app = run(kept, PAGE, **BRUSHED, other="deep")
    assert "at step 44" in said(app) and "kept for this visit" in said(app)
    assert not [button for button in app.main.button if button.label in ("Rename", "Delete")]
    widget(app, "text_input", "Name").set_value("deep").run()
    widget(app, "checkbox", "Replace one of this name").set_value(True).run()
    widget(app, "button", "Keep it").click().run()
    assert app.error[0].value == "The store keeps a hypothesis 'deep', which stays as it is; choose another name."
    widget(app, "text_input", "Name").set_value("mine").run()
    widget(app, "button", "Keep it").click().run()
    assert app.success[0].value == "mine is kept for this visit."
    assert listed(app) == {"deep": kept_on(kept, "deep"), "mine": "this visit"}
    app = choose(app, "mine")
    widget(app, "text_input", "New name").set_value("ours").run()
    widget(app, "button", "Rename").click().run()
    assert app.success[0].value == "mine is now called ours." and listed(app)["ours"] == "this visit"
    assert list(listed(run(kept, PAGE, **BRUSHED))) == ["deep"]  # another visitor
    widget(app, "checkbox", "Delete it; this cannot be undone").set_value(True).run()
    widget(app, "button", "Delete").click().run()
    assert list(listed(app)) == ["deep"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def listed(app: AppTest) -> dict[str, str]:
    """Name and when it was kept, of the hypotheses in the list."""
    table = next(frame.value for frame in app.main.dataframe if "kept" in frame.value.columns)
    return dict(zip(table["name"], table["kept"], strict=True))


def kept_on(folder: Path, name: str) -> str:
    return hypotheses.load(rnnstore.open(folder), name).created[:16].replace("T", " ")


def test_a_stranger_takes_hypotheses_along_and_brings_them_again(run, kept, hosted):
    deep = hypotheses.load(rnnstore.open(kept), "deep")
    both = [deep.model_copy(update={"name": name}) for name in ("first", "second")]
    app = upload(run(kept, PAGE, model="brackets"), "hypotheses.json", exchange.serialised_together(both))
    assert app.success[0].value == "2 hypotheses are loaded."
    assert listed(app) == {"deep": kept_on(kept, "deep"), "first": "this visit", "second": "this visit"}
    assert "Yours as one file" in [button.proto.label for button in app.main.get("download_button")]
    app = upload(
        app, "hypotheses.json", exchange.serialised_together([both[0].model_copy(update={"name": "third"}), deep])
    )
    assert app.error[0].value.startswith("1 of 2 are loaded. The store keeps a hypothesis 'deep'")


def test_a_visit_keeps_no_more_than_a_file_can_hold(run, kept, hosted, monkeypatch):
    monkeypatch.setattr("pages.parts.hypotheses.saving.MOST_BYTES", 100)
    app = upload(
        run(kept, PAGE, model="brackets"),
        "deep.json",
        storage.serialised(hypotheses.load(rnnstore.open(kept), "deep").model_copy(update={"name": "other"})),
    )
    assert "A visit keeps hypotheses of 100 bytes together" in app.error[0].value


def test_a_note_is_shown_as_it_was_typed(run, kept, at_home):
    store = rnnstore.open(kept)
    note = "![](http://example.org/spy.png) <img src=x> $x$ :red[b]\nsecond"
    hypotheses.save(store, hypotheses.load(store, "deep").model_copy(update={"note": note}), replace=True)
    app = run(kept, PAGE, model="brackets", other="deep")
    shown = next(each.value for each in app.main.markdown if "spy" in each.value)
    assert shown == "  \n".join(map(escape, note.split("\n")))
    assert "![" not in shown and "<img" not in shown.replace("\\<", "")


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    app.main.get("file_uploader")[0].set_value((name, content, "application/json")).run()
    return widget(app, "button", "Load it").click().run()


def test_a_hypothesis_goes_by_a_file_into_another_store(run, kept, tmp_path, at_home):
    file = (kept / "hypotheses" / "deep.json").read_bytes()
    store = rnnstore.open(tmp_path / "other")
    with store.record("numbers") as recorder:
        recorder.add(words=["1", "2", "3"], states={"s": [[1.0], [0.0], [1.0]]})
    app = upload(run(store.path, PAGE), "deep.json", file)
    assert not app.exception
    assert app.success[0].value.startswith("deep is loaded. The store")
    assert "has no model 'brackets'" in app.success[0].value
    assert hypotheses.load(store, "deep") == hypotheses.load(rnnstore.open(kept), "deep")
    assert "stand nowhere in the corpus of 'numbers'" in said(app)
    app = upload(app, "letter.json", b'{"cells": []}')
    assert "letter.json is no hypothesis: it says no format" in app.error[0].value
    app = upload(app, "deep.json", file)
    assert "There is a hypothesis 'deep' already" in app.error[0].value
    widget(app, "text_input", "Name here").set_value("deeper").run()
    widget(app, "button", "Load it").click().run()
    assert set(storage.saved(store).hypotheses) == {"deep", "deeper"}


def test_a_kept_one_has_a_link_to_where_it_was_formed(run, kept):
    app = run(kept, PAGE, model="sentences", state="layer1.h", other="deep")
    link = next(code.value for code in app.main.code if "matching?" in code.value)
    asked = dict(parse_qsl(urlsplit(link).query))
    app = run(kept, "pages/matching.py", **asked)
    assert "steps 44 to 46" in said(app) and asked["model"] == "brackets"
    assert "which this store does not keep" in said(run(kept, PAGE, model="brackets", other="depe"))


def test_a_damaged_file_is_told_and_the_page_goes_on(run, kept):
    (kept / "hypotheses" / "bad.json").write_text("{")
    app = run(kept, PAGE, model="brackets")
    assert "hypotheses/bad.json cannot be read" in app.error[0].value
    assert choose(app, "deep").exception == []


@pytest.mark.long
def test_the_page_is_drawn_whole(page, serve, kept):
    page.set_viewport_size({"width": 1280, "height": 900})
    address = serve(kept)
    visit(page, f"{address}/hypotheses?model=brackets&state=layer1.c&from=44&to=46&track=kind&other=deep&ranges=yes")
    page.locator(".st-key-plane_view canvas, .st-key-plane_view svg").first.wait_for()
    assert_fits_both(page)
    for key in ("worth_view", "precision_view", "plane_view"):
        drawn = page.locator(f".st-key-{key} canvas, .st-key-{key} svg.marks").first
        assert drawn.bounding_box()["height"] > 100
    page.get_by_role("link", name="Open it here").click()
    settle(page)
    assert "from=44" in page.url
    assert_fits(page)
