"""Select and match: without a browser what the page says and does with an address, in one what only a browser shows."""

import shutil
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

import rnnstore
from pages.parts.matching import linked_panel
from pages.parts.matching.address import Linked, View
from pages.parts.matching.select_panel import reaching, whole_steps
from pages.parts.shared.pictures import clicked_since
from rnnstore.matching.charts import match_layout, select_layout
from rnnstore.matching.charts import match_view as match_chart
from rnnstore.matching.charts.select_layout import Rows
from rnnstore.matching.linked_states import LinkedState
from rnnstore.matching.selection import Selection, select
from rnnstore.store.runs import unit_runs
from tests.support.screens import assert_fits, changing, settle, visit

PAGE = "pages/matching.py"
LEVEL_FOUR = {"model": "brackets", "state": "layer1.c", "before": "1", "after": "1"}
"""The pattern of units 4 and 5, which are on exactly at nesting level 4."""


@pytest.fixture
def open_page(run, small_store):
    """open_page(**address) -> the page on the small store, without a browser."""

    def start(**address: str) -> AppTest:
        return run(small_store, PAGE, **address)

    start.store = small_store
    return start


def said(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "subheader", "code")
    return "\n".join(element.value for kind in kinds for element in app.main.get(kind))


def widget(app: AppTest, kind: str, label: str):
    return next(element for element in app.main.get(kind) if element.label == label)


def address(app: AppTest, name: str) -> str:
    """A parameter of the address, given by the test (a list) or written by the page (a text)."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[-1]


def test_a_page_without_a_brush_says_what_to_do(open_page):
    app = open_page(model="brackets")
    assert "**Drag over words**" in said(app)
    assert "Where else" not in said(app)


def test_the_example_selects_units_and_finds_matches(open_page):
    app = open_page(model="brackets")
    widget(app, "button", "Try an example").click().run()
    assert not app.exception
    assert "units** on throughout" in said(app)
    assert "Where else does that happen?" in said(app)
    assert {"from", "to", "before", "threshold"} <= set(app.query_params)


def test_a_link_replays_the_view(open_page):
    app = open_page(
        **LEVEL_FOUR, **{"at": "40", "from": "44", "to": "46", "threshold": "0.25", "out": "3", "page": "2"}
    )
    assert widget(app, "number_input", "First step shown").value == 40
    assert [widget(app, "number_input", label).value for label in ("First word", "Last word")] == [44, 46]
    assert widget(app, "number_input", "Exactly").value == 0.25
    assert widget(app, "slider", "Threshold").value == 0.25
    assert [widget(app, "number_input", f"Off {side}").value for side in ("before", "after")] == [1, 1]
    assert widget(app, "multiselect", "Left out").value == [3]


def test_the_copyable_link_names_everything(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "46"})
    assert app.main.code[-1].value.endswith("?model=brackets&state=layer1.c&from=44&to=46")


def test_a_widget_changes_the_address_and_turns_to_the_first_page(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "46", "page": "2"})
    widget(app, "number_input", "Exactly").set_value(0.2).run()
    assert address(app, "threshold") == "0.2"
    assert "page" not in app.query_params


@pytest.mark.long
@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"at": "999999"}, "there is no such step here, from 0 to 3,999 were expected. Shown instead: 3,999"),
        ({"from": "soon"}, "The address says from=soon; a whole step was expected"),
        ({"threshold": "high"}, "The address says threshold=high; a number was expected. Shown instead: 0.3."),
        ({"out": "2,77"}, "The address names unit 77, which is none: layer1.c has units 0 to 23."),
        ({"pin": "a," + "9" * 5000}, "units a, 999999999999999999999999999999999999999…, which are none"),
        ({"shortest": "5", "longest": "2"}, "shown instead: of exactly 5."),
        ({"colour": "pos"}, "brackets has no track pos to colour words by."),
        ({"tracks": "pos"}, "brackets has no track pos; it has"),
        ({"window": "2"}, "from 10 to 300 were expected. Shown instead: 10."),
        ({"state": "layer9.c"}, "Model 'brackets' has no state 'layer9.c'"),
        ({"model": "brakets"}, "did you mean brackets?"),
    ],
)
def test_what_the_address_names_in_vain_gets_a_sentence_and_a_usable_page(open_page, address, sentence):
    app = open_page(**{"model": "brackets", **address})
    assert sentence in "\n".join(warning.value for warning in app.warning)
    assert widget(app, "button", "Forward")


def test_nothing_on_offers_the_nearest_threshold_at_which_something_is(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "46", "threshold": "0.9"})
    assert "**No unit** is on throughout" in said(app)
    button = next(button for button in app.main.button if button.label.startswith("Set it to"))
    button.click().run()
    assert "on throughout" in said(app) and "**No unit**" not in said(app)


def test_units_that_are_all_left_out_are_said_to_be_so(open_page):
    chosen = {"model": "brackets", "from": "44", "to": "44", "threshold": "0.3"}
    units = select(rnnstore.open(open_page.store).model("brackets"), Selection("layer1.c", 44, 45, 0.3)).units
    app = open_page(**chosen, out=",".join(map(str, units)))
    assert "left out by hand" in said(app) and "**No unit**" not in said(app)
    widget(app, "button", "Take them back").click().run()
    assert "out" not in app.query_params and "on throughout" in said(app)


def test_a_brush_over_two_sequences_is_refused_in_a_sentence(open_page):
    app = open_page(**{"model": "sentences", "from": "0", "to": "30"})
    assert "reach into another sequence" in said(app)


def test_lengths_that_no_match_has_say_so(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "44", "threshold": "-0.5", "shortest": "5000"})
    assert "No range of the allowed lengths matches" in said(app)


@pytest.mark.long
@pytest.mark.parametrize("model", ["sensor", "sentences"])
def test_models_without_tracks_or_predictions_have_a_page(open_page, model):
    app = open_page(model=model)
    widget(app, "button", "Try an example").click().run()
    assert not app.exception
    assert "Where else does that happen?" in said(app)


def test_a_model_without_a_recording_says_how_to_record_it(open_page):
    app = open_page(model="only-trained")
    assert "no recorded states yet" in said(app)
    assert app.main.code[0].value.startswith("python -m pipelines record only-trained")


def test_an_empty_store_says_how_to_begin(run, empty_store):
    assert "python -m pipelines run RECIPE" in said(run(empty_store, PAGE))


def test_search_shows_hits_in_context_and_refuses_what_is_no_pattern(open_page):
    app = open_page(model="brackets", find="((")
    assert "hits" in said(app)
    assert app.dataframe[0].value.columns.tolist() == ["start", "before", "words", "after"]
    app = open_page(model="brackets", find="((", regex="yes")
    assert app.error or "regular expression" in said(app)


def test_forward_and_back_move_by_a_window_and_leave_the_brush(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "46", "window": "100"})
    widget(app, "button", "Forward").click().run()
    assert address(app, "at") == "100"
    assert (address(app, "from"), address(app, "to")) == ("44", "46")
    widget(app, "button", "Go to the brush").click().run()
    assert int(address(app, "at")) <= 44


def test_the_view_of_an_address_in_reverse_order_is_put_in_order(small_store):
    model = rnnstore.open(small_store).model("brackets")
    view = View({"from": "9", "to": "4"}, model=model, state=model.states["layer1.c"])
    assert view.brushed == (4, 10) and not view.messages
    assert View({"to": "4"}, model=model, state=model.states["layer1.c"]).brushed == (4, 5)


def test_another_state_is_asked_the_same_question(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "46", "threshold": "-0.1"})
    before = said(app)
    app.sidebar.selectbox(key="state").select("layer1.h").run()
    assert (address(app, "from"), address(app, "to"), address(app, "state")) == ("44", "46", "layer1.h")
    assert "steps 44 to 46" in said(app) and said(app) != before


def test_tracks_and_colours_follow_the_address(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "44", "tracks": "kind", "colour": "kind"})
    assert widget(app, "multiselect", "Under the words").value == ["kind"]
    widget(app, "multiselect", "Under the words").set_value([]).run()
    assert address(app, "tracks") == "none"
    assert widget(app, "multiselect", "Under the words").value == []


@pytest.mark.parametrize(
    ("interval", "steps"),
    [((3.2, 5.9), (3, 5)), ((3.6, 5.4), (4, 4)), ((3.1, 3.2), (3, 3)), ((2.9, 3.1), (3, 3)), ((0.0, 1.0), (0, 0))],
)
def test_a_brush_takes_the_words_whose_middle_it_covers(interval, steps):
    assert whole_steps(*interval) == steps


@pytest.mark.parametrize(
    ("word", "steps"), [(3, (3, 9)), (12, (5, 12)), (6, (6, 9)), (8, (5, 8)), (5, (5, 9)), (9, (5, 9))]
)
def test_the_nearer_end_of_a_brush_reaches_to_a_word(word, steps):
    assert reaching(word, 5, 9) == steps
    assert reaching(word, None, None) == (word, word)
    assert reaching(word, word, word) == (word, word)


def test_what_was_clicked_is_what_differs():
    first = {"clicked_word": [{"t": 3}]}
    assert clicked_since({}, first, "clicked_word", "t") == [3]
    assert clicked_since(first, {"clicked_word": [{"t": 3}, {"t": 5}]}, "clicked_word", "t") == [5]
    assert clicked_since(first, {"clicked_word": []}, "clicked_word", "t") == [3]
    assert clicked_since(first, {"clicked_word": [{"t": 3}, {}]}, "clicked_word", "t") == []
    assert clicked_since(first, {"clicked_word": [{"t": 5}]}, "clicked_word", "t") == [5]  # drawn anew in between


# States below the first one


def data_of(app: AppTest, mark: str) -> dict:
    """The tables of the chart that has a table of that name."""
    for chart in (element.proto for element in app.main if element.type == "vega_lite_chart"):
        tables = {part.name: pa.ipc.open_stream(part.data.data).read_all() for part in chart.datasets}
        if mark in tables:
            return tables
    raise AssertionError(f"no chart has the table {mark}")


def test_a_state_below_is_asked_the_same_words_at_its_own_threshold(open_page):
    app = open_page(**LEVEL_FOUR, **{"from": "44", "to": "46", "below": "layer1.h@-0.2"})
    model = rnnstore.open(open_page.store).model("brackets")
    units = select(model, Selection("layer1.h", 44, 47, -0.2, 1, 1)).units
    tables = data_of(app, "bands")
    drawn = set(tables["linked0_lines"]["unit"].to_pylist()) - {-1}
    assert drawn == set(units.tolist())
    assert tables["linked0_title"]["caption"].to_pylist()[0].startswith(f"layer1.h, at -0.2: {len(units)} unit")
    sentence = f"**layer1.h**: **{len(units)} unit" if len(units) else "**layer1.h**: no unit"
    assert sentence in said(app)


def test_states_are_put_below_and_taken_away_again(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "46"})
    chosen = widget(app, "selectbox", "Another state below")
    assert chosen.options[:3] == ["layer1.c", "layer1.h", "memory of sensor"]  # the model's own come first
    chosen.select_index(1).run()
    assert address(app, "below") == "layer1.h"
    widget(app, "number_input", "Threshold of layer1.h").set_value(-0.5).run()
    assert address(app, "below") == "layer1.h@-0.5"
    assert "touch one of the first state's best" in said(app)
    widget(app, "button", "Remove").click().run()
    assert "below" not in app.query_params and not app.exception


def test_a_model_of_other_words_below_says_so_and_leads_to_them(open_page):
    app = open_page(**{"model": "brackets", "from": "44", "to": "46", "below": "sensor:memory,layer1.h"})
    assert "sensor and brackets read other words here and cannot stand one above the other" in said(app)
    assert "linked1_bands" not in data_of(app, "bands") and "linked0_bands" in data_of(app, "bands")


@pytest.mark.long
@pytest.mark.parametrize(
    ("below", "sentence"),
    [
        ("layer1.x", "Model 'brackets' has no state 'layer1.x': did you mean layer1."),
        ("brakets:layer1.c", "has no model 'brakets': did you mean brackets?"),
        ("layer1.h@much", "below at the threshold much; a number was expected"),
        ("layer1.h@nan", "below at the threshold nan; a number was expected"),
        ("layer1.h,layer1.c,layer1.h", "names 3 states below the first one; 2 at most can stand there"),
        ("only-trained:layer1.c", "has no state 'layer1.c'"),
    ],
)
def test_what_cannot_stand_below_is_a_sentence(open_page, below, sentence):
    app = open_page(**{"model": "brackets", "from": "44", "to": "46", "below": below})
    warned = "\n".join(warning.value for warning in app.warning)
    assert sentence in said(app) + warned and not app.exception


def test_a_state_below_takes_the_place_of_the_first():
    one, two = SimpleNamespace(name="a"), SimpleNamespace(name="b")
    linked = (Linked(None, "layer1.h", -0.2), Linked("b", "s", None))
    view = SimpleNamespace(model=one, state=SimpleNamespace(name="layer1.c"), linked=linked, threshold=0.25)
    there = linked_panel.on_top(view, 0, LinkedState(one, "layer1.h", -0.2), {"from": "4", "out": "3"})
    assert there == {
        "from": "4", "model": "a", "state": "layer1.h", "threshold": "-0.2", "below": "layer1.c@0.25,b:s",
    }  # fmt: skip
    there = linked_panel.on_top(view, 1, LinkedState(two, "s", 0.5), {"tracks": "pos"})
    assert there["below"] == "a:layer1.c@0.25,a:layer1.h@-0.2" and "tracks" not in there


# In a browser

STEPS = 40


class Select:
    """The select view in the browser, where a step's cell is."""

    def __init__(self, page):
        self.page = page
        page.wait_for_selector(".st-key-select_view .marks")
        self.box = page.locator(".st-key-select_view .marks").first.bounding_box()

    def x(self, cell: float) -> float:
        margin = select_layout.MARGIN
        plot = self.box["width"] - margin["left"] - margin["right"]
        return self.box["x"] + margin["left"] + plot * cell / STEPS

    def drag(self, start: float, stop: float, y: float = 120) -> None:
        """Drag from one place to another, both in cells from the left."""
        with changing(self.page):
            self.page.mouse.move(self.x(start), self.box["y"] + y)
            self.page.mouse.down()
            for part in range(1, 5):
                self.page.mouse.move(self.x(start + (stop - start) * part / 4), self.box["y"] + y)
            self.page.wait_for_timeout(50)  # a busy browser brings moves together, the last one must have come
            self.page.mouse.up()
        self.page.wait_for_timeout(300)

    def click_word(self, cell: int) -> None:
        y = self.box["y"] + select_layout.MARGIN["top"] + Rows(False, 0, 0).words + 12
        with changing(self.page):
            self.page.mouse.click(self.x(cell + 0.5), y)
        self.page.wait_for_timeout(300)


def asked(page) -> dict[str, str]:
    """The parameters of the browser's address."""
    return dict(parse_qsl(urlsplit(page.url).query))


def open_select(page, application, **address) -> Select:
    parts = {"model": "brackets", "state": "layer1.c", "window": STEPS, **address}
    query = "&".join(f"{name}={value}" for name, value in parts.items())
    visit(page, f"{application}/matching?{query}")
    return Select(page)


def brushed(page) -> tuple[str | None, str | None]:
    return asked(page).get("from"), asked(page).get("to")


def test_brushing_draws_moves_and_undoes_a_selection(page, application):
    view = open_select(page, application, at=100)
    assert_fits(page)
    view.drag(5.2, 8.7)
    assert brushed(page) == ("105", "108")
    view.drag(7, 12)  # taken hold of in its middle: it moves
    assert brushed(page) == ("110", "113")
    view.drag(30.2, 31.7)
    assert brushed(page) == ("130", "131")
    page.go_back()
    settle(page)
    assert brushed(page) == ("110", "113")
    assert page.get_by_text("steps 110 to 113").is_visible() or page.get_by_text("No unit").is_visible()
    view = Select(page)
    page.wait_for_timeout(500)
    view.drag(11, 13)  # what the address brushed can be moved as well
    assert brushed(page) == ("112", "115")
    assert_fits(page)


@pytest.mark.long
def test_one_brush_spans_all_states_and_a_hit_is_framed(page, application):
    view = open_select(page, application, at=100, find="((", below="layer1.h@-0.3")
    assert_fits(page)
    lower = select_layout.MARGIN["top"] + Rows(False, 0, 0).words + 60  # in the plot of the state below
    view.drag(5.2, 8.7, y=lower)
    assert brushed(page) == ("105", "108")
    assert page.get_by_text("layer1.h: ", exact=False).first.is_visible()
    hits = page.locator('[data-testid="stDataFrame"]').bounding_box()
    for offset in (0, 2, 4):  # the table hears of a click only where the pointer has moved over it
        page.mouse.move(hits["x"] + 300 + offset, hits["y"] + 37 + 35 * 1.5)
    page.wait_for_timeout(300)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**hit=**")
    first, last = map(int, asked(page)["hit"].split("-"))
    assert last == first + 1 and brushed(page) == ("105", "108")
    page.get_by_text("The one that you went to is framed").wait_for()
    page.get_by_role("button", name="Close the search").click()
    settle(page)
    assert not {"hit", "find"} & set(asked(page))


@pytest.mark.long
def test_a_click_takes_one_word_and_keys_move_the_window(page, application):
    view = open_select(page, application, at=100)
    view.click_word(7)
    assert brushed(page) == ("107", "107")
    for cell, reached in ((11, ("107", "111")), (5, ("105", "111"))):
        page.keyboard.down("Shift")
        Select(page).click_word(cell)
        page.keyboard.up("Shift")
        assert brushed(page) == reached
    with changing(page):
        page.keyboard.press("f")
    assert asked(page)["at"] == "140"
    assert brushed(page) == ("105", "111")
    with changing(page):
        page.keyboard.press("b")
    assert asked(page)["at"] == "100"


def level_four(small_store) -> tuple[int, int]:
    """The first stretch at nesting level 4 of at least three steps, first and last step."""
    model = rnnstore.open(small_store).model("brackets")
    levels = model.annotations(["nesting"], 0, model.steps)["number"].to_numpy()
    starts, stops = unit_runs(levels == 4, np.array([0]))
    first = int(np.flatnonzero(stops - starts >= 3)[0])
    return int(starts[first]), int(stops[first]) - 1


@pytest.mark.long
def test_a_model_deleted_while_its_page_is_open_is_said_to_be_gone(page, serve, small_store, tmp_path):
    store = shutil.copytree(small_store, tmp_path / "store")
    visit(page, f"{serve(store)}/matching?model=sentences&state=layer2.h")
    shutil.rmtree(store / "model=sentences")
    page.keyboard.press("f")
    settle(page)
    page.get_by_text("has no model 'sentences'").wait_for()
    assert "Shown instead: brackets, layer1.c" in page.locator("body").inner_text()
    assert_fits(page)


def test_a_click_on_a_match_goes_there_with_the_same_hypothesis(page, application, small_store):
    first, last = level_four(small_store)
    open_select(page, application, at=max(0, first - 5), **{"from": first, "to": last, "before": 1, "after": 1})
    page.wait_for_selector(".st-key-match_view .marks")
    box = page.locator(".st-key-match_view .marks").first.bounding_box()
    before = asked(page)
    margin = match_chart.MARGIN
    third_row = margin["top"] + match_layout.HEADER + 3 * match_layout.LEGEND + 2.5 * match_layout.ROW
    page.evaluate("y => document.querySelector('[data-testid=\"stMain\"]').scrollBy(0, y)", box["y"] - 200)
    page.wait_for_timeout(500)
    box = page.locator(".st-key-match_view .marks").first.bounding_box()
    page.mouse.move(box["x"] + margin["left"] + 60, box["y"] + third_row)
    page.wait_for_selector("#vg-tooltip-element.visible")
    tooltip = page.locator("#vg-tooltip-element").inner_text()
    assert "selected units on" in tooltip and "nesting" in tooltip
    with changing(page):
        page.mouse.click(box["x"] + margin["left"] + 60, box["y"] + third_row)
    after = asked(page)
    assert after.pop("at") != before.pop("at")
    assert after == before
    page.go_back()
    settle(page)
    assert asked(page)["at"] == str(max(0, first - 5))


@pytest.mark.long
def test_a_unit_is_left_out_by_a_click_and_found_by_hovering(page, application, small_store):
    first, last = level_four(small_store)
    open_select(page, application, at=max(0, first - 5), **{"from": first, "to": last})
    lines = page.locator('.st-key-select_view path[stroke-width="3.2"]')
    assert lines.count() == 0
    for _ in range(
        20
    ):  # the chart may be drawn again, elsewhere or under a pointer at rest, which is told nothing then
        x, y = page.evaluate(
            """margin => {
                const chart = document.querySelector('.st-key-select_view .marks').getBoundingClientRect()
                const listed = [...document.querySelectorAll('.st-key-select_view svg.marks text')]
                    .filter(text => text.textContent === '0').map(text => text.getBoundingClientRect())
                    .filter(box => box.left > chart.right - margin)
                return [listed[0].left + listed[0].width / 2, listed[0].top + listed[0].height / 2]
            }""",
            select_layout.MARGIN["right"],
        )
        page.mouse.move(x, y + 200)
        page.mouse.move(x - 3, y)
        page.mouse.move(x, y)
        page.wait_for_timeout(250)
        if lines.count():
            break
    assert lines.count() == 1
    with changing(page):
        page.mouse.click(x, y)
    assert asked(page)["out"] == "0"


@pytest.mark.long
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
@pytest.mark.parametrize("model", ["brackets", "sentences"])
def test_nothing_is_cut_off_and_words_stay_in_their_cells(page, application, model, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    state = "layer1.c" if model == "brackets" else "layer1.h"
    visit(page, f"{application}/matching?model={model}&state={state}&from=6&to=6&threshold=-0.5")
    page.wait_for_selector(".st-key-match_view .marks")
    assert_fits(page)
    buttons = page.get_by_role("button", name="Export").bounding_box()
    assert buttons["y"] + buttons["height"] <= size[1]  # what to do next is seen without scrolling
    overlaps = page.evaluate(
        """() => { const words = [...document.querySelectorAll('.st-key-select_view svg.marks text')]
            .filter(t => t.textContent.length > 1 && /^[a-z]/.test(t.textContent))
            .map(t => t.getBoundingClientRect()).sort((a, b) => a.top - b.top || a.left - b.left);
            return words.filter((w, i) => i && Math.abs(w.top - words[i - 1].top) < 2
                && words[i - 1].right > w.left + 1).length }"""
    )
    assert overlaps == 0


@pytest.mark.long
def test_pictures_and_numbers_can_be_taken_away(page, application):
    open_select(page, application, at=40, **{"from": 44, "to": 45, "threshold": 0})
    page.wait_for_selector(".st-key-match_view .marks")
    page.get_by_role("button", name="Export").click()
    for name, ending in (
        ("Select view as a picture", (".svg", ".png")),
        ("Matches as a picture", (".svg", ".png")),
        ("Window as CSV", ".csv"),
        ("Matches as CSV", ".csv"),
        ("Matches as Parquet", ".parquet"),
    ):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.suggested_filename.endswith(ending)
        assert download.value.path().stat().st_size > 100


@pytest.mark.long
def test_a_hit_and_a_length_are_chosen_by_a_click(page, application):
    open_select(page, application, find="((", **{"from": 44, "to": 44, "threshold": 0})
    hits = page.locator('[data-testid="stDataFrame"]').bounding_box()
    with changing(page):
        page.mouse.click(hits["x"] + 300, hits["y"] + 37 + 35 * 1.5)
    assert int(asked(page)["at"]) > 0
    page.locator(".st-key-length_view").scroll_into_view_if_needed()
    with changing(page):
        page.locator(".st-key-length_view svg.marks .mark-rect path").nth(1).click()
    assert asked(page)["shortest"] == asked(page)["longest"]
