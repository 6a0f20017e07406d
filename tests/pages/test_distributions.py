"""The page "Distributions": what it counts, what it says where something is missing, and clicks in a browser."""

import numpy as np
import pytest

import rnnstore
from rnnstore.distributions.single_unit import unit_values
from rnnstore.distributions.unit_distributions import distribution
from tests.support.screens import assert_fits_both, settle, visit

PAGE = "pages/distributions.py"


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    """A model of two layers whose gates were recorded: unit 0 always shut, unit 1 always open, unit 2 in between."""
    path = tmp_path_factory.mktemp("gated") / "store"
    random = np.random.default_rng(5)
    gate = np.tile([0.02, 0.97, 0.5, 0.5], (300, 1)) + random.uniform(-0.02, 0.02, (300, 4))
    cell = np.cumsum(random.normal(0, 0.2, (300, 4)), axis=0)
    cell[:, 3] = 0
    with rnnstore.open(path).record("gated", cell="lstm") as recorder:
        states = {f"layer{n}.{name}": gate for n in (1, 2) for name in "if"}
        recorder.add(words=["a", "b", "c"] * 100, states={"layer1.c": cell, "layer1.h": np.tanh(cell), **states})
    return path


def said(app) -> str:
    return "\n".join(
        element.value for kind in ("markdown", "caption", "info", "warning", "error") for element in app.main.get(kind)
    )


def test_every_value_is_counted(run, small_store):
    app = run(small_store, PAGE, model="brackets", state="layer1.c")
    found = distribution(rnnstore.open(small_store).model("brackets"), "layer1.c")
    assert found.note in said(app) and "none was sampled" in found.note
    below, above = found.share_below(-0.9).mean(), found.share_above(0.9).mean()
    assert f"**{below:.1%}** of all values are below -0.9 and **{above:.1%}** above 0.9" in said(app)
    assert "**Every unit moves**" in said(app)


def test_still_units_are_named_at_the_limit_asked_for(run, gated):
    app = run(gated, PAGE, model="gated", state="layer1.c")
    assert "**1 unit never moves** (width of 98 % of its values ≤ 0.05): 3." in said(app)
    app = run(gated, PAGE, model="gated", state="layer1.c", moves="range", still="100")
    assert "**4 units never move** (range (largest - smallest) ≤ 100): 0, 1, 2, 3." in said(app)


def test_saturated_units_are_counted(run, gated):
    app = run(gated, PAGE, model="gated", state="layer2.f")
    assert "**2** of 4 units are beyond a limit at nine of ten steps or more" in said(app)
    assert "Saturated gates" in said(app)
    app = run(gated, PAGE, model="gated", state="layer2.f", low="0.6", high="0.99")
    assert "**75.0%** of all values are below 0.6" in said(app)


def test_a_model_without_gates_says_how_to_record_them(run, small_store):
    assert "The gates of this model were not recorded" not in said(run(small_store, PAGE, model="sensor"))
    assert "record each as a state that is named after its gate" in said(run(small_store, PAGE, model="sensor"))


def test_what_the_address_names_in_vain_is_said(run, small_store):
    app = run(
        small_store, PAGE, model="brackets", state="layer1.c", sort="size", unit="99", low="2", high="1", still="-1"
    )
    text = said(app)
    assert not app.exception
    assert "sort=size; one of median" in text and "there is no such unit here, from 0 to 23" in text
    assert "The lower limit 2 is not below the upper one" in text and "Nothing moves by less than -1" in text


@pytest.mark.long
def test_units_and_gates_are_clicked(page, serve, gated):
    page.set_viewport_size({"width": 1280, "height": 1400})
    address = serve(gated)
    visit(page, f"{address}/distributions?model=gated&state=layer1.c&sort=unit")
    drawn = page.locator(".st-key-units_view svg.marks, .st-key-units_view canvas").first
    drawn.wait_for()
    box = drawn.bounding_box()
    page.mouse.click(box["x"] + 50 + (box["width"] - 50) * 0.6, box["y"] + 100)
    page.wait_for_url("**unit=2*")
    settle(page)
    assert page.get_by_text("Unit 2:").count() == 1
    assert_fits_both(page)
    found = unit_values(rnnstore.open(gated).model("gated"), "layer1.c", 2)
    page.get_by_role("link", name="Select and match where it is on").click()
    page.wait_for_url("**/matching**")
    settle(page)
    assert f"from={found.start}" in page.url
    page.go_back()
    settle(page)
    page.get_by_text("heat map", exact=True).click()
    page.wait_for_url("**drawn=heat*")
    settle(page)
    assert "unit=2" in page.url
    assert_fits_both(page)
