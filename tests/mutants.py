"""Would the tests notice? Changes one token of the library at a time and runs the tests of the module it is in.

    python -m tests.mutants                       60 changes by chance, all over the modules that answer
    python -m tests.mutants --many 20 --seed 3 rnnstore/memory rnnstore/store/runs.py

Prints every change that no test noticed, to be killed by a test or argued to change nothing. No file is touched: the
tests run in a process that compiles the changed text in place of the module's. It takes some seconds a change.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import importlib.abc
import importlib.util
import io
import itertools
import json
import os
import random
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

NOT_MUTATED = {"charts", "pictures", "commands", "drawing", "__init__", "__main__"}
"""What draws or talks: its mistakes are seen."""

CHANGE = "RNNSTORE_MUTANT"
"""The variable that tells a process of tests its mutant."""

OTHER = {
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "*", "**": "*", "<": "<=", "<=": "<", ">": ">=", ">=": ">",
    "==": "!=", "!=": "==", "+=": "-=", "-=": "+=", "&": "|", "and": "or", "or": "and", "not": "", "is": "is not",
    "in": "not in", "True": "False", "False": "True", "min": "max", "max": "min", "any": "all", "all": "any",
    "break": "continue",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One token of a file, from `start` to `stop` in its text, and what stands there instead."""

    path: str
    start: int
    stop: int
    instead: str

    @property
    def text(self) -> str:
        whole = (ROOT / self.path).read_text("utf-8")
        return whole[: self.start] + self.instead + whole[self.stop :]

    def __str__(self) -> str:
        whole = (ROOT / self.path).read_text("utf-8")
        line = whole.count("\n", 0, self.start) + 1
        change = f"{whole[self.start : self.stop]} -> {self.instead or 'nothing'}"
        return f"{self.path}:{line}: {change} in: {whole.splitlines()[line - 1].strip()}"


def mutants(file: Path) -> Iterator[Mutant]:
    """Every change of one token that is tried in a file; none in annotations, decorators and default factories."""
    text = file.read_text("utf-8")
    begins = [0, *(number + 1 for number, sign in enumerate(text) if sign == "\n")]
    spared = list(_spared(ast.parse(text)))
    tokens = [each for each in tokenize.generate_tokens(io.StringIO(text).readline) if each.string.strip()]
    for before, token, after in zip([tokens[0], *tokens], tokens, [*tokens[1:], tokens[-1]], strict=False):
        start, stop = (begins[row - 1] + column for row, column in (token.start, token.end))
        instead = _other_number(token.string) if token.type == tokenize.NUMBER else OTHER.get(token.string)
        unpacks = token.string in ("*", "**") and not (before.string[-1].isalnum() or before.string[-1] in ")]_")
        negated = (before.string, token.string) == ("not", "in") or (token.string, after.string) == ("is", "not")
        repeats = token.string == "in" and _of_a_loop(text, start)
        spares = any(low <= token.start < high for low, high in spared)
        if instead is not None and not (unpacks or negated or repeats or spares or before.string == "."):
            yield Mutant(str(file.relative_to(ROOT)), start, stop, instead)


def _spared(tree: ast.AST) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for node in ast.walk(tree):
        found: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found += node.decorator_list
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found += [node.returns, *(each.annotation for each in ast.walk(node.args) if isinstance(each, ast.arg))]
        if isinstance(node, ast.AnnAssign):
            found.append(node.annotation)
        if isinstance(node, ast.Raise):
            found.append(node)
        for each in found:
            if each is not None:
                yield (each.lineno, each.col_offset), (each.end_lineno, each.end_col_offset)


def _of_a_loop(text: str, place: int) -> bool:
    """Whether an `in` belongs to a `for`."""
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return "for " in line and " if " not in line[line.rfind("for ") :]


def _other_number(written: str) -> str | None:
    value = ast.literal_eval(written)
    return repr(value + 1) if isinstance(value, int) else repr(value * 2 or 1.0) if isinstance(value, float) else None


def modules(chosen: list[str]) -> list[Path]:
    """The files of the library that answer, all or those in the folders that were chosen."""
    places = [ROOT / each for each in chosen or ["rnnstore"]]
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    return [file for file in files if not NOT_MUTATED & set(file.relative_to(ROOT).with_suffix("").parts)]


def imported() -> dict[str, set[str]]:
    """The dotted names that each test file imports, by its path."""
    found = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        nodes = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
        names = {f"{node.module}.{name.name}" for node in nodes for name in node.names}
        found[str(file.relative_to(ROOT))] = names | {node.module or "" for node in nodes}
    return found


def tests_of(module: Path, imports: dict[str, set[str]]) -> list[str]:
    """The test files that import a module first, then the others of its folder."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    own = [test for test, names in imports.items() if ".".join(parts) in names]
    return own + [test for test in imports if Path(test).parts[1] == parts[1] and test not in own]


def passes(tests: list[str], mutant: Mutant | None = None) -> bool:
    """Whether tests pass, in a process of their own; one that never ends does not."""
    command = [sys.executable, "-m", "pytest", "-x", "-n0", "-pno:cacheprovider", "-ptests.mutants"]
    command += ["-m", "not long and not browser", *tests]
    environment = {name: value for name, value in os.environ.items() if name != CHANGE}
    if mutant is not None:
        environment[CHANGE] = json.dumps(dataclasses.astuple(mutant))
    try:
        return not subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=600).returncode
    except subprocess.TimeoutExpired:
        return False


class Finder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Gives Python the changed text of one module."""

    def __init__(self, mutant: Mutant):
        self.mutant = mutant
        self.module = mutant.path.removesuffix(".py").replace("/", ".")

    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self.module else None

    def get_filename(self, name):
        return str(ROOT / self.mutant.path)

    def get_data(self, path):
        return self.mutant.text.encode()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("places", nargs="*", metavar="PLACE")
    options.add_argument("--many", type=int, default=60)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    every = [mutant for file in modules(given.places) for mutant in mutants(file)]
    chosen = random.Random(given.seed).sample(every, min(given.many, len(every)))
    imports = imported()
    tried = survived = 0
    for path, here in itertools.groupby(
        sorted(chosen, key=lambda each: (each.path, each.start)), lambda each: each.path
    ):
        tests = tests_of(ROOT / path, imports)
        if not tests or not passes(tests):
            print(f"{path} has no tests that pass as it is.", flush=True)
            continue
        for mutant in here:
            tried += 1
            if passes(tests, mutant):
                survived += 1
                print(mutant, flush=True)
    print(f"{tried - survived} of {tried} changes were noticed; {len(every):,} are possible.")


if CHANGE in os.environ and __name__ != "__main__":
    sys.meta_path.insert(0, Finder(Mutant(*json.loads(os.environ[CHANGE]))))
if __name__ == "__main__":
    main()
