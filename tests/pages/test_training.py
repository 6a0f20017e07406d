"""The page "Training": recorded batches, what is said where something is missing, hovering and clicks in a browser."""

import pyarrow as pa
import pytest

import rnnstore
from rnnstore.training.charts.batch_overview import SIDES
from tests.support import stores
from tests.support.screens import assert_fits, changing, settle, visit

PAGE = "pages/training.py"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two models whose batches were recorded, one of them longer ones, and one without."""
    path = tmp_path_factory.mktemp("trained") / "store"
    store = rnnstore.open(path)
    for name, steps, batches in (("short", 8, 6), ("long", 60, 3)):
        stores.record_batches(store, name, steps, batches=batches)
        with store.writer(name) as writer:
            writer.describe(cell="lstm", layers=1, units=4, settings={"name": name, "training": {"epochs": 1}})
            writer.replace("training", stores.training_curve())
    stores.record_brackets(store, "without", steps=200)
    return path


def said(app) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "code")
    return "\n".join(element.value for kind in kinds for element in app.main.get(kind))


def pictures_of(app) -> list[dict]:
    import json

    return [json.loads(chart.proto.spec) for chart in app.main.get("vega_lite_chart")]


def test_the_last_batch_is_shown_with_its_numbers(run, trained):
    app = run(trained, PAGE, model="short")
    assert "6 recorded batches." in said(app)
    assert "**short, after step 500** · layer 1 · loss 2.5 nats · largest part 6 · half-life 2 · horizon 7" in said(app)
    app = run(trained, PAGE, model="short", batch="0")
    assert "half-life 2 · horizon not within it" in said(app)


def test_what_the_address_names_in_vain_is_said(run, trained):
    app = run(trained, PAGE, model="short", batch="140", models="without", quantity="colour")
    assert "The batch after step 140 was not recorded. Shown instead: the nearest one, after step 100." in said(app)
    assert "No training batches of without are recorded here" in said(app)
    assert "quantity=colour" in said(app)


def test_two_batches_of_two_models_side_by_side(run, trained):
    app = run(trained, PAGE, model="short", batch="0", other="long", beside="200", models="long")
    assert "**short, after step 0**" in said(app)
    assert "**long, after step 200**" in said(app)
    assert "More than 50 steps" in said(app)


def test_trainings_of_several_models_and_of_none(run, small_store):
    app = run(small_store, PAGE, view="curves", models="brackets,only-trained,sensor")
    text = said(app)
    assert "sensor was trained elsewhere, or not yet" in text
    assert len(app.main.get("vega_lite_chart") or app.main.get("arrow_vega_lite_chart")) == 5
    app = run(small_store, PAGE, model="only-trained", view="curves")
    assert not app.exception and "Thin: training" in said(app)
    assert "only-trained was trained before gradients were written down" in said(app)
    app = run(small_store, PAGE, model="sensor", view="curves")
    assert not app.exception and "sensor was trained elsewhere" in said(app)
    app = run(small_store, PAGE, view="curves", models="brackets,nobody", axis="hours", weight="kernel")
    assert "no model nobody" in said(app) and "axis=hours; one of step, epoch, time" in said(app)


def test_a_model_without_batches_says_which_line_records_them(run, trained):
    app = run(trained, PAGE, model="without", view="batches")
    assert "itemize: {every: 100}" in said(app)
    assert "python -m pipelines train without --again" in said(app)
    next(button for button in app.main.button if button.label == "short").click().run()
    assert "**short, after step 500**" in said(app)


def test_where_a_training_broke_down_is_said(run, trained, tmp_path):
    store = rnnstore.open(tmp_path / "store")
    stores.record_batches(store, "broken", batches=2)
    with store.writer("broken") as writer:
        rows = stores.training_curve().slice(0, 2).to_pylist()
        rows[1] |= {"step": 101, "epoch": 0.5, "loss": float("inf"), "gradient_norm": float("nan")}
        writer.replace("training", pa.Table.from_pylist(rows, stores.training_curve().schema))
    app = run(tmp_path / "store", PAGE, model="broken")
    assert "After step 100 (epoch 0.50" in said(app)
    assert "was no number, and the training stopped" in said(app)


def test_a_training_that_still_runs_is_followed(run, trained):
    store = rnnstore.open(trained)
    with store.writer("short"):
        app = run(trained, PAGE, model="short")
        assert "**short is still being trained or recorded**" in said(app)
        assert "The newest batch is shown." in said(app)
    assert "still being trained" not in said(run(trained, PAGE, model="short"))


def test_a_stretch_of_the_training_is_shown_below_all_of_it(run, trained):
    app = run(trained, PAGE, model="short", **{"from": "100", "to": "300"})
    assert "3 recorded batches after steps 100 to 300." in said(app)
    whole, stretch, *_, reach, course = pictures_of(app)
    brush = next(parameter for parameter in whole["params"] if parameter["name"] == "brush")
    assert brush["value"] == {"x": [100, 300]}
    ends = [{p["name"]: p["value"] for p in one["params"] if "value" in p} for one in (stretch, reach, course)]
    assert [(at["low"], at["high"]) for at in ends] == [(100, 400)] * 3  # what lies below one another is the same step
    assert "No batch was recorded between these steps." in said(
        run(trained, PAGE, model="short", **{"from": "401", "to": "402"})
    )


def test_the_loss_that_is_drawn_below_is_in_the_address(run, trained):
    def pinned(app):
        parameters = [picture["params"] for picture in pictures_of(app)]
        return [p["value"] for each in parameters for p in each if p["name"] == "pinned"]

    assert pinned(run(trained, PAGE, model="short")) == [0]  # all are equal, the first has the largest part
    assert pinned(run(trained, PAGE, model="short", loss="5")) == [5]
    assert pinned(run(trained, PAGE, model="short", loss="5", batch="0", beside="500")) == [5, 0]


def test_two_batches_have_one_scale_or_each_its_own(run, trained):
    def highest(app):
        parameters = [picture["params"] for picture in pictures_of(app)]
        return [p["value"] for each in parameters for p in each if p["name"] == "highest"]

    early, late = (run(trained, PAGE, model="short", batch=step, beside="500", scales="own") for step in ("0", "500"))
    (first, last), (same, again) = highest(early), highest(late)
    assert first < last == same == again
    assert highest(run(trained, PAGE, model="short", batch="0", beside="500")) == [last, last]


def test_pointing_previews_a_click_and_arrow_keys_choose_and_a_brush_takes_a_stretch(page, serve, trained):
    page.set_viewport_size({"width": 1280, "height": 1300})
    visit(page, f"{serve(trained)}/training?model=short")
    chart = page.locator(".st-key-batch_view_0 svg.marks")
    chart.wait_for()
    framed = "path[stroke='#c2410c'], path[stroke='rgb(194, 65, 12)']"
    assert chart.locator(framed).count() == 3  # the words of the loss with the largest part
    box = chart.bounding_box()
    for share in (0.5, 0.52, 0.54):  # towards the bars of the last steps
        page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * share)
        page.wait_for_timeout(150)
    assert chart.locator(framed).count() >= 4  # parts of one loss through several steps, and its words
    assert_fits(page)

    bars = page.locator(".st-key-outline_view .marks").first
    drawn = "canvas => canvas.getContext('2d').getImageData(76, 0, 800, 70).data.reduce((a, b) => (31 * a + b) | 0, 0)"
    place, hint = bars.bounding_box(), bars.evaluate(drawn)
    left, low = place["x"] + SIDES["left"], place["y"] + place["height"] - 50
    wide = place["width"] - SIDES["left"] - SIDES["right"]
    page.mouse.move(left + wide * 0.25, low, steps=3)
    page.wait_for_timeout(200)
    assert bars.evaluate(drawn) != hint
    with changing(page):
        page.mouse.click(left + wide * 0.1, low)
    assert "batch=0" in page.url
    assert page.get_by_text("short, after step 0").is_visible()
    with changing(page):
        page.keyboard.press("ArrowRight")
    assert "batch=100" in page.url

    page.mouse.move(left + wide * 0.4, low)
    with changing(page):
        page.mouse.down()
        page.mouse.move(left + wide * 0.6, low, steps=4)
        page.mouse.up()
    assert "from=200&to=300" in page.url
    assert page.get_by_text("2 recorded batches after steps 200 to 300.").is_visible()
    page.go_back()
    settle(page)
    assert page.get_by_text("6 recorded batches.").is_visible()
