"""What this machine has and lacks: versions, room, the store, and what the application and the pipelines look for.

TensorFlow and Streamlit are looked for, not imported. Nothing private is shown: a path in the home folder begins with
~, and of environment variables only our own are named.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rnnstore.errors import StoreError
from rnnstore.store.folder import open as open_store
from rnnstore.store.overview import size

ROOT = Path(__file__).parents[2]

LEAST_PYTHON = (3, 11)

ROOM = 2_000_000_000
"""Bytes that should be free: the states of a long corpus take some gigabytes."""

FILES = {
    "requirements.txt": ("the application", True),
    "requirements-pipelines.txt": ("training and recording", False),
    "requirements-dev.txt": ("the tests", False),
}
"""What is written in which file, for what, and whether this program is of no use without it."""

OURS = ("RNNSTORE", "RNNSTORE_HOSTED", "RNNSTORE_SQL", "RNNSTORE_CORPORA", "NLTK_DATA", "CHROMIUM", "OMP_NUM_THREADS")

NLTK_DATA = {
    "tokenizers/punkt_tab": "sentences of a typed text",
    "taggers/averaged_perceptron_tagger_eng": "parts of speech where a corpus has none",
}

_BOUND = re.compile(r"^(>=|<=|==|<|>)\s*(\S+)$")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*([<>=!~,.0-9 ]*)")


@dataclass(frozen=True)
class Fact:
    """Something about this machine: `what`, its `value` in a few words, whether that is as it should be, the repair."""

    what: str
    value: str
    good: bool = True
    needed: bool = True
    mending: str = ""


def facts(store: Path) -> list[Fact]:
    """All that is worth knowing before asking somebody for help."""
    return [*_python(), *_packages(), *_machine(), *_store(store), *_data(), *_environment()]


def _python() -> Iterator[Fact]:
    good = sys.version_info >= LEAST_PYTHON
    least = ".".join(map(str, LEAST_PYTHON))
    yield Fact(
        "python",
        f"{platform.python_version()}, {least} or later is needed, {platform.system()} {platform.machine()}",
        good,
        mending="" if good else f"Install Python {least} or later.",
    )
    yield Fact("rnnstore", f"{_version('rnnstore') or 'not installed, run from its folder'}")


def _packages() -> Iterator[Fact]:
    seen = set()
    for name, wanted, purpose, needed, file in _requirements():
        if name in seen:
            continue
        seen.add(name)
        found = _version(name)
        good = found is not None and satisfies(found, wanted)
        value = f"{found or 'not installed'} ({wanted or 'any'} for {purpose})"
        install = f"{_interpreter()} -m pip install -r {file}" if file else f"{_interpreter()} -m pip install {name}"
        yield Fact(name, value, good, needed, "" if good else install)


def _requirements() -> Iterator[tuple[str, str, str, bool, str]]:
    """(package, versions, purpose, needed, file) of what is written beside this program, or in its installation."""
    files = [(file, *FILES[file]) for file in FILES if (ROOT / file).exists()]
    for file, purpose, needed in files:
        for line in (ROOT / file).read_text("utf-8").splitlines():
            match = _REQUIREMENT.match(line) if line[:1].isalpha() else None
            if match:
                yield match[1].lower(), match[2].strip(), purpose, needed, file
    if not files:
        for line in metadata.requires("rnnstore") or ():
            match = _REQUIREMENT.match(line)
            if match and "extra ==" not in line:
                yield match[1].lower(), match[2].strip(), "the library", True, ""


def satisfies(found: str, wanted: str) -> bool:
    """Whether a version satisfies bounds such as ">=2.0,<3"; only >=, <=, <, > and == are known.

    >>> satisfies("2.10.1", ">=2.9,<3"), satisfies("3.0", ">=2.9,<3")
    (True, False)
    """
    for bound in filter(None, (each.strip() for each in wanted.split(","))):
        sign, version = _BOUND.findall(bound)[0]
        ours, theirs = (tuple(map(int, re.findall(r"\d+", each.split("+")[0])[:3])) for each in (found, version))
        width = max(len(ours), len(theirs))
        ours, theirs = (each + (0,) * (width - len(each)) for each in (ours, theirs))
        checks = {">=": ours >= theirs, "<=": ours <= theirs, "<": ours < theirs, ">": ours > theirs}
        if not checks.get(sign, ours == theirs):
            return False
    return True


def _machine() -> Iterator[Fact]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Fact("processor", f"{cores} {'core' if cores == 1 else 'cores'} for this program")
    try:
        total, free = (os.sysconf(name) * os.sysconf("SC_PAGE_SIZE") for name in ("SC_PHYS_PAGES", "SC_AVPHYS_PAGES"))
        yield Fact("memory", f"{size(total)}, {size(free)} free")
    except (AttributeError, ValueError, OSError):
        yield Fact("memory", "not known on this system", needed=False)


def _store(path: Path) -> Iterator[Fact]:
    shown = private_path(path)
    try:
        opened = open_store(path)
    except StoreError as error:
        yield Fact("store", str(error), good=False, mending="Name another folder with --store or RNNSTORE.")
        return
    there, models = path.is_dir(), "model" if len(opened.models) == 1 else "models"
    broken = f", {len(opened.problems)} that cannot be opened" if opened.problems else ""
    yield Fact(
        "store",
        f"{shown}, {len(opened.models)} {models}{broken}" if there else f"{shown} is not there yet",
        good=not opened.problems,
        mending="python -m rnnstore check" if opened.problems else "",
    )
    folder = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    writable = os.access(folder, os.W_OK | os.X_OK)
    yield Fact(
        "writing",
        "models can be recorded there" if writable else "the folder can only be read",
        writable,
        needed=False,
        mending="" if writable else "Recording and packing need a folder that may be written: --store.",
    )
    free = shutil.disk_usage(folder).free
    yield Fact("disk", f"{size(free)} free", free >= ROOM, needed=False, mending="" if free >= ROOM else "Make room.")


def _data() -> Iterator[Fact]:
    folders = [*filter(None, os.environ.get("NLTK_DATA", "").split(os.pathsep))]
    folders += [str(Path.home() / "nltk_data")] if _home() else []
    folders += [f"{sys.prefix}/{inner}" for inner in ("nltk_data", "share/nltk_data", "lib/nltk_data")]
    folders += ["/usr/share/nltk_data", "/usr/local/share/nltk_data", "/usr/lib/nltk_data", "/usr/local/lib/nltk_data"]
    for resource, purpose in NLTK_DATA.items():
        name = resource.split("/")[-1]
        found = any(Path(folder, resource).exists() or Path(folder, f"{resource}.zip").exists() for folder in folders)
        mending = "" if found else f"{_interpreter()} -m nltk.downloader {name}"
        yield Fact(f"NLTK {name}", f"{'found' if found else 'not found'}, for {purpose}", found, False, mending)
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    mending = "" if browser else "apt-get install chromium, or name one in CHROMIUM"
    yield Fact(
        "Chromium", "found" if browser else "not found, for the tests of the screens", bool(browser), False, mending
    )


def _environment() -> Iterator[Fact]:
    for name in OURS:
        if value := os.environ.get(name):
            yield Fact(name, private_path(Path(value)) if os.sep in value else value)


def private_path(path: Path) -> str:
    """A path as others may see it: ~ for the home folder."""
    absolute, home = str(path.absolute()), _home()
    return f"~{absolute[len(home) :]}" if home and (absolute + os.sep).startswith(home + os.sep) else absolute


def _home() -> str:
    """The home folder; empty where there is none."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return ""
    return home if len(home) > 1 else ""


def _interpreter() -> str:
    return Path(sys.executable).name or "python"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
