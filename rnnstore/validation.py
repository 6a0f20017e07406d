"""What pydantic found wrong with somebody's data, as sentences for the person who wrote it or was sent it.

One sentence a mistake: the dotted key, what was given, what is expected, and the nearest right key or word. Recipes,
models' cards, saved hypotheses and networks' files all say their mistakes here.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

import pydantic
from pydantic.fields import FieldInfo

Path = tuple[str | int, ...]
Root = type[pydantic.BaseModel]

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text (put it in quotes)",
    "list": "a list, as in [a, b]",
    "tuple": "a list, as in [a, b]",
    "model": "settings, as in {key: value}",
    "dict": "settings, as in {key: value}",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def sentences(error: pydantic.ValidationError, root: Root, settings: Any) -> list[str]:
    """A sentence for every mistake in `error`, raised when `root` was validated with `settings`."""
    return [_sentence(mistake, root, settings) for mistake in error.errors(include_url=False)]


def _sentence(mistake: Any, root: Root, settings: Any) -> str:
    path = _without_tags(mistake["loc"], settings)
    key, kind, given = dotted(path), mistake["type"], mistake["input"]
    if kind == "extra_forbidden":
        known = settings_of(root, path[:-1], settings)
        return f"{key} is not a setting; {nearest(str(path[-1]), known, 'settings there')}"
    if kind == "missing":
        described = _described(root, path, settings)
        return f"{key} is missing: {_first_sentence(described)}" if described else f"{key} is missing."
    if kind == "union_tag_not_found":
        return f"{key}.kind is missing; the kinds are {_listed(_kinds(root, path))}."
    if kind == "union_tag_invalid":
        tag = mistake["ctx"]["tag"]
        return f"{key}.kind is {shown(tag)}; {nearest(str(tag), _kinds(root, path), 'the kinds are')}"
    if kind == "literal_error":
        words = [word.strip().strip("'") for word in mistake["ctx"]["expected"].replace(" or ", ", ").split(",")]
        return f"{key} is {shown(given)}; {nearest(str(given), words, 'expected one of')}"
    if kind == "value_error":
        return _own(str(mistake["ctx"]["error"]), path, given, root, settings)
    if kind in _BOUNDS:
        limit, bound = _BOUNDS[kind]
        return f"{key} is {shown(given)}; it must be {limit} {mistake['ctx'][bound]:g}."
    if kind in ("too_long", "string_too_long"):
        return f"{key} is too long; at most {mistake['ctx']['max_length']:,} were expected."
    if kind == "too_short":
        return f"{key} is empty; give at least {mistake['ctx']['min_length']}."
    if kind == "string_too_short":
        return f"{key} is an empty text; give at least one character, or null where none is wanted."
    if kind == "string_pattern_mismatch":
        return f"{key} is {shown(given)}; it must be a name of letters, digits and '_'."
    stem = kind.split("_")[0]
    if stem in _EXPECTED:
        return f"{key} is {shown(given)}; expected {_EXPECTED[stem]}."
    return f"{key} is {shown(given)}: {mistake['msg'][0].lower()}{mistake['msg'][1:]}."


def _own(message: str, path: Path, given: Any, root: Root, settings: Any) -> str:
    """A sentence of a check in the recipe's models. It speaks of the value at `path`, or begins with a key in it."""
    key = dotted(path)
    message = message if message[-1] in ".?" else f"{message}."
    if not isinstance(given, dict):
        return f"{key} {shown(given)} {message}"
    first = message.split()[0].rstrip(":")
    if path and (first in given or first in settings_of(root, path, settings)):
        return f"{key}.{message}"
    return f"{key} {message}".strip()


def dotted(path: Path) -> str:
    """network.layers[0].units"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{on_one_line(part)}" if text else on_one_line(part)
    return text


def on_one_line(given: Any) -> str:
    """A key or word as it can stand in a sentence: what cannot be seen is escaped, what is too long is cut."""
    if isinstance(given, int) and given.bit_length() > 1000:
        return "a number of more than 300 digits"
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(given)[:61])
    return text if len(text) <= 60 else f"{text[:57]}..."


def _without_tags(loc: Path, settings: Any) -> Path:
    """pydantic names the chosen kind inside the path (corpus, text, files); a person wrote no such key."""
    path, here = [], settings
    tagged = None  # the group whose kind has been passed
    for part in loc:
        if part in ("(number)", "(vectors)"):  # the two ways of writing an embedding
            continue
        if isinstance(here, dict) and here is not tagged and here.get("kind") == part:
            tagged = here
            continue
        path.append(part)
        here = _inside(here, part)
    return tuple(path)


def settings_of(root: Root, path: Path, settings: Any) -> dict[str, FieldInfo]:
    """Name -> field of the settings allowed at `path`, following the kind given; none where that is unknown."""
    model: Root | None = root
    here = settings
    for part in path:
        here = _inside(here, part)
        if isinstance(part, int) or model is None:
            continue
        field = model.model_fields.get(part)
        model = None if field is None else _model_at(field.annotation, here)
    return {} if model is None else dict(model.model_fields)


def _inside(given: Any, part: str | int) -> Any:
    """What stands at a key or place of what was given; None where there is nothing."""
    if isinstance(given, Mapping):
        return given.get(part)
    return given[part] if isinstance(given, list) and isinstance(part, int) and part < len(given) else None


def _model_at(annotation: Any, given: Any) -> Root | None:
    """The settings class inside an annotation: itself, an item of a list, or the kind chosen from a union, or None."""
    choices = [a for a in _flat(annotation) if isinstance(a, type) and issubclass(a, pydantic.BaseModel)]
    if len(choices) < 2:
        chosen = choices[0] if choices else None
        for_settings = getattr(chosen, "for_settings", None)
        return for_settings(given) if for_settings else chosen
    kind = given.get("kind") if isinstance(given, dict) else None
    return next((c for c in choices if kind in typing.get_args(c.model_fields["kind"].annotation)), None)


def _flat(annotation: Any) -> list[Any]:
    """Every plain type that an annotation mentions."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _flat(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, list):
        return [plain for part in typing.get_args(annotation) for plain in _flat(part)]
    return [annotation]


def _kinds(root: Root, path: Path) -> list[str]:
    """The values of `kind` in the union at `path`."""
    models = _flat(root.model_fields[str(path[0])].annotation)
    return [typing.get_args(model.model_fields["kind"].annotation)[0] for model in models]


def _described(root: Root, path: Path, settings: Any) -> str:
    """What a setting is for, as its field says; empty where it says nothing."""
    field = settings_of(root, path[:-1], settings).get(str(path[-1]))
    return (field.description or "") if field is not None else ""


def _first_sentence(text: str) -> str:
    first = text.split(". ")[0].rstrip(".")
    return f"{first[0].lower()}{first[1:]}." if not first[:2].isupper() else f"{first}."


def nearest(given: str, known: Iterable[str], otherwise: str) -> str:
    """The end of a sentence: the nearest known word, else `otherwise` and all of them."""
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"{otherwise}: {_listed(known)}."


def _listed(words: Iterable[str]) -> str:
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def shown(value: Any) -> str:
    """A value as a person wrote it, with its kind where that explains the mistake."""
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{on_one_line(value)}'"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a group of settings"
    return on_one_line(value)
