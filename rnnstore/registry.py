"""The analyses: what there is, read from `analysis.toml` in each analysis' folder, without importing any of them.

Pages and their order, pictures for notebooks, commands, examples of SQL, the reference and the tests find an analysis
here. A new folder with a manifest is therefore in all of these places; nothing else lists analyses.
"""

from __future__ import annotations

import inspect
import tomllib
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from rnnstore.validation import sentences

Group = Literal["look", "ask the network", "judge", "learn", "query"]
GROUPS: tuple[str, ...] = get_args(Group)
"""Groups of pages, in the sidebar's order."""

MANIFEST = "analysis.toml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Example(_Part):
    """An example of SQL: heading, question and query of the page "SQL", and the tables that need to have rows.

    In the query, {name}, {state}, {level}, {unit}, {units}, {start}, {stop} and {track} are filled in.
    """

    heading: str
    question: str
    query: str
    needs: tuple[str, ...] = ()


class Analysis(_Part):
    """What an analysis' manifest says.

    name        the folder: rnnstore/<name>, pages/<name>.py, pages/parts/<name>, tests/<name>
    title       its name in the sidebar
    question    what it answers, in one sentence
    group       the group of pages it stands in
    place       its place in the group, from 1
    guide       its page docs/<guide>.md
    pictures    functions of rnnstore/<name>/pictures.py, offered as `rnnstore.pictures`
    commands    commands of `python -m rnnstore`, functions of rnnstore/<name>/commands.py
    tables      tables of the store that it reads, besides tokens, annotations and states
    network     what it needs of a saved network: nothing, its outputs, or its derivatives, too
    finding     whether rnnstore/<name>/finding.py finds the strongest thing to show of a model, for the first page
    examples    examples of SQL
    """

    name: str
    title: str
    question: str
    group: Group
    place: int
    guide: str
    pictures: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    network: Literal["nothing", "outputs", "derivatives"] = "nothing"
    finding: bool = False
    examples: tuple[Example, ...] = ()

    @property
    def page(self) -> str:
        """The page's file, below the repository's root."""
        return f"pages/{self.name}.py"


@cache
def analyses() -> tuple[Analysis, ...]:
    """All analyses, by group and place. Raises `ValueError` that names the manifest and what is wrong with it."""
    found = [read(path) for path in Path(__file__).parent.glob(f"*/{MANIFEST}")]
    return tuple(sorted(found, key=lambda each: (GROUPS.index(each.group), each.place, each.name)))


def read(path: Path) -> Analysis:
    """The analysis that a manifest describes; raises `ValueError` for an invalid one."""
    written: dict[str, Any] = {}
    try:
        written = {"name": path.parent.name, **tomllib.loads(path.read_text("utf-8"))}
        return Analysis.model_validate(written)
    except ValidationError as error:
        mistakes = " ".join(sentences(error, Analysis, written))
    except ValueError as error:  # no TOML, no UTF-8
        mistakes = f"{error}."
    raise ValueError(f"{path} describes no analysis: {mistakes}")


class Face:
    """The public functions of an analysis that are asked of a model, with that model as their first argument.

    `model.memory.curves("layer1.c")` is `rnnstore.memory.curves(model, "layer1.c")`. The analysis is imported when one
    of its functions is named or listed.
    """

    def __init__(self, name: str, model: Any) -> None:
        self._name, self._model = name, model

    def __repr__(self) -> str:
        return f"<rnnstore.{self._name}, asked of {self._model!r}: {', '.join(dir(self)) or 'nothing'}>"

    def __dir__(self) -> list[str]:
        face = import_module(f"rnnstore.{self._name}")
        return [name for name in face.__all__ if _first_parameter(getattr(face, name)) in ("model", "models")]

    def __getattr__(self, name: str) -> partial:
        if name.startswith("_") or name not in dir(self):
            raise AttributeError(f"rnnstore.{self._name} has no function {name!r} of a model")
        return partial(getattr(import_module(f"rnnstore.{self._name}"), name), self._model)


def _first_parameter(function: Any) -> str:
    return next(iter(inspect.signature(function).parameters), "") if inspect.isfunction(function) else ""


FRAMEWORKS = ("pytorch",)
"""The modules that record networks of a framework; they import it when one of their functions is called."""


def faces() -> list[str]:
    """The modules of public functions: the analyses, networks, and the pictures of all analyses."""
    return [*(analysis.name for analysis in analyses()), "networks", "pictures"]
