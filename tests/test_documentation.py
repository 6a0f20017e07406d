"""What the documentation says is true: its examples run, its commands exist, its generated pages are up to date."""

import ast
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

import pipelines.recipe
import pipelines.recipe_page
import rnnstore
import rnnstore.store.tables
from tests.screens import stores

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A block of code in a page: its language and text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 2
            found.append(Block(page.name, line, match[1], match[2]))
    return [block for block in found if block.language in languages]


def commands() -> list[tuple[Block, str]]:
    """Every command of the shell examples; one whose quotes are open goes on in the next line."""
    found = []
    for block in blocks("bash"):
        command = ""
        for line in block.text.splitlines():
            command = f"{command}\n{line}" if command else line
            if command.strip() and command.count('"') % 2 == 0:
                found.append((block, command))
                command = ""
    return found


@pytest.fixture
def demonstration(tmp_path):
    """A folder in which `store` holds a small stand-in for the parenthesis model of the demonstration."""
    store = rnnstore.open(tmp_path / "store")
    stores.record_brackets(store, "demo-parentheses")
    stores.keep_network(store, "demo-parentheses", list("()01234"), {"level": "character"})
    return tmp_path


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("RNNSTORE", None)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_example_runs(block, demonstration):
    for node in ast.walk(ast.parse(block.text)):
        for name in [alias.name for alias in node.names] if isinstance(node, ast.Import) else ():
            if importlib.util.find_spec(name.split(".")[0]) is None:
                pytest.skip(f"{name} is not installed")
    if named := re.search(r'\.model\("((?:ptb-|linux-|yelp-|chords-|parentheses-lstm-|planted)[^"]*)"\)', block.text):
        pytest.skip(f"{named[1]} takes minutes to train, or a corpus that is not everywhere")
    done = run([sys.executable, "-c", block.text], demonstration)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_sql_example_gives_rows(block, demonstration, monkeypatch):
    monkeypatch.chdir(demonstration)
    assert rnnstore.open("store").sql(block.text).num_rows > 0


@pytest.mark.parametrize(("block", "command"), commands(), ids=str)
def test_command_works(block, command, demonstration):
    words = shlex.split(command)
    if words[:3] == ["python", "-m", "rnnstore"]:
        done = run([sys.executable, *words[1:]], demonstration)
        assert done.returncode == 0, done.stderr
    elif words[:3] == ["python", "-m", "pipelines"]:
        done = run([sys.executable, "-m", "pipelines", words[3], "--help"], demonstration)
        assert done.returncode == 0, done.stderr
        options = set(re.findall(r"--[a-z-]+", done.stdout))
        assert {word for word in words[4:] if word.startswith("--")} <= options
        for recipe in (word for word in words[4:5] if words[3] in ("train", "record", "run") and word.islower()):
            if not recipe.endswith(".yaml"):
                assert recipe in pipelines.recipe.shipped()
    elif words[:2] == ["python", "-m"] and words[2].startswith("tests.benchmarks."):
        assert importlib.util.find_spec(words[2]) is not None
    elif words[0] == "make":
        done = run(["make", "--dry-run", *words[1:]], ROOT)
        assert done.returncode == 0, done.stderr
    elif words[0] == "streamlit":
        assert words[1] == "run" and (ROOT / words[2]).exists()
    elif words[:2] != ["git", "clone"] and words[0] != "cd":
        raise AssertionError(f"No test knows how to run {command!r} ({block}).")


def test_recipes_in_the_documentation_are_accepted():
    for block in blocks("yaml"):
        if "corpus:" in block.text and "network:" in block.text:
            assert pipelines.recipe.parse(block.text, str(block)).name


def test_generated_pages_are_up_to_date():
    assert (ROOT / "docs" / "tables.md").read_text("utf-8") == rnnstore.store.tables.document(), "run `make docs`"
    assert (ROOT / "docs" / "recipes.md").read_text("utf-8") == pipelines.recipe_page.document(), "run `make docs`"


def test_links_and_pictures_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            if not target.startswith(("http://", "https://")):
                assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 120


def test_every_dependency_is_explained_and_every_import_required():
    required = {
        re.split(r"[<>=]", line)[0].strip()
        for name in ("requirements.txt", "requirements-pipelines.txt")
        for line in (ROOT / name).read_text("utf-8").splitlines()
        if line and not line.startswith(("#", "-r"))
    }
    explained = set(
        re.findall(r"^\| ([a-z0-9][a-z0-9-]*) \|", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE)
    )
    assert required == explained - {"room", "folder", "package"}
    modules = {"pyyaml": "yaml", "scikit-learn": "sklearn"}
    known = {modules.get(name, name) for name in required} | set(sys.stdlib_module_names)
    for file in [
        *ROOT.glob("*.py"),
        *(file for room in ("rnnstore", "pipelines", "pages") for file in (ROOT / room).rglob("*.py")),
    ]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in names:
                assert name.split(".")[0] in known | {"rnnstore", "pipelines", "pages"}, f"{file.name} imports {name}"


def test_the_theme_is_readable_toml():
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert theme["browser"]["gatherUsageStats"] is False
