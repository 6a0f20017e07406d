"""The chart of an answer of SQL: which columns are taken, what is drawn of them, and what is refused."""

import pyarrow as pa
import pytest

from rnnstore import QuestionError
from rnnstore.pictures import answer_picture
from rnnstore.sql.charts import MOST, Axes, default_axes, without_colour

vl_convert = pytest.importorskip("vl_convert")

WORDS = pa.table({"word": ["a", "b", "c"], "steps": [3, 1, 2], "share": [0.5, 0.25, 0.25], "list": [[1], [2], [3]]})


def test_a_label_stands_against_the_first_number():
    assert default_axes(WORDS) == Axes("word", "steps", "", "bars")
    assert default_axes(pa.table({"delay": [0, 1, 2], "sigma": [3.0, 2.0, 1.0]})) == Axes("delay", "sigma", "", "line")
    curves = pa.table({"class": ["a", "a", "b", "b"], "delay": [0, 1, 0, 1], "sigma": [3.0, 2.0, 1.0, 0.5]})
    assert default_axes(curves) == Axes("delay", "sigma", "class", "line")
    assert default_axes(WORDS.slice(0, 1)) is None and default_axes(WORDS.select(["word"])) is None


@pytest.mark.parametrize("mark", ["bars", "line", "points", "heat"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_mark_is_drawn_from_the_columns_asked_for(mark, theme):
    picture = answer_picture(WORDS, "word", "share", colour="steps", mark=mark, theme=theme)
    drawn = picture.tables["answer"]
    assert drawn.to_pydict() == {"x": ["a", "b", "c"], "y": [0.5, 0.25, 0.25], "colour": [3, 1, 2]}
    assert "<svg" in vl_convert.vegalite_to_svg(picture.chart().to_dict())


def test_a_long_answer_is_cut():
    long = pa.table({"t": range(MOST + 10), "value": range(MOST + 10)})
    assert answer_picture(long).tables["answer"].num_rows == MOST


def test_values_for_which_no_colour_is_left_are_counted():
    many = pa.table({"word": [f"w{i}" for i in range(23)], "n": range(23)})
    assert without_colour(many, Axes("word", "n", "word")) == 3
    assert without_colour(many, Axes("word", "n", "n")) == without_colour(many, Axes("word", "n")) == 0
    picture = answer_picture(many, "word", "n", colour="word")
    scale = picture.chart().to_dict()["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == [f"w{i}" for i in range(20)]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"x": "wrod", "y": "steps"}, "no column 'wrod' that can be drawn.*word"),
        ({"x": "word", "y": "list"}, "no column 'list' that can be drawn"),
        ({"mark": "pie"}, "no mark 'pie'"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(asked, said):
    with pytest.raises(QuestionError, match=said):
        answer_picture(WORDS, **asked)
    with pytest.raises(QuestionError, match="Nothing of this answer"):
        answer_picture(WORDS.slice(0, 1))
