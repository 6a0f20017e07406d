"""Random recipes: whatever is in the file, a person is told in sentences what is wrong, and nothing breaks.

Five kinds: a shipped recipe with values, keys and groups changed; one with a single value changed, whose key has to be
named; a recipe made from the description of the settings itself; YAML's odd corners put into a shipped recipe; and
bytes. `tests.support.frugal` says how many of each.
"""

import random
import typing

import pydantic
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines import recipe
from pipelines.errors import RecipeError
from pipelines.recipe import Recipe
from tests.support.frugal import frugal

SHIPPED = {name: (recipe.SHIPPED / f"{name}.yaml").read_text("utf-8") for name in recipe.shipped()}

FROM_PYTHON = (
    "Traceback",
    "pydantic",
    "validation error",
    "<class",
    "NoneType",
    "object at 0x",
    "Error(",
    "dict(",
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.integers()
    | st.sampled_from([10**18, -(10**18), 2**63, 10**400, 0.3, 1e308, float("inf"), float("-inf"), float("nan")])
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", " ", "\0", "a\nb", "../..", "x" * 5000, "\u202e", "lstm", "test", "1", "true", "utf-8\0"])
    | st.dates()
    | st.binary(max_size=4)
)
junk = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["kind", "files", "train", "cell"]), inner, max_size=3)
        | st.dictionaries(st.integers() | st.booleans() | st.none() | st.dates(), inner, max_size=2)
    ),
    max_leaves=8,
)

ODD_YAML = [
    "a: &a [*a]", "name: &n {n: *n}", "name: 2001-01-01", "name: 2001-99-99", "corpus: 0777", "name: 0o17",
    "name: !!binary aGVsbG8=", "name: !!binary ä", "name: !!int x", "name: !!float x", "name: !!bool x",
    "name: !!timestamp x", "name: !!python/object:os.system {}", "name: !!set {a, b}", "name: !!omap [a: 1]",
    "name: !!pairs [a: 1]", "name: !mine x", "? [a, b]\n: c", "? {a: b}\n: c", "<<: 3", "<<: [1]",
    "<<: {name: x, name: y}", "name: 1:60:60", "network: *nowhere", "name: \"\\x00\"", "name: \"\\ud800\"", "- a",
    "name: |", "name: >-\n  a", "--- a", "...", "%YAML 9.9", "name: " + "9" * 5000, "name: 1" + "0" * 5000 + ".0",
    "name: 1e999999999", "name: 0x" + "f" * 5000, "name: .nan", "name: 1_0", "a: &a {<<: *a}", "x: " + "[" * 3000,
    "x: " + "{a: " * 400, "x: " + "[" * 300 + "]" * 300, "\tname: x", "'", '"', "@", "`", "&", "*", "%", "!", "? ",
    ": ", "- ", "name: yes", "name: ~", "null: 1", "1: 2", "2001-01-01: 3", "true: x", "[]: 1", ".inf: 1",
    "corpus: {kind: labelled-text, files: [{a: 1}], labels: {1: x}}",
    "corpus: {kind: text, files: [x], encoding: \"a\\0b\"}",
    "corpus: {kind: labelled-text, files: {2001-01-01: [x]}}", "corpus: {kind: [a]}", "corpus: {kind: {a: b}}",
    "corpus: []", "network: {embedding: 4, layers: {0: {cell: lstm}}}", "training: {itemize: {}}",
    "training: {itemize: []}",
    "corpus: {kind: labelled-text, files: [[*laughs]], labels: {a: *laughs}, most_texts: {*laughs : 1}}",
]  # fmt: skip

LAUGHS = "laughs0: &laughs0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"laughs{n}: &laughs{'' if n == 12 else n} [{', '.join([f'*laughs{n - 1}'] * 10)}]\n" for n in range(1, 13)
)


def told(text: str) -> str | None:
    """What the author of a recipe is told; None where nothing is wrong with it."""
    try:
        assert recipe.parse(text, "r.yaml").name
    except RecipeError as error:
        said = str(error)
    else:
        return None
    assert said.startswith("r.yaml") and len(said) < 20_000
    lines = said.splitlines() if said.startswith("r.yaml:\n") else [said]
    for line in lines[1:] or lines:
        assert line.rstrip()[-1] in ".?", f"no sentence: {line!r}"
    assert not [word for word in FROM_PYTHON if word in said and word not in text], said
    return said


def places(value, path=()) -> list[tuple]:
    """The path of every value in nested settings."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in inner for place in [(*path, key), *places(each, (*path, key))]]


def at(settings, path: tuple):
    for part in path:
        settings = settings[part]
    return settings


@st.composite
def spoilt(draw) -> tuple[str, tuple]:
    """A shipped recipe in which one to three values are replaced, left out, renamed or added; and the last place."""
    settings = yaml.safe_load(SHIPPED[draw(st.sampled_from(sorted(SHIPPED)))])
    for _ in range(draw(st.integers(1, 3))):
        if not (known := places(settings)):
            break
        path = draw(st.sampled_from(known))
        group = at(settings, path[:-1])
        match draw(st.sampled_from(["replace", "replace", "leave out", "rename", "add"])):
            case "replace":
                group[path[-1]] = draw(junk)
            case "leave out":
                del group[path[-1]]
            case "rename" if isinstance(group, dict):
                group[str(path[-1])[:-1] + draw(st.sampled_from(["", "x", "_", " "]))] = group.pop(path[-1])
            case _ if isinstance(group, dict):
                group[draw(st.text(max_size=6) | st.integers() | st.none())] = draw(junk)
            case _:
                group.append(draw(junk))
    return yaml.dump(settings, Dumper=yaml.SafeDumper, allow_unicode=draw(st.booleans())), path


def described(annotation) -> st.SearchStrategy:
    """Values that a setting with this annotation may take, near its borders too, and every tenth time anything."""
    plain, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if plain is typing.Annotated:
        right = described(arguments[0])
    elif plain is typing.Literal:
        right = st.sampled_from(arguments)
    elif plain is list:
        right = st.lists(described(arguments[0]), max_size=3)
    elif plain is dict:
        right = st.dictionaries(st.text(max_size=4), described(arguments[1]), max_size=2)
    elif arguments:  # a union, of kinds or with None
        right = st.one_of([described(each) for each in arguments])
    elif isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        right = group_of(annotation)
    else:
        right = {
            int: st.integers(-1, 40) | st.sampled_from([10**12, 2**70]),
            float: st.floats(0, 1) | st.sampled_from([-1.0, 1e30]),
            bool: st.booleans(),
            str: st.sampled_from(["a.txt", "small", "layer1.h", "utf-8", "N", ""]),
            type(None): st.none(),
        }.get(annotation, junk)
    return st.integers(0, 9).flatmap(lambda chance: junk if chance == 0 else right)


@st.composite
def group_of(draw, settings: type[pydantic.BaseModel]):
    """A group of settings: what is needed nearly always, what is not, half the time."""
    return {
        name: draw(described(field.annotation))
        for name, field in settings.model_fields.items()
        if draw(st.integers(0, 19)) < (19 if field.is_required() else 6)
    }


@pytest.mark.long
@frugal(tests=5)
@given(spoilt())
def test_a_spoilt_recipe_is_explained(given_):
    told(given_[0])


@pytest.mark.long
@frugal(tests=5)
@given(st.sampled_from(sorted(SHIPPED)), st.randoms(use_true_random=False), scalars | st.lists(scalars, max_size=2))
def test_one_wrong_value_is_named_with_its_key(name, chosen: random.Random, wrong):
    settings = yaml.safe_load(SHIPPED[name])
    path = chosen.choice([path for path in places(settings) if not isinstance(at(settings, path), dict)])
    at(settings, path[:-1])[path[-1]] = wrong
    if said := told(yaml.safe_dump(settings)):
        keys = [part for part in path if isinstance(part, str)][-2:]  # the last may be a label that a person made up
        assert any(key in said for key in keys), f"{path} = {wrong!r}: {said}"


@pytest.mark.long
@frugal(tests=5)
@given(group_of(Recipe))
def test_a_recipe_made_from_the_settings_is_accepted_or_explained(settings):
    told(yaml.safe_dump(settings))


@pytest.mark.long
@frugal(tests=5)
@given(
    st.sampled_from(sorted(SHIPPED)),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from(ODD_YAML) | st.text(max_size=20)), min_size=1, max_size=3),
    st.booleans(),
)
def test_odd_yaml_is_explained(name, put, laugh):
    lines = SHIPPED[name].splitlines()
    for where, line in put:
        lines.insert(where % (len(lines) + 1), line)
    told("\n".join([LAUGHS if laugh else "", *lines]))


@pytest.mark.parametrize("line", ODD_YAML, ids=lambda line: line[:30])
def test_each_odd_corner_of_yaml_alone_is_explained(line):
    assert told(LAUGHS + line)
    told(line)


@pytest.mark.long
@frugal(tests=5)
@given(st.binary(max_size=60), st.sampled_from(sorted(SHIPPED)), st.integers(0, 400))
def test_bytes_are_explained(tmp_path_factory, bytes_, name, where):
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    text = SHIPPED[name].encode()
    path.write_bytes(text[:where] + bytes_ + text[where:])
    try:
        recipe.load(path)
    except RecipeError as error:
        assert str(error).startswith(str(path))
