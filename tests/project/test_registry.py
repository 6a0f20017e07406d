"""Every analysis registers itself: what its manifest says is there, and nothing of it is imported to be found."""

import ast
import copy
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rnnstore.pictures
from rnnstore import registry
from rnnstore.drawing.picture import Picture
from rnnstore.store import tables
from tests.support import stores

ROOT = Path(__file__).parents[2]


def test_an_analysis_is_a_folder_a_page_tests_and_a_guide():
    assert len(registry.analyses()) >= 10
    for analysis in registry.analyses():
        for place in (f"rnnstore/{analysis.name}", f"tests/{analysis.name}", analysis.page):
            assert (ROOT / place).exists(), place
        assert (ROOT / "docs" / f"{analysis.guide}.md").exists()
        assert (ROOT / "tests" / "pages" / f"test_{analysis.name}.py").exists()
        assert set(analysis.tables) <= set(tables.TABLES)
        assert analysis.question.endswith("?")
        for example in analysis.examples:
            assert set(need.partition("/")[0] for need in example.needs) <= set(tables.TABLES)


def test_every_page_is_an_analysis_or_the_overview():
    pages = {f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py")}
    assert pages == {"pages/overview.py", *(analysis.page for analysis in registry.analyses())}


@pytest.mark.parametrize("analysis", registry.analyses(), ids=lambda analysis: analysis.name)
def test_pictures_and_commands_are_there(analysis):
    module = importlib.import_module(f"rnnstore.{analysis.name}.pictures")
    drawing = [
        name
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_")
        and inspect.signature(function).return_annotation in ("Picture", Picture)
        and function.__module__.startswith(module.__name__)
    ]
    assert sorted([*analysis.pictures, *["finding_picture"] * analysis.finding]) == sorted(drawing)
    for name in analysis.pictures:
        assert getattr(rnnstore.pictures, name) is getattr(module, name)
    for name in analysis.commands:
        command = getattr(importlib.import_module(f"rnnstore.{analysis.name}.commands"), name)
        assert "Example: python -m rnnstore" in command.__doc__


@pytest.mark.parametrize("analysis", registry.analyses(), ids=lambda analysis: analysis.name)
def test_the_public_face_is_small_there_and_in_the_reference(analysis):
    face = importlib.import_module(f"rnnstore.{analysis.name}")
    assert 1 <= len(face.__all__) <= (9 if analysis.name == "hypotheses" else 8)  # its opening says why
    modules = {path.stem for path in Path(face.__file__).parent.iterdir()}
    assert not modules & set(face.__all__), "a module of the same name would hide the function"
    reference = (ROOT / "docs" / "python.md").read_text("utf-8")
    section = reference.partition(f"## rnnstore.{analysis.name}\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\w+)$", section, re.MULTILINE) == list(face.__all__)
    for name in face.__all__:
        assert inspect.getdoc(getattr(face, name)), f"{face.__name__}.{name} has no docstring"


def test_guides_examples_and_pictures_name_public_faces_only():
    """What a reader is shown is what a reader can guess: no import from a module inside an analysis."""
    faces = {
        "rnnstore",
        "rnnstore.networks.cells",
        *(f"rnnstore.{name}" for name in [*registry.faces(), *registry.FRAMEWORKS]),
    }
    shown = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in (ROOT / "examples").glob("*.py")}
    notebook = json.loads((ROOT / "examples" / "notebook.ipynb").read_text("utf-8"))
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            shown[f"notebook.ipynb, cell {number}"] = "".join(cell["source"])
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)):
            shown[f"{page.name}, block {number}"] = block
    for name in rnnstore.pictures.__all__:
        text = inspect.getdoc(getattr(rnnstore.pictures, name))
        shown[name] = "\n".join(re.findall(r"^>>> (.*)$", text, re.MULTILINE))
        for module in re.findall(r"`(rnnstore\.[\w.]+)\.\w+`", text):
            assert module in faces, f"{name} speaks of {module}, which is no public face"
    for where, text in shown.items():
        for node in ast.walk(ast.parse(text)):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            for module in (module for module in modules if module.split(".")[0] == "rnnstore"):
                assert module in faces, f"{where} imports from {module}, which is no public face"
                named = {each.name for each in node.names} if isinstance(node, ast.ImportFrom) else set()
                assert named <= set(dir(importlib.import_module(module))), f"{where}: {module} lists not all of {named}"


def test_a_model_leads_on_to_the_analyses(tmp_path):
    stores.record_brackets(rnnstore.open(tmp_path), "brackets")
    model = rnnstore.open(tmp_path).model("brackets")
    assert {*registry.faces(), "vectors", "steps", "key"} <= set(dir(model))
    assert dir(model.memory) == sorted(dir(model.memory)) and "curves" in dir(model.memory)
    assert not {"save", "measures_table"} & {*dir(model.memory), *dir(model.sentences)}  # not asked of a model
    found = model.matching.match("layer1.c", [0, 1], 0.3)
    assert found.table.equals(rnnstore.match(model, "layer1.c", [0, 1], 0.3).table)
    assert isinstance(model.pictures.selection_picture(rnnstore.Selection("layer1.c", 20, 24, -1.0)), Picture)
    assert "memory" in repr(model.memory) and "state_gradients" in repr(model.memory)
    for wrong in (lambda: model.memories, lambda: model.memory.save, lambda: model.memory.singular_values):
        with pytest.raises(AttributeError):
            wrong()
    assert copy.copy(model).steps == model.steps  # which asks for attributes before there are any


def test_importing_rnnstore_imports_no_analysis_but_matching_and_nothing_that_draws():
    code = """
import sys
import rnnstore
assert {"pictures", "memory", "hypotheses"} <= set(dir(rnnstore)), dir(rnnstore)
from rnnstore import pictures, registry
assert "memory_picture" in dir(pictures)
names = {analysis.name for analysis in registry.analyses()} - {"matching"}
print(sorted({*(f"rnnstore.{name}" for name in names), "altair", "scipy", "sklearn", "nltk"} & set(sys.modules)))
assert callable(rnnstore.memory.state_gradients) and callable(rnnstore.pictures.memory_picture)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.strip()) == ("", "[]")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("group = 'listen'", "group is 'listen'; did you mean learn"),
        ("colour = 'red'", "colour is not a setting"),
        ("place = 'first'", "place is 'first'; expected a whole number"),
        ("pictures = 3", "pictures is 3; expected a list"),
        ("title", "line 1"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_with_its_path(tmp_path, line, said):
    text = (ROOT / "rnnstore" / "memory" / registry.MANIFEST).read_text("utf-8")
    key = line.split(" ")[0]
    (tmp_path / registry.MANIFEST).write_text(line + "\n" + re.sub(rf"^{key} = .*$", "", text, flags=re.MULTILINE))
    with pytest.raises(ValueError, match=rf"(?s)analysis\.toml describes no analysis.*{said}"):
        registry.read(tmp_path / registry.MANIFEST)
