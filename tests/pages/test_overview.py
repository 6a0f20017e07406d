"""The frame and the overview: in a real browser what only a browser shows, without one the rest."""

import json
import shutil

import pytest
from streamlit.testing.v1 import AppTest

import rnnstore
from rnnstore.store.overview import overview, status
from tests.support import stores
from tests.support.screens import assert_fits, changing, settle, visit


@pytest.fixture
def own_store(small_store, tmp_path):
    """A copy of the small store that a test may change."""
    return shutil.copytree(small_store, tmp_path / "store")


def said(app: AppTest) -> str:
    """Every text of the page and the sidebar."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "warning", "error", "success", "code")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


def cards(app: AppTest) -> list[str]:
    """Names of the models whose cards are shown."""
    return [text.value[5:].split("\n")[0] for text in app.main.markdown if text.value.startswith("#### ")]


# What is shown


def test_every_model_has_a_row_and_few_models_a_card_each(run, small_store):
    app = run(small_store)
    assert cards(app) == ["brackets", "only-trained", "sensor", "sentences"]
    assert list(app.dataframe[0].value["model"]) == ["brackets", "only-trained", "sensor", "sentences"]


def test_a_card_says_what_is_known(run, small_store):
    text = said(run(small_store))
    for fact in (
        "LSTM 1 × 24, embedding 8, 3,512 parameters",
        "brackets up to four deep, 7 different characters",
        "perplexity **12.50** (validation), perplexity **13.75** (test)",
        "4,000 steps, the 2 most probable next words",
        "**nesting**: numbers 0 to 4  \n  :gray[gold]",
        "**kind**: digit, opening, closing",
        "**phrase**: NP  \n  :gray[tagger (predicted)]",
        "and 1 more",
    ):
        assert fact in text


def test_what_is_trained_and_not_recorded_names_the_command(run, small_store):
    app = run(small_store)
    assert [info.value for info in app.info] == ["**Trained, not recorded.** Record what it keeps in its states:"]
    assert [code.value for code in app.code] == [f"python -m pipelines record only-trained --store {small_store}"]


def test_a_model_that_is_being_trained_is_shown_as_such(run, tmp_path):
    store = rnnstore.open(tmp_path / "store")
    with store.writer("growing") as writer:
        writer.describe(cell="gru", layers=1, units=8)
        writer.replace("training", stores.training_curve())
        assert "**Being trained.**" in said(run(tmp_path / "store"))
    assert "**Training stopped early.**" in said(run(tmp_path / "store"))


def test_what_a_recording_left_out_is_on_its_card(run, own_store):
    card = own_store / "model=sensor" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"notes": ["phrase covers the first 10 of 600 steps"]}))
    assert "- Phrase covers the first 10 of 600 steps." in said(run(own_store))


def test_status_tells_every_stage(tmp_path):
    store = rnnstore.open(tmp_path / "store")

    def now() -> str:
        store.refresh()
        return status(store.model("one")).name

    with store.writer("one") as writer:
        writer.describe()
        assert now() == "being trained"
    assert now() == "nothing recorded"
    with store.writer("one") as writer:
        writer.describe(metrics=[("perplexity", "test", 2.0)])
        assert now() == "being recorded"
    assert now() == "trained, not recorded"
    stores.record_sensor(store, "one")
    assert now() == "recorded"
    with store.writer("one") as writer:
        assert now() == "being recorded anew"


def test_a_model_without_a_recording_says_how_to_make_one(run, tmp_path):
    store = rnnstore.open(tmp_path / "store")
    with store.writer("broken") as writer:
        writer.describe(description="its recording failed")
    assert "under the same name it takes this place" in said(run(tmp_path / "store"))
    with store.record("broken") as recorder:
        recorder.add(words=["a", "b"], states={"s": [[1.0], [2.0]]})
    assert status(store.model("broken")).name == "recorded"


def test_the_table_of_models_holds_a_column_for_every_metric(small_store):
    table = overview(rnnstore.open(small_store))
    assert table["perplexity (test)"].to_pylist() == [3.25, 3.0, None, 13.75]
    assert table["perplexity (validation)"].to_pylist() == [None, None, None, 12.5]
    assert table["states"].to_pylist()[0] == ["layer1.c (24)", "layer1.h (8)"]
    assert table["steps"].to_pylist() == [4000, 0, 600, 645]


def test_damaged_models_are_named_with_their_sentence(run, damaged_store):
    app = run(damaged_store)
    (problems,) = app.error
    for name, reason in (("from-the-future", "format 99"), ("nothing", "no card.json"), ("truncated", "instead of")):
        line = next(line for line in problems.value.splitlines() if line.startswith(f"- **{name}**"))
        assert reason in line
    assert cards(app) == ["good"]


def test_an_empty_store_says_what_to_do(run, empty_store):
    text = said(run(empty_store))
    assert "There is no model here yet" in text
    assert f"python -m pipelines run RECIPE --store {empty_store}" in text
    assert "python -m rnnstore app FOLDER" in text


def test_a_store_that_is_a_file_is_a_sentence(run, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert "cannot be read (Not a directory)" in said(run(tmp_path / "file"))


def test_a_model_that_goes_while_it_is_read_is_a_sentence(run, own_store):
    app = run(own_store)
    for part in (own_store / "model=brackets" / "training").iterdir():
        part.unlink()
    app.run()
    assert "changed or was deleted while it was being read" in app.error[0].value


def test_what_was_recorded_or_deleted_since_shows_on_the_next_run(run, own_store):
    app = run(own_store)
    stores.record_sensor(rnnstore.open(own_store), "recorded-since")
    app.run()
    assert "recorded-since" in cards(app) or "recorded-since" in list(app.dataframe[0].value["model"])
    shutil.rmtree(own_store / "model=recorded-since")
    app.run()
    assert "recorded-since" not in list(app.dataframe[0].value["model"])


def test_of_many_models_the_current_one_shows_its_card(run, crowded_store):
    app = run(crowded_store, model="variant-07")
    assert len(app.dataframe[0].value) == 30
    assert cards(app) == ["variant-07"]


def test_one_model_alone(run, tmp_path):
    stores.record_sensor(rnnstore.open(tmp_path / "store"))
    assert cards(run(tmp_path / "store")) == ["sensor"]


# The address


def test_an_address_names_model_and_state(run, small_store):
    app = run(small_store, model="sentences", state="layer2.h")
    assert [box.value for box in app.sidebar.selectbox] == ["sentences", "layer2.h"]
    assert "**645** steps × **16** units" in said(app)


@pytest.mark.long
@pytest.mark.parametrize(
    ("address", "sentence", "shown"),
    [
        ({"model": "sentence"}, "has no model 'sentence': did you mean sentences?", ["brackets", "layer1.c"]),
        (
            {"model": "sentences", "state": "layer3.h"},
            "has no state 'layer3.h': did you mean",
            ["sentences", "layer1.h"],
        ),
        ({"model": "../brackets"}, "has no model '../brackets'", ["brackets", "layer1.c"]),
    ],
)
def test_an_address_that_names_what_is_not_there_gets_a_sentence(run, small_store, address, sentence, shown):
    app = run(small_store, **address)
    assert sentence in app.warning[0].value
    assert [box.value for box in app.sidebar.selectbox] == shown
    app.sidebar.selectbox[0].select("sensor").run()
    assert not app.warning


def test_a_model_keeps_the_state_of_that_name_when_it_has_one(run, small_store):
    app = run(small_store, model="sentences", state="layer1.h")
    app.sidebar.selectbox[0].select("brackets").run()
    assert [box.value for box in app.sidebar.selectbox] == ["brackets", "layer1.h"]


def test_a_link_to_a_damaged_model_says_what_is_wrong_with_it(run, damaged_store):
    assert "truncated or was changed" in run(damaged_store, model="truncated").warning[0].value


# Changing the store


@pytest.fixture
def at_home(monkeypatch):
    """The visitor sits at the machine itself."""
    monkeypatch.setattr("pages.parts.shared.hosting.may_change", lambda: True)


def test_who_may_not_change_the_store_sees_no_way_to(run, small_store, monkeypatch):
    monkeypatch.setattr("pages.parts.shared.hosting.may_change", lambda: False)
    assert not [button for button in run(small_store).button if button.label in ("Rename", "Delete", "Copy")]


def test_rename_takes_the_choice_along(run, own_store, at_home):
    app = run(own_store, model="sensor")
    app.text_input(key="name-sensor").input("thermometer")
    app.run()
    app.button(key="rename-sensor").click().run()
    assert app.success[0].value == "sensor is now called thermometer."
    assert app.sidebar.selectbox[0].value == "thermometer"
    assert not app.warning
    assert "thermometer" in rnnstore.open(own_store).models


def test_a_refused_rename_is_a_sentence(run, own_store, at_home):
    app = run(own_store)
    app.text_input(key="name-sensor").input("brackets").run()
    app.button(key="rename-sensor").click().run()
    assert app.error[0].value.startswith("There is a model 'brackets' already")
    app.text_input(key="name-sensor").input("../out").run()
    app.button(key="rename-sensor").click().run()
    assert "cannot name a model" in app.error[0].value


def test_delete_asks_first(run, own_store, at_home):
    app = run(own_store, model="sensor")
    assert app.button(key="delete-sensor").disabled
    app.checkbox(key="sure-sensor").check().run()
    app.button(key="delete-sensor").click().run()
    assert "sensor" not in rnnstore.open(own_store).models
    assert cards(app) == ["brackets", "only-trained", "sentences"]
    assert app.sidebar.selectbox[0].value == "brackets"


def test_copy_in_and_its_refusals(run, own_store, damaged_store, at_home):
    def copy_in(name: str) -> AppTest:
        app = run(own_store)
        next(box for box in app.text_input if box.label == "Folder of the model").input(str(damaged_store / name)).run()
        return next(button for button in app.button if button.label == "Copy").click().run()

    app = copy_in("model=good")
    assert list(app.dataframe[0].value["model"]) == ["brackets", "good", "only-trained", "sensor", "sentences"]
    assert "truncated" in copy_in("model=truncated").error[0].value
    assert copy_in("model=good").error[0].value.startswith("There is a model 'good' already")
    assert "is no folder" in copy_in("nowhere").error[0].value


# In a browser


def choose(page, box: str, option: str) -> None:
    """Choose an option of a selectbox by its label."""
    page.locator('[data-testid="stSelectbox"]').filter(has_text=box).locator("input").click()
    with changing(page):
        page.get_by_role("option", name=option, exact=True).click()


def shown(page) -> tuple[str, str]:
    """Model and state that the sidebar shows."""
    boxes = page.locator('[data-testid="stSidebar"] [data-testid="stSelectbox"] input')
    return boxes.nth(0).input_value(), boxes.nth(1).input_value()


@pytest.mark.long
@pytest.mark.parametrize("path", ["/", "/matching"])
@pytest.mark.parametrize("world", ["small_store", "damaged_store", "crowded_store", "empty_store"])
def test_pages_fit_a_small_screen(page, serve, request, path, world):
    outside = []
    page.on(
        "request", lambda asked: asked.url.startswith(("http://127", "data:", "blob:")) or outside.append(asked.url)
    )
    visit(page, serve(request.getfixturevalue(world)) + path)
    assert_fits(page)
    assert outside == []


@pytest.mark.long
def test_a_link_is_replayed_as_the_first_request_of_all(page, serve, own_store):
    visit(page, serve(own_store) + "/matching?model=sentences&state=layer2.h")
    assert shown(page) == ("sentences", "layer2.h")
    assert_fits(page)


def test_back_undoes_choices_one_by_one(page, application):
    visit(page, application)
    assert shown(page) == ("brackets", "layer1.c")
    choose(page, "Model", "sentences")
    assert page.url.endswith("/?model=sentences&state=layer1.h")
    choose(page, "State", "layer2.h")
    assert page.url.endswith("/?model=sentences&state=layer2.h")
    choose(page, "Model", "brackets")
    assert page.url.endswith("/?model=brackets&state=layer1.c")
    for expected in (("sentences", "layer2.h"), ("sentences", "layer1.h"), ("brackets", "layer1.c")):
        with changing(page):
            page.go_back()
        assert shown(page) == expected


@pytest.mark.long
def test_a_card_leads_to_its_states_and_the_sidebar_keeps_them_on_every_page(page, application):
    visit(page, application)
    page.locator(".st-key-card-sentences").get_by_role("link", name="layer2.h").click()
    page.wait_for_url("**/matching?model=sentences&state=layer2.h")
    settle(page)
    assert shown(page) == ("sentences", "layer2.h")
    page.locator('[data-testid="stSidebar"]').get_by_role("link", name="Overview").click()
    page.wait_for_url("**/?model=sentences&state=layer2.h")
    settle(page)
    assert shown(page) == ("sentences", "layer2.h")


@pytest.mark.long
def test_rows_ticked_in_a_long_table_show_their_cards(page, serve, crowded_store):
    visit(page, serve(crowded_store))
    table = page.locator('[data-testid="stDataFrame"]').first
    box = table.bounding_box()
    for row in (2, 4):
        page.mouse.click(box["x"] + 16, box["y"] + 34 * row + 50 - 34)
        settle(page)
    heads = page.locator('[data-testid="stMain"] h4')
    assert heads.all_inner_texts() == ["variant-01", "variant-03"]


@pytest.mark.long
def test_the_table_of_models_can_be_taken_away(page, application):
    visit(page, application)
    with page.expect_download() as download:
        page.get_by_role("button", name="Models as CSV").click()
    lines = download.value.path().read_text("utf-8").splitlines()
    assert lines[0].startswith("model,status,task,cell,layers,units")
    assert [line.split(",")[0] for line in lines[1:]] == ["brackets", "only-trained", "sensor", "sentences"]
