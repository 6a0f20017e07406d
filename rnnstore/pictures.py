"""The pictures of the application, each by one call, for notebooks and programs.

They ask the store the same questions as the pages and hand the answers to the same functions, so what is shown is what
the application shows at the same steps. A `Picture` shows itself in a notebook; its `chart()` is an Altair chart to
save or change, its `tables` are the numbers. A picture is a function of its analysis' `pictures` module, which is
imported when the picture is first named.
"""

from importlib import import_module
from typing import Any

from rnnstore.registry import analyses

_ANALYSIS = {name: analysis.name for analysis in analyses() for name in analysis.pictures}

__all__ = sorted(_ANALYSIS)


def __getattr__(name: str) -> Any:
    if name not in _ANALYSIS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"rnnstore.{_ANALYSIS[name]}.pictures"), name)


def __dir__() -> list[str]:
    return __all__
