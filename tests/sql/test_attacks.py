"""Attacks on the SQL of strangers: nothing is written, nothing is read that is not a table, and the next query works.

A part of each class runs here; `python -m tests.sql.attacks` runs all of them.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

import rnnstore
from rnnstore.sql.pool import Pool
from tests.sql.attacks import ATTACKS, LIMITS, SECRETS, SLOW, filled, fingerprints, met
from tests.support.stores import record_brackets

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the limits of processes are those of Linux and macOS")

STEPS = 600


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A store, its hashes, and a pool with low limits."""
    path = tmp_path_factory.mktemp("attacked") / "store"
    record_brackets(rnnstore.open(path), steps=STEPS)
    store, pool = rnnstore.open(path), Pool(LIMITS, ahead=2)
    yield store, pool, fingerprints(path)
    pool.close()


def chosen(name: str) -> list[tuple[str, bool]]:
    """Some attacks of a class with whether they go past the gate: of slow ones one, of others every ninth each way."""
    attacks = ATTACKS[name]
    if name in SLOW:
        return [(attacks[1], False)]
    return [(each, False) for each in attacks[::9]] + [(each, True) for each in attacks[4::9]]


def test_there_are_many_attacks_of_each_class():
    assert sum(map(len, ATTACKS.values())) >= 300 and min(map(len, ATTACKS.values())) >= 7
    assert len({each for attacks in ATTACKS.values() for each in attacks}) == sum(map(len, ATTACKS.values()))


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_changes_and_reads_nothing(world, name):
    store, pool, before = world
    here = set(Path.cwd().iterdir())
    for attack, past_the_gate in chosen(name):
        how, said = met(pool, store, filled(attack, store.path), past_the_gate)
        assert how in ("gate", "refused", "stopped", "answered")
        for secret in (*SECRETS, str(store.path)):
            assert how != "answered" or secret not in said or secret in attack, (attack, said)
    assert fingerprints(store.path) == before
    assert set(Path.cwd().iterdir()) == here
    pool.limits = replace(LIMITS, seconds=60)  # an honest query may take its time on a busy machine
    count = pool.ask(store, "select count(*) as n from tokens").answer()
    pool.limits = LIMITS
    assert count.table.to_pylist() == [{"n": STEPS}]


GATED = ["set threads = 64", "copy tokens to '{folder}/x.csv'", "attach ':memory:' as m", "install httpfs", "vacuum"]


@pytest.mark.parametrize("attack", GATED)
def test_what_is_no_question_is_refused_with_what_it_would_do(world, attack):
    store, pool, _ = world
    how, said = met(pool, store, filled(attack, store.path))
    assert how == "gate" and f"it would {attack.split()[0]}" in said.replace("load", "install")
