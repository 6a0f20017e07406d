"""Words of a corpus in the sentences of a page, read back by a Markdown parser that is not Streamlit's."""

import pytest

from pages.parts.shared.markdown import escape

markdown_it = pytest.importorskip("markdown_it", reason="needs a Markdown parser, which comes with rich")

WORDS = [
    "<unk>", "*", "**bold**", "_a_", "``", "`code`", "&lt;", "AT&amp;T", "~~gone~~", "\\n", "\\", "<b>", "a < b > c",
    "[name](https://somewhere.org)", "![](https://somewhere.org/eye.png)", "$", "5 $ or 6 $",
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_read_as_it_stands(word):
    (paragraph,) = [each for each in markdown_it.MarkdownIt().enable("strikethrough").parse(escape(f"No {word} here."))
                    if each.type == "inline"]  # fmt: skip
    assert {each.type for each in paragraph.children} <= {"text", "text_special"}
    assert "".join(each.content for each in paragraph.children) == f"No {word} here."


def test_formulas_colours_icons_and_addresses_are_taken_apart():
    assert escape("$x$") == "\\$x\\$"
    assert escape(":red[x]") == "\\:red\\[x\\]"
    assert escape("https://somewhere.org") == "https\\://somewhere.org"
    assert escape("the time: noon") == "the time: noon"
