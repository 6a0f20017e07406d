"""Who reads while a writer replaces: every opened recording is read to its end, and nothing is refused or mixed."""

from __future__ import annotations

import os
import signal
from multiprocessing import Pipe

import numpy as np
import pytest

import rnnstore
from rnnstore.store import leases
from tests.support.processes import forked
from tests.support.worlds import record


def write(path, number: int) -> None:
    values = np.full((number, 2), float(number))
    record(path, "m", words=[str(number)] * number, states={"s": values}, annotations={"a": values[:, 0]})


def read_for_ever(path, tell) -> None:
    """Open, ask in every way and more than once, look anew; tells of each recording read, or what went wrong."""
    store = rnnstore.open(path)
    while True:
        try:
            store.refresh()
            assert store.problems == []
            model = store.model("m")
            for _ in range(3):
                number = model.steps
                (count,) = store.sql("select count(*) as n, min(u0) as low, max(u1) as high from states").to_pylist()
                assert count == {"n": number, "low": number, "high": number}
                assert model.words(0, number)["word"].to_pylist() == [str(number)] * number
                assert (model.vectors("s", 0, number) == number).all()
                assert (model.unit_values("s", [1]) == number).all()
                assert model.annotations(["a"], 0, number)["number"].to_pylist() == [number] * number
            tell.send(number)
        except BaseException as error:
            tell.send(repr(error))
            raise


@pytest.mark.parametrize("replacements", [5, pytest.param(50, marks=pytest.mark.long)])
def test_readers_beside_replacements(tmp_path, replacements):
    write(tmp_path, 1)
    readers = []
    for _ in range(2):
        told, tell = Pipe(duplex=False)
        readers.append((forked(read_for_ever, tmp_path, tell), told))
        tell.close()
    seen = [[told.recv()] for _, told in readers]
    for number in range(2, replacements + 2):
        write(tmp_path, number)
    for (process, told), numbers in zip(readers, seen, strict=True):
        while numbers[-1] != replacements + 1 and isinstance(numbers[-1], int):
            numbers.append(told.recv())
        process.kill()
        process.join()
        assert numbers == sorted(numbers) and len(set(numbers)) > 1, numbers[-1]
    write(tmp_path, 3)  # nobody reads any more
    assert len(list((tmp_path / "model=m" / "tokens").iterdir())) == 1
    assert len(list(leases.copies(tmp_path / "model=m").iterdir())) == 1


def hold(path, tell) -> None:
    model = rnnstore.open(path).model("m")
    tell.send(model.steps)
    signal.pause()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the limits of processes are those of Linux and macOS")
def test_a_lease_goes_with_its_process(tmp_path):
    write(tmp_path, 1)
    told, tell = Pipe(duplex=False)
    process = forked(hold, tmp_path, tell)
    assert told.recv() == 1
    for number in (2, 3):
        write(tmp_path, number)
        assert len(list((tmp_path / "model=m" / "tokens").iterdir())) == 2  # its own, and the present one
    process.kill()
    process.join()
    with rnnstore.open(tmp_path).writer("m"):
        assert len(list((tmp_path / "model=m" / "tokens").iterdir())) == 1
