"""The small store that comes along: whole, small, allowed to be passed on, with something to see on every page."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import rnnstore
from pipelines import demonstration, recipe
from rnnstore.findings import findings_of, strongest
from rnnstore.hypotheses.storage import saved
from rnnstore.integrity.checking import check
from rnnstore.registry import analyses
from rnnstore.store.overview import notes

ROOT = Path(__file__).parents[2]
STORE = ROOT / "demonstration"


@pytest.fixture(scope="module")
def store():
    return rnnstore.open(STORE, read_only=True)


def test_it_holds_what_its_command_makes_in_12_mb(store):
    assert sorted(store.models) == sorted(demonstration.MODELS) and not store.problems
    for name, shown in demonstration.MODELS.items():
        model = store.model(name)
        assert model.steps == shown.steps
        assert model.card.created and model.card.settings["training"]["seed"] >= 0
        assert all(f"state_gradients/{state}" in model.card.files for state in shown.memory)
    assert {title for shown in demonstration.MODELS.values() for title in shown.hypotheses} == {
        *saved(store).hypotheses
    }
    files = [path for path in STORE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12_000_000


def test_its_models_are_in_order(store):
    for name in store.models:
        assert not check(STORE / f"model={name}").damaged


def test_a_corpus_of_somebody_else_has_its_licence_on_the_card(store):
    for name in demonstration.MODELS:
        given = recipe.load(name)
        assert given.licence or given.corpus.kind == "parentheses"
        assert not given.licence or any(given.licence in note for note in notes(store.model(name)))


def test_the_first_page_has_a_finding_of_each_analysis_that_finds_any(store):
    found = strongest(finding for model in store.models.values() for finding in findings_of(model))
    assert {finding.analysis for finding in found} == {each.name for each in analyses() if each.finding}


@pytest.mark.long
@pytest.mark.parametrize("page", ["pages/overview.py", *(analysis.page for analysis in analyses())])
@pytest.mark.parametrize("model", demonstration.MODELS)
def test_every_page_draws_every_model_of_a_hosted_copy(page, model, monkeypatch):
    monkeypatch.setenv("RNNSTORE", str(STORE))
    monkeypatch.setenv("RNNSTORE_HOSTED", "1")
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    app.query_params["model"] = model
    app.run()
    app.switch_page(page).run()
    assert not app.exception and not app.error
