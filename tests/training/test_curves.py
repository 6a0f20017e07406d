"""Training curves side by side, and gradients thinned, on tables of a few rows."""

import json

import numpy as np
import pytest

import rnnstore
from rnnstore.drawing.palette import DARK, LIGHT
from rnnstore.store.tables import DECADES
from rnnstore.training.charts.history import (
    AXES,
    QUANTITIES,
    decade_names,
    decades_picture,
    loss_picture,
    norms_picture,
    quantity_picture,
)
from rnnstore.training.history import training_curves, weight_gradients
from tests.support.stores import gradient_rows, training_curve

vl_convert = pytest.importorskip("vl_convert")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = rnnstore.open(tmp_path_factory.mktemp("curves"))
    with store.writer("a") as writer:
        writer.describe(settings={"training": {"batch": 10, "unroll": 4}})
        writer.replace("training", training_curve(rows=4))
        writer.replace("training_gradients", gradient_rows(5))
    with store.writer("b") as writer:
        writer.replace("training", training_curve(rows=6))
    with store.writer("elsewhere") as writer:
        writer.describe()
    store.refresh()
    return store


def test_curves_of_several_models_stand_below_one_another(store):
    found = training_curves([store.model(name) for name in ("a", "elsewhere", "b")])
    assert found.models == ["a", "b"]
    assert found.table["step"].to_pylist() == [50, 100, 150, 200, 50, 100, 150, 200, 250, 300]
    seconds = 50 * 10 * 4 / 40_000  # between two rows, at 40,000 tokens a second
    assert found.table["seconds"].to_pylist()[:4] == pytest.approx([seconds, 2 * seconds, 3 * seconds, 4 * seconds])
    assert found.table["seconds"].to_pylist()[4:] == [None] * 6
    assert [note.split(" ")[0] for note in found.notes] == ["elsewhere", "Of"]


def test_texts_of_any_length_have_no_time_by_their_window(tmp_path):
    store = rnnstore.open(tmp_path)
    with store.writer("words") as writer:
        writer.describe(task="autocomplete", settings={"training": {"batch": 10, "unroll": 4}})
        writer.replace("training", training_curve(rows=4))
    store.refresh()
    found = training_curves([store.model("words")])
    assert found.table["seconds"].to_pylist() == [None] * 4
    assert "not known how long its training took" in found.notes[0]


def test_nothing_trained_here_is_an_empty_table_and_a_sentence(store):
    found = training_curves([store.model("elsewhere")])
    assert found.table.num_rows == 0 and found.models == []
    assert weight_gradients(store.model("elsewhere")).note.startswith("elsewhere was not trained here")
    assert "before gradients were written down" in weight_gradients(store.model("b")).note


def test_gradients_are_averaged_where_there_are_many(store):
    whole = weight_gradients(store.model("a"))
    assert (whole.weights, whole.rows_averaged, whole.note) == (
        ["embedding", "layer1.kernel", "layer1.recurrent"],
        1,
        "",
    )
    few = weight_gradients(store.model("a"), points=3)
    assert few.rows_averaged == 2 and "mean of 2 neighbouring rows" in few.note
    kernel = few.table.slice(3, 3)
    assert kernel["step"].to_pylist() == [20, 40, 50]
    assert kernel["norm"].to_pylist() == [2.5, 4.5, 6]
    assert kernel["largest"].to_pylist() == [1, 3, 4]
    assert kernel["relative_norm"].to_pylist() == [1.25, 2.25, 3]
    assert few.shares("layer1.kernel").tolist() == [np.eye(len(DECADES) + 1)[1].tolist()] * 3
    assert few.table["relative_norm"][0].as_py() is None  # of a weight that is all zero


def test_every_decade_has_a_name():
    names = decade_names()
    assert len(names) == len(DECADES) + 1 == len(set(names))
    assert names[:2] == ["below 1e-10", "1e-10 to 1e-9"] and names[-3:] == ["1e-2 to 1e-1", "0.1 to 1", "1 and above"]


@pytest.mark.parametrize("colours", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)], ids=["light", "dark"])
def test_pictures_compile(store, colours):
    found = training_curves([store.model("a"), store.model("b")])
    drawn = weight_gradients(store.model("a"))
    pictures = [loss_picture(found, colours, axis=axis, log=axis == "epoch") for axis in AXES]
    pictures += [quantity_picture(found, quantity, colours) for quantity in QUANTITIES]
    pictures += [norms_picture(drawn, colours, weight="embedding"), norms_picture(drawn, colours, relative=True)]
    pictures += [decades_picture(drawn, "layer1.kernel", colours)]
    for picture in pictures:
        vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))
    assert pictures[2].tables["training"].num_rows == 4  # along time, only what has a time
