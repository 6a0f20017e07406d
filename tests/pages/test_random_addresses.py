"""Random addresses: whatever stands behind the question mark, a page shows something and says what it could not follow.

Every view of every page is read from thousands of them, with the parameters that it declares; whole pages are drawn
from some, without a browser.
`tests.support.frugal` says how many.
"""

import importlib
from typing import Any

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some

import rnnstore
from pages.parts.shared.address import ALONE, Address, Names
from pages.parts.shared.current import PAGES
from pages.parts.shared.parameters import Real
from rnnstore import Store
from rnnstore.co_clusters.expected import expected_responses
from rnnstore.memory import measuring
from rnnstore.memory.gradients import ALL
from rnnstore.training import recorded_batches as batches
from tests.support import stores
from tests.support.frugal import frugal
from tests.support.remembered import store_with_memory
from tests.support.screens import ROOT, page_file

for file in (ROOT / "pages" / "parts").glob("*/address.py"):
    importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


def views(of: type[Address] = Address) -> dict[str, type[Address]]:
    """Every view of the pages, by module and name."""
    found = {}
    for view in of.__subclasses__():
        found |= {f"{view.__module__.split('.')[-2]}.{view.__name__}": view} | views(view)
    return {name: view for name, view in found.items() if view.__module__.startswith("pages.")}


VIEWS = views()

NAMES = sorted({each.url for view in VIEWS.values() for each in view.parameters.values()} | {"model", "state"})
"""Every parameter that a page reads."""

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


def context(store: Store, name: str) -> dict[str, Any]:
    """All that any view is given beside its address."""
    model = store.model(name)
    state = next(iter(model.states.values()))
    recorded = {each: other for each, other in store.models.items() if other.states}
    return {
        "model": model,
        "state": state,
        "state_name": state.name,
        "left": model,
        "left_state": state,
        "store_models": store.models,
        "recorded": recorded,
        "expected": expected_responses(model, state.name),
        "known": {ALL: 20, "pos": 9},
        "embedding": 6,
    }


def context_of_batches(store: Store) -> dict[str, Any]:
    model = store.model("batches")
    return {
        "model": model,
        "recorded": {model.name: model},
        "steps": batches.recorded_steps(model),
        "layers": batches.layers(model),
    }


def read(store: Store, view: str, name: str, address: dict[str, str], names: Names = ALONE) -> Address:
    given = context_of_batches(store) if view == "training.View" else context(store, name)
    return VIEWS[view](address, names, **given)


def test_every_page_with_parameters_is_tried():
    assert len(VIEWS) >= 11 and len(NAMES) > 80
    assert {path.parent.name for path in (ROOT / "pages" / "parts").glob("*/address.py")} - {"shared"} == {
        name.partition(".")[0] for name in VIEWS
    }


MODELS = ["brackets", "sentences", "sensor", "tiny"]


@pytest.mark.long
@frugal()
@given(some.sampled_from(sorted(VIEWS)), some.sampled_from(MODELS), addresses)
def test_an_address_is_read_or_explained(of_every_kind, monkeypatch, name, model, address):
    monkeypatch.setattr(st, "session_state", {})
    prefixed = {f"a.{key}": value for key, value in address.items()}
    view = read(of_every_kind, name, model, prefixed | address, Names("a.", ("word", "k", "words")))
    for message in view.messages:
        assert message.rstrip()[-1] in ".?" and len(message) < 1000, message


@pytest.mark.long
@frugal()
@given(some.sampled_from(sorted(VIEWS)), some.sampled_from(MODELS), addresses)
def test_what_a_view_shows_is_read_back_from_the_address_that_says_so(of_every_kind, monkeypatch, name, model, address):
    """Every value that a widget can show, written and read again, is the same; and nothing is left to be explained."""
    monkeypatch.setattr(st, "session_state", {})
    address = {key: value for key, value in address.items() if key != "long"}
    view = read(of_every_kind, name, model, address)
    written = {it.url: it.write(view, getattr(view, key)) for key, it in view.parameters.items()}
    again = read(of_every_kind, name, model, {key: value for key, value in written.items() if value is not None})
    assert {key: getattr(again, key) for key in view.parameters} == {
        key: pytest.approx(getattr(view, key), rel=1e-5) if isinstance(it, Real) else getattr(view, key)
        for key, it in view.parameters.items()
    }


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", sorted(VIEWS))
def test_a_view_of_an_empty_address_has_nothing_to_explain_and_writes_only_what_depends_on_the_state(
    of_every_kind, monkeypatch, name, model
):
    monkeypatch.setattr(st, "session_state", {})
    view = read(of_every_kind, name, model, {})
    assert view.messages == []
    for key, parameter in view.parameters.items():
        assert parameter.explicit or parameter.write(view, parameter.default_of(view)) is None, key


@pytest.mark.long
@frugal(dearer=30)
@given(some.lists(some.tuples(some.sampled_from(sorted(PAGES)), addresses), min_size=1, max_size=1))
def test_a_page_with_any_address_shows_no_exception(of_every_kind, session, visits):
    for page, address in visits:
        session.query_params.clear()
        for name, value in address.items():
            session.query_params[name] = value
        session.switch_page(page_file(page)).run()
        assert not session.exception, (page, address, session.exception)


@pytest.fixture
def session(run, of_every_kind):
    return run(of_every_kind.path)
