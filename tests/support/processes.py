"""Commands and programs as a person runs them, in a process of their own: one that was forked after the imports.

What is asked is what the process does; that Python and its packages start is asked once, elsewhere.
"""

import contextlib
import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
import types
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import CompletedProcess

from rnnstore.registry import analyses

_PICTURES = [f"rnnstore.{analysis.name}.pictures" for analysis in analyses()]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["rnnstore.__main__", *_PICTURES, "pandas", "sklearn.linear_model"])


def forked(target: Callable[..., None], *arguments: object) -> BaseProcess:
    """A process that runs a function, started; what this process runs as its main module, it does not."""
    process, main = _CONTEXT.Process(target=target, args=arguments), sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        process.start()
    finally:
        sys.modules["__main__"] = main
    return process


def interruptible() -> None:
    """In a new process, before its program begins: Control-C ends it, as from a terminal. What a shell starts with `&`,
    and all that this starts, ignores it. For `preexec_fn`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(
    arguments: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None, input: str = ""
) -> CompletedProcess[str]:
    """What `python ARGUMENTS` in `folder` gives, of the form -m MODULE ... or -c PROGRAM."""
    words = [str(each) for each in arguments]
    with tempfile.TemporaryDirectory() as place:
        streams = [os.path.join(place, name) for name in ("in", "out", "err")]
        for path, text in zip(streams, (input, "", ""), strict=True):
            Path(path).write_text(text, "utf-8")
        process = forked(_be, words, str(folder), dict(environment or os.environ), streams)
        process.join(120)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{words} took more than two minutes")
        said = (Path(path).read_text("utf-8") for path in streams[1:])
        return CompletedProcess(words, process.exitcode, *said)


def _be(words: list[str], folder: str, environment: dict[str, str], streams: list[str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in enumerate(streams):
        os.dup2(os.open(path, os.O_RDWR | os.O_APPEND if number else os.O_RDONLY), number)
    sys.stdin, sys.stdout, sys.stderr = open(0, encoding="utf-8"), open(1, "w"), open(2, "w")  # noqa: SIM115
    kind, what, *rest = words
    sys.argv = [what if kind == "-m" else kind, *rest]
    with contextlib.suppress(ValueError):
        sys.path.remove("")
    sys.path.insert(0, "")
    if kind == "-m":
        sys.modules.pop(f"{what}.__main__", None)  # imported before, now run
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), main.__dict__)
