"""How long a person waits for the page "Training" where a hundred thousand batches were recorded.

    python -m tests.benchmarks.bench_training_screen
    python -m tests.benchmarks.bench_training_screen --batches 10000     fewer
    python -m tests.benchmarks.bench_training_screen --stores FOLDER     where the model is kept (bench-stores)

A real application, a real Chromium. Drawn: from opening the address to the overview, the first time since the
application started, and again in a new browser. Pointed at: from a bar under the pointer to its preview. Clicked: from
a click on a bar to the last change of the batch below; by an arrow key: from the key to the same; brushed: from the
mouse's release to the last change of the stretch; dragged on: the same when the brush is moved to another place.
Medians of seven; the aim is 300 ms. On a machine that has more to do these say little, so that each is done seven times
more unwatched: in brackets is what the processor worked for one, in the application and on the browser's page together.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from rnnstore.training.charts.batch_overview import SIDES
from tests.benchmarks.bench_co_cluster_screen import WATCH
from tests.benchmarks.recorded_batches import recorded_batches
from tests.support.screens import FLAGS, find_browser, settle, start_application

REPEATS = 7
OVERVIEW, STRETCH, BATCH = "outline_view", "span_view", "batch_view_0"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--batches", type=int, default=100_000)
    options.add_argument("--stores", type=Path, default=Path("bench-stores"))
    given = options.parse_args()
    model = recorded_batches(given.stores, given.batches)
    process, address = start_application(given.stores)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
            measure(browser, f"{address}/training?model={model.name}", process.pid, given.batches)
            browser.close()
    finally:
        process.terminate()


def measure(browser, address: str, application: int, batches: int) -> None:
    print(f"{batches:,} recorded batches")
    for when in ("first", "again"):
        page = browser.new_context(viewport={"width": 1280, "height": 1200}).new_page()
        page.set_default_timeout(300_000)
        begun, worked = time.perf_counter(), _processor(application)
        page.goto(address)
        page.wait_for_selector(f".st-key-{OVERVIEW} .marks", timeout=300_000)
        drawn = time.perf_counter() - begun
        settle(page)
        print(f"  drawn {when} after {drawn:.2f} s ({_processor(application) - worked:.2f} s of the processor)")
    page.evaluate(WATCH, [OVERVIEW, STRETCH, BATCH])
    box = page.locator(f".st-key-{OVERVIEW} .marks").first.bounding_box()
    left, wide = box["x"] + SIDES["left"], box["width"] - SIDES["left"] - SIDES["right"]
    height = box["y"] + box["height"] - 60

    def at(share: float) -> float:
        return left + wide * share

    def drag(start: float, stop: float) -> None:
        page.mouse.move(at(start), height)
        page.mouse.down()
        for part in range(1, 6):
            page.mouse.move(at(start + (stop - start) * part / 5), height)
        page.mouse.up()

    def several(act: Callable[[int], None], seen: str, said: str) -> None:
        waited = [_waited(page, act, number, seen) for number in range(REPEATS + 1)][1:]
        worked = [_worked(page, ticks, application, act, number) for number in range(REPEATS + 1)][1:]
        application_s, page_s = (statistics.median(times) for times in zip(*worked, strict=True))
        late = any(time != time for time in waited)
        after = "later than 3 s, the machine has more to do" if late else f"after {statistics.median(waited):.0f} ms"
        print(
            f"  {said} {after} (worked {1000 * (application_s + page_s):.0f} ms, "
            f"{1000 * application_s:.0f} + {1000 * page_s:.0f}; aim 300)"
        )

    ticks = page.context.new_cdp_session(page)
    ticks.send("Performance.enable", {"timeDomain": "threadTicks"})
    pointed = [_pointed(page, at(0.1 + 0.1 * number), height) for number in range(REPEATS)]
    print(f"  a bar pointed at: its preview after {statistics.median(pointed):.0f} ms (nothing is asked)")
    several(lambda number: page.mouse.click(at(0.15 + 0.09 * number), height), BATCH, "a bar clicked: its batch")
    several(lambda number: page.keyboard.press("ArrowLeft"), BATCH, "an arrow key pressed: the batch before")
    several(lambda number: drag(0.9 - 0.1 * number, 0.8 - 0.1 * number), STRETCH, "a brush: the stretch")
    page.evaluate("() => window.scrollTo(0, 0)")
    several(lambda number: drag(0.15 + 0.1 * number, 0.25 + 0.1 * number), STRETCH, "the brush dragged on: the stretch")


def _waited(page: Page, act: Callable[[int], None], number: int, seen: str) -> float:
    """Milliseconds until the view was last changed."""
    page.evaluate("() => { window.begun = false; window.redrawn = null; }")
    act(number)
    page.wait_for_function("() => window.redrawn", timeout=60_000)
    changed = page.evaluate("window.redrawn")[[OVERVIEW, STRETCH, BATCH].index(seen)]
    settle(page)
    return float("nan") if changed is None else changed


def _worked(page: Page, ticks, application: int, act: Callable[[int], None], number: int) -> tuple[float, float]:
    """Seconds that the application and the browser's page worked, nobody watching."""

    def so_far() -> tuple[float, float]:
        found = {fact["name"]: fact["value"] for fact in ticks.send("Performance.getMetrics")["metrics"]}
        return _processor(application), found["TaskDuration"]

    page.evaluate("() => { window.begun = true; }")
    before = so_far()
    act(number)
    page.wait_for_timeout(1500)
    settle(page)
    return tuple(now - then for now, then in zip(so_far(), before, strict=True))


def _pointed(page: Page, x: float, y: float) -> float:
    """Milliseconds from moving the pointer to a bar until the overview was drawn with its preview."""
    page.mouse.move(x - 20, y)
    page.wait_for_timeout(200)
    page.evaluate(
        """([view]) => {
          const canvas = document.querySelector(`.st-key-${view} canvas.marks`);
          const drawn = () => canvas.getContext('2d').getImageData(60, 0, canvas.width - 60, 70)
            .data.reduce((sum, value) => (sum * 31 + value) | 0, 0);
          const before = drawn();
          window.previewed = null;
          canvas.addEventListener('pointermove', () => {
            const from = performance.now();
            const look = () => {
              if (drawn() !== before) window.previewed = performance.now() - from; else requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
          }, { once: true, capture: true });
        }""",
        [OVERVIEW],
    )
    page.mouse.move(x, y)
    page.wait_for_function("() => window.previewed !== null", timeout=20_000)
    return page.evaluate("window.previewed")


def _processor(process: int) -> float:
    """Seconds of the processor that a process has taken so far."""
    facts = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
