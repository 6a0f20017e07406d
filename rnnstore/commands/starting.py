"""`app`: the application on a store; and what `demo` (`rnnstore.demonstration`) shares with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from rnnstore.commands import application

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
    application.run(folder_of(store), address="0.0.0.0" if share else address, port=port, browser=browser)


def folder_of(store: Path | None) -> Path:
    """The store's folder: the one given, else RNNSTORE, else `store`."""
    return store or Path(os.environ.get("RNNSTORE") or "store")


def add_to(commands: typer.Typer) -> None:
    """Add the command to a command line."""
    commands.command("app")(app)
