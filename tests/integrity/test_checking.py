"""What a check finds beyond checksums: tables whose bytes are as they were written, and say what is not so."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import rnnstore
from rnnstore.integrity.checking import check
from rnnstore.store import card as cards
from rnnstore.store import checksums
from tests.support.damage import full_model, run, sentence
from tests.support.worlds import record


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return full_model(tmp_path_factory.mktemp("original"))


@pytest.fixture
def model(original, tmp_path):
    return shutil.copytree(original, tmp_path / "store" / "model=full")


def said(report) -> list[str]:
    return [f"{finding.where.split('/')[0]}: {finding.sentence}" for finding in report.findings if finding.damage]


def write(model, key, change) -> None:
    """Rewrite the first file of a table as `change` makes it, checksum, size and card included."""
    card = cards.read_card(model)
    file = card.files[key][0]
    path = model / file.path
    if path.suffix == ".npy":
        np.save(path, change(np.load(path)))
    else:
        pq.write_table(change(pq.read_table(path, partitioning=None)), path)
    rows = file.rows if path.suffix == ".npy" else pq.read_metadata(path).num_rows
    new = {"bytes": path.stat().st_size, "crc32": checksums.of_file(path), "rows": rows}
    files = card.files | {key: (file.model_copy(update=new), *card.files[key][1:])}
    cards.write_card(model, card.model_copy(update={"files": files}))


def put(column, row, value):
    """A change of one value of a table."""

    def change(table):
        values = table[column].to_pylist()
        values[row] = value(values[row]) if callable(value) else value
        place = table.column_names.index(column)
        return table.set_column(place, column, pa.array(values, table.schema.field(column).type))

    return change


def turned(values):
    values[17, 3] += 0.5
    return values


CHANGES = {
    "a step is missing": ("tokens", lambda table: table.slice(1), "hold 399 steps; the card says 400"),
    "steps out of order": ("tokens", put("t", 5, 9), "Row 5: t is 9; 5 was expected"),
    "a word outside the vocabulary": ("tokens", put("word_id", 5, 7), "word_id is 7; 0 to 6 was expected"),
    "two words of one id": ("tokens", put("word", 5, "x"), "The word of id"),
    "a position that jumps": ("tokens", put("position", 5, 50), "position is 50; 0 or one more than before"),
    "a sequence that jumps": ("tokens", put("sequence", 5, 2), "sequence is 2; 0 was expected"),
    "another column": ("tokens", lambda table: table.rename_columns(list("tabcd")), "not those of the table"),
    "another type": ("tokens", lambda t: t.set_column(0, "t", t["t"].cast(pa.int32())), "Column t is int32"),
    "a label in a track of numbers": ("annotations/nesting", put("value", 5, "x"), "has something in the column value"),
    "a number outside the card's": ("annotations/nesting", put("number", 5, 9.0), "number is 9.0; 0 to 4 was expected"),
    "a track of other steps": ("annotations/kind", put("t", 5, 6), "t is 6; 5 was expected"),
    "a rank twice": ("predictions", put("rank", 3, 1), "rank is 1; 2 was expected"),
    "a probability above one": ("predictions", put("probability", 3, 1.5), "probability is 1.5; 0 to 1 was expected"),
    "a run without steps": ("on_states/layer1.c", put("stop", 3, 0), "stop is 0; 1 to 400 was expected"),
    "a run of no unit": ("on_states/layer1.c", put("unit", 3, 24), "unit is 24; 0 to 23 was expected"),
    "a run at another threshold": ("on_states/layer1.c", put("threshold", 3, 0.4), "one of the card's was expected"),
    "runs that overlap": ("on_states/layer1.c", put("stop", 0, lambda stop: stop + 40), "the end of the unit's run"),
    "runs that are not so": ("on_states/layer1.c", lambda table: table.slice(1), "recorded, not the same ones"),
    "a run that begins early": ("on_states/layer1.h", put("start", 0, 0), "not the same ones"),
    "a value that is another": ("vectors/layer1.c", turned, "Unit 3 at step 17 is"),
    "a value out of range": ("states/layer1.c", put("u3", 17, 2.0), "Values reach from"),
    "no number": ("states/layer1.c", put("u3", 17, float("nan")), "is no finite number"),
    "steps of states": ("states/layer1.c", put("t", 17, 18), "are not counted one by one"),
    "a mean that is not so": (
        "expected_responses/layer1.c",
        put("response", 2, lambda values: [values[0] + 0.01, *values[1:]]),
        "unit 0, is",
    ),
    "a quantile that is not so": (
        "expected_responses/layer1.h",
        put("quantile_75", 2, lambda values: [*values[:-1], values[-1] - 0.01]),
        "quantile_75 of",
    ),
    "an error that is not so": (
        "expected_responses/layer1.h",
        put("standard_error", 2, lambda values: [*values[:-1], values[-1] + 0.1]),
        "standard_error of",
    ),
    "a list that is short": ("expected_responses/layer1.c", put("response", 2, [0.0]), "length of response is 1; 24"),
    "a count that is not so": ("expected_responses/layer1.c", put("count", 2, lambda count: count + 1), "count is"),
    "a word too few": ("expected_responses/layer1.c", lambda table: table.slice(1), "words; 7 were read"),
    "training that goes back": ("training", put("step", 5, 2), "step is 2; no less than before"),
    "shares of no gradient": ("training_gradients", put("shares", 2, [1.0]), "length of shares is 1; 12 was expected"),
    "a cluster too many": ("co_clusters/layer1.c", put("cluster", 2, 2), "cluster is 2; less than k"),
    "a unit too many": ("co_clusters/layer1.c", put("id", 2, 24), "id is 24; one of the units"),
    "a gradient from later": ("itemized_gradients", put("j", 0, 7), "j is 7; t at most"),
    "a certainty above one": ("training_batches", put("probability", 0, 2.0), "probability is 2.0; 0 to 1"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_not_so_is_found_though_every_checksum_is_right(model, what):
    key, change, expected = CHANGES[what]
    write(model, key, change)
    report = check(model)
    assert any(expected in line for line in said(report)), said(report)
    assert all(finding.mending for finding in report.findings)


def test_a_card_that_says_what_is_not_so(model):
    card = cards.read_card(model)
    for changes, expected in (
        ({"steps": 399}, "hold 400 steps; the card says 399"),
        ({"vocabulary": 5}, "; 0 to 4 was expected"),
        ({"states": card.states | {"more": card.states["layer1.c"]}}, "It lists no file of states/more"),
        ({"tracks": card.tracks | {"more": card.tracks["kind"]}}, "It lists no file of annotations/more"),
        ({"states": {"layer1.h": card.states["layer1.h"]}}, "describes no state 'layer1.c'"),
        ({"predictions_per_step": 3}, "The files of predictions hold"),
        ({"files": card.files | {"more": ()}}, "which is no table of a store"),
    ):
        cards.write_card(model, card.model_copy(update=changes))
        assert any(expected in line for line in said(check(model))), (changes, said(check(model)))


def test_weights_that_are_no_numbers(model):
    path = model / "network" / "weights.npz"
    with np.load(path) as kept:
        arrays = dict(kept)
    arrays["layer1.bias"][2] = np.nan
    np.savez(path, **arrays)
    store = rnnstore.open(model.parent)
    with store.writer("full") as writer:
        writer.folder("network")
    assert said(check(model)) == ["network: The weights layer1.bias hold a value that is no finite number."]


def test_a_sample_is_compared_of_a_long_recording_and_all_of_it_when_asked(tmp_path):
    """A value that a sample may miss is found by --full; what a sample is, is told."""
    random = np.random.default_rng(3)
    values = random.normal(size=(40_000, 20)).astype(np.float16)
    record(tmp_path, "long", words=[f"w{n}" for n in random.integers(0, 40, 40_000)], states={"s": values})
    model = tmp_path / "model=long"
    brief, full = check(model), check(model, full=True)
    assert brief.findings == full.findings == ()
    assert "a sample: 40,000 rows in both layouts, the runs of 8 units and the responses to 24 words" in str(brief)
    assert "all 40,000 rows in both layouts, the runs of 20 units and the responses to 40 words" in str(full)
    runs = pq.read_table(next((model / "on_states" / "state=s").iterdir()), partitioning=None)
    for unit in range(20):
        first = pc.index(runs["unit"], unit).as_py()
        assert first >= 0
    write(model, "on_states/s", lambda table: table.filter(pc.not_equal(pc.add(table["unit"], 0), 13)))
    assert any("Unit 13 is on in" in line for line in said(check(model, full=True)))


# Files that are not there, or there besides


def test_a_missing_and_a_truncated_file_are_told_together(model):
    shutil.rmtree(model / "training")
    tokens = next((model / "tokens").iterdir())
    tokens.write_bytes(tokens.read_bytes()[:-7])
    size = tokens.stat().st_size
    os.unlink(model / "network" / "weights.npz")
    report = check(model)
    assert sorted(said(report)) == [
        "network: It is not there.",
        f"tokens: It has {size:,} bytes instead of {size + 7:,}: it is truncated or was changed.",
        "training: It is not there.",
    ]


def test_what_does_no_harm_is_a_note(model):
    (model / "tokens" / "more.parquet").write_bytes(b"")
    (model / ".writing-1").mkdir()
    report = check(model)
    assert [(finding.where, finding.damage) for finding in report.findings] == [
        (".writing-1", False),
        ("tokens/more.parquet", False),
    ]
    with rnnstore.open(model.parent).writer("full"):
        pass
    assert check(model).findings == ()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"no JSON", b"[]", b'{"format": 1}', b'{"format": 99}', b"\xff\xfe\x00" * 99]
)
def test_a_card_that_is_none(model, content):
    (model / "card.json").write_bytes(content)
    report = check(model)
    assert [finding.where for finding in report.findings] == ["card.json"] and report.damaged
    checked = run("check", "--store", model.parent)
    assert checked.returncode == 1 and "full: DAMAGED in 1 place." in checked.stdout
    assert checked.stderr == "full is damaged.\n"


# Mending


def test_a_model_without_checksums_says_so_and_gets_them(model):
    """As an older version wrote it, or after its writer was killed."""
    card = json.loads((model / "card.json").read_text())
    del card["own_files"], card["crc32"]
    for parts in card["files"].values():
        for part in parts:
            del part["crc32"]
    (model / "card.json").write_text(json.dumps(card))
    (finding,) = check(model).findings
    assert not finding.damage and "20 files have no checksum" in finding.sentence
    assert "python -m rnnstore check full --seal" in finding.mending
    sealed = run("check", "full", "--seal", "--store", model.parent)
    assert sealed.returncode == 0 and "20 checksums were taken." in sealed.stdout
    assert check(model).findings == ()
    assert "checksums were taken" not in run("check", "full", "--seal", "--store", model.parent).stdout


def test_a_card_changed_by_hand_can_be_taken_as_it_is_and_damage_cannot(model):
    text = (model / "card.json").read_text().replace("Brackets up to four", "Parentheses up to four")
    (model / "card.json").write_text(text)
    assert said(check(model)) == ["card.json: It does not have its own checksum: it was changed, by hand or by damage."]
    sealed = run("check", "--seal", "--store", model.parent)
    assert sealed.returncode == 0 and "Its card was taken as it is." in sealed.stdout
    assert rnnstore.open(model.parent).model("full").card.description.startswith("Parentheses")
    weights = model / "network" / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert run("check", "--seal", "--store", model.parent).returncode == 1
    assert any("Its checksum is" in line for line in said(check(model)))


def test_a_damaged_table_that_others_do_not_need_can_be_left_out(model):
    for table in ("training", "co_clusters/state=layer1.c", "annotations/track=kind", "on_states/state=layer1.h"):
        path = next((model / table).iterdir())
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(rnnstore.DamagedModel):
        rnnstore.open(model.parent).model("full")
    dropped = run("check", "full", "--drop", "--store", model.parent)
    assert dropped.returncode == 0, dropped.stdout + dropped.stderr
    assert "Left out for good: " in dropped.stdout
    store = rnnstore.open(model.parent)
    found = store.model("full")
    assert list(found.tracks) == ["nesting"] and found.table("training").num_rows == 0
    assert found.states["layer1.h"].thresholds == () and found.states["layer1.c"].thresholds == (0.3,)
    assert store.sql("select count(*) as n from on_states where state = 'layer1.h'").to_pylist() == [{"n": 0}]
    assert not check(model).damaged
    tokens = next((model / "tokens").iterdir())
    tokens.write_bytes(b"")
    assert "The table tokens of 'full' cannot be left out" in sentence(run("check", "--drop", "--store", model.parent))


def test_a_damaged_recording_is_recorded_anew_and_what_is_trained_stays(model):
    tokens = next((model / "tokens").iterdir())
    tokens.write_bytes(tokens.read_bytes()[:-7])
    store = rnnstore.open(model.parent)
    with store.writer("full") as writer:  # opened and left, it changes nothing
        writer.describe(description="mended")
    assert said(check(model)) and len(list((model / "vectors").rglob("*.npy"))) == 2
    with store.record("full", description="mended") as recorder:
        recorder.add(words=["a"], states={"s": [[1.0]]})
    assert check(model).findings == ()
    found = rnnstore.open(model.parent).model("full")
    assert (found.steps, found.card.description, found.table("training").num_rows) == (1, "mended", 40)
    assert (model / "network" / "weights.npz").exists()


# The command


def test_the_command_says_what_was_looked_at_and_what_is_wrong(model):
    record(model.parent, "small")
    good = run("check", "--store", model.parent)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("full: in order. Looked at 20 files with their checksums; all ")
    tokens = next((model / "tokens").iterdir())
    content = bytearray(tokens.read_bytes())
    content[50] ^= 1
    tokens.write_bytes(content)
    bad = run("check", "--store", model.parent)
    assert bad.returncode == 1 and bad.stderr == "1 of 2 models are damaged.\n"
    assert "full: DAMAGED in 1 place.\n  tokens/" in bad.stdout and "small: in order" in bad.stdout
    assert (
        "      Record it again with the network that it has: python -m pipelines record full, or delete" in bad.stdout
    )
    (told,) = json.loads(run("check", "full", "--json", "--store", model.parent).stdout)
    assert (told["model"], told["damaged"], told["findings"][0]["where"]) == ("full", True, f"tokens/{tokens.name}")
    assert "no model 'smal': did you mean small?" in sentence(run("check", "smal", "--store", model.parent))


def test_an_empty_store_is_no_error(tmp_path):
    assert run("check", "--store", tmp_path).stdout == f"The store {tmp_path} holds no models.\n"
