"""The application offered to the public: what a visitor may do, and what they are not told."""

import sys
from types import SimpleNamespace

import pytest

from pages.parts.shared import hosting


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
        (None, "http://127.0.0.1:8501/select_and_match", {}, True),
        (None, None, {}, True),
        ("10.1.2.3", "http://localhost:8501/", {}, False),
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
