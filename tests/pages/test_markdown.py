"""Stored texts in the sentences of a page, read back by a Markdown parser that is not Streamlit's."""

import json
import re

import numpy as np
import pytest

from pages.parts.shared.current import PAGES
from pages.parts.shared.markdown import JOINER, escape, number
from rnnstore.store.card import card_in, text_of
from tests.support.worlds import record

markdown_it = pytest.importorskip("markdown_it", reason="needs a Markdown parser, which comes with rich")

WORDS = [
    "<unk>", "*", "**bold**", "_a_", "``", "`code`", "&lt;", "AT&amp;T", "~~gone~~", "\\n", "\\", "<b>", "a < b > c",
    "[name](https://somewhere.org)", "![](https://somewhere.org/eye.png)", "$", "5 $ or 6 $", "# a", "1. a", "2) b",
    "- a", "+ a", "---", "===", "> a", "| a |", "www.somewhere.org", "me@somewhere.org", "a -> b <- c -- d >= e",
]  # fmt: skip

TAKEN = re.compile(r":[a-z+-][\w/+-]*:|https?://|www\.|\w@\w|(^|\s)(->|<-|--|>=)(\s|$)")
"""What Streamlit looks for in the text when it has been parsed: icons and emojis, links, arrows."""


def inline(text: str):
    """The parts of the only paragraph of a text."""
    tokens = markdown_it.MarkdownIt().enable("strikethrough").parse(text)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    return tokens[1].children


@pytest.mark.parametrize("begin", ["No ", ""])
@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_read_as_it_stands(word, begin):
    parts = inline(f"{begin}{escape(word)} here.")
    assert {each.type for each in parts} <= {"text", "text_special"}
    text = "".join(each.content for each in parts)
    assert text.replace(JOINER, "") == f"{begin}{word} here." and not TAKEN.search(text)


def test_icons_emojis_colours_and_formulas_are_taken_apart():
    for text in (":material/home:", ":smile:", ":+1:", ":red[x]", "https://somewhere.org"):
        seen = "".join(each.content for each in inline(escape(text)))
        assert seen.replace(JOINER, "") == text and not TAKEN.search(seen)
    assert escape("$x$") == "\\$x\\$"
    assert escape("the time: noon") == "the time: noon"


def test_a_text_stays_on_its_line_in_its_direction_and_within_its_length():
    assert escape("a\n# b\r\n\u2028c") == "a \\# b c"
    assert escape("a\u202eb\x1b[31m\ufeff\ud800") == "a�b�\\[31m��"
    assert escape("x" * 5000) == "x" * 999 + "…"
    assert number(1e308) == "1e+308" and number(1234.5) == "1,234.50"


ATTACKS = [
    "![evil](https://evil.org/eye.png)", "<img src=https://evil.org>", "https://evil.org", "me@evil.org", ":evil:",
    ":material/evil:", "a\n# evil", "\u202eevil\x1b[31m", "[evil](https://evil.org)", "`evil", "$evil$", "{evil}",
    ":red[evil]", "**evil**", "evil " * 1000,
]  # fmt: skip


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A store of one model in which every text that somebody can choose is an attack."""
    path, steps = tmp_path_factory.mktemp("attacked"), 60
    words = [ATTACKS[step % len(ATTACKS)] for step in range(steps)]
    values = np.random.default_rng(0).normal(size=(steps, 4))
    store = record(
        path, "m", words=words, states={"www.evil.org": values, "e_evil_": values},
        annotations={"www.evil.org": words, "e_evil_": values[:, 0]},
        track_sources={"www.evil.org": ATTACKS[0]}, recorded=ATTACKS[5],
    )  # fmt: skip
    file = store.model("m").folder / "card.json"
    card = json.loads(file.read_text()) | {
        "description": ATTACKS[6], "task": ATTACKS[0], "cell": ATTACKS[1], "corpus": ATTACKS[2], "level": "{evil}",
        "notes": ATTACKS, "settings": {"name": ATTACKS[0], ATTACKS[1]: {"notes": ATTACKS}},
        "metrics": [{"name": text[:100], "split": text[:100], "value": 1e308} for text in ATTACKS],
    }  # fmt: skip
    file.write_bytes(text_of(card_in(json.dumps(card).encode(), "card")))
    return path


TAKEN_EVIL = r":(material/)?evil:|https?://evil|www\.evil|me@evil|\u202e|\x1b"


def drawn(app):
    """Every text of a page that Streamlit reads as Markdown."""
    for element in (*app.main, *app.sidebar):
        proto = getattr(element, "proto", None)
        yield from (text for name in ("body", "label", "help") if isinstance(text := getattr(proto, name, ""), str))
        if type(proto).__name__ in ("Radio", "ButtonGroup"):  # of other lists the entries are plain
            yield from (getattr(option, "content", option) for option in proto.options)


@pytest.mark.parametrize("page", PAGES)
def test_no_stored_text_is_markdown_on(page, run, attacked):
    app = run(attacked, page)
    assert not app.exception
    for text in drawn(app):
        if "evil" not in text:
            continue
        level = 0
        for token in markdown_it.MarkdownIt().enable("strikethrough").parse(text):
            level += (token.type == "heading_open") - (token.type == "heading_close")
            for part in token.children or ():
                assert part.type not in ("link_open", "image", "html_inline", "em_open"), text
                assert not (level and "evil" in part.content), text
                if part.type == "text":
                    assert not re.search(TAKEN_EVIL, part.content), text
        assert len(text) < 20_000


def elements(block):
    """What a page draws, as it is sent to the browser."""
    for element in block:
        if (proto := getattr(element, "proto", None)) is not None and hasattr(proto, "ByteSize"):
            yield proto


@pytest.fixture(scope="module")
def long_words(tmp_path_factory):
    """A store of a model that reads words of 100,000 letters, as a genome has in one line."""
    path, steps = tmp_path_factory.mktemp("long"), 60
    words = [("a", "b", "c" * 100_000, "d" * 100_000)[step % 4] for step in range(steps)]
    values = np.random.default_rng(0).normal(size=(steps, 4))
    record(path, "m", words=words, states={"s": values, "t": -values}, annotations={"labels": words})
    return path


@pytest.mark.parametrize("page", PAGES)
def test_a_long_word_is_cut_before_it_is_sent_by(page, run, long_words):
    app = run(long_words, page)
    assert sum(proto.ByteSize() for proto in elements((*app.main, *app.sidebar))) < 1_000_000
