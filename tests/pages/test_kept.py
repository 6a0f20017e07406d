"""Answers kept for all visitors: bounded by bytes, computed once, and never a wrong one."""

import threading
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pytest

from pages.parts.shared import kept as keeping
from pages.parts.shared.kept import Shelf, kept, shelf, size


def test_an_answer_is_computed_once_for_what_is_asked():
    asked = []

    @kept()
    def doubled(store: str, _model: object, number: int, more: int = 0) -> np.ndarray:
        asked.append(number)
        return np.full(3, 2 * number + more)

    assert doubled("s", object(), 4) is doubled("s", object(), number=4, more=0)
    assert doubled("s", object(), 5)[0] == 10 and doubled("other", object(), 4)[0] == 8
    assert asked == [4, 5, 4]
    assert doubled.is_kept("s", None, 4) and not doubled.is_kept("s", None, 6)


def test_functions_of_one_name_have_answers_of_their_own():
    @kept()
    def answer(number: int) -> str:
        return "first"

    first = answer

    @kept()
    def other(number: int) -> str:
        return "second"

    assert (first(1), other(1)) == ("first", "second")


def test_the_least_recently_asked_goes_first():
    held = Shelf()
    arrays = {name: np.zeros(1000, np.uint8) for name in "abcd"}
    for name in "abc":
        held.answer(name, lambda name=name: arrays[name], 3 * 1500)
    held.answer("a", lambda: pytest.fail("it is kept"), 3 * 1500)
    held.answer("d", lambda: arrays["d"], 3 * 1500)
    assert [held.holds(name) for name in "abcd"] == [True, False, True, True]
    assert 3000 < held.bytes < 4500


def test_one_answer_larger_than_the_room_is_kept_alone():
    held = Shelf()
    held.answer("small", lambda: "x", 1000)
    held.answer("large", lambda: np.zeros(10_000), 1000)
    assert len(held) == 1 and held.holds("large")


def test_what_failed_is_asked_again():
    held, outcomes = Shelf(), iter([ValueError("no"), 7])

    def compute():
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.raises(ValueError, match="no"):
        held.answer("q", compute, 1000)
    assert held.answer("q", compute, 1000) == 7


def test_visitors_who_ask_the_same_at_once_wait_for_one_and_others_do_not():
    held, begun, go, asked = Shelf(), threading.Event(), threading.Event(), []

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

    held = Shelf()
    tree = held.answer("tree", lambda: Tree(50_000), 10**9)
    before = held.bytes
    assert tree.joined.nbytes == 400_000
    held.answer("tree", lambda: pytest.fail("it is kept"), 10**9)
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
    @kept()
    def array(number: int) -> np.ndarray:
        return np.zeros(10_000)

    monkeypatch.setattr(keeping, "ROOM_HOSTED", 200_000)
    monkeypatch.setenv("RNNSTORE_HOSTED", "1")
    for number in range(10):
        array(number)
    assert shelf().bytes <= 200_000
    assert array.is_kept(9) and not array.is_kept(0)


def test_neither_an_answer_that_is_kept_nor_an_error_leaves_a_lock_behind():
    held = Shelf()
    for _ in range(3):
        assert held.answer("question", lambda: "answer", 1000) == "answer"
    with pytest.raises(ZeroDivisionError):
        held.answer("another", lambda: 1 / 0, 1000)
    assert held._asked == {} and len(held) == 1
