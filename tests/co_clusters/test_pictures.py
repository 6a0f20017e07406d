"""The pictures of co-clusters: what stands where, which links are drawn, what the colours say."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from rnnstore.co_clusters.charts.layout import Drawing, arrange
from rnnstore.co_clusters.charts.picture import Highlights, co_cluster_picture
from rnnstore.co_clusters.charts.responses import response_picture
from rnnstore.co_clusters.charts.unit_words import unit_words_picture
from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import ExpectedResponses, WordResponse, WordTags
from rnnstore.co_clusters.membership import members, with_words
from rnnstore.drawing.palette import DARK, LIGHT
from rnnstore.errors import UnknownName

vl_convert = pytest.importorskip("vl_convert")


def world(words=120, units=60, groups=6, seed=3) -> ExpectedResponses:
    """Responses with planted groups of words and units, of either sign; word i was read words - i times."""
    random = np.random.default_rng(seed)
    block = random.normal(0, 0.2, (groups, groups)) + np.diag(np.where(np.arange(groups) % 2, -1.0, 1.0))
    of_word, of_unit = random.integers(0, groups, words), random.integers(0, groups, units)
    response = block[of_word][:, of_unit] + random.normal(0, 0.1, (words, units))
    error = np.full((words, units), 0.05, np.float32)
    error[-1] = np.nan  # read once
    return ExpectedResponses(
        "world", "s", [f"word{index}" for index in range(words)], np.arange(words, dtype=np.int32) + 7,
        np.arange(words, 0, -1), response.astype(np.float32), error,
    )  # fmt: skip


def compiled(picture) -> dict:
    return vl_convert.vegalite_to_vega(json.dumps(picture.whole()))


@pytest.fixture(scope="module")
def expected():
    return world()


@pytest.fixture(scope="module")
def clusters(expected):
    return decompose(expected).clusters(6)


@pytest.mark.parametrize("palette", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)], ids=["light", "dark"])
@pytest.mark.parametrize("width", [960, 520])
def test_the_picture_compiles_with_everything_in_it(expected, clusters, palette, width):
    tags = WordTags("pos", ["NOUN", "VERB"], ["NOUN"] * 200, np.ones(200, int), np.ones(200, np.float32))
    chosen = Highlights(["word3", "word5"], [1, 2], ["word9"], tags)
    picture = co_cluster_picture(clusters, expected, palette, chosen, Drawing(focus="u1", width=width))
    assert compiled(picture)["marks"]
    own = {"unit", "width", "height", "padding", "autosize", "background", "cursor"}
    assert not own & {parameter["name"] for parameter in picture.specification["params"]}


@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 1.0])
def test_links_are_those_of_the_share_and_as_wide_as_their_mean_response(expected, clusters, share):
    table = co_cluster_picture(clusters, expected, LIGHT, None, Drawing(share)).tables["links"]
    response = expected.response[clusters.rows]
    means = np.array(
        [
            [response[clusters.word_cluster == i][:, clusters.unit_cluster == j].mean() for j in range(6)]
            for i in range(6)
        ]
    )
    drawn = np.argwhere(np.abs(means) >= share * np.abs(means).max() - 1e-7)
    assert table["with"].to_pylist() == [f"|w{i}|u{j}|" for i, j in drawn]
    strengths = np.array([means[i, j] for i, j in drawn])
    thick = table["thick"].to_numpy()
    np.testing.assert_allclose(thick / thick.max(), np.abs(strengths) / np.abs(means).max(), rtol=1e-4)
    orange, blue = LIGHT.diverging[-2], LIGHT.diverging[1]
    assert table["colour"].to_pylist() == [orange if strength > 0 else blue for strength in strengths]


@pytest.mark.parametrize("equal", ["height", "width"])
@pytest.mark.parametrize(("units", "k"), [(60, 6), (2000, 20), (7, 7)])
def test_every_unit_is_a_square_of_its_own_on_its_chip(equal, units, k):
    found = decompose(world(150, units, k)).clusters(k)
    layout = arrange(found, Drawing(equal=equal))
    assert len({*zip(layout.unit_x.tolist(), layout.unit_y.tolist(), strict=True)}) == units
    chip, tolerance = found.unit_cluster, 1e-6
    assert (layout.unit_x >= -layout.chip_width[chip] / 2).all()
    assert (layout.unit_x + layout.cell <= layout.chip_width[chip] / 2 + tolerance).all()
    assert (layout.unit_y >= layout.chip_top[chip]).all()
    assert (layout.unit_y + layout.cell <= (layout.chip_top + layout.chip_height)[chip] + tolerance).all()
    same = layout.chip_height if equal == "height" else layout.chip_width
    np.testing.assert_allclose(same, same[0])
    order = np.argsort(layout.chip_top)
    assert (layout.chip_top[order][1:] >= (layout.chip_top + layout.chip_height)[order][:-1]).all()
    assert layout.chip_top.min() >= 0 and (layout.chip_top + layout.chip_height).max() <= 560 + tolerance
    assert layout.cell >= 3
    assert (layout.near * layout.side > (layout.middle + layout.chip_width.max() / 2 * layout.side) * layout.side).all()


def test_chips_stand_opposite_their_partners_and_a_cluster_more_moves_no_cloud_to_another_place(expected):
    found = decompose(expected)
    six, seven = (arrange(found.clusters(k), Drawing()) for k in (6, 7))
    order = np.argsort(six.chip_top)
    assert order.tolist() == found.clusters(6).partner.tolist()
    assert six.side.tolist() == seven.side[:6].tolist()
    for side in (-1, 1):
        places = np.argsort(seven.cloud_top[seven.side == side])
        assert places.tolist() == sorted(places)


def test_the_words_of_what_is_in_focus_get_more_room_and_those_of_others_less(expected, clusters):
    usual, focused = (arrange(clusters, Drawing(focus=focus)) for focus in ("", "w2"))
    assert focused.cloud_height[2] > usual.cloud_height[2]
    others = [index for index in range(6) if focused.side[index] == focused.side[2] and index != 2]
    assert (focused.cloud_height[others] < usual.cloud_height[others]).all()
    table = co_cluster_picture(clusters, expected, LIGHT, None, Drawing(focus="w2")).tables["words"]
    lit = dict(zip(table["group"].to_pylist(), table["lit"].to_pylist(), strict=True))
    assert lit["w2"] == 1 and {lit[group] for group in lit if group != "w2"} == {-1}


def test_squares_show_the_response_to_the_words_picked_and_say_its_error(expected, clusters):
    picture = co_cluster_picture(clusters, expected, LIGHT, Highlights(["word4", "word119"]))
    cells = picture.tables["cells"]
    positive = expected.response[4] > 0.3
    assert positive.any()
    warm = [int(colour[1:3], 16) > int(colour[5:7], 16) for colour in cells["colour"].to_pylist()]
    assert np.array(warm)[positive].all() and not np.array(warm)[expected.response[4] < -0.3].any()
    assert picture.tables["stripes"].num_rows == expected.units
    assert "± 0.05" in cells["caption"][0].as_py() and "word119" in cells["caption"][0].as_py()
    assert cells["caption"][0].as_py().endswith("read once")


def test_a_word_that_is_picked_does_not_move(expected, clusters):
    before = co_cluster_picture(clusters, expected, LIGHT).tables["words"]
    word = before["caption"][5].as_py()
    after = co_cluster_picture(clusters, expected, LIGHT, Highlights([word])).tables["words"]
    assert before.select(["word", "x", "y", "size"]).equals(after.select(["word", "x", "y", "size"]))


def test_a_word_that_joins_goes_to_the_nearest_centre_and_changes_nothing_else(expected):
    base = decompose(expected, 80).clusters(6)
    joined = with_words(base, expected, ["word100", "word3", "word119"])
    assert joined.words[80:] == ["word100", "word119"]  # word3 is there already
    response = expected.response[base.rows]
    centres = np.stack([response[base.word_cluster == number].mean(axis=0) for number in range(6)])
    for row, cluster in ((100, joined.word_cluster[80]), (119, joined.word_cluster[81])):
        assert cluster == np.square(expected.response[row] - centres).sum(axis=1).argmin()
    assert joined.word_cluster[:80].tolist() == base.word_cluster.tolist() and joined.edges is base.edges
    assert with_words(base, expected, []) is base
    with pytest.raises(UnknownName, match="never read"):
        with_words(base, expected, ["nothing"])


def test_a_clustering_as_a_table(expected, clusters):
    table = members(clusters, expected)
    assert table.num_rows == 120 + 60 and table.column_names == ["kind", "id", "word", "count", "cluster", "weight"]
    first = table.slice(0, 1).to_pylist()[0]
    assert (first["kind"], first["id"], first["word"], first["count"]) == ("word", 7, "word0", 120)
    assert table.slice(120, 1).to_pylist()[0]["word"] is None


def test_a_cluster_that_is_empty_is_drawn_empty(expected, clusters):
    word_cluster = np.where(clusters.word_cluster == 4, 1, clusters.word_cluster)
    edges = clusters.edges.copy()
    edges[4] = 0
    picture = co_cluster_picture(replace(clusters, word_cluster=word_cluster, edges=edges), expected, LIGHT)
    assert compiled(picture)["marks"] and "w4" not in picture.tables["words"]["group"].to_pylist()


def response(word, mean, seed=0) -> WordResponse:
    spread = np.array([-0.3, -0.1, 0, 0.1, 0.3], np.float32)[:, None]
    return WordResponse(word, 40, 40, mean, np.full_like(mean, 0.01), mean + spread)


def test_bands_hold_every_unit_in_the_order_of_the_word_they_are_sorted_by():
    random = np.random.default_rng(1)
    one, other = random.normal(size=(2, 700)).astype(np.float32)
    picture = response_picture([response("a", one), response("b", other)], LIGHT, sorted_by=1, actual={"here": one})
    means = picture.tables["bands"]["mean"].to_numpy()
    assert len(means) == 1400 and picture.tables["units"]["unit"].to_pylist() == np.argsort(other).tolist()
    np.testing.assert_array_equal(means[700:], np.sort(other))
    np.testing.assert_array_equal(means[:700], one[np.argsort(other)])
    np.testing.assert_allclose(picture.tables["bands"]["high"].to_numpy()[700:], np.sort(other) + 0.3, rtol=1e-6)
    np.testing.assert_array_equal(picture.tables["lines"]["value"].to_numpy(), one[np.argsort(other)])
    assert compiled(picture)["marks"]


def test_one_unit_far_beyond_the_others_does_not_flatten_the_bands():
    mean = np.linspace(-1, 1, 500).astype(np.float32)
    mean[10] = 80
    picture = response_picture([response("a", mean)], LIGHT)
    numbers = {each["name"]: each.get("value") for each in picture.specification["params"]}
    assert numbers["high"] < 3 and "is drawn there" in str(picture.tables["legends"]["text"].to_pylist())


def test_box_plots_of_several_units_share_a_scale():
    def words(*values):
        names = ("09", "25", "50", "75", "91")
        columns = {
            f"quantile_{name}": np.float32(values) + shift
            for name, shift in zip(names, (-0.2, -0.1, 0, 0.1, 0.2), strict=True)
        }
        return pa.table(
            {
                "word_id": pa.array(range(len(values)), pa.int32()),
                "word": [f"w{index}" for index in range(len(values))],
                "count": [9] * len(values),
                "response": np.float32(values),
                "standard_error": pa.array([0.1, None, *[0.1] * 9][: len(values)], pa.float32()),
                **columns,
            }
        )

    picture = unit_words_picture({4: words(2.0, -1.0), 9: words(0.5, -0.5, 0.25)}, LIGHT)
    boxes = picture.tables["boxes"].to_pylist()
    low, high = -1.2, 2.2
    assert [row["mean"] for row in boxes] == pytest.approx(
        [(value - low) / (high - low) for value in (2, -1, 0.5, -0.5, 0.25)]
    )
    assert [row["across"] for row in boxes] == [0, 0, 1, 1, 1]
    assert boxes[1]["response"] == "−1, read once" and boxes[1]["colour"] == LIGHT.diverging[1]
    assert picture.tables["titles"]["text"].to_pylist() == ["unit 4", "unit 9"]
    assert compiled(picture)["marks"]
    assert compiled(unit_words_picture({4: words()}, DARK))["marks"]
