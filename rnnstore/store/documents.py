"""Small JSON files that say their format: how one is read, and what is wrong with it, in a sentence that names it."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from rnnstore.errors import DamagedModel
from rnnstore.validation import on_one_line, sentences

Document = TypeVar("Document", bound=BaseModel)


def parsed(
    content: bytes, kind: type[Document], *, shown: str, what: str, newest: int, mending: str, **instead: Any
) -> Document:
    """The document of a `kind` in `content`; fields named in `instead` have those values whatever it says.

    Raises `DamagedModel` when it is no JSON, no `what` at all, of a format above `newest`, or damaged; the sentence
    calls it `shown` and ends with the `mending`.
    """
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedModel(f"{shown} cannot be read: it is no JSON ({error}). {mending}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("format"), int):
        raise DamagedModel(f"{shown} is no {what}: it says no format. {mending}")
    if fields["format"] > newest:
        raise DamagedModel(
            f"{shown} has format {on_one_line(fields['format'])}, and this program reads up to {newest}. Update "
            "rnnstore to read it."
        )
    fields |= instead
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise DamagedModel(f"{shown} is damaged: {sentences(error, kind, fields)[0]} {mending}") from error
