"""Tables to take away, and the picture of a training."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import vl_convert

from rnnstore import export
from rnnstore.drawing.palette import palette
from rnnstore.store.overview import size, small_curves
from rnnstore.training.charts.losses import training_curve
from tests.support import stores
from tests.support.worlds import record

TABLE = pa.table(
    {
        "word": ["a,b", None, "x" * 80],
        "number": [1.5, float("nan"), 1 / 3],
        "labels": [["in", "out"], [], None],
        "weights": [[0.5, 2.0], None, [float("inf")]],
    }
)


def test_csv_quotes_joins_labels_and_leaves_null_empty():
    assert export.csv(TABLE).decode().splitlines() == [
        "word,number,labels,weights",
        '"a,b",1.5,in; out,"[0.5, 2.0]"',
        ",nan,,",
        f"{'x' * 80},0.3333333333333333,,[null]",
    ]


def test_json_has_null_for_what_is_no_number():
    first, second, third = json.loads(export.json(TABLE))
    assert first == {"word": "a,b", "number": 1.5, "labels": ["in", "out"], "weights": [0.5, 2.0]}
    assert (second["number"], third["weights"]) == (None, [None])


def test_parquet_keeps_types():
    assert pq.read_table(io.BytesIO(export.parquet(TABLE))).schema.equals(TABLE.schema)


def test_lines_are_aligned_and_long_cells_shortened():
    lines = export.aligned_text(TABLE.select(["word", "number"])).splitlines()
    assert lines[0].split() == ["word", "number"]
    assert lines[2] == f"{'a,b':60}  {'1.5':>8}"
    assert lines[4] == f"{'x' * 59}…  0.333333"


def test_an_empty_answer_still_has_its_heading():
    empty = TABLE.slice(0, 0).select(["word"])
    assert export.aligned_text(empty).splitlines() == ["word", "----"]
    assert (export.csv(empty), json.loads(export.json(empty))) == (b"word\n", [])


def test_sizes_are_said_as_people_say_them():
    assert [size(count) for count in (12, 1_000, 12_340_000, 5_600_000_000)] == [
        "12 bytes", "1.0 kB", "12.3 MB", "5.6 GB",
    ]  # fmt: skip


def test_small_curves_keep_the_first_and_the_last_loss(tmp_path):
    store = record(tmp_path, "untrained")
    with store.writer("trained") as writer:
        writer.replace("training", stores.training_curve(rows=1000))
    store.refresh()
    untrained_last = small_curves(store).to_pylist()
    losses = store.model("trained").table("training")["loss"].to_pylist()
    assert untrained_last[1] == []
    assert len(untrained_last[0]) == 40
    assert (untrained_last[0][0], untrained_last[0][-1]) == (losses[0], losses[-1])


def test_a_training_is_drawn_with_and_without_validation():
    rows = stores.training_curve()
    without = rows.set_column(
        rows.column_names.index("validation_loss"), "validation_loss", pa.nulls(rows.num_rows, pa.float64())
    )
    for table, named in ((rows, True), (without, False)):
        svg = vl_convert.vegalite_to_svg(json.dumps(training_curve(table, palette("light")).whole()))
        assert ">training<" in svg
        assert (">validation<" in svg) is named


def test_csv_begins_no_cell_as_a_formula_and_leaves_numbers_alone():
    table = pa.table({"=1+1": ["=cmd()", "+1", "-x", "@a", "a=b"], "n": [-1.5, 2.0, 0.0, 1.0, -3.0]})
    assert export.csv(table).decode().splitlines() == [
        "'=1+1,n", "'=cmd(),-1.5", "'+1,2.0", "'-x,0.0", "'@a,1.0", "a=b,-3.0",
    ]  # fmt: skip
    assert json.loads(export.json(table))[0]["=1+1"] == "=cmd()"


def test_a_terminal_gets_no_sequence_that_commands_it():
    table = pa.table({"a\x1b[2J": ["\x1b]0;evil\x07", "\u202eevil"]})
    assert export.aligned_text(table).splitlines()[0] == "a�[2J"
    assert all(line.isprintable() for line in export.aligned_text(table).splitlines())
