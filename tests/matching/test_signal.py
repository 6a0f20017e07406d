"""Numbers beside the words as lines: which tracks are, where a value stands, where a line breaks, how it is said."""

import json

import numpy as np
import pytest
import vl_convert

import rnnstore
from rnnstore.drawing.numerals import numeral
from rnnstore.drawing.palette import DARK, LIGHT
from rnnstore.matching.charts import scalar_tracks as signal
from rnnstore.matching.charts.scalar_tracks import EDGE, SIGNAL, is_signal, number_in, signal_tables
from rnnstore.matching.charts.select_view import DrawnSelection, select_picture
from rnnstore.matching.windows import window
from rnnstore.store.card import Track


def recorded(folder, starts=(0,), **tracks):
    steps = len(next(iter(tracks.values())))
    with rnnstore.open(folder).record("signal") as recorder:
        recorder.add(
            words=[f"09:00:{step:02}" for step in range(steps)],
            states={"h": np.linspace(-1, 1, 2 * steps).reshape(steps, 2)},
            sequence_starts=np.isin(np.arange(steps), starts),
            annotations=tracks,
        )
    return rnnstore.open(folder).model("signal")


def drawn(model, name="x", first=0, stop=None):
    seen = window(model, "h", first, model.steps if stop is None else stop)
    return signal_tables(model.tracks[name], model.annotations([name], seen.start, seen.stop), seen, top=100)


def test_few_whole_numbers_stay_cells_and_everything_else_is_a_line(tmp_path):
    tracks = recorded(
        tmp_path,
        nesting=[0, 4, 2, 1],
        probability=[0, 0.5, 1, 0.25],
        count=[0, 10_000, 3, 4],
        kind=["a", "b", "a", "b"],
        silent=[np.nan] * 4,
    ).tracks
    assert {name: is_signal(track) for name, track in tracks.items()} == {
        "nesting": False,
        "probability": True,
        "count": True,
        "kind": False,
        "silent": False,
    }
    assert [tracks[name].whole for name in ("nesting", "probability", "count", "kind")] == [True, False, True, None]
    assert not is_signal(Track(name="recorded before", kind="scalar", minimum=0, maximum=4))


@pytest.mark.parametrize(
    ("number", "span", "said"),
    [
        (0.0137, 0, "0.0137"),
        (-0.004476123, 0, "-0.004476"),
        (-1e6, 0, "-1,000,000"),
        (-1e6, 0.5, "-1,000,000.000"),
        (-1_250_000, 5e5, "-1,250,000"),
        (0, 0, "0"),
        (0, 3, "0"),
        (-1e-20, 3, "0"),
        (1.5e-9, 0, "1.5e-9"),
        (1.5e-9, 1e-9, "1.5e-9"),
        (2e12, 0, "2e12"),
        (100, 0, "100"),
        (float("nan"), 0, ""),
    ],
)
def test_a_number_is_said_as_people_write_it(number, span, said):
    assert numeral(number, span) == said


@pytest.mark.parametrize(
    ("low", "high", "whole", "number", "said"),
    [
        (0, 4, True, 3.0, "3"),
        (0, 4, None, 3.0, "3"),
        (0, 1, False, 1.0, "1.00"),
        (-1e6, -999_998, False, -999_999.8261, "-999,999.83"),
        (-3, 1e9, False, 5.1234, "5.12"),
        (-0.0149, 0.0149, False, 0.0, "0"),
        (-5, 5e6, True, 1_250_000.0, "1,250,000"),
    ],
)
def test_a_number_of_a_track_is_as_precise_as_the_track_asks(low, high, whole, number, said):
    assert number_in(Track(name="x", kind="scalar", minimum=low, maximum=high, whole=whole), number) == said


def test_a_line_stands_at_its_values_and_breaks_where_one_is_missing_and_where_a_sequence_ends(tmp_path):
    model = recorded(tmp_path, starts=(0, 6), x=[-1e6, -1e6 + 1, np.nan, -1e6 + 0.5, np.nan, -1e6, -1e6, -1e6 + 0.25])
    line, scale = drawn(model)
    low, high = 100 + SIGNAL - EDGE, 100 + EDGE
    middle = (low + high) / 2
    assert line["y"].to_pylist() == [low, high, None, middle, None, low, low, (low + middle) / 2]
    piece = np.array(line["piece"].to_pylist())
    given = [0, 1, 3, 5, 6, 7]
    assert [list(np.flatnonzero(piece[given] == number)) for number in np.unique(piece[given])] == [
        [0, 1],
        [2],
        [3],
        [4, 5],
    ]
    assert np.flatnonzero(line["alone"].to_numpy(zero_copy_only=False)).tolist() == [3, 5]
    assert line["caption"].to_pylist()[:4] == ["-1,000,000", "-999,999", "no value", "-999,999.5"]
    assert scale.to_pylist() == [{"y": high, "caption": "-999,999.00"}, {"y": low, "caption": "-1,000,000.00"}]


def test_a_window_with_a_small_part_of_the_range_has_a_scale_of_its_own_and_says_so(tmp_path):
    model = recorded(tmp_path, x=[0.01, 0.02, 0.03, 0.01, 5.0, 1000.0])
    line, scale = drawn(model, stop=4)
    assert scale["caption"].to_pylist() == ["0.0300", "0.0100", "own scale"]
    assert line["y"].to_pylist() == [100 + SIGNAL - EDGE, 100 + SIGNAL / 2, 100 + EDGE, 100 + SIGNAL - EDGE]
    assert "own scale" not in drawn(model)[1]["caption"].to_pylist()


def test_a_signal_that_never_changes_lies_in_the_middle(tmp_path):
    line, scale = drawn(recorded(tmp_path, x=[0.5, 0.5, 0.5]))
    assert line["y"].to_pylist() == [100 + SIGNAL / 2] * 3 and scale["caption"].to_pylist() == ["0.5"]


@pytest.mark.parametrize("palette", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)])
def test_the_select_view_draws_lines_above_the_cells_of_their_tracks(tmp_path, palette):
    time = np.arange(300)
    model = recorded(tmp_path, small=np.sin(time / 9) * 0.0137, level=time % 4, large=-1e6 + np.cos(time))
    seen = window(model, "h", 0, 300)
    names = ["small", "level", "large"]
    annotations = model.annotations(names, 0, 300)
    picture = select_picture(seen, DrawnSelection(0.3), palette, tracks=model.tracks, annotations=annotations)
    assert {name for name in picture.tables if name.startswith("signal")} == {
        "signal0", "signal0_scale", "signal2", "signal2_scale",
    }  # fmt: skip
    titles = {row["title"]: row["y"] for row in picture.tables["titles"].to_pylist()}
    assert titles["level"] - titles["small"] == 20 and titles["large"] - titles["level"] == 20 + signal.SIGNAL
    specification = json.dumps(picture.whole())
    svg = vl_convert.vegalite_to_svg(specification)
    assert "0.0137" in svg and "-999,999.00" in svg
