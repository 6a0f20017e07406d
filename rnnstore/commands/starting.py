"""`app`: the application on a store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from rnnstore.commands import application

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on; the first free one from 8501.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Ask a browser to open it.")]


def app(
    store: Annotated[
        Path | None,
        typer.Argument(metavar="STORE", help="The folder that holds the models; RNNSTORE, else `store`, by default."),
    ] = None,
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
    folder = store or Path(os.environ.get("RNNSTORE") or "store")
    application.run(folder, address="0.0.0.0" if share else address, port=port, browser=browser)


def add_to(commands: typer.Typer) -> None:
    """Add the command to a command line."""
    commands.command("app")(app)
