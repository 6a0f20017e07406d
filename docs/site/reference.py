"""Writes docs/commands.md and docs/python.md from the code (`make docs`): python docs/site/reference.py."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path

import typer

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import pipelines.__main__  # noqa: E402
import rnnstore.__main__  # noqa: E402
from rnnstore.registry import FRAMEWORKS, faces  # noqa: E402


def commands() -> str:
    """docs/commands.md: both command lines, with every argument and option."""
    lines = [
        "# Commands",
        "",
        "Both command lines say the same with `--help`. This page is written from the code (`make docs`).",
    ]
    for module in (rnnstore.__main__, pipelines.__main__):
        name, group = module.__package__, typer.main.get_command(module.app)
        lines += ["", f"## python -m {name}", "", _prose(group.help)]
        for command_name, command in sorted(group.commands.items()):
            arguments, options = _of("argument", command), _of("option", command)
            called = " ".join([f"python -m {name} {command_name}", *map(_spelt, arguments)])
            lines += ["", f"### {name} {command_name}", "", f"`{called}`", "", _prose(command.help), ""]
            lines += [_row(each) for each in [*arguments, *options] if each.help]
    return "\n".join(lines).rstrip() + "\n"


def python() -> str:
    """docs/python.md: what `rnnstore`, the analyses, networks and pictures offer, with their docstrings."""
    lines = [
        "# Python reference",
        "",
        "Written from the docstrings (`make docs`). Guides show the names at work.",
    ]
    for module in (rnnstore, *(importlib.import_module(f"rnnstore.{name}") for name in [*faces(), *FRAMEWORKS])):
        lines += ["", f"## {module.__name__}", "", _prose(module.__doc__)]
        for name in module.__all__:
            lines += ["", f"### {name}", "", *_described(f"{module.__name__}.{name}", getattr(module, name))]
    return "\n".join(lines).rstrip() + "\n"


def _of(kind: str, command) -> list:
    return [each for each in command.params if each.param_type_name == kind]


def _spelt(parameter) -> str:
    """NAME, or --store FOLDER"""
    shown = parameter.metavar or parameter.name.upper()
    if parameter.param_type_name == "argument":
        return shown
    choices = "|".join(getattr(parameter.type_descriptor.annotation, "__members__", ()))
    return parameter.opts[0] if parameter.is_flag else f"{parameter.opts[0]} {parameter.metavar or choices or 'VALUE'}"


def _row(parameter) -> str:
    """One line of the list of arguments and options; what is usual is said where there is anything to say."""
    usual = getattr(parameter.default, "value", parameter.default)
    plain = isinstance(usual, str | int | float | Path) and not isinstance(usual, bool) and usual != ""
    said = _escaped(parameter.help.rstrip(".") + ".")
    return f"- `{_spelt(parameter)}`: {said}" + (f" Usual: `{usual}`." if plain else "")


def _paragraph(text: str | None) -> str:
    return " ".join((text or "").split())


def _described(path: str, thing) -> list[str]:
    """Signature and docstring of a function; of a class its methods and properties, too."""
    if not inspect.isclass(thing):
        return ["```py", f"{path}{_signature(thing)}", "```", "", _prose(thing.__doc__)]
    lines = [_prose(thing.__doc__)]
    for name, member in vars(thing).items():
        said = (inspect.getdoc(member) or "").split("\n\n")[0]
        if name.startswith("_") or not said:
            continue
        if isinstance(member, property):
            lines += ["", f"- `{name}`: {_escaped(_paragraph(said))}"]
        elif inspect.isfunction(member):
            lines += ["", f"- `{name}{_signature(member, method=True)}`: {_escaped(_paragraph(said))}"]
    return lines


def _signature(function, method: bool = False) -> str:
    """(model, state, threshold=0.3): names and what is usual; types stand in the docstring where they are not plain."""
    parameters = list(inspect.signature(function).parameters.values())[method:]
    written = [
        re.sub(r" at 0x[0-9a-f]+", "", str(each.replace(annotation=inspect.Parameter.empty))) for each in parameters
    ]
    if any(each.kind is inspect.Parameter.KEYWORD_ONLY for each in parameters) and not any(
        each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters
    ):
        first = next(n for n, each in enumerate(parameters) if each.kind is inspect.Parameter.KEYWORD_ONLY)
        written.insert(first, "*")
    return f"({', '.join(written)})"


def _prose(docstring: str | None) -> str:
    """A docstring as Markdown: examples are fenced or marked as code."""
    blocks = [
        f"```pycon\n{block}\n```"
        if block.startswith(">>>")
        else re.sub(r"^(Example: )(.*)$", r"\1`\2`", _escaped(block))
        for block in inspect.cleandoc(docstring or "").split("\n\n")
    ]
    return "\n\n".join(blocks)


def _escaped(text: str) -> str:
    """What stands between angle brackets is no tag, outside of code."""
    return "".join(part if n % 2 else part.replace("<", "\\<") for n, part in enumerate(re.split(r"(`[^`]*`)", text)))


PAGES = {"commands": commands, "python": python}


def write(pages: dict = PAGES) -> None:
    for name, document in pages.items():
        (ROOT / "docs" / f"{name}.md").write_text(document(), "utf-8")


if __name__ == "__main__":
    write()
