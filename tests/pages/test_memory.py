"""The page "Memory": curves, directions and properties, and what it says where something is missing."""

import pytest

from rnnstore.memory import measuring, spectra
from rnnstore.memory.gradients import ALL
from tests.support.remembered import store_with_memory
from tests.support.screens import assert_fits, settle, visit

PAGE = "pages/memory.py"


@pytest.fixture(scope="module")
def remembered(tmp_path_factory):
    """Two models of which `tiny` has gradients of layer1.c by the classes of its track."""
    opened = store_with_memory(tmp_path_factory.mktemp("remembered") / "store")
    found = measuring.state_gradients(opened.model("tiny"), ["layer1.c"], delays=6, classes=["pos"])
    measuring.save(opened, "tiny", found, opened.model("tiny"))
    store_with_memory(opened.path, "unmeasured")
    opened.refresh()
    return opened


def said(app) -> str:
    return "\n".join(
        element.value for kind in ("markdown", "caption", "info", "warning", "error") for element in app.main.get(kind)
    )


def test_a_model_without_gradients_says_which_command_makes_them(run, remembered):
    app = run(remembered.path, PAGE, model="unmeasured", state="layer1.h")
    assert "**unmeasured** has no state gradients of layer1.h yet" in said(app)
    assert any("python -m rnnstore memory unmeasured" in code.value for code in app.main.code)
    app = run(remembered.path, PAGE, model="tiny", state="layer1.h")
    assert "it has those of layer1.c (choose one in the sidebar)" in said(app)


def test_a_first_look_follows_a_few_words_now(run, remembered):
    app = run(remembered.path, PAGE, model="unmeasured", state="layer1.h", look="yes")
    assert "30 of 200 words, evenly spread over the recording" in said(app)


def test_a_model_without_its_network_says_that_nothing_can_be_computed(run, small_store):
    app = run(small_store, PAGE, model="brackets", state="layer1.c")
    assert "they need the trained network itself" in said(app)
    assert not app.main.code


def test_states_lie_over_one_another_and_a_class_of_ones_own_beside(run, remembered):
    app = run(
        remembered.path, PAGE, model="tiny", state="layer1.h", states="layer1.c,layer9.x", own="pos:NN", classes="nouns"
    )
    text = said(app)
    assert "tiny has no gradients of layer9.x; there are those of layer1.c." in text
    assert "**“NN”** in tiny: 30 of the" in text and "Directions that layer1.c keeps" in app.main.subheader[0].value
    app = run(remembered.path, PAGE, model="tiny", state="layer1.c", own="pos")
    assert "'pos' stands for 3 classes" in said(app)


def test_a_delay_has_its_directions_words_and_units(run, remembered):
    app = run(remembered.path, PAGE, model="tiny", state="layer1.c", classes="all words,nouns", own="n3", delay="2")
    text = said(app)
    found = spectra.directions(remembered.model("tiny"), "layer1.c", ALL, 2)
    assert f"Singular value **{found.singular_values[0]:.4g}**" in text
    assert f"Mean over {found.count:,} pairs" in text
    unit, value = found.strongest_units(0)[0]
    assert f"kept: {unit} ({value:+.2f})" in text
    assert "**“n3”** in tiny: all " in text and "places, followed now" in text


def test_properties_stand_beside_probes(run, remembered):
    app = run(
        remembered.path,
        PAGE,
        model="tiny",
        state="layer1.c",
        show="properties",
        probes="yes",
        first="n0,n1",
        second="be",
    )
    text = said(app)
    assert "The first class of 'n0... / be' has 2 words; at least 5 are needed" in text
    assert [row["property"] for row in app.main.dataframe[0].value.to_dict("records")] == ["singular / plural"]


def test_what_the_address_names_in_vain_is_said(run, remembered):
    app = run(
        remembered.path, PAGE, model="tiny", state="layer1.c", models="other,tiny", classes="cats", delay="99",
        measure="size", own="cat",
    )  # fmt: skip
    text = said(app)
    for sentence in (
        "The store has no model other",
        "No gradients were computed for the class cats",
        "there is no such delay here, from 0 to 5 were expected",
        "The address says measure=size",
        "never read 'cat'",
    ):
        assert sentence in text, sentence


@pytest.mark.long
def test_in_a_browser_a_click_on_a_direction_shows_it(serve, remembered, page):
    visit(page, f"{serve(remembered.path)}/memory?model=tiny&state=layer1.c")
    chart = page.locator(".st-key-spectrum_view .marks").first
    chart.wait_for()
    assert_fits(page)
    page.locator(".st-key-spectrum_view .mark-rect path").nth(1).click()
    page.wait_for_url("**direction=2**")
    settle(page)
    found = spectra.directions(remembered.model("tiny"), "layer1.c", ALL, 0)
    page.get_by_text(f"{found.singular_values[1]:.4g}").first.wait_for()
