"""Glyphs: where bars, hats, cursors and links stand, that every token has its place, and that the pictures compile."""

import json

import numpy as np
import pytest

from rnnstore.drawing.palette import DARK, LIGHT
from rnnstore.errors import QuestionError
from rnnstore.sentences.charts.chips import Clusters
from rnnstore.sentences.charts.coloured_text import PLACES, coloured_text_picture
from rnnstore.sentences.charts.glyphs import glyph_picture
from rnnstore.sentences.charts.layout import PLOT, TRACKS, Arrangement, Layout
from rnnstore.sentences.charts.overview import FINEST, overview_picture
from rnnstore.sentences.passages import Colouring, passage
from rnnstore.visible import visible
from tests.sentences.test_passages import CLUSTERS, reading

vl_convert = pytest.importorskip("vl_convert")

ORANGE, BLUE = LIGHT.diverging[5], LIGHT.diverging[1]
PALE_ORANGE, PALE_BLUE = LIGHT.diverging[4], LIGHT.diverging[2]


def random_passage(words: str, clusters: np.ndarray, seed=0, **options):
    values = np.random.default_rng(seed).normal(size=(len(words.split()), len(clusters))).astype(np.float32)
    return passage(reading(words, values, before=np.zeros(len(clusters))), "layer1.c", clusters, **options)


def rows(picture, table):
    return picture.tables[table].to_pylist()


def drawn(*values, **options):
    """The picture of one passage of a state whose units 0 and 2 are cluster 0 and unit 1 is cluster 1."""
    words = " ".join("abcdefgh"[: len(values)])
    found = passage(reading(words, np.array(values, np.float32)), "layer1.c", CLUSTERS)
    return glyph_picture([found], Clusters(CLUSTERS), LIGHT, **options)


def compiled(picture) -> dict:
    return vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))


def test_what_was_gained_is_inside_the_box_and_what_was_lost_outside():
    first, _, second, _ = rows(drawn([2, 0, -2], [1, 0, -1]), "bars")
    # Gained: from the zero line, which was the end before, to the end now; heights are in pixels from the top.
    assert first["high"] < first["before_high"] == first["zero"] == first["before_low"] < first["low"]
    assert (first["up_colour"], first["down_colour"]) == (ORANGE, BLUE)
    # Lost: from the end now outwards to the end before. Less positive is blue, less negative is orange.
    assert second["before_high"] == first["high"] < second["high"] < second["zero"]
    assert second["zero"] < second["low"] < second["before_low"] == first["low"]
    assert (second["up_colour"], second["down_colour"]) == (PALE_BLUE, PALE_ORANGE)
    assert second["zero"] - second["high"] == pytest.approx((first["zero"] - first["high"]) / 2)


def test_the_cursor_stands_as_high_as_the_share_that_was_preserved():
    picture = drawn([1, 1, 0], [0.25, 2, 0], [-1, 0, 0])
    top = rows(picture, "bars")[0]["track"]
    bottom = rows(picture, "bars")[0]["track2"]
    cursors = [row["cursor"] for row in rows(picture, "bars")]
    assert cursors[:2] == [None, None]  # nothing was there
    assert cursors[2:] == pytest.approx([bottom - 0.25 * (bottom - top), top, bottom, bottom])


def test_links_are_as_wide_as_the_net_change_and_those_of_no_change_are_left_out():
    picture = drawn([2, -1, 0], [2, 1, 0], selected=(0, 0))
    links = rows(picture, "links")
    assert [(row["place"], row["cluster"], row["chosen"]) for row in links] == [
        ("0:0", 0, True), ("0:0", 1, True), ("0:1", 1, False)
    ]  # fmt: skip
    assert [row["net"] for row in links] == [1, -1, 2]
    thick = np.array([row["thick"] for row in links]) - 0.4
    np.testing.assert_allclose(thick / thick.max(), [0.5, 0.5, 1], rtol=1e-5)
    assert [row["colour"] for row in links] == [ORANGE, BLUE, ORANGE]


def test_a_cluster_that_grew_far_beyond_the_others_does_not_flatten_them():
    clusters = np.array([0, 1, 2, 3])
    values = np.array([[1, 1, 1, 100], [1, 1, 1, 100]], np.float32)
    found = passage(reading("a b", values, before=np.zeros(4)), "layer1.c", clusters)
    bars = rows(glyph_picture([found], Clusters(clusters), LIGHT), "bars")
    assert bars[0]["zero"] - bars[0]["high"] > 0.25 * (PLOT - 8)
    assert [row["beyond_up"] is not None for row in bars[:4]] == [False, False, False, True]
    own = rows(glyph_picture([found], Clusters(clusters), LIGHT, own_scale=True), "bars")
    assert len({row["high"] for row in own}) == 1


def test_a_cell_of_a_chip_is_a_unit_and_shows_its_response():
    picture = drawn([1, 2, 3], selected=(0, 0), response=np.array([0.5, -1.0, 0.25]))
    cells = rows(picture, "cells")
    assert [(row["unit"], row["cluster"], row["value"]) for row in cells] == [(0, 0, 0.5), (2, 0, 0.25), (1, 1, -1.0)]
    chips = rows(picture, "chips")
    assert [row["units"] for row in chips] == [2, 1]
    for cell in cells:
        chip = chips[cell["cluster"]]
        assert chip["x"] <= cell["x"] < cell["x2"] <= chip["x2"] and chip["y"] <= cell["y"] < cell["y2"] <= chip["y2"]


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("lengths", [(1,), (20,), (45, 7, 30)])
def test_every_shown_token_has_a_place_of_its_own(down, lengths):
    layout = Layout(lengths, Arrangement(down, 16, offsets=tuple(range(len(lengths)))), predicted=3)
    boxes = []
    for number, length in enumerate(lengths):
        found = layout.places(number)
        assert found.index.tolist() == list(range(length))
        boxes += [(x, x + found.width, top, top + TRACKS + PLOT) for x, top in zip(found.x, found.top, strict=True)]
        assert (found.x >= 0).all() and (found.x + found.width <= 1).all()
        assert (found.bottom <= layout.glyphs_bottom).all()
    boxes = np.array(boxes)
    apart = (boxes[:, None, 1] <= boxes[None, :, 0]) | (boxes[:, None, 3] <= boxes[None, :, 2])
    assert (apart | apart.T | np.eye(len(boxes), dtype=bool)).all()


def test_aligned_words_stand_in_one_column_and_lines_without_a_token_are_left_out():
    layout = Layout((4, 12), Arrangement(per_line=10, offsets=(3, 0)))
    one, other = layout.places(0), layout.places(1)
    assert one.x[0] == other.x[3]
    assert layout.lines == 3  # the first passage ends in the first line
    shown = Layout((4, 12), Arrangement(per_line=10, first=5, last=8, offsets=(3, 0)))
    assert shown.places(0).index.tolist() == [2, 3] and shown.places(1).index.tolist() == [5, 6, 7]


def test_another_sentence_changes_tables_only():
    clusters = np.arange(40) % 20
    words = Clusters(clusters, [[("he", 0.2), ("she", -0.1)]] * 20)
    here = glyph_picture([random_passage("a b c", clusters)], words, LIGHT)
    there = glyph_picture([random_passage("d e f g", clusters, 1)], words, LIGHT, selected=(0, 1), response=np.ones(40))
    assert here.specification == there.specification


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("colours", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)])
def test_the_pictures_compile(down, colours):
    clusters = np.arange(30) % 3
    passages = [random_passage(text, clusters, colouring=Colouring(unit=2)) for text in ("a b c d", "c d")]
    pictures = [
        glyph_picture(
            passages,
            Clusters(clusters, [[("he", 0.2)], [], [("it", -0.1)]]),
            colours,
            arrangement=Arrangement(down, offsets=(0, 2)),
            selected=(0, 3),
            response=np.linspace(-1, 1, 30),
            marked=1,
            aligned="c",
        ),
        overview_picture(passages, (0, 2), colours, brush=(0, 2)),
        coloured_text_picture(passages, "unit 2", colours, selected=(0, 3)),
    ]
    for picture in pictures:
        assert compiled(picture)["marks"]
        names = {parameter["name"] for parameter in picture.specification["params"]}
        assert not {"unit", "width", "height", "padding", "autosize", "background", "cursor"} & names


def test_a_long_course_shows_the_largest_change_of_each_column():
    steps = 3 * FINEST
    values = np.zeros((steps, 3), np.float32)
    values[700:, 1] = -5  # one change of cluster 1, downwards
    found = passage(reading(" ".join("a" * steps), values), "layer1.c", CLUSTERS)
    picture = overview_picture([found], (0,), LIGHT)
    cells = rows(picture, "cells")
    assert len(cells) == 2 * FINEST
    (changed,) = [cell for cell in cells if cell["colour"] == LIGHT.diverging[0]]
    assert changed["x"] <= 700 < changed["x2"]


def test_coloured_text_keeps_every_word_in_its_line():
    text = " ".join(["counterrevolutionaries", "of", "漢字", "x" * (PLACES + 50)] * 9)  # the last is drawn abbreviated
    found = random_passage(text, CLUSTERS, colouring=Colouring(unit=0))
    words = rows(coloured_text_picture([found], "unit 0", LIGHT), "words")
    assert [row["shown"] for row in words] == [visible(word) for word in text.split()]
    assert all(0 <= row["x"] < row["x2"] <= 1.0001 for row in words)
    with pytest.raises(QuestionError, match="choose a unit or a cluster"):
        coloured_text_picture([random_passage("a b", CLUSTERS)], "unit 0", LIGHT)
