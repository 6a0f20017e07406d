"""Pictures: that they compile, what their tables say, and that colours can be told apart and read on.

What only a browser shows is tested in `tests/pages`.
"""

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest

import rnnstore
from rnnstore.drawing.palette import DARK, LABELS, LIGHT, interpolate, palette
from rnnstore.drawing.prediction_rows import row_titles
from rnnstore.drawing.tracks import Key, legend, readable_ink, track_colours, wrap_legends
from rnnstore.matching.charts.match_view import COUNT, length_picture, match_picture
from rnnstore.matching.charts.select_view import LINES, DrawnSelection, select_picture
from rnnstore.matching.matches import match
from rnnstore.matching.windows import cells_of_matches, window
from rnnstore.store.card import Track
from tests.support import stores

vl_convert = pytest.importorskip("vl_convert")

BOTH = pytest.mark.parametrize("colours", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)], ids=["light", "dark"])


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return rnnstore.open(stores.small_store(tmp_path_factory.mktemp("charts") / "store")).models


def compiled(picture) -> dict:
    """The Vega specification of a picture; Vega-Lite raises when it makes no sense."""
    return vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))


def selecting(model, state="layer1.c", start=0, stop=30, palette=LIGHT, predicted=2, **hypothesis):
    tracks = dict(model.tracks)
    return select_picture(
        window(model, state, start, stop),
        DrawnSelection(**{"threshold": 0.3, **hypothesis}),
        palette,
        on=np.arange(stop - start) % 3,
        tracks=tracks,
        annotations=model.annotations(tracks, start, stop),
        predictions=model.predictions(start, stop) if model.has_predictions else None,
        predicted=predicted,
    )


def matching(model, palette=LIGHT, before=2, after=6, mapped=COUNT, **asked):
    found = match(model, "layer1.c", [0, 1, 2, 3, 4, 5], 0.3, 1, 1, **asked)
    starts = found.table["start"].to_numpy()
    cells = cells_of_matches(model, "layer1.c", range(6), 0.3, starts, before, after, list(model.tracks))
    tracks = dict(model.tracks)
    return found, match_picture(
        found.table, cells, 6, palette, tracks=tracks, mapped=mapped, before=before, after=after
    )


# Pictures


@pytest.mark.parametrize(("name", "colours"), [("brackets", LIGHT), ("sentences", DARK), ("sensor", LIGHT)])
def test_the_select_view_compiles_for_every_kind_of_model(models, name, colours):
    model = models[name]
    state = next(iter(model.states))
    assert compiled(selecting(model, state, palette=colours, start=2, stop=9, units=[1, 3]))["marks"]


@BOTH
def test_the_match_view_compiles(models, colours):
    assert compiled(matching(models["brackets"], palette=colours, limit=7)[1])["marks"]
    assert compiled(length_picture(match(models["brackets"], "layer1.c", [0], 0.3).lengths, 1, 3, colours))["marks"]


def test_no_parameter_hides_a_signal_of_vegas_own(models):
    own = {"unit", "width", "height", "padding", "autosize", "background", "cursor"}
    for picture in (selecting(models["brackets"]), matching(models["brackets"])[1]):
        assert not own & {parameter["name"] for parameter in picture.specification["params"]}


def test_brush_threshold_and_units_change_tables_only(models):
    model = models["brackets"]
    here = selecting(model, threshold=0.3)
    there = selecting(model, threshold=0.5, start=0, stop=30, units=[1, 2], off_before=2, matches=[(1, 3, 5)])
    assert here.specification == there.specification
    assert here.tables["lines"] != there.tables["lines"]


def test_another_answer_of_as_many_matches_changes_tables_only(models):
    here = matching(models["brackets"], limit=5, before=2, after=6, mapped=COUNT)[1]
    there = matching(models["brackets"], limit=5, offset=5, before=4, after=9, mapped="kind")[1]
    assert here.specification == there.specification


def test_the_brushed_words_are_drawn_as_far_as_they_lie_in_the_window(models):
    tables = selecting(models["brackets"], start=10, stop=20, **{"threshold": 0.3}).tables
    assert tables["brushed"].num_rows == 0
    hypothesis = DrawnSelection(0.3, 8, 12, off_before=2, off_after=3, matches=[(1, 11, 25), (2, 40, 41)])
    tables = select_picture(window(models["brackets"], "layer1.c", 10, 20), hypothesis, LIGHT).tables
    assert tables["brushed"].select(["from", "to"]).to_pylist() == [{"from": 10, "to": 12}]
    assert tables["pattern"].to_pylist() == [
        {"from": 10, "to": 12, "mid": 11.0, "caption": "on"},
        {"from": 12, "to": 15, "mid": 13.5, "caption": "off"},
    ]
    assert tables["matches"].to_pylist() == [{"from": 11, "to": 20, "mid": 15.5, "caption": "1"}]


def test_cells_that_grow_far_beyond_the_others_do_not_flatten_the_selected_ones(tmp_path):
    values = np.linspace(-0.8, 0.8, 40) * np.ones((20, 1))
    values[:, :4], values[:, -4:] = -40, 40
    store = rnnstore.open(tmp_path)
    with store.record("grown") as recorder:
        recorder.add(words=list("ab" * 10), states={"layer1.c": values.astype(np.float32)})
    seen = window(store.model("grown"), "layer1.c", 0, 20)
    tables = select_picture(seen, DrawnSelection(0.3, 4, 6, units=[30, 39]), LIGHT).tables
    assert tables["lines"]["value"].to_numpy().max() == pytest.approx(40, rel=1e-3)  # it is selected, so it is shown
    tables = select_picture(seen, DrawnSelection(0.3, 4, 6, units=[30]), LIGHT).tables
    assert tables["bands"]["high"].to_numpy().max() < 1
    assert "what is below -0.6" in " ".join(tables["legends"]["text"].to_pylist())
    tame = select_picture(seen, DrawnSelection(30), LIGHT).tables  # all is within reach of a high threshold
    assert tame["bands"]["high"].to_numpy().max() > 30


def test_words_in_many_columns_stand_as_running_text_around_the_starts(models):
    model = models["sentences"]
    found = match(model, "layer1.h", [0, 1], 0.3)
    starts = found.table["start"].to_numpy()
    cells = cells_of_matches(model, "layer1.h", [0, 1], 0.3, starts, 6, 9)
    wide = match_picture(found.table, cells, 2, LIGHT, before=6, after=9).tables["cells"]
    rows, offset = wide["row"].to_numpy(), wide["offset"].to_numpy()
    left, right = wide["p0"].to_numpy(), wide["q0"].to_numpy()
    assert set(np.asarray(left[offset == 0])) == {0.0} and (right[offset == -1] == 0).all()
    followed = rows[1:] == rows[:-1]
    assert np.allclose(left[1:][followed], right[:-1][followed], atol=1e-3)  # no gap, no overlap
    longest = np.array([len(word) for word in wide["shown"].to_pylist()])
    assert (right - left > 6 * longest).all()
    few = match_picture(found.table, cells, 2, LIGHT, before=6, after=6).tables["cells"]
    assert not few["p0"].to_numpy().any() and (few["z0"].to_numpy() > few["x0"].to_numpy()).all()


def test_units_are_listed_with_their_role(models):
    hypothesis = DrawnSelection(0.3, units=[2, 5], left_out=[4], pinned=[5])
    listed = select_picture(window(models["brackets"], "layer1.c", 0, 5), hypothesis, LIGHT).tables["units"]
    assert listed.select(["unit", "role"]).to_pydict() == {
        "unit": [2, 5, 4],
        "role": ["selected", "pinned", "left out"],
    }


def test_a_wall_of_units_is_cut_at_a_number_of_lines(tmp_path):
    from tests.support.worlds import record

    values = np.ones((6, 700), np.float32)
    model = record(tmp_path / "store", words=list("abcdef"), states={"hidden": values}).model("small")
    picture = select_picture(window(model, "hidden", 0, 6), DrawnSelection(0.3, units=list(range(700))), LIGHT)
    assert len(set(picture.tables["lines"]["unit"].to_pylist())) == LINES
    assert picture.tables["units"].num_rows == LINES
    assert sum(table.nbytes for table in picture.tables.values()) < 20_000


def test_a_predicted_word_that_came_has_another_colour(models):
    predictions = selecting(models["brackets"], stop=5).tables["predictions"].to_pylist()
    assert {row["colour"] for row in predictions if row["rank"] == 1} == {LIGHT.right}
    assert {row["colour"] for row in predictions if row["rank"] == 2} == {LIGHT.shade[-1]}


def test_every_match_is_a_row_with_its_place_and_score(models):
    found, picture = matching(models["brackets"], limit=3)
    facts = picture.tables["facts"].to_pylist()
    for row in found.table.to_pylist():
        said = [fact["caption"] for fact in facts if fact["rank"] == row["rank"]]
        assert said == [f"{row[name]:,}" for name in ("rank", "start", "length", "overlap", "union")]
    assert set(picture.tables["cells"]["rank"].to_pylist()) == {1, 2, 3}


def test_matrix_and_heat_maps_stand_side_by_side(models):
    cells = matching(models["brackets"], limit=3)[1].tables["cells"]
    ends = [(min(cells[f"x{panel}"].to_pylist()), max(cells[f"z{panel}"].to_pylist())) for panel in range(4)]
    assert ends[0][0] == 0
    assert all(here[1] < there[0] for here, there in itertools.pairwise(ends))
    assert ends[-1][1] <= 1


def test_a_match_longer_than_shown_goes_on(models):
    found, picture = matching(models["brackets"], limit=50, minimum_length=3, after=2)
    assert picture.tables["longer"].num_rows == found.table.num_rows > 0


def test_mapped_colours_fade_where_few_units_are_on(models):
    cells = matching(models["brackets"], mapped="kind", before=5, after=5)[1].tables["cells"].to_pylist()
    assert {cell["colour"] for cell in cells if cell["on"] == 0} == {LIGHT.background}
    kind = f"c{2 + list(models['brackets'].tracks).index('kind')}"
    full = [cell for cell in cells if cell["on"] == 6]
    assert full and all(cell["colour"] == cell[kind] for cell in full)


def test_a_picture_shows_itself_in_a_notebook(models):
    bundle = selecting(models["brackets"])._repr_mimebundle_()
    assert "vega" in str(bundle)


# Colours


def test_interpolated_colours_meet_the_ends_of_the_scale():
    assert interpolate(["#000000", "#ffffff"], np.array([0, 0.5, 1, 2, np.nan])) == [
        "#000000", "#808080", "#ffffff", "#ffffff", "transparent",
    ]  # fmt: skip


def test_rare_labels_share_a_colour_and_are_counted_in_the_legend():
    track = Track(name="tag", kind="discrete", labels=tuple("abcdefghijk"), distinct=300)
    assert track_colours(track, ["a", "k", None, "unheard of"], [None] * 4, LIGHT) == [
        LIGHT.labels[0], LIGHT.other, "transparent", LIGHT.other,
    ]  # fmt: skip
    keys = legend(track, LIGHT)
    assert [key.label for key in keys] == [*"abcdefgh", "292 others"]


def test_long_labels_are_cut_so_that_a_legend_has_room():
    labels = [f"a-label-of-many-characters-{number}\n" for number in range(30)]
    keys = legend(Track(name="long", kind="discrete", labels=labels, distinct=30, source=""), LIGHT)
    assert sum(26 + 6.4 * len(key.label) for key in keys) <= 700
    assert keys[-1].label == "22 others" and keys[0].label.endswith("…")


def test_numbers_around_zero_diverge_and_counts_grow():
    around_zero = Track(name="x", kind="scalar", minimum=-1, maximum=3)
    assert track_colours(around_zero, [None], [0.0], LIGHT) == [LIGHT.diverging[3]]
    count = Track(name="n", kind="scalar", minimum=0, maximum=4)
    assert track_colours(count, [None] * 2, [0, 4], LIGHT) == [LIGHT.sequential[0], LIGHT.sequential[-1]]
    assert [key.label for key in legend(count, LIGHT)] == ["0", "1", "2", "3", "4"]


SEEN = {  # Machado, Oliveira, Fernandes 2009: simulation of colour vision deficiency, severity 1, on linear RGB
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    """Contrast ratio as the accessibility guidelines define it; text wants 4.5."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@BOTH
@pytest.mark.parametrize("vision", SEEN)
def test_labels_can_be_told_apart(colours, vision):
    seen = [lab(np.array(SEEN[vision]) @ linear(colour)) for colour in (*colours.labels, colours.other)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 8


@BOTH
def test_text_is_readable_on_every_colour_it_stands_on(colours):
    for colour in (*colours.labels, colours.other, *colours.shade, colours.background, colours.right):
        assert contrast(colours.text, colour) >= 4.4, colour
    shades = interpolate(colours.sequential, np.linspace(0, 1, 21))
    for colour, ink in zip(shades, readable_ink(shades, colours), strict=True):
        assert contrast(ink, colour) >= 3.4, colour
    for colour in (colours.muted, colours.accent, colours.threshold):
        assert contrast(colour, colours.background) >= 4.5, colour


def test_an_unknown_theme_is_light():
    assert palette(None) is LIGHT and palette("dark") is DARK and len(LIGHT.labels) == LABELS


def test_a_legend_that_finds_no_room_goes_on_below():
    keys = [Key("#111111", "one"), Key("#222222", "two"), Key("", "a remark of some words that is rather long")]
    assert wrap_legends([("title", keys)], 1000) == [("title", keys)]
    lines = wrap_legends([("title", keys), ("next", keys[:1])], 180)
    assert [title for title, _ in lines] == ["title", "", "", "next"]
    assert [key.label for _, line in lines[1:3] for key in line] == ["a remark of some words that", "is rather long"]
    assert [key for _, line in lines for key in line if key.colour] == [*keys[:2], keys[0]]


def test_predictions_are_called_what_they_are():
    def titles(targets: list[str | None]) -> tuple[str, str]:
        steps = len(targets)
        return row_titles(
            pa.table(
                {
                    "rank": pa.array([1, 2] * steps, pa.int16()),
                    "target": pa.array([each for each in targets for _ in range(2)], pa.string()),
                }
            )
        )

    assert titles(["the", "cat", "sat", None]) == ("predicted next", "p of next word")
    assert titles([None, None, None, "positive"]) == ("predicted", "p of label")  # the label follows the last word
    assert titles([None, None]) == titles([]) == ("predicted", "")
