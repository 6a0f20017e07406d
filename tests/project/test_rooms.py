"""The folders are the architecture: what import-linter's contracts in pyproject.toml do not ask of it."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnstore.registry import analyses
from tests.support import stores

ROOT = Path(__file__).parents[2]

ROOMS = {
    "rnnstore": sorted((ROOT / "rnnstore").rglob("*.py")),
    "pipelines": sorted((ROOT / "pipelines").rglob("*.py")),
    "pages": [*sorted((ROOT / "pages").rglob("*.py")), ROOT / "streamlit_app.py", ROOT / "hosted_app.py"],
}


def texts(file: Path) -> Iterator[str]:
    """The string constants of a file that are no docstrings."""
    tree = ast.parse(file.read_text("utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def test_the_contracts_name_every_analysis():
    """`lint-imports`, a part of `make check`, asks the contracts themselves."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    named = next(contract["modules"] for contract in contracts if "rnnstore.matching" in contract.get("modules", ()))
    assert named == sorted(f"rnnstore.{analysis.name}" for analysis in analyses())


def test_pages_write_no_sql():
    for file in ROOMS["pages"]:
        calls = [node.func for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call, ast.Attribute) and call.attr == "sql"], file
        for text in texts(file):
            words = text.lower().split()
            assert not (words[:1] == ["select"] and "from" in words), (file, text)


def test_pipelines_know_no_file_name_inside_the_store():
    for file in ROOMS["pipelines"]:
        for text in texts(file):
            assert not any(mark in text for mark in ("card.json", ".parquet", "model=", "state=", "track=")), (
                file,
                text,
            )


def test_every_module_says_why_it_exists():
    for file in (file for room in ROOMS.values() for file in room if file.stat().st_size):
        assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), f"{file.relative_to(ROOT)} has no docstring"


def run(code: str, *arguments: str) -> str:
    """What `code` prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_rnnstore_loads_neither_streamlit_nor_tensorflow():
    code = """
import importlib, pkgutil, sys
import rnnstore
for module in pkgutil.walk_packages(rnnstore.__path__, "rnnstore."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(sorted({"streamlit", "tensorflow", "keras", "pipelines"} & set(sys.modules)))
"""
    assert run(code) == "[]"


def test_pipelines_command_line_starts_without_tensorflow():
    code = "import sys, pipelines.__main__; print(sorted({'streamlit', 'tensorflow', 'keras'} & set(sys.modules)))"
    assert run(code) == "[]"


@pytest.mark.long
def test_every_page_runs_without_tensorflow(tmp_path):
    stores.small_store(tmp_path / "store")
    code = """
import os, sys
from streamlit.testing.v1 import AppTest
from tests.support.screens import ENTRY, page_file
from tests.support.waiting import PATIENCE
os.environ["RNNSTORE"] = sys.argv[1]
app = AppTest.from_file(ENTRY, default_timeout=PATIENCE)
pages = sorted(page for page in os.listdir("pages") if page.endswith(".py") and not page.startswith("_"))
app.run()
for model in ("brackets", "sentences", "sensor", "only-trained"):
    for page in pages:
        app.query_params["model"] = model
        app.switch_page(page_file(f"pages/{page}")).run()
        assert not app.exception, (model, page, app.exception)
        assert app.sidebar.selectbox[0].value == model
print(len(pages) >= 2, sorted({"tensorflow", "keras", "pipelines"} & set(sys.modules)))
"""
    assert run(code, str(tmp_path / "store")) == "True []"
