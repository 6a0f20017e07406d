"""The notebook runs from its first cell to its last, and shows what the application shows, with the same data."""

import ast
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import vl_convert

import rnnstore
from rnnstore import QuestionError, Selection, pictures
from rnnstore.drawing.picture import Picture
from rnnstore.memory import measuring
from tests.support import stores

ROOT = Path(__file__).parents[2]
NOTEBOOK = json.loads((ROOT / "examples" / "notebook.ipynb").read_text("utf-8"))


def shown(source: str, namespace: dict) -> object:
    """Run a cell as Jupyter does; what its last line gives is what it shows."""
    body = ast.parse(source).body
    last = ast.Expression(body.pop().value) if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), namespace)
    return eval(compile(last, "cell", "eval"), namespace) if last else None


def drawn(picture: Picture) -> str:
    """The picture, as a browser would draw it."""
    return vl_convert.vegalite_to_svg(json.dumps(picture.whole()))


def record_program(store: rnnstore.Store, name: str) -> None:
    """A program by character: unit 0 to 3 are on in names, the others wander; the same for every model."""
    text = "def area(width, height):\n    return width * height  # jolly big fox\n" * 30
    in_name = np.array([sign.isalpha() for sign in text])
    values = np.random.default_rng(5).normal(0, 0.4, (len(text), 12)).astype(np.float32)
    values[:, :4] += np.where(in_name, 0.8, -0.8)[:, None]
    with store.writer(name) as writer:
        writer.describe(level="character")
        writer.replace("training", stores.training_curve())
        with writer.record(thresholds=(0.3,)) as recorder:
            recorder.add(
                words=list(text),
                states={"layer1.c": values, "layer1.h": np.tanh(values)},
                annotations={"token": np.where(in_name, "name", "other")},
            )
    stores.keep_network(store, name, sorted(set(text)), {"level": "character"})
    stores.record_batches(store, name)


@pytest.fixture
def demonstration(tmp_path):
    """A stand-in for the demonstration's store, beside the folder of the notebook."""
    store = rnnstore.open(tmp_path / "store")
    stores.record_brackets(store, "demo-parentheses")
    for name in ("demo-python-lstm", "demo-python-gru"):
        record_program(store, name)
    model = rnnstore.open(tmp_path / "store").model("demo-python-lstm")
    measuring.save(store, model.name, measuring.state_gradients(model, ["layer1.c"], delays=5, stop=200), model)
    (tmp_path / "examples").mkdir()
    return tmp_path


@pytest.mark.long
def test_the_notebook_runs_and_shows_its_pictures(demonstration, monkeypatch):
    monkeypatch.chdir(demonstration / "examples")
    namespace, results = {}, []
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            results.append(shown("".join(cell["source"]), namespace))
    shown_pictures = [result for result in results if isinstance(result, Picture)]
    called = {name for cell in NOTEBOOK["cells"] for name in pictures.__all__ if f"{name}(" in "".join(cell["source"])}
    assert called == set(pictures.__all__)  # each kind of picture is shown
    assert len(shown_pictures) >= len(pictures.__all__) - 2  # no gradients were written down, no model completes words
    for place, picture in enumerate(shown_pictures):
        bundle = picture._repr_mimebundle_()
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
        assert any(kind == "text/html" or "vegalite" in kind for kind in bundle)
        svg = drawn(picture)
        assert "<text" in svg and (place >= 2 or "nesting" in svg)
    as_altair = shown_pictures[0].chart().to_dict(validate=False)
    assert vl_convert.vegalite_to_svg(json.dumps(as_altair)).count("<text") == drawn(shown_pictures[0]).count("<text")
    assert len(namespace["matches"].table) and len(namespace["selected"].units)


def test_the_notebook_is_stripped():
    for cell in NOTEBOOK["cells"]:
        assert cell["cell_type"] == "markdown" or (cell["outputs"], cell["execution_count"]) == ([], None)


def data_on_page(app) -> list[dict[str, pa.Table]]:
    """The tables of each chart on a page, by name."""
    charts = [element.proto for element in app.main if element.type == "vega_lite_chart"]
    return [{part.name: pa.ipc.open_stream(part.data.data).read_all() for part in chart.datasets} for chart in charts]


@pytest.mark.long
def test_a_picture_has_the_data_that_the_page_has(demonstration, run):
    store = demonstration / "store"
    model = rnnstore.open(store).model("demo-parentheses")
    levels = model.annotations(["nesting"], 0, model.steps)["number"].to_numpy()
    start = int(np.flatnonzero((levels[1:] == 4) & (levels[:-1] < 4))[3]) + 1
    selection = Selection("layer1.c", start, start + 1, 0.3, off_before=1)
    app = run(
        store,
        "pages/matching.py",
        model="demo-parentheses",
        state="layer1.c",
        at=str(start - 20),
        window="80",
        tracks="nesting",
        predicted="2",
        threshold="0.3",
        before="1",
        out="2",
        left="6",
        right="9",
        **{"from": str(start), "to": str(start)},
    )
    page = data_on_page(app)
    units = rnnstore.select(model, selection, left_out=[2]).units
    matches = rnnstore.match(model, "layer1.c", units, 0.3, 1, 0)
    after = next(table for table in page if "cells" in table)["cells"]["offset"].to_numpy().max() + 1
    of_selection = pictures.selection_picture(
        model, selection, at=start - 20, tracks=["nesting"], predicted=2, left_out=[2], matches=matches
    )
    of_matches = pictures.matches_picture(
        model, selection, units, matches, before=6, after=int(after), tracks=["nesting"]
    )
    for picture, mark in ((of_selection, "bands"), (of_matches, "cells")):
        there = next(table for table in page if mark in table)
        assert set(there) == set(picture.tables)
        for name, table in picture.tables.items():
            assert there[name].to_pylist() == table.to_pylist(), name


def test_a_question_without_matches_has_no_picture(demonstration):
    model = rnnstore.open(demonstration / "store").model("demo-parentheses")
    matches = rnnstore.match(model, "layer1.c", [], 0.3, 0, 0)
    with pytest.raises(QuestionError, match="no matches to show"):
        pictures.matches_picture(model, Selection("layer1.c", 0, 1, 0.3), [], matches)


def test_three_hundred_steps_of_many_units_are_drawn(demonstration):
    model = rnnstore.open(demonstration / "store").model("demo-parentheses")
    selection = Selection("layer1.c", 100, 101, -2.0)
    picture = pictures.selection_picture(model, selection, steps=300, tracks=list(model.tracks), predicted=2)
    assert len(picture.tables["lines"]) == 24 * 300 and picture._repr_mimebundle_()
