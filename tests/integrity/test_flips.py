"""Single bytes that change, at random places of all files of a model: `check` finds every one, nothing else breaks."""

from __future__ import annotations

import contextlib
import io
import os
import re

import numpy as np
import pytest

import rnnstore
from rnnstore.commands.models import list_models, show
from rnnstore.integrity.checking import check
from rnnstore.sql.commands import sql
from tests.support.damage import full_model

FLIPS = int(os.environ.get("RNNSTORE_FLIPS", "50"))
"""Changes a run; a thousand take minutes."""

QUERIES = (
    "select model, steps from models",
    "select word, count(*) as n from tokens group by word order by n desc, word",
    "select sum(u0), sum(u23), count(t) from states",
    "select count(*), max(stop), min(threshold) from on_states",
    "select word, response, quantile_50 from expected_responses",
    "select track, value, number from annotations",
    "select sum(probability), max(word), max(target) from predictions",
    "select * from training, training_gradients, co_clusters limit 20",
    "select max(magnitude), min(step) from itemized_gradients",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return full_model(tmp_path_factory.mktemp("store"))


def places(model) -> list[tuple]:
    """(file, place, new bits): half of them by file, so that small ones are met, half by byte."""
    random = np.random.default_rng(20)
    files = sorted(path for path in model.rglob("*") if path.is_file())
    sizes = np.array([path.stat().st_size for path in files])
    chosen = []
    for number in range(FLIPS):
        file = random.choice(len(files), p=sizes / sizes.sum() if number % 2 else None)
        chosen.append((files[file], int(random.integers(sizes[file])), int(random.integers(1, 256))))
    return chosen


def asked(question) -> None:
    """Ask, letting through only what is no sentence for a person."""
    said = io.StringIO()
    with (
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        contextlib.suppress(rnnstore.StoreError),
    ):
        question()


def test_a_whole_model_is_in_order(model):
    report = check(model, full=True)
    assert report.findings == ()
    assert report.files == sum(path.is_file() for path in model.rglob("*")) - 1  # all but the card
    assert "all 800 rows in both layouts, the runs of 32 units and the responses to 14 words" in str(report)


@pytest.mark.long
def test_every_changed_byte_is_found_and_none_is_a_traceback(model):
    found = 0
    for number, (file, place, bits) in enumerate(places(model)):
        content = file.read_bytes()
        changed = bytearray(content)
        changed[place] ^= bits
        file.write_bytes(changed)
        try:
            where = file.relative_to(model).as_posix()
            report = check(model)
            assert any(finding.damage and finding.where == where for finding in report.findings), (where, place, bits)
            assert all(finding.mending for finding in report.findings)
            found += 1
            store = rnnstore.open(model.parent)
            asked(lambda: list_models(model.parent))
            asked(lambda: show("full", model.parent))
            query = QUERIES[number % len(QUERIES)]
            asked(lambda query=query: sql(query, model.parent))
            for state in ("layer1.c", "layer1.h"):
                asked(lambda state=state, store=store: store.model("full").vectors(state, 0, 400))
                asked(lambda state=state, store=store: store.model("full").unit_values(state, [0, 7]))
            asked(lambda store=store: store.model("full").words(0, 400))
        finally:
            file.write_bytes(content)
    assert found == FLIPS
    assert check(model).findings == ()


def test_a_column_whose_name_is_no_text_is_a_sentence(model):
    """Of every name in a file's footer one bit changes, so that it is no UTF-8: DuckDB says so with an error of none
    of its own kinds."""
    (file,) = (model / "tokens").glob("*.parquet")
    content = file.read_bytes()
    places = [found.start() for found in re.finditer(rb"word(?=[^a-z])", content)]
    said = set()
    for place in places:
        file.write_bytes(content[:place] + bytes([content[place] | 0x80]) + content[place + 1 :])
        for asked in ("words", "sql"):
            store = rnnstore.open(model.parent)
            try:
                store.model("full").words(0, 400) if asked == "words" else store.sql("select word from tokens")
            except rnnstore.StoreError as error:
                said.add(f"{asked}: {error}")
    file.write_bytes(content)
    assert {"words", "sql"} == {sentence.split(":")[0] for sentence in said if "is damaged" in sentence}
