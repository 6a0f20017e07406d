"""Expected responses against a loop over single steps, and against numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnstore.store.responses import EvenSample, Moments
from tests.support.worlds import random_world, record

QUANTILES = {"quantile_09": 9, "quantile_25": 25, "quantile_50": 50, "quantile_75": 75, "quantile_91": 91}


def responses_step_by_step(words, values, starts):
    """word: list of dh(t), one for each step that read it; h = 0 before a sequence starts."""
    found = {}
    before = [0.0] * len(values[0])
    for word, now, start in zip(words, values, starts, strict=True):
        if start:
            before = [0.0] * len(now)
        found.setdefault(word, []).append([float(h) - float(last) for h, last in zip(now, before, strict=True)])
        before = now
    return {word: np.array(rows) for word, rows in found.items()}


def test_the_response_of_a_step_is_its_change_and_states_begin_at_nothing():
    """a reads 0 -> 1 at the start of both sequences; b changes 1 -> 3 and, in the second, 1 -> 0."""
    moments = Moments(1)
    ids = np.array([0, 1, 0, 1])
    values = np.array([[1], [3], [1], [0]], np.float32)
    moments.add(values, np.argsort(ids, kind="stable"), ids, np.array([True, False, True, False]))
    mean, error = moments.result(np.array([0, 1]))
    assert mean.tolist() == [[1.0], [0.5]]
    assert error.tolist() == [[0.0], [1.5]]  # of 2 and -1: deviation 1.5 * sqrt(2), over sqrt(2)


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 300), st.sampled_from([0.0, 0.02, 0.5, 1.0]), st.sampled_from([1, 3, 130]))
def test_a_recording_has_the_responses_of_every_word(tmp_path_factory, seed, steps, chance, units):
    words, values, starts = random_world(seed, steps, units, vocabulary=5, chance_of_start=chance)
    store = record(tmp_path_factory.mktemp("store"), words=words, states={"s": values}, sequence_starts=starts)
    expected = responses_step_by_step(words, values, starts)
    rows = store.model("small").expected_responses("s").to_pylist()
    assert {row["word"] for row in rows} == expected.keys()
    for row in rows:
        mine = expected[row["word"]]
        assert row["count"] == row["quantile_count"] == len(mine)
        np.testing.assert_allclose(row["response"], mine.mean(axis=0), atol=1e-5)
        for column, percent in QUANTILES.items():
            np.testing.assert_allclose(row[column], np.percentile(mine, percent, axis=0), atol=1e-5)
        if len(mine) == 1:
            assert row["standard_error"] is None
        else:
            np.testing.assert_allclose(row["standard_error"], mine.std(axis=0, ddof=1) / np.sqrt(len(mine)), atol=1e-4)


def test_every_border_of_row_groups_and_pieces_gives_the_same(tmp_path, monkeypatch):
    """Row groups of 16 steps with sequences that start at their ends; a piece of the quantiles a word."""
    words, values, _ = random_world(3, 200, units=3, vocabulary=9)
    starts = np.isin(np.arange(200), [0, 15, 16, 31, 32, 64, 65, 199])
    monkeypatch.setattr("rnnstore.store.recorder.GROUP", 16)
    monkeypatch.setattr("rnnstore.store.responses._VALUES_AT_ONCE", 1)
    monkeypatch.setattr("rnnstore.store.responses._STEPS_AT_ONCE", 1)
    monkeypatch.setattr("rnnstore.store.responses._UNITS_AT_ONCE", 2)
    store = record(tmp_path, words=words, states={"s": values}, sequence_starts=starts)
    expected = responses_step_by_step(words, values, starts)
    rows = store.model("small").expected_responses("s").to_pylist()
    assert [row["word_id"] for row in rows] == list(range(9))
    for row in rows:
        mine = expected[row["word"]]
        np.testing.assert_allclose(row["response"], mine.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(row["quantile_75"], np.percentile(mine, 75, axis=0), atol=1e-5)


def test_only_words_that_were_read_have_a_row(tmp_path):
    store = record(tmp_path, words=[3, 1], states={"s": [[1.0], [4.0]]}, vocabulary=list("abcde"))
    rows = store.sql("select word_id, word, count, response from expected_responses order by word_id").to_pylist()
    assert rows == [
        {"word_id": 1, "word": "b", "count": 1, "response": [3.0]},
        {"word_id": 3, "word": "d", "count": 1, "response": [1.0]},
    ]


def tokens(folder: Path, *parts: list[int]) -> list[Path]:
    paths = [folder / f"{number}.parquet" for number in range(len(parts))]
    for path, ids in zip(paths, parts, strict=True):
        pq.write_table(pa.table({"word_id": pa.array(ids, pa.int32())}), path)
    return paths


@pytest.mark.parametrize("steps_at_once", [1, 7, 1 << 20])
def test_a_sample_takes_every_nth_step_of_a_word_over_all_parts(tmp_path, monkeypatch, steps_at_once):
    monkeypatch.setattr("rnnstore.store.responses.SAMPLE", 4)
    monkeypatch.setattr("rnnstore.store.responses._STEPS_AT_ONCE", steps_at_once)
    ids = [0, 0, 2, 0, 0, 2, 0, 0, 0, 2, 0, 5, 0]  # word 0 nine times (stride 4), 2 thrice, 5 once; 1, 3 and 4 never
    sample = EvenSample(tokens(tmp_path, ids[:5], ids[5:]))
    found = [pair for words, steps in sample.groups() for pair in zip(words.tolist(), steps.tolist(), strict=True)]
    assert found == [(0, 0), (0, 6), (0, 12), (2, 2), (2, 5), (2, 9), (5, 11)]
