"""Tables that grow while training, and recorded batches asked of them: whole tables told beforehand."""

import gc
import json
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import rnnstore
from rnnstore.drawing.palette import DARK, LIGHT
from rnnstore.errors import QuestionError, StoreError
from rnnstore.store.schema import Lifetime
from rnnstore.store.tables import named
from rnnstore.training import recorded_batches as batches
from rnnstore.training.batch_previews import batch_previews
from rnnstore.training.charts.batch_overview import overview_picture
from rnnstore.training.charts.batch_view import batch_picture
from rnnstore.training.charts.reach import reach_picture
from rnnstore.visible import visible

vl_convert = pytest.importorskip("vl_convert")


def horizon_rows(steps, maximum=None, layer=1, horizon=None):
    count = len(steps)
    return pa.table(
        {
            "step": pa.array(steps, pa.int64()),
            "layer": pa.array([layer] * count, pa.int32()),
            "loss": [step / 100 for step in steps],
            "maximum": maximum if maximum is not None else [float(step) for step in steps],
            "mean": [0.5] * count,
            "half_life": [1.0] * count,
            "horizon": pa.array(horizon if horizon is not None else [2.0] * count, pa.float64()),
        }
    )


def steps_of(path, name="m"):
    return rnnstore.open(path).sql("select step from gradient_horizons order by all")["step"].to_pylist()


def horizon_files(path):
    return list(path.glob("model=m/gradient_horizons/*"))


def test_appended_rows_stand_behind_those_before_and_parts_stay_few(tmp_path):
    with rnnstore.open(tmp_path).writer("m") as writer:
        for step in range(22):
            writer.append({"gradient_horizons": horizon_rows([step])})
        parts = [part.rows for part in writer.card.files["gradient_horizons"]]
    assert parts == [16, 4, 2]  # the binary digits of 22
    assert steps_of(tmp_path) == list(range(22))


def test_several_tables_appear_together_or_not_at_all(tmp_path):
    with rnnstore.open(tmp_path).writer("m") as writer:
        writer.append({"gradient_horizons": horizon_rows([0])})
        wrong = pa.table({"step": [1], "letters": ["a"]})
        with pytest.raises(StoreError, match="no rows of itemized_gradients"):
            writer.append({"gradient_horizons": horizon_rows([1]), "itemized_gradients": wrong})
        with pytest.raises(StoreError, match="'tokens' cannot be appended to"):
            writer.append({"tokens": wrong})
    assert steps_of(tmp_path) == [0]


def test_a_writer_that_stops_in_the_middle_leaves_what_was_there(tmp_path, monkeypatch):
    with rnnstore.open(tmp_path).writer("m") as writer:
        writer.append({"gradient_horizons": horizon_rows([0, 1])})
        monkeypatch.setattr("rnnstore.store.commit.write_card", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            writer.append({"gradient_horizons": horizon_rows([2, 3])})
    monkeypatch.undo()
    assert steps_of(tmp_path) == [0, 1]
    reader = rnnstore.open(tmp_path)
    with rnnstore.open(tmp_path).writer("m") as writer:
        writer.keep_before(named(Lifetime.BATCHES), 1)
    assert steps_of(tmp_path) == [0]
    assert len(horizon_files(tmp_path)) > 1  # what was replaced stays for those who are reading it ...
    assert batches.recorded_steps(reader.models["m"]).tolist() == [0, 1]
    del reader
    gc.collect()  # a reader that is gone holds no lease
    with rnnstore.open(tmp_path).writer("m") as writer:  # ... and goes with the next writer
        blocks = [block.path for block in writer.card.files["gradient_horizons"]]
        assert [path.relative_to(tmp_path / "model=m").as_posix() for path in horizon_files(tmp_path)] == blocks


def test_who_reads_while_blocks_are_merged_reads_what_was_there(tmp_path):
    with rnnstore.open(tmp_path).writer("m") as writer:
        writer.append({"gradient_horizons": horizon_rows([0])})
        reader = rnnstore.open(tmp_path).models["m"]
        writer.append({"gradient_horizons": horizon_rows([1])})  # merges the block that the reader knows
        assert batches.recorded_steps(reader).tolist() == [0]


@pytest.fixture
def model(tmp_path):
    """Seven batches of two words; the third has no number, the last does not reach its horizon."""
    steps = list(range(0, 70, 10))
    largest = [1.0, 5.0, float("nan"), 2.0, 9.0, 3.0, 4.0]
    words = {
        "step": pa.array(np.repeat(steps, 2), pa.int64()),
        "sequence": pa.array([0] * 14, pa.int32()),
        "position": pa.array([0, 1] * 7, pa.int32()),
        "input": ["a", "b"] * 7,
        "label": ["b", None] * 7,
        "predicted": ["b", "a"] * 7,
        "probability": pa.array([0.5] * 14, pa.float32()),
        "label_probability": pa.array([0.5, None] * 7, pa.float32()),
        "loss": pa.array([0.69, None] * 7, pa.float32()),
    }
    pairs = {
        "step": pa.array(np.repeat(steps, 3), pa.int64()),
        "layer": pa.array([1] * 21, pa.int32()),
        "t": pa.array([0, 1, 1] * 7, pa.int32()),
        "j": pa.array([0, 0, 1] * 7, pa.int32()),
        "magnitude": pa.array([3.0, 1.0, 2.0] * 7, pa.float32()),
        "share": pa.array([2.5, -0.5, 2.0] * 7, pa.float32()),
    }
    with rnnstore.open(tmp_path).writer("m") as writer:
        rows = horizon_rows(steps, largest, horizon=[2.0, 2, 2, 2, 2, 2, None])
        writer.append(dict(zip(named(Lifetime.BATCHES), (rows, pa.table(pairs), pa.table(words)), strict=True)))
    return rnnstore.open(tmp_path).models["m"]


def test_an_outline_keeps_the_peak_of_every_group(model):
    found = batches.batch_overview(model, bars=3)
    assert (found.batches, found.each, found.window) == (7, 3, 2)
    assert found.table.select(["first", "last", "batches", "largest", "maximum"]).to_pylist() == [
        {"first": 0, "last": 20, "batches": 3, "largest": 10, "maximum": 5.0},
        {"first": 30, "last": 50, "batches": 3, "largest": 40, "maximum": 9.0},
        {"first": 60, "last": 60, "batches": 1, "largest": 60, "maximum": 4.0},
    ]
    assert "Each bar is 3 recorded batches" in found.note
    assert found.table["horizon"].to_pylist() == [2, 2, 2]  # what is not reached counts as the window's two steps
    assert batches.batch_overview(model, first=20, last=40).table["first"].to_pylist() == [20, 30, 40]
    assert batches.batch_overview(model, first=20, last=40).note == ""


def test_a_batch_is_its_words_and_its_pairs(model):
    found = batches.batch(model, 30)
    assert (found.steps, found.sequences, found.facts["maximum"]) == (2, 1, 2.0)
    np.testing.assert_array_equal(found.magnitude, [[3, np.nan], [1, 2]])
    np.testing.assert_array_equal(found.share, [[2.5, np.nan], [-0.5, 2]])
    assert found.of_sequence(0)["label"].to_pylist() == ["b", None]


def test_what_is_not_there_is_said(model, tmp_path):
    with pytest.raises(QuestionError, match="the nearest recorded ones come after 20, 30, 40"):
        batches.batch(model, 31)
    with pytest.raises(QuestionError, match="has recorded layers 1, none 2"):
        batches.batch(model, 30, layer=2)
    with rnnstore.open(tmp_path).writer("other") as writer:
        writer.describe(description="without batches")
    other = rnnstore.open(tmp_path).models["other"]
    assert not batches.is_recorded(other)
    with pytest.raises(QuestionError, match=r"records them with `itemize: \{every: 100\}`"):
        batches.batch_overview(other)
    assert batches.divergence(other) is None


def test_a_training_without_numbers_says_where_it_began(model, tmp_path):
    values = {"loss": [2.0, float("inf"), 1.0], "gradient_norm": [1.0, float("nan"), 1.0]}
    with rnnstore.open(tmp_path).writer("m") as writer:
        plain = dict.fromkeys(("epoch", "validation_loss", "learning_rate", "tokens_per_second"), [0.5] * 3)
        writer.replace("training", pa.table({"step": [5, 8, 9], **plain, **values}))
    found = batches.divergence(rnnstore.open(tmp_path).models["m"])
    assert (found.step, found.epoch) == (7, 0.5)


def test_glances_are_the_norms_through_every_step_and_the_first_texts_words(model):
    found = batch_previews(model, [20, 60], window=2)
    assert (found.places, found.each) == (2, 1)
    assert found.table.slice(0, 2).to_pylist() == [
        {"step": 20, "place": 0, "norm": 2.0, "label": "b", "predicted": "b", "right": True},  # 2.5 of lag 0, -0.5 of 1
        {"step": 20, "place": 1, "norm": 2.0, "label": None, "predicted": "a", "right": None},
    ]
    assert found.table["step"].to_pylist() == [20, 20, 60, 60]
    long = batch_previews(model, [20], window=100)
    assert (long.places, long.each) == (50, 2)
    assert long.table.select(["place", "norm", "label"]).to_pylist() == [{"place": 0, "norm": 2.0, "label": None}]


def test_where_a_batch_broke_is_its_first_loss_or_else_its_first_gradient_without_a_number(model):
    found = batches.batch(model, 30)
    assert found.broke() is None and found.heaviest == 0
    of_gradient = replace(found, no_number=1)
    assert of_gradient.broke() == batches.FirstNonFinite(
        "gradient", 1, 0, ""
    )  # a step without a label: its word is not told
    losses = found.words.set_column(7, "loss", pa.array([float("nan"), None], pa.float32()))
    assert replace(of_gradient, words=losses).broke() == batches.FirstNonFinite("loss", 0, 0, "a")


def test_a_bar_that_is_pointed_at_shows_its_words_one_a_place(model):
    whole = batches.batch_overview(model)
    previews = batch_previews(model, whole.table["largest"].to_pylist(), whole.window)
    drawn = overview_picture(whole, LIGHT, previews=previews).whole()
    for parameter in drawn["params"]:
        if parameter["name"] == "over":
            parameter["value"] = [{"largest": 60}]
    texts = re.findall(r">([^<>]+)</text>", vl_convert.vegalite_to_svg(json.dumps(drawn)))
    words = [
        visible(row[name] or "")
        for name in ("label", "predicted")
        for row in previews.table.to_pylist()
        if row["step"] == 60
    ]
    assert len(words) == 4 and texts[-4:] == words


@pytest.mark.parametrize("colours", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)], ids=["light", "dark"])
def test_pictures_of_batches_compile(model, colours):
    whole, one = batches.batch_overview(model), batches.batch(model, 30)
    previews = batch_previews(model, whole.table["largest"].to_pylist(), whole.window)
    pictures = [
        overview_picture(whole, colours, previews=previews, chosen=[30], broken=20, brush=(10, 30)),
        overview_picture(whole, colours, quantity="horizon", along=(0, 100), brushed=False),
        batch_picture(one, colours),
        batch_picture(one, colours, drawn="heat map", loss=1),
        reach_picture([whole], colours, chosen=30, along=(0, 40)),
    ]
    for picture in pictures:
        vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))
    given = [{p["name"]: p.get("value") for p in picture.specification["params"]} for picture in pictures]
    assert given[0]["brush"] == {"x": [10, 30]} and "brush" not in given[1]
    assert (given[2]["pinned"], given[3]["pinned"]) == (0, 1)  # the loss with the largest part, or the one asked for
    assert (given[2]["lowest"], given[2]["highest"]) == (-0.5, 2.5)
    assert (given[4]["low"], given[4]["high"]) == (0, 40)
