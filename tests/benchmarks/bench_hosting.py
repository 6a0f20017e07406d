"""What a hosted copy costs: its start, its memory, and twenty visitors at once on every page.

    python -m tests.benchmarks.bench_hosting                             with this Python, on a store that is made
    python -m tests.benchmarks.bench_hosting --store demonstration       on this one
    python -m tests.benchmarks.bench_hosting --fresh                     in a new environment of requirements.txt alone
    python -m tests.benchmarks.bench_hosting --visitors 5 --pause 0      fewer, who never stop to read

The application runs as docs/hosting.md says; the visitors speak its protocol without a browser
(tests/support/visitor.py), each with a model and a state of its own, and go through all pages in an order of their own,
reading each for some seconds. A view counts from asking for it to all of it having arrived; drawing is the browser's.
Memory is of the process and its children: resident, and proportional (shared pages divided among those who share
them). The aims: the first page 3 s after the start, under 690 MB, no error.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

import rnnstore
from pages.parts.shared.current import PAGES
from tests.support.visitor import Drawn, Visitor

ROOT = Path(__file__).parents[2]

PATIENCE = 1200


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--store", type=Path, default=Path("bench-stores") / "demonstration")
    options.add_argument("--fresh", action="store_true")
    options.add_argument("--python", default=sys.executable)
    options.add_argument("--visitors", type=int, default=20)
    options.add_argument("--pause", type=float, default=5.0)
    options.add_argument("--views", type=int, default=20, help="pages that each visitor looks at")
    given = options.parse_args()
    store = rnnstore.open(given.store)
    if not store.models:
        making = ["-m", "pipelines", "demo", "--steps", "10000", "--store", str(given.store.absolute())]
        subprocess.run([sys.executable, *making], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        store = rnnstore.open(given.store)
    print(f"{len(store.models)} models, load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        python = fresh_environment(Path(folder)) if given.fresh else given.python
        with application(python, given.store.absolute()) as (process, address, began):
            asyncio.run(measure(process, address, began, store, given))


def fresh_environment(folder: Path) -> str:
    """The Python of a new environment in which nothing but requirements.txt is installed."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    began = time.monotonic()
    requirements = ["-r", str(ROOT / "requirements.txt")]
    subprocess.run([python, "-m", "pip", "install", "-q", *requirements], check=True, stderr=subprocess.DEVNULL)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    there = [name for name in ("tensorflow", "keras", "torch") if list(folder.glob(f"lib/*/site-packages/{name}"))]
    print(
        f"fresh environment: {time.monotonic() - began:.0f} s, {size / 1e6:,.0f} MB, of TensorFlow: {there or 'none'}"
    )
    return python


@contextmanager
def application(python: str, store: Path) -> Iterator[tuple[psutil.Process, str, float]]:
    """The hosted application on a free port: its process, its address, and when it was started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serving = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    began = time.monotonic()
    process = subprocess.Popen(
        [python, "-m", "streamlit", "run", "hosted_app.py", *serving],
        cwd=ROOT,
        env={**os.environ, "RNNSTORE": str(store)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        while time.monotonic() < began + PATIENCE:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.02)
        yield psutil.Process(process.pid), address, began
    finally:
        process.terminate()
        errors = [line for line in process.communicate()[1].splitlines() if "Error" in line or "Traceback" in line]
        print(f"lines about errors in the server's log: {len(errors)}", *errors[:5], sep="\n  ")


async def measure(process: psutil.Process, address: str, began: float, store: rnnstore.Store, given) -> None:
    answered = time.monotonic() - began
    used = sum(process.cpu_times()[:2])
    async with Visitor(address, PATIENCE) as first:
        await first.open()
        drawn, first_used = time.monotonic() - began, sum(process.cpu_times()[:2])
    print(f"start: the port answers after {answered:.2f} s ({used:.2f} s of processor)")
    print(f"start: the first page has arrived after {drawn:.2f} s ({first_used:.2f} s of processor; aim 3)")
    loaded = Path(f"/proc/{process.pid}/maps")
    if loaded.exists():
        print(f"TensorFlow is loaded: {'tensorflow' in loaded.read_text()}")
    async with Visitor(address, PATIENCE) as second:
        print(f"the first page of the next visitor: {(await second.open()).seconds:.2f} s")
    say_memory("before any other page", process)
    views = await visit_all(address, store, 0, 0.0, len(PAGES))
    say("one visitor, every page", views)
    say_memory("after one visitor", process)
    before, started = sum(process.cpu_times()[:2]), time.monotonic()
    watched = asyncio.create_task(highest(process))
    several = await asyncio.gather(
        *(visit_all(address, store, number, given.pause, given.views) for number in range(1, given.visitors + 1))
    )
    watched.cancel()
    views = [view for of_one in several for view in of_one]
    say(f"{given.visitors} visitors at once, {given.views} pages each", views)
    lasted, worked = time.monotonic() - started, sum(process.cpu_times()[:2]) - before
    print(f"  in {lasted:.0f} s, {worked / max(len(views), 1):.2f} s of processor a view")
    say_memory(f"after {given.visitors} visitors", process)
    print(f"  most while they were there: {await watched_most(watched):,.0f} MB resident")


async def highest(process: psutil.Process) -> None:
    """Keeps in `highest.most` the most memory that was resident, in MB."""
    highest.most = 0.0
    while True:
        highest.most = max(highest.most, resident(process))
        await asyncio.sleep(0.5)


async def watched_most(task: asyncio.Task) -> float:
    await asyncio.gather(task, return_exceptions=True)
    return highest.most


def views_of(store: rnnstore.Store, generator: random.Random) -> list[tuple[str, dict[str, str]]]:
    """Pages in some order, each with the parameters of an address that shows much of it."""
    model = generator.choice([model for model in store.models.values() if model.states])
    state = generator.choice(list(model.states))
    first = generator.randrange(0, max(1, model.steps - 60))
    named = {"model": model.name, "state": state}
    brushed = {**named, "at": first, "from": first + 3, "to": first + 4, "threshold": 0.1}
    typed = {**named, "text": "".join(model.words(first, first + 40)["word"].to_pylist())}
    found = [
        ("", {}),
        ("matching", {**brushed, "before": generator.randrange(2)}),
        ("hypotheses", {**brushed, **({"ranges": "yes"} if generator.random() < 0.2 else {})}),
        ("co_clusters", {**named, "k": generator.randrange(2, 12)}),
        ("sentences", typed),
        ("connectivity", typed),
        ("memory", named),
        ("compare", named),
        ("distributions", {**named, "unit": 1}),
        ("training", named),
        ("sql", {}),
    ]
    generator.shuffle(found)
    return found


async def visit_all(
    address: str, store: rnnstore.Store, number: int, pause: float, count: int
) -> list[tuple[str, Drawn]]:
    """One visitor goes through all pages, again and again until `count` were seen, reading each for `pause` seconds."""
    generator, views = random.Random(number), []
    await asyncio.sleep(generator.uniform(0, pause))
    async with Visitor(address, PATIENCE) as visitor:
        while len(views) < count:
            for page, parameters in views_of(store, generator)[: count - len(views)]:
                views.append((page or "overview", await visitor.open(page, **parameters)))
                await asyncio.sleep(generator.uniform(0, 2 * pause))
    return views


def say(what: str, views: list[tuple[str, Drawn]]) -> None:
    errors = [text for _, drawn in views for text in (*drawn.exceptions, *drawn.said("error"))]
    seconds = sorted(drawn.seconds for _, drawn in views)
    middle, late = statistics.median(seconds), seconds[int(0.95 * (len(seconds) - 1))]
    print(f"{what}: {len(views)} views, {len(errors)} errors; ", end="")
    print(f"median {middle:.2f} s, 95 % within {late:.2f} s, longest {seconds[-1]:.2f} s")
    for page in dict.fromkeys(page for page, _ in views):
        of_page = [drawn for name, drawn in views if name == page]
        kilobytes = statistics.median(drawn.bytes for drawn in of_page) / 1e3
        times = [drawn.seconds for drawn in of_page]
        print(
            f"  {page:18} median {statistics.median(times):5.2f} s  longest {max(times):5.2f} s  {kilobytes:6,.0f} kB"
        )
    for error in dict.fromkeys(errors[:5]):
        print(f"  {error[:200]}")


def resident(process: psutil.Process) -> float:
    """MB resident of a process and its children."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def say_memory(when: str, process: psutil.Process) -> None:
    own = [each.memory_full_info() for each in (process, *process.children(recursive=True))]
    proportional = sum(getattr(each, "pss", each.uss) for each in own) / 1e6
    print(f"memory {when}: {resident(process):,.0f} MB resident, {proportional:,.0f} MB proportional (aim 690)")


if __name__ == "__main__":
    main()
