"""The application offered to the public: what a visitor may do, and what they are not told."""

import asyncio
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import rnnstore
from pages.parts.shared import hosting
from pages.parts.shared.current import PAGES
from tests.support.screens import ROOT, page_file, start_application
from tests.support.visitor import Drawn, Visitor
from tests.support.waiting import PATIENCE


def started(monkeypatch, *options: str, **environment: str) -> None:
    """As if the application had been started with these options and this environment."""
    monkeypatch.setattr(sys, "argv", ["streamlit_app.py", *options])
    for name in ("RNNSTORE_HOSTED", "RNNSTORE_SQL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def asked_from(monkeypatch, ip_address: str | None, url: str | None, **headers: str) -> None:
    context = SimpleNamespace(ip_address=ip_address, url=url, headers=headers)
    monkeypatch.setattr("pages.parts.shared.hosting.st", SimpleNamespace(context=context))


@pytest.mark.parametrize(
    ("options", "environment", "is_hosted", "sql"),
    [
        ([], {}, False, True),
        (["--store", "elsewhere"], {}, False, True),
        (["--hosted"], {}, True, False),
        (["--store", "elsewhere", "--hosted", "--unknown"], {}, True, False),
        ([], {"RNNSTORE_HOSTED": "1"}, True, False),
        ([], {"RNNSTORE_HOSTED": "True"}, True, False),
        ([], {"RNNSTORE_HOSTED": "0"}, False, True),
        ([], {"RNNSTORE_HOSTED": ""}, False, True),
        ([], {"RNNSTORE_HOSTED": "yess"}, True, False),
        ([], {"RNNSTORE_HOSTED": "1", "RNNSTORE_SQL": "on"}, True, True),
        ([], {"RNNSTORE_HOSTED": "1", "RNNSTORE_SQL": "yes please"}, True, False),
        ([], {"RNNSTORE_SQL": "off"}, False, False),
        (["--sql", "off"], {"RNNSTORE_SQL": "on"}, False, False),
        (["--hosted", "--sql", "on"], {}, True, True),
        (["--hosted", "--sql"], {}, True, False),
    ],
)
def test_one_setting_says_whether_the_application_is_hosted(monkeypatch, options, environment, is_hosted, sql):
    started(monkeypatch, *options, **environment)
    assert (hosting.hosted(), hosting.sql_allowed()) == (is_hosted, sql)


@pytest.mark.parametrize(
    ("ip_address", "url", "headers", "may"),
    [
        (None, "http://localhost:8501/", {}, True),
        (None, "http://127.0.0.1:8501/matching", {}, True),
        (None, None, {}, True),
        ("::ffff:127.0.0.1", "http://127.0.0.1:8501/", {}, True),  # asked by IPv4 where one socket listens to both
        ("10.1.2.3", "http://localhost:8501/", {}, False),
        ("::ffff:10.1.2.3", "http://localhost:8501/", {}, False),
        ("fe80::1%eth0", "http://localhost:8501/", {}, False),
        ("unknown", "http://localhost:8501/", {}, False),
        (None, "https://workbench.example.org/", {}, False),
        (None, "http://localhost:8501/", {"X-Forwarded-For": "10.1.2.3"}, False),
    ],
)
def test_only_who_sits_at_the_machine_may_change_the_store(monkeypatch, ip_address, url, headers, may):
    started(monkeypatch)
    asked_from(monkeypatch, ip_address, url, **headers)
    assert hosting.may_change() is may


def test_hosted_nobody_may_change_the_store(monkeypatch):
    started(monkeypatch, "--hosted")
    asked_from(monkeypatch, None, "http://localhost:8501/")
    assert not hosting.may_change()


# What a stranger sees


def everything(app: AppTest) -> str:
    """All that the application sent to the browser, as text."""
    found, waiting = [], [app._tree]
    while waiting:
        node = waiting.pop()
        waiting += list(getattr(node, "children", {}).values())
        found.append(str(getattr(node, "proto", "")))
    return "\n".join(found)


@pytest.mark.long
@pytest.mark.parametrize("address", [{}, {"model": "nowhere", "state": "none"}, {"model": "truncated"}])
def test_no_page_names_a_place_of_the_server(run, damaged_store, hosted, address):
    app = run(damaged_store, **address)
    for page in PAGES:
        app.switch_page(page_file(page)).run()
        assert not app.exception, page
        text = everything(app)
        assert "nowhere" not in address.values() or "The store has no model 'nowhere'" in text.replace("\\", "")
        assert str(damaged_store.parent) not in text and str(ROOT) not in text, page
    assert "look at all of it, change nothing" in text


def test_an_empty_store_and_none_are_said_without_its_place(run, empty_store, tmp_path, hosted):
    app = run(empty_store)
    assert "has put none into its store" in everything(app) and str(empty_store) not in everything(app)
    (tmp_path / "file").write_text("no folder")
    app = run(tmp_path / "file")
    assert app.error[0].value == "The store of this application cannot be opened."


def test_what_goes_wrong_inside_is_not_shown(run, small_store, hosted, monkeypatch):
    def wrong(*_: object) -> None:
        raise RuntimeError(f"secret of {small_store}")

    run(small_store)
    monkeypatch.setattr("rnnstore.store.overview.overview", wrong)
    with pytest.raises(AssertionError):  # `run` expects no exception
        run(small_store)
    assert st.get_option("client.showErrorDetails") == "none"


def test_a_card_is_shown_as_it_was_written(run, tmp_path):
    store = rnnstore.open(tmp_path / "store")
    evil = "![](http://example.org/spy.png) <img src=x> :red[x]"
    with store.record("model", description=evil, corpus=evil, task=evil, cell=evil) as recorder:
        recorder.add(words=["a", "b"], states={"s": [[1.0], [0.0]]}, annotations={"track": [evil, "b"]})
    app = run(store.path)
    for element in (*app.main.markdown, *app.sidebar.caption):
        assert "![](" not in element.value and " <img" not in element.value and " :red[" not in element.value


@pytest.mark.long
def test_whoever_visits_every_page_changes_nothing(run, small_store, tmp_path, hosted):
    folder = shutil.copytree(small_store, tmp_path / "store")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    app = run(folder, model="brackets", state="layer1.c")
    for page in PAGES:
        app.switch_page(page_file(page)).run()
        labels = {element.label for kind in ("button", "text_input") for element in app.main.get(kind)}
        assert not labels & {"Rename", "Delete", "Copy", "Folder of the model"}, page
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.long
def test_several_visitors_at_once_meet_no_error(small_store):
    """The hosted script in a process of its own; its visitors speak the protocol, no browser draws."""
    process, address = start_application(small_store, "hosted_app.py")

    async def visit(number: int) -> list[Drawn]:
        models = ("brackets", "sentences", "sensor")
        pages = [Path(page).stem.replace("overview", "") for page in PAGES]
        async with Visitor(address, PATIENCE) as visitor:
            found = [await visitor.open()]
            for page in pages[number::4]:
                found.append(await visitor.open(page, model=models[number % 3]))
            return found

    async def visit_together() -> list[Drawn]:
        return [view for views in await asyncio.gather(*map(visit, range(4))) for view in views]

    try:
        with ThreadPoolExecutor(1) as alone:  # a browser of another test may have left its loop running in this thread
            views = alone.submit(asyncio.run, visit_together()).result()
    finally:
        process.terminate()
        process.wait()
    assert len(views) == 4 + len(PAGES)
    assert [text for view in views for text in (*view.exceptions, *view.said("error"))] == []
    assert all(any("change nothing" in text for text in view.texts) for view in views)


@pytest.mark.long
def test_a_megabyte_of_words_is_answered_in_a_sentence(run, small_store, hosted):
    long = "word " * 200_000
    app = run(small_store, "pages/sentences.py", model="brackets", text=long)
    assert not app.exception
    app = run(small_store, "pages/matching.py", model=long, find=long)
    assert not app.exception
