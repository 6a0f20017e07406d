"""`make new-analysis NAME=fixed_points`: an analysis of its own, with page, guide and tests that run and are green.

It copies docs/templates/analysis, in which the analysis is called new_name (New name, new-name), and adds it to the
two lists that are kept by hand: the import contracts in pyproject.toml, and the notebook that shows every picture.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "docs" / "templates" / "analysis"


def make(name: str, root: Path = ROOT) -> list[Path]:
    """Write the analysis `name`; the files written. `SystemExit` with a sentence where that cannot be."""
    if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name):
        raise SystemExit(f"{name!r} cannot name an analysis; give lower-case words, such as NAME=fixed_points.")
    targets = {path: root / renamed(str(path.relative_to(TEMPLATE)), name) for path in sorted(files())}
    for target in [root / "rnnstore" / name, root / "rnnstore" / f"{name}.py", *targets.values()]:
        if target.exists():
            raise SystemExit(f"{target.relative_to(root)} is there already; give the analysis another name.")
    for path, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(renamed(path.read_text("utf-8"), name), "utf-8")
    add_contract(root / "pyproject.toml", name)
    add_cell(root / "examples" / "notebook.ipynb", name)
    return list(targets.values())


def files() -> list[Path]:
    return [path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc"]


def renamed(text: str, name: str) -> str:
    """`text` of the template, with the analysis' name in place of new_name, New name and new-name."""
    spoken = name.replace("_", " ")
    for old, new in (
        ("new_name", name),
        ("New name", spoken.capitalize()),
        ("new-name", name.replace("_", "-")),
    ):
        text = text.replace(old, new)
    return text


def add_contract(path: Path, name: str) -> None:
    """Add the analysis to the layer of analyses, and to those that do not know one another."""
    text = path.read_text("utf-8")
    layer = re.search(r'"(co_clusters : [^"]*)"', text)
    independent = re.search(r'modules = \[\n((?:    "rnnstore\.\w+",\n)+)\]', text)
    if not layer or not independent:
        raise SystemExit(f"{path.name} has no contracts of analyses; add {name!r} to [tool.importlinter] by hand.")
    names = " : ".join(sorted([*layer[1].split(" : "), name]))
    modules = "".join(sorted([*independent[1].splitlines(keepends=True), f'    "rnnstore.{name}",\n']))
    text = text.replace(independent[1], modules).replace(layer[0], f'"{names}"')
    path.write_text(text, "utf-8")


def add_cell(path: Path, name: str) -> None:
    """Show the analysis' picture in the notebook."""
    notebook = json.loads(path.read_text("utf-8"))
    dashed = name.replace("_", "-")
    heading = {"cell_type": "markdown", "id": f"{dashed}-0", "metadata": {}}
    heading["source"] = [f"## {name.replace('_', ' ').capitalize()}"]
    cell = {"cell_type": "code", "execution_count": None, "id": f"{dashed}-1", "metadata": {}, "outputs": []}
    cell["source"] = [f'pictures.{name}_picture(model, "layer1.c")']
    notebook["cells"] += [heading, cell]
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        raise SystemExit("Name the analysis: make new-analysis NAME=fixed_points")
    written = make(sys.argv[1])
    subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--quiet", "--fix", *map(str, written)], cwd=ROOT, check=True
    )
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", "."], cwd=ROOT, check=True)
    subprocess.run([sys.executable, "docs/site/reference.py"], cwd=ROOT, check=True)
    print("Written:", *(str(path.relative_to(ROOT)) for path in written), sep="\n    ")
    print("Added to pyproject.toml and examples/notebook.ipynb. CONTRIBUTING.md says what to do with each.")
