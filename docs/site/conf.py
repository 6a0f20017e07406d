"""The documentation as a site: README.md, CHANGELOG.md and docs/*.md as they are, by Sphinx (`make site`).

The pages are plain Markdown that reads as well where the code is hosted, so all that only the site needs stands here:
what follows what, and formulas, which become MathML while the site is built. Nothing is fetched when it is read.
"""

import shutil
import sys
import tomllib
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from rnnstore.registry import analyses  # noqa: E402

START = ["pytorch", "recording", "recipes", "lstmvis", "querying", "trust", "genome", "hosting"]
NAVIGATION = {
    "Start": START,
    "Guides": [*dict.fromkeys(analysis.guide for analysis in analyses() if analysis.guide not in START), "network"],
    "Findings": ["parentheses", "penn-treebank", "chords", "sentiment", "language-models"],
    "Reference": ["tables", "commands", "python", "architecture", "../CONTRIBUTING", "../SECURITY", "../CHANGELOG"],
}
"""The groups of pages beside every page, as names of docs/*.md; those that are not there are left out."""

project = "rnnstore"
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
language = "en"

root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md"]
exclude_patterns = [folder.name for folder in ROOT.iterdir() if folder.is_dir() and folder.name != "docs"]
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False
html_math_renderer = "mathml"

html_theme = "furo"
html_title = "rnnstore"
html_favicon = str(ROOT / "static" / "icon.png")
html_show_copyright = html_show_sphinx = html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f5f9e", "color-brand-content": "#1f5f9e"},
    "dark_css_variables": {"color-brand-primary": "#7db4ea", "color-brand-content": "#7db4ea"},
}


def add_navigation(app, docname: str, source: list[str]) -> None:
    """Put the groups of pages behind the first page, where Sphinx looks for them."""
    if docname == root_doc:
        for group, names in NAVIGATION.items():
            there = [
                f"docs/{name}".replace("docs/../", "") for name in names if (ROOT / "docs" / f"{name}.md").exists()
            ]
            source[0] += "\n".join(["", "", "```{toctree}", ":hidden:", f":caption: {group}", "", *there, "```", ""])


def write_formula(display: str):
    """Writes a formula's LaTeX as MathML, which browsers draw themselves."""

    def visit(translator, node) -> None:
        translator.body.append(convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit, None


def begin_at_index(app, exception) -> None:
    """The first page under the name that servers look for."""
    if exception is None and app.builder.name == "html":
        shutil.copyfile(Path(app.outdir) / f"{root_doc}.html", Path(app.outdir) / "index.html")


def setup(app) -> None:
    app.add_html_math_renderer("mathml", write_formula("inline"), write_formula("block"))
    app.connect("source-read", add_navigation)
    app.connect("build-finished", begin_at_index)
