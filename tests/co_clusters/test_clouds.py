"""Words in a cloud: none touches another, none leaves the room, and size says how near a word is."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnstore.co_clusters.charts.clouds import LINE, cloud, shorten, text_width

SIZES = (9.5, 32.0)
texts = st.lists(st.text("abcimwWMQ.,'$ä日", min_size=1, max_size=24), min_size=1, max_size=60)


def boxes(placed):
    """(left, right, top, bottom) of every word."""
    wide = np.array([text_width(text, size) for text, size in zip(placed.texts, placed.size, strict=True)])
    tall = placed.size * LINE
    return np.stack([placed.x - wide / 2, placed.x + wide / 2, placed.y - tall / 2, placed.y + tall / 2], axis=1)


@given(texts, st.floats(20, 320), st.floats(12, 300), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_no_word_touches_another_or_leaves_the_room(words, width, height, first):
    importance = tuple(np.linspace(1, 0, len(words)).tolist())
    placed = cloud(tuple(words), importance, (width, height), SIZES, first)
    for one, other in itertools.combinations(boxes(placed).tolist(), 2):
        apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] + 1e-6 or other[3] <= one[2] + 1e-6
        assert apart, (one, other)
    found = boxes(placed)
    assert len(found) and (found[:, 1].max() - found[:, 0].min()) <= width + 6 + 1e-6
    assert found[:, 3].max() - found[:, 2].min() <= height + 1 + 1e-6


def test_sizes_are_linear_in_the_importance_of_what_is_tried_and_the_nearest_come_first():
    words = tuple(f"word{number}" for number in range(30))
    importance = tuple(np.linspace(0.9, 0.2, 30).tolist())
    placed = cloud(words, importance, (400.0, 300.0), SIZES)
    assert placed.kept.tolist() == list(range(30))  # all find room
    slope = np.diff(placed.size) / np.diff(importance)
    np.testing.assert_allclose(slope, slope[0])
    assert placed.size[-1] == SIZES[0] and placed.size[0] > 1.4 * SIZES[0]


def test_words_that_must_be_drawn_are_even_where_there_is_little_room():
    words = tuple(f"considerably{number}" for number in range(40))
    importance = tuple([0.0] * 3 + [1.0] * 37)
    assert set(range(3)) <= set(cloud(words, importance, (250.0, 60.0), SIZES, 3).kept.tolist())


def test_a_word_wider_than_the_room_is_cut_and_says_so():
    placed = cloud(("x" * 200,), (1.0,), (60.0, 40.0), SIZES)
    assert placed.texts[0].endswith("…") and text_width(placed.texts[0], placed.size[0]) <= 60 + 1e-9
    assert shorten("short", 10, 500) == "short"
