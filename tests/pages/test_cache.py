"""Answers cached for all visitors: bounded by bytes, computed once, and never a wrong one."""

import threading
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pytest

import rnnstore
from pages.parts.shared import cache as caching
from pages.parts.shared.cache import Cache, cache, cached, size
from tests.support.stores import record_sensor


def test_an_answer_is_computed_once_for_what_is_asked():
    asked = []

    @cached
    def doubled(store: str, number: int, more: int = 0, progress=print) -> np.ndarray:
        asked.append(number)
        return np.full(3, 2 * number + more)

    assert doubled("s", 4) is doubled("s", number=4, more=0, progress=lambda share: None) is not doubled("s", 4, 1)
    assert doubled("s", 5)[0] == 10 and doubled("other", 4)[0] == 8
    assert asked == [4, 4, 5, 4]
    assert doubled.is_cached("s", 4) and not doubled.is_cached("s", 6)


def test_lists_arrays_and_options_are_asked_by_what_they_hold():
    @cached
    def total(units, **options) -> int:
        return sum(units) + sum(options.get("more", ()))

    assert total(np.array([1, 2])) == 3 and total.is_cached(np.array([1, 2]))
    assert not total.is_cached(np.array([1, 2], np.int32)) and not total.is_cached(np.array([2, 1]))
    assert total([1, 2], more=[3]) == 6 and total.is_cached((1, 2), more=(3,)) and not total.is_cached([1, 2], more=[4])


def test_a_model_that_was_recorded_anew_is_asked_anew(tmp_path):
    steps = cached(lambda model: model.steps)
    store = rnnstore.open(tmp_path)
    record_sensor(store, "one")
    record_sensor(store, "other")
    first = rnnstore.open(tmp_path).model("one")
    assert steps(first) == 600 and steps.is_cached(rnnstore.open(tmp_path).model("one"))
    assert not steps.is_cached(rnnstore.open(tmp_path).model("other"))
    store.delete("other")
    assert steps.is_cached(rnnstore.open(tmp_path).model("one"))
    with store.record("one") as recorder:
        recorder.add(words=["a"], states={"memory": np.ones((1, 2))})
    assert steps(rnnstore.open(tmp_path).model("one")) == 1


def test_functions_of_one_name_have_answers_of_their_own():
    @cached
    def answer(number: int) -> str:
        return "first"

    first = answer

    @cached
    def other(number: int) -> str:
        return "second"

    assert (first(1), other(1)) == ("first", "second")


def test_the_least_recently_asked_goes_first():
    held = Cache()
    arrays = {name: np.zeros(1000, np.uint8) for name in "abcd"}
    for name in "abc":
        held.answer(name, lambda name=name: arrays[name], 3 * 1500)
    held.answer("a", lambda: pytest.fail("it is cached"), 3 * 1500)
    held.answer("d", lambda: arrays["d"], 3 * 1500)
    assert [held.holds(name) for name in "abcd"] == [True, False, True, True]
    assert 3000 < held.bytes < 4500


def test_one_answer_larger_than_the_room_is_kept_alone():
    held = Cache()
    held.answer("small", lambda: "x", 1000)
    held.answer("large", lambda: np.zeros(10_000), 1000)
    assert len(held) == 1 and held.holds("large")


def test_what_failed_is_asked_again():
    held, outcomes = Cache(), iter([ValueError("no"), 7])

    def compute():
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.raises(ValueError, match="no"):
        held.answer("q", compute, 1000)
    assert held.answer("q", compute, 1000) == 7


def test_visitors_who_ask_the_same_at_once_wait_for_one_and_others_do_not():
    held, begun, go, asked = Cache(), threading.Event(), threading.Event(), []

    def slow():
        asked.append(1)
        begun.set()
        assert go.wait(30)
        return "slow"

    found = []
    threads = [threading.Thread(target=lambda: found.append(held.answer("q", slow, 1000))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    assert held.answer("another", lambda: "at once", 1000) == "at once"
    go.set()
    for thread in threads:
        thread.join(30)
    assert found == ["slow"] * 5 and asked == [1]


def test_what_an_answer_works_out_later_counts():
    @dataclass(frozen=True)
    class Tree:
        leaves: int

        @cached_property
        def joined(self) -> np.ndarray:
            return np.zeros(self.leaves)

    held = Cache()
    tree = held.answer("tree", lambda: Tree(50_000), 10**9)
    before = held.bytes
    assert tree.joined.nbytes == 400_000
    held.answer("tree", lambda: pytest.fail("it is cached"), 10**9)
    assert held.bytes - before >= 400_000


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        (np.zeros((100, 100)), 80_000, 80_500),
        (np.zeros((100, 100))[::2], 80_000, 80_500),  # what a part keeps alive is counted whole
        (pa.table({"x": np.arange(1000)}), 8_000, 8_500),
        (["a" * 1000] * 1000, 8_000, 30_000),  # one text, named a thousand times
        ([str(number) + "a" * 1000 for number in range(100_000)], 100_000_000, 120_000_000),
        ({number: np.zeros(1000) for number in range(10)}, 80_000, 90_000),
    ],
)
def test_a_size_is_about_what_a_value_takes(value, least, most):
    assert least <= size(value) <= most


def test_hosted_there_is_less_room(monkeypatch):
    @cached
    def array(number: int) -> np.ndarray:
        return np.zeros(10_000)

    monkeypatch.setattr(caching, "ROOM_HOSTED", 200_000)
    monkeypatch.setenv("RNNSTORE_HOSTED", "1")
    for number in range(10):
        array(number)
    assert cache().bytes <= 200_000
    assert array.is_cached(9) and not array.is_cached(0)


def test_neither_an_answer_that_is_kept_nor_an_error_leaves_a_lock_behind():
    held = Cache()
    for _ in range(3):
        assert held.answer("question", lambda: "answer", 1000) == "answer"
    with pytest.raises(ZeroDivisionError):
        held.answer("another", lambda: 1 / 0, 1000)
    assert held._computing == {} and len(held) == 1
