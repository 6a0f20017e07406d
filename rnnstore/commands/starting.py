"""`app` and `demo`: the application on a store, and with models that come along."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from rnnstore.commands import application, demonstration

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on; the first free one from 8501.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Ask a browser to open it.")]


StoreFolder = Annotated[
    Path | None,
    typer.Argument(metavar="STORE", help="The folder that holds the models; RNNSTORE, else `store`, by default."),
]


def app(
    store: StoreFolder = None,
    port: Port = None,
    address: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on: by default only this machine can reach it.")
    ] = application.LOOPBACK,
    share: Annotated[
        bool, typer.Option("--share", help="Let every machine that reaches this one look at the store.")
    ] = False,
    browser: Browser = True,
) -> None:
    """Open the application on a store.

    Example: python -m rnnstore app store --port 8600
    """
    application.run(_folder(store), address="0.0.0.0" if share else address, port=port, browser=browser)


def demo(
    store: StoreFolder = None,
    train: Annotated[
        Path | None,
        typer.Option(
            metavar="REQUIREMENTS",
            help="While it is open, install the packages that this file names and train a small model.",
        ),
    ] = None,
    port: Port = None,
    browser: Browser = True,
) -> None:
    """Open the application on small models that come along, copied into a store that lacks them.

    Example: python -m rnnstore demo store
    """
    demonstration.demonstrate(_folder(store), train, port=port, browser=browser)


def _folder(store: Path | None) -> Path:
    return store or Path(os.environ.get("RNNSTORE") or "store")


def add_to(commands: typer.Typer) -> None:
    """Add these commands to a command line."""
    commands.command("app")(app)
    commands.command("demo")(demo)
