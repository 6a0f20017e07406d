"""The command line as a newcomer meets it: what it says, what it leaves on disk, how it fails."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

import rnnstore
from pipelines import __main__ as command_line
from pipelines import demonstration
from pipelines.corpora.kinds import KINDS
from rnnstore.errors import StoreError
from rnnstore.memory.singular_values import has_memory
from tests.support.remembered import store_with_memory

needs_tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")

TINY = """
name: tiny
description: A first try
corpus: {kind: parentheses, symbols: 4000, shares: {train: 0.5, validation: 0.25, test: 0.25}}
network: {embedding: 4, layers: [{cell: gru, units: 8}, {cell: vanilla, units: 6}]}
training: {epochs: 1, batch: 5, unroll: 10}
record: {split: validation, steps: 700, gates: true}
"""


def call(capsys, monkeypatch, *arguments):
    """Exit code, stdout and stderr of `python -m pipelines ARGUMENTS`, in this process."""
    monkeypatch.setattr(sys, "argv", ["python -m pipelines", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


def test_help_says_what_to_do_first_and_names_every_command(capsys, monkeypatch):
    code, out, _ = call(capsys, monkeypatch, "--help")
    assert code == 0
    assert "python -m pipelines run demo-python-lstm" in out
    for command in ("train", "record", "run", "demonstration", "recipes", "corpora"):
        assert f"  {command} " in out
    code, out, _ = call(capsys, monkeypatch, "train", "--help")
    assert "RNNSTORE_CORPORA" in out and "--store" in out and "RECIPE" in out


def test_recipes_and_corpora_are_listed_with_a_line_each(capsys, monkeypatch):
    _, out, _ = call(capsys, monkeypatch, "recipes")
    named = {line.split()[0]: line for line in out.splitlines()}
    assert {*demonstration.MODELS, "ptb-lstm-2x200"} <= set(named)
    assert all(len(line.split()) > 3 for line in named.values())
    _, out, _ = call(capsys, monkeypatch, "corpora")
    kinds = [line.split()[0] for line in out.splitlines()]
    assert kinds == list(KINDS)
    assert "labelled-text" in kinds


def test_mistakes_in_a_recipe_are_said_without_starting_tensorflow(tmp_path, tiny):
    tiny.write_text(TINY.replace("epochs", "epocs"))
    code = (
        "import sys; sys.argv = ['', 'run', sys.argv[1], '--store', sys.argv[2]]\n"
        "from pipelines.__main__ import main\n"
        "try: main()\n"
        "finally: assert 'tensorflow' not in sys.modules"
    )
    store = tmp_path / "store"
    ended = subprocess.run([sys.executable, "-c", code, tiny, store], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("Error: ") and "epochs" in ended.stderr and "Traceback" not in ended.stderr
    assert not store.exists()


def test_an_unknown_recipe_is_answered_with_the_nearest_one(capsys, monkeypatch, tmp_path):
    code, _, err = call(capsys, monkeypatch, "train", "demo-parenthesis", "--store", tmp_path / "store")
    assert code == 1
    assert err.startswith("Error: ") and "demo-parentheses" in err and err.count("\n") == 1


@pytest.mark.long
@needs_tensorflow
def test_a_recipe_becomes_a_recorded_model(capsys, monkeypatch, tmp_path, tiny):
    folder = tmp_path / "store"
    code, _, err = call(capsys, monkeypatch, "record", tiny, "--store", folder)
    assert (code, err) == (
        1,
        "Error: tiny is not trained yet. Run `python -m pipelines train` with its recipe first.\n",
    )
    assert not folder.exists()

    code, out, _ = call(capsys, monkeypatch, "train", tiny, "--store", folder)
    assert code == 0
    assert "tiny: test perplexity" in out
    code, out, _ = call(capsys, monkeypatch, "run", tiny, "--store", folder)
    assert code == 0
    assert "tiny is trained already." in out and "recorded 700 steps" in out

    model = rnnstore.open(folder).model("tiny")
    assert model.steps == 700
    assert list(model.states) == ["layer1.h", "layer2.h", "layer1.z", "layer1.r", "layer1.g"]
    assert model.predictions_per_step == 5
    assert (model.card.cell, model.card.layers, model.card.units, model.card.embedding) == ("gru + vanilla", 2, 8, 4)
    assert model.card.parameters == 7 * 4 + (4 * 24 + 8 * 24 + 2 * 24) + (8 * 6 + 6 * 6 + 6) + (6 * 7 + 7)
    assert {(metric.name, metric.split) for metric in model.card.metrics} == {
        ("perplexity", "validation"),
        ("perplexity", "test"),
    }
    assert model.card.settings["training"]["epochs"] == 1
    assert model.table("training").num_rows == 200 // 5 * 10 // 10 - 1


@needs_tensorflow
def test_a_model_being_written_by_another_process_is_left_alone(capsys, monkeypatch, tmp_path, tiny):
    folder = tmp_path / "store"
    with rnnstore.open(folder).writer("tiny"):
        code, _, err = call(capsys, monkeypatch, "train", tiny, "--store", folder)
    assert code == 1
    assert "being written by another process" in err and err.count("\n") == 1


def test_the_demonstration_leaves_out_what_is_there(capsys, monkeypatch, tmp_path):
    made, measured = {}, []
    monkeypatch.setattr(command_line, "work", lambda name, *_, **options: made.update({name: options["steps"]}))
    monkeypatch.setattr(demonstration, "measure_memory", lambda store, name: measured.append(name))
    monkeypatch.setattr(demonstration, "save_hypotheses", lambda store, name: [])
    first, second, *others = demonstration.MODELS
    with rnnstore.open(tmp_path).record(second) as recorder:
        recorder.add(words=["a"], states={"layer1.h": [[0.5]]})
    code, out, _ = call(capsys, monkeypatch, "demonstration", "--store", tmp_path)
    assert code == 0
    assert made == {name: demonstration.MODELS[name].steps for name in (first, *others)}
    assert measured == [*demonstration.MODELS]
    assert f"{second} is in {tmp_path} already." in out


def test_memory_of_a_demonstration_model_is_measured_once(monkeypatch, tmp_path):
    store = store_with_memory(tmp_path)
    monkeypatch.setitem(demonstration.MODELS, "tiny", demonstration.Demonstrated(200, {"layer1.c": ("verbs=be,do",)}))
    assert demonstration.measure_memory(tmp_path, "tiny") == store.model("tiny").steps
    assert has_memory(rnnstore.open(tmp_path).model("tiny"))
    assert demonstration.measure_memory(tmp_path, "tiny") == 0


def test_hypotheses_of_the_demonstration_are_saved_once_and_missing_words_are_said(monkeypatch, tmp_path):
    store = store_with_memory(tmp_path)
    model = store.model("tiny")
    word, state = model.words(3, 4)["word"][0].as_py(), next(iter(model.states))
    brushed = demonstration.Brushed(state, 0.1, word, note="It stands in the text.")
    monkeypatch.setitem(demonstration.MODELS, "tiny", demonstration.Demonstrated(200, {}, {"a word": brushed}))
    assert demonstration.save_hypotheses(tmp_path, "tiny") == ["a word"]
    assert demonstration.save_hypotheses(tmp_path, "tiny") == []
    absent = demonstration.Brushed(state, 0.1, "no such words")
    monkeypatch.setitem(demonstration.MODELS, "tiny", demonstration.Demonstrated(200, {}, {"absent": absent}))
    with pytest.raises(StoreError, match=r"tiny has no 'no such words' in its [\d,]+ recorded steps; record more\."):
        demonstration.save_hypotheses(tmp_path, "tiny")


def test_ctrl_c_outside_training_ends_without_a_traceback(capsys, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "work", interrupted)
    code, _, _ = call(capsys, monkeypatch, "train", "demo-parentheses", "--store", tmp_path)
    assert code == 130
