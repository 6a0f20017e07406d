"""Random addresses: whatever stands behind the question mark, a page shows something and says what it could not follow.

The functions that read addresses are asked with thousands of them; whole pages are drawn from some, without a browser.
`tests.support.frugal` says how many.
"""

import re

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some

import rnnstore
from pages.parts.co_clusters import address as co_clusters
from pages.parts.comparing import address as compare
from pages.parts.connectivity import address as connectivity
from pages.parts.distributions import address as distributions
from pages.parts.matching import address as selection
from pages.parts.memory import address as memory
from pages.parts.sentences import address as sentences
from pages.parts.shared.current import PAGES
from pages.parts.shared.parameters import ALONE, Names
from pages.parts.sql import address as sql
from pages.parts.training import address as training
from rnnstore import Model, State, Store
from rnnstore.co_clusters.expected import expected_responses
from rnnstore.memory import measuring
from rnnstore.memory.gradients import ALL
from rnnstore.training import recorded_batches as batches
from tests.support import stores
from tests.support.frugal import frugal
from tests.support.remembered import store_with_memory
from tests.support.screens import ROOT

READERS = {
    "co_clusters": lambda given, store, model, state: co_clusters.read(
        given, model, state, expected_responses(model, state.name), Names("a.", compare.LINKED)
    ),
    "compare": lambda given, store, model, state: compare.read(given, store, model, state),
    "connectivity": lambda given, store, model, state: connectivity.read(given, store, model),
    "distributions": lambda given, store, model, state: distributions.read(given, state),
    "trainings": lambda given, store, model, state: distributions.read_training(given, store, model),
    "section": lambda given, store, model, state: distributions.section(given),
    "memory": lambda given, store, model, state: memory.read(
        given, store, model, memory.read_states(given, store.model("tiny"), "layer1.h")[0], {ALL: 20, "pos": 9}, 6
    ),
    "selection": lambda given, store, model, state: selection.read(given, model, state),
    "sentences": lambda given, store, model, state: sentences.read(given, model, state, ALONE),
    "sql": lambda given, store, model, state: sql.read(given),
    "training": lambda given, store, model, state: training.read(
        given, store, store.model("batches"), batches.recorded_steps(store.model("batches")), [1]
    ),
}

SOURCES = {file.parent.name: file.read_text("utf-8") for file in (ROOT / "pages" / "parts").rglob("address.py")}

NAMES = sorted(
    {
        name
        for text in SOURCES.values()
        for name in re.findall(r'(?:asked\.\w+|_\w+|given\.get)\(\s*(?:asked, )?"(\w+)"', text)
    }
    | {"model", "state", "other", "other_state", "models", "class"}
)
"""Every parameter that a page reads, as its source names it."""

TAKEN = [
    "brackets",
    "sentences",
    "sensor",
    "tiny",
    "only-trained",
    "layer1.c",
    "layer1.h",
    "nesting",
    "kind",
    "tag",
    "(",
]

ODD = [
    "", " ", "0", "1", "-1", "3", "20", "299", "4000", "1e9", "nan", "inf", "-inf", "1e999", "0.3", "1_000", "+5",
    "٣", "²", "\0", "9" * 30, "9" * 4000, "9" * 5000, "x" * 3000, "yes", "no", "none", "groups", "heat", "spectral",
    "regex", "[", "(", "(?P<", "a{9}{9}", "%", "%ZZ", "%00", "5-0", "0-5", "120-143", "--", "-", "3:14", ":",
    "99999-99999999", "layer1.c@nan", "a:b@c", "@", ",", ",,,", "1,2,3,99", "unit-0", "cluster-9", "u3", "w99",
    "../..", "<b>x</b>", "![x](http://x)", "$x$", ":red[x]", "`", "\u202e", "\U0001f600", "\n\n# x",
]  # fmt: skip

values = (
    some.sampled_from(ODD)
    | some.sampled_from(TAKEN)
    | some.lists(some.sampled_from(TAKEN), max_size=5).map(",".join)
    | some.integers().map(str)
    | some.floats().map(str)
    | some.text(max_size=30)
)
addresses = some.dictionaries(some.sampled_from(NAMES), values, max_size=8)


def every_kind(path) -> Store:
    """Brackets, sentences, a sensor, a model without states, recorded batches, state gradients of a network."""
    store = rnnstore.open(stores.small_store(path))
    stores.keep_network(store, "brackets", list("()01234"), {"level": "character"})
    store_with_memory(path)
    store.refresh()
    found = measuring.state_gradients(store.model("tiny"), None, delays=5)
    measuring.save(store, "tiny", found, store.model("tiny"))
    stores.record_sensor(store, "batches")
    stores.record_batches(store, "batches")
    return rnnstore.open(path)


@pytest.fixture(scope="session")
def of_every_kind(tmp_path_factory) -> Store:
    return every_kind(tmp_path_factory.mktemp("kinds") / "store")


def test_every_address_module_is_tried():
    assert set(SOURCES) <= set(READERS), "add its `read` to READERS"


@pytest.mark.long
@frugal()
@given(some.sampled_from(sorted(READERS)), some.sampled_from(["brackets", "sentences", "sensor", "tiny"]), addresses)
def test_an_address_is_read_or_explained(of_every_kind, monkeypatch, reader, name, address):
    monkeypatch.setattr(st, "session_state", {})
    model: Model = of_every_kind.model(name)
    state: State = next(iter(model.states.values()))
    if reader == "co_clusters":
        address = {f"a.{key}": value for key, value in address.items()} | address
    view, said = READERS[reader](address, of_every_kind, model, state)
    assert view is not None
    for sentence in said:
        assert sentence.rstrip()[-1] in ".?" and len(sentence) < 1000, sentence


@pytest.mark.long
@frugal(dearer=30)
@given(some.lists(some.tuples(some.sampled_from(sorted(PAGES)), addresses), min_size=1, max_size=1))
def test_a_page_with_any_address_shows_no_exception(of_every_kind, session, visits):
    for page, address in visits:
        session.query_params.clear()
        for name, value in address.items():
            session.query_params[name] = value
        session.switch_page(page).run()
        assert not session.exception, (page, address, session.exception)


@pytest.fixture
def session(run, of_every_kind):
    return run(of_every_kind.path)
