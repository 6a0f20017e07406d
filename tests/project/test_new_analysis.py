"""`make new-analysis` in a copy of the repository: the analysis is found everywhere, and its tests are green."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NAMES = ("rnnstore", "pages", "pipelines", "tests", "docs", "examples", "static", ".streamlit")
FILES = ("pyproject.toml", "streamlit_app.py", "hosted_app.py", "README.md", "CHANGELOG.md", "Makefile")

FOUND = """
import rnnstore.__main__
from pages.parts.shared.current import PAGES
from rnnstore import pictures
assert PAGES["pages/fixed_points.py"] == "Fixed points" and list(PAGES)[0] == "pages/overview.py"
assert "fixed_points" in dir(rnnstore) and dir(rnnstore.fixed_points) == ["unit_means"]
assert callable(pictures.fixed_points_picture)
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A copy of the repository, in which the analysis was made."""
    copy = tmp_path_factory.mktemp("repository")
    for name in NAMES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "images"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    made = run(copy, "docs/templates/new_analysis.py", "fixed_points")
    assert made.returncode == 0, made.stdout + made.stderr
    return copy


def run(folder: Path, *arguments: str, python: bool = True) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, *arguments] if python else [*arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_a_new_analysis_is_green(repository):
    tests = ("fixed_points", "pages/test_fixed_points.py", "project/test_registry.py", "project/test_rooms.py")
    chosen = ["-k", "not tensorflow", "-p", "no:cacheprovider", *(f"tests/{test}" for test in tests)]
    done = run(repository, "-m", "pytest", "-n", "0", *chosen)
    assert done.returncode == 0, done.stdout


def test_a_new_analysis_is_found_everywhere(repository):
    done = run(repository, "-c", FOUND)
    assert done.returncode == 0, done.stderr
    assert "## rnnstore.fixed_points" in (repository / "docs" / "python.md").read_text("utf-8")
    assert "fixed_points_picture(model" in (repository / "examples" / "notebook.ipynb").read_text("utf-8")


@pytest.mark.parametrize("tool", ["ruff check .", "ruff format --check .", "lint-imports --no-cache"])
def test_a_new_analysis_keeps_the_rules(repository, tool):
    program, *arguments = tool.split()
    done = run(repository, str(Path(sys.executable).with_name(program)), *arguments, python=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["memory", "Fixed points", "../elsewhere", "errors"])
def test_a_name_that_cannot_be_is_a_sentence_and_writes_nothing(repository, name):
    before = sorted(repository.rglob("*.toml"))
    refused = run(repository, "docs/templates/new_analysis.py", name)
    assert refused.returncode == 1
    assert "another name" in refused.stderr or "cannot name an analysis" in refused.stderr
    assert sorted(repository.rglob("*.toml")) == before
