"""What the documentation says is true: its examples run, its commands exist, its generated pages are up to date."""

import ast
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
import yaml

import pipelines.__main__
import pipelines.recipe
import pipelines.recipe_page
import rnnstore
import rnnstore.__main__
import rnnstore.store.tables
from pipelines.errors import RecipeError
from tests.pipelines import lstmvis_folder
from tests.support import processes, stores

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

NOT_RUN = {
    r"python -m pipelines (train|run|record|demonstration)\b": "trains: the recipe is read, options compared",
    r"python -m tests\.benchmarks": "measures for minutes on an idle machine: that it is there is asked",
    r"make (?!-)": "makes an environment, trains or tests: a dry run only",
    r"streamlit run": "goes on until it is stopped: tests/pages start it",
    r"python -m rnnstore (app|demo)\b": "goes on until it is stopped: tests/commands start it",
    r"git clone|cd |source |RNNSTORE_\w+=\S+ streamlit|docker ": "is about the reader's own machine",
    r"(pip|apt-get|apt) install": "installs",
    r"gradient_horizons|itemized_gradients": "asks the two networks on C source, which train for hours",
    r"model\(\"ptb-|\"from-torch\"|chords-|planted|parentheses-lstm|yelp-|linux-char|autocomplete-|text8":
        "asks a model that takes minutes or hours to train, or a corpus that is not everywhere: names are looked up",
    r"rnnstore memory demo-python-lstm": "asks 10,000 steps of the demonstration's model: a shorter one is run",
    r"rnnstore cluster demo-python-lstm": "asks more clusters than the stand-in for that model has words",
}  # fmt: skip
"""What is documented and not run here, as patterns of the text, each with the reason; its names, options and columns
are looked up. Everything else is run."""

DEMONSTRATION = ("demo-parentheses", "demo-python-gru", "demo-python-lstm")


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
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 2
            found.append(Block(page.name, line, match[1], match[2]))
    return [block for block in found if not languages or block.language in languages]


def commands() -> list[tuple[str, str]]:
    """Every command of the shell examples and of the `--help` of our own; open quotes and \\ go on in the next line."""
    found = []
    for block in blocks("bash"):
        command = ""
        for line in block.text.splitlines():
            command = f"{command}\n{line}" if command else line
            if command.strip() and command.count('"') % 2 == 0 and not command.endswith("\\"):
                if not command.lstrip().startswith("#"):
                    found.append((str(block), command.replace("\\\n", " ")))
                command = ""
    for module in (rnnstore.__main__, pipelines.__main__):
        for name, command in typer.main.get_command(module.app).commands.items():
            for example in re.findall(r"^Example: (python .*)$", command.help or "", re.MULTILINE):
                found.append((f"--help of {name}", example))
    return found


def reason(text: str) -> str | None:
    """Why a text is not run."""
    return next((why for pattern, why in NOT_RUN.items() if re.search(pattern, text)), None)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Path:
    """Small stand-ins for the demonstration's models, recorded once."""
    path = tmp_path_factory.mktemp("demonstration")
    store = rnnstore.open(path / "store")
    for name in DEMONSTRATION:
        stores.record_brackets(store, name)
        stores.keep_network(store, name, list("()01234"), {"level": "character"})
    return path


@pytest.fixture
def demonstration(recorded, tmp_path) -> Path:
    """A folder in which `store` holds a copy of them, which an example may change."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    return tmp_path


def run(arguments: list[str], folder: Path, input: str = "") -> subprocess.CompletedProcess[str]:
    return processes.run(arguments, folder, {name: v for name, v in os.environ.items() if name != "RNNSTORE"}, input)


def test_every_block_says_what_language_it_is():
    """One in a language that no test knows would never be run."""
    known = {"bash", "python", "sql", "yaml", "py", "pycon", "text"}
    assert [str(block) for block in blocks() if block.language not in known] == []


def test_every_reason_not_to_run_something_is_still_needed():
    written = [block.text for block in blocks("python", "sql")] + [command for _, command in commands()]
    may_be_missing = ("git clone", "install", "rnnstore memory", "rnnstore cluster", "chords-")
    for pattern in NOT_RUN:
        assert any(re.search(pattern, text) for text in written) or any(word in pattern for word in may_be_missing), (
            pattern
        )


@pytest.mark.long
@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_example_runs(block, demonstration):
    names_are_there(block.text)
    if reason(block.text):
        return
    done = run(["-c", block.text], demonstration)
    assert done.returncode == 0, done.stderr


def names_are_there(text: str) -> None:
    """Skips where a package is not installed; of ours, everything that is imported or taken from a module exists."""
    modules = {}
    for node in ast.walk(tree := ast.parse(text)):
        imported = [(node.module, each) for each in node.names] if isinstance(node, ast.ImportFrom) else []
        imported += [(each.name, None) for each in node.names] if isinstance(node, ast.Import) else []
        for module, each in imported:
            if importlib.util.find_spec(module.split(".")[0]) is None:
                pytest.skip(f"{module} is not installed")
            if module.split(".")[0] in ("rnnstore", "pipelines"):
                found = importlib.import_module(module)
                if each is not None and not hasattr(found, each.name):
                    found = importlib.import_module(f"{module}.{each.name}")
                elif each is not None:
                    found = getattr(found, each.name)
                modules[(each and (each.asname or each.name)) or module] = found
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            assert hasattr(modules[node.value.id], node.attr), f"{node.value.id} has no {node.attr}"


@pytest.mark.parametrize("block", blocks("sql"), ids=str)
def test_sql_example_gives_rows(block, demonstration, monkeypatch):
    monkeypatch.chdir(demonstration)
    asked = f"explain {block.text}" if reason(block.text) else block.text
    assert rnnstore.open("store").sql(asked).num_rows > 0


@pytest.mark.long
@pytest.mark.parametrize(("where", "command"), commands(), ids=lambda value: value[:60].replace("\n", " "))
def test_command_works(where, command, demonstration):
    words = shlex.split(command, comments=True)
    if not reason(command):
        assert words[:2] == ["python", "-m"] and words[2] in ("rnnstore", "pipelines"), f"nobody can run {command!r}"
        prepare(words[3], demonstration)
        done = run(words[1:], demonstration, "y\n")
        assert done.returncode == 0, done.stderr
    elif words[:3] == ["python", "-m", "pipelines"]:
        done = run(["-m", "pipelines", words[3], "--help"], demonstration)
        assert done.returncode == 0, done.stderr
        options = set(re.findall(r"--[a-z-]+", done.stdout))
        assert {word for word in words[4:] if word.startswith("--")} <= options
        for recipe in (word for word in words[4:5] if word.islower() and not word.startswith("-")):
            assert recipe.endswith(".yaml") or recipe in pipelines.recipe.shipped()
    elif words[:2] == ["python", "-m"] and words[2].startswith("tests.benchmarks"):
        assert importlib.util.find_spec(words[2]) is not None
    elif words[0] == "make":
        making = ["make", "--dry-run", *words[1:]]
        done = subprocess.run(making, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
    elif "streamlit" in words:
        assert (ROOT / words[words.index("run") + 1]).exists()


def prepare(command: str, folder: Path) -> None:
    """What an example expects to find beside the store."""
    if command == "copy-in":
        (folder.parent / "elsewhere" / "store").mkdir(parents=True, exist_ok=True)
        shutil.copytree(
            folder / "store" / "model=demo-parentheses",
            folder.parent / "elsewhere" / "store" / "model=mine",
            dirs_exist_ok=True,
        )
    elif command == "check":  # the stand-ins' networks did not make their states, which it would say
        shutil.rmtree(folder / "store")
        shutil.copytree(ROOT / "demonstration", folder / "store")
    elif command == "unpack":
        packed = run(["-m", "rnnstore", "pack", "demo-python-lstm"], folder)
        assert packed.returncode == 0, packed.stderr
    elif command == "import-lstmvis":
        lstmvis_folder.write(folder / "parens")


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_settings_in_the_documentation_are_accepted(block):
    """A whole recipe, or some settings of one, which are then those of the recipe or of one of its groups."""
    settings = yaml.safe_load(block.text)
    if {"corpus", "network"} <= set(settings):
        assert pipelines.recipe.parse(block.text, str(block)).name
        return
    base = yaml.safe_load((pipelines.recipe.SHIPPED / "demo-parentheses.yaml").read_text("utf-8"))
    merged = {key: base[key] | value if isinstance(base.get(key), dict) else value for key, value in settings.items()}
    tried = [
        base | settings,
        base | merged,
        *({**base, group: {**base[group], **settings}} for group in ("training", "record", "network")),
    ]
    for recipe in tried:
        try:
            assert pipelines.recipe.parse(yaml.safe_dump(recipe), str(block))
            return
        except RecipeError as error:
            refused = error
    raise AssertionError(f"{block}: {refused}")


def test_generated_pages_are_up_to_date():
    assert (ROOT / "docs" / "tables.md").read_text("utf-8") == rnnstore.store.tables.document(), "run `make docs`"
    assert (ROOT / "docs" / "recipes.md").read_text("utf-8") == pipelines.recipe_page.document(), "run `make docs`"
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "site" / "reference.py")
    spec.loader.exec_module(reference := importlib.util.module_from_spec(spec))
    for name, document in reference.PAGES.items():
        assert (ROOT / "docs" / f"{name}.md").read_text("utf-8") == document(), "run `make docs`"


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
    reasons = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Why each dependency")[2]
    assert required == set(re.findall(r"^\| ([a-z0-9][a-z0-9-]*) \|", reasons, re.MULTILINE)) - {"package"}
    modules = {"pyyaml": "yaml", "scikit-learn": "sklearn", "lazy-loader": "lazy_loader"}
    known = {modules.get(name, name) for name in required} | {"pydantic_core"} | set(sys.stdlib_module_names)
    building = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    known |= {re.split(r"[<>=]", name)[0] for name in building}  # pip brings it where a wheel is built: setup.py
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    known |= {re.split(r"[<>=]", name)[0] for names in extras.values() for name in names}
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
