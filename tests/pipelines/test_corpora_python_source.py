"""Python source by character: its files, and what its tokenizer says about every character."""

import ast
import sysconfig
import tokenize
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import corpora
from pipelines.corpora import kinds
from pipelines.corpora.python_source import describe
from pipelines.errors import CorpusError

MARKS = dict(
    zip(
        ["space", "indent", "name", "keyword", "number", "string", "comment", "operator", "line end"],
        " >nk1s#o/",
        strict=True,
    )
)


def marks(text, track="token"):
    """A character for every character of the text, so that both can be read side by side."""
    values = describe(text)[track]
    return "".join(MARKS[v] if track == "token" else f"{v:.0f}" if track == "nesting" else v[:1] or "." for v in values)


def source(**given):
    return kinds.PythonSource(kind="python-source", **given)


def test_every_character_has_its_token():
    text = "def f(a, *b):  # hi\n    x = [1.5,\n         'it''s']\n\n    return x \\\n        and None\n"
    assert marks(text) == (
        "kkk nono onoo  ####/"
        ">>>>n o o111o/"
        ">>>>>>>>>ssssssso/"
        "/"
        ">>>>kkkkkk n   "
        "        kkk kkkk/"
    )  # fmt: skip


def test_nesting_counts_brackets_and_not_those_in_strings():
    text = "f(a[1], {'(': ')'})\n"
    assert marks(text, "nesting") == "01122211222222222210"


def test_strings_and_comments_are_marked_from_end_to_end():
    text = "x = f'{a[0]}' + rb\"\" # '\n"
    assert marks(text, "in_string") == "....iiiiiiiii...iiii....."
    assert marks(text, "in_comment") == "." * 21 + "iii."
    assert set(describe(text)["in_string"]) == {"", "in string"}
    assert set(describe(text)["in_comment"]) == {"", "in comment"}


@given(
    st.lists(
        st.sampled_from(["a", "1", "+", "(", ")", "[", "]", " ", "\n", "'x'", "if ", "# c\n", "    ", "\\\n", "\f"])
    )
)
def test_whatever_can_be_tokenized_has_one_value_a_character(pieces):
    text = "".join(pieces) + "\n"
    try:
        tracks = describe(text)
    except (SyntaxError, tokenize.TokenError):
        return
    assert {name: len(values) for name, values in tracks.items()} == dict.fromkeys(tracks, len(text))
    assert np.all(tracks["nesting"] >= 0)


def test_string_positions_agree_with_the_syntax_tree():
    """An independent truth: the parser's own positions of string constants, in a file of the standard library."""
    text = Path(sysconfig.get_path("stdlib"), "textwrap.py").read_text(encoding="utf-8")
    inside = describe(text)["in_string"] != ""
    begins = np.cumsum([0] + [len(line) + 1 for line in text.split("\n")])
    found = np.zeros(len(text), dtype=bool)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            found[begins[node.lineno - 1] + node.col_offset : begins[node.end_lineno - 1] + node.end_col_offset] = True
    between = found & ~inside  # a string in several pieces is one constant, with white space between its pieces
    assert not np.any(inside & ~found)
    assert set(describe(text)["token"][between]) <= {"space", "indent", "line end", "comment"}


def test_a_folder_of_sources_is_read_whole_and_cut_at_files(tmp_path):
    good = {"a.py": "a = 1\n", "b/c.py": "bc = 22\n", "d.py": "d = '3'\n"}
    texts = {name: line * 40 for name, line in good.items()}
    others = {"tests/t.py": "t = 1\n" * 40, "short.py": "s\n", "broken.py": "x = (\n" * 40, "e.txt": "e" * 300}
    for name, text in (texts | others).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n" * 60)
    shares = kinds.Shares(train=0.4, validation=0.3, test=0.3)
    corpus = corpora.load(source(folder=str(tmp_path), shares=shares, minimum_count=1))
    read = {name: "".join(corpus.vocabulary[i] for i in split.word_ids) for name, split in corpus.splits.items()}
    # a character that training never met is unknown
    known = {"".join(c if c in corpus.vocabulary else "\ufffd" for c in text) for text in texts.values()}
    assert set(read.values()) == known
    for split in corpus.splits.values():
        assert np.flatnonzero(split.sequence_starts).tolist() == [0]  # one file each
        assert split.track_sources == dict.fromkeys(split.tracks, "exact (Python's tokenize)")


def shares_of_one():
    return kinds.Shares(train=1.0, validation=0.0, test=0.0)


def test_no_more_characters_than_asked_for_in_whole_files(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.py").write_text(f"{number}\n" * 120)  # 240 characters
    settings = source(folder=str(tmp_path), maximum_steps=700, shares=shares_of_one(), minimum_count=1)
    train = corpora.load(settings).splits["train"]
    assert (len(train), int(train.sequence_starts.sum())) == (480, 2)
    stream = corpora.load(settings.model_copy(update={"sequences": "stream"})).splits["train"]
    assert (len(stream), int(stream.sequence_starts.sum())) == (480, 1)


def test_rare_and_foreign_characters_become_one_symbol(tmp_path):
    (tmp_path / "a.py").write_text("ab = 1\n" * 50 + "# \u00e9 \u4e2d\n", encoding="utf-8")
    corpus = corpora.load(source(folder=str(tmp_path), shares=shares_of_one()))
    assert corpus.vocabulary == [" ", "\n", "1", "=", "a", "b", "\ufffd"]
    assert [corpus.vocabulary[i] for i in corpus.splits["train"].word_ids[-6:]] == [
        "\ufffd",
        " ",
        "\ufffd",
        " ",
        "\ufffd",
        "\n",
    ]


def test_folders_without_python_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="has no Python file of at most 1,000,000 characters that can be read"):
        corpora.load(source(folder=str(tmp_path)))
    with pytest.raises(CorpusError, match="is not a folder"):
        corpora.load(source(folder=str(tmp_path / "missing")))


def test_the_standard_library_is_the_same_every_time_and_holds_what_the_demonstration_shows():
    settings = source(maximum_steps=200_000)
    corpus, again = corpora.load(settings), corpora.load(settings)
    assert corpus.vocabulary == again.vocabulary
    assert np.array_equal(corpus.splits["train"].word_ids, again.splits["train"].word_ids)
    assert 150_000 < sum(len(split) for split in corpus.splits.values()) <= 200_000
    tracks = corpus.splits["train"].tracks
    assert set(tracks["token"]) == set(MARKS)
    assert tracks["nesting"].max() >= 3
    assert all(ord(character) < 128 for character in corpus.vocabulary if character != "\ufffd")
