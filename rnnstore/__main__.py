"""The store's command line: `python -m rnnstore ...` lists, shows, moves and asks what is in a store.

Training and recording are done by `python -m pipelines`; here no network runs. Whatever a person can mend ends as
one line on stderr and exit code 1; a bug stays a traceback. `rnnstore.commands` has the commands that start the
application and those about models and their integrity; those of an analysis are functions of its `commands` module,
named in its manifest.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import typer

from rnnstore import demonstration
from rnnstore.commands import integrity, models, starting
from rnnstore.commands.interrupts import interruptible
from rnnstore.commands.options import completes
from rnnstore.errors import StoreError
from rnnstore.registry import analyses

app = typer.Typer(
    help="Look into a store of hidden states: what models it holds, what is known about them, SQL over its tables, "
    "whether all of it is in order, and models as single files.",
    epilog='Example: python -m rnnstore sql "select model, steps from models"',
    no_args_is_help=True,
    add_completion=completes(),
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


starting.add_to(app)
demonstration.add_to(app)
models.add_to(app)
for _analysis in analyses():
    for _name in _analysis.commands:
        app.command(_name)(getattr(import_module(f"rnnstore.{_analysis.name}.commands"), _name))
integrity.add_to(app)


def main() -> None:
    try:
        with interruptible():
            app()
    except StoreError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
