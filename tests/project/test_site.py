"""The documentation as a site: every page has its place, every link leads somewhere, and reading it asks no network."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site; a broken link, a page without a place or a formula that cannot be read fails its making."""
    if missing := [
        name for name in ("sphinx", "myst_parser", "furo", "latex2mathml") if not importlib.util.find_spec(name)
    ]:
        pytest.skip(f"{', '.join(missing)} of requirements-dev.txt are not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-c",
        "docs/site",
        "-d",
        folder / "kept",
        ".",
    ]
    made = subprocess.run(
        [*command, folder / "site"], cwd=ROOT, capture_output=True, text=True, timeout=250, check=False
    )
    assert made.returncode == 0, made.stderr
    return folder / "site"


@pytest.mark.long
def test_every_page_stands_in_the_navigation_of_the_first(site):
    first = (site / "index.html").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f'href="docs/{page.stem}.html"' in first, f"{page.name} is missing in NAVIGATION of docs/site/conf.py"


@pytest.mark.long
def test_formulas_are_drawn_by_the_browser_itself(site):
    page = (site / "docs" / "training.html").read_text("utf-8")
    assert "<math" in page and "\\langle" not in page and "mathjax" not in page.lower()


@pytest.mark.long
def test_nothing_is_fetched_when_it_is_read(site):
    for file in site.rglob("*.html"):
        for tag in re.findall(r"<(?:script|link|img|iframe|source)[^>]*>", file.read_text("utf-8")):
            assert not re.search(r'(?:src|href)="(?:https?:)?//', tag), f"{file.name}: {tag}"
    for file in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?https?:|@import", file.read_text("utf-8")), file.name
