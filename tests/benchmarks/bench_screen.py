"""How long a person waits for the page "Select and match": the first page in a new browser, and a brush.

    python -m tests.benchmarks.bench_screen                      1M x 300
    python -m tests.benchmarks.bench_screen --size 200000x300    another size
    python -m tests.benchmarks.bench_screen --stores FOLDER      where the made-up stores are kept (bench-stores)
    python -m tests.benchmarks.bench_screen --below layer1.c@0.25    another state below the first (as in an address)

A real application, a real Chromium. The first page is from opening the address in a browser that has nothing cached to
the select view being drawn, with the application running and the store not yet opened; a brush is from the mouse's
release to the last change of the select view and of the match view, the medians of ten.
The aims are 3 s and 500 ms. The overview of three small models in a new browser is measured against a page that says
one word, the best of three each: what it takes longer is the application's, on any machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from rnnstore.matching.charts.select_layout import MARGIN
from tests.benchmarks.large_store import large_store
from tests.support.screens import FLAGS, find_browser, start_application
from tests.support.stores import small_store

STEPS = 20
BRUSHES = [(8, 11), (3, 5), (12, 14), (5, 7), (13, 15), (2, 4), (16, 18), (9, 11), (4, 7), (14, 16), (6, 8)]

WATCH = """() => {
  const drawn = view => {
    const mark = document.querySelector(`.st-key-${view} .marks`);
    if (!mark) return '';
    if (mark.tagName !== 'CANVAS') return mark.innerHTML;
    return mark.getContext('2d').getImageData(200, 100, 200, 120).data.reduce((sum, x) => (sum * 31 + x) | 0, 0);
  };
  window.addEventListener('pointerup', () => {
    const from = performance.now(), views = ['select_view', 'match_view'];
    const last = {}, before = Object.fromEntries(views.map(view => [view, drawn(view)]));
    window.redrawn = null;
    const look = () => {
      const now = performance.now() - from;
      for (const view of views) {
        const is = drawn(view);
        if (is !== before[view]) { before[view] = is; last[view] = now; }
      }
      if (now < 2500) setTimeout(look, 20); else window.redrawn = views.map(view => last[view] ?? 0);
    };
    look();
  }, { once: true, capture: true });
}"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--size", default="1000000x300")
    options.add_argument("--stores", type=Path, default=Path("bench-stores"))
    options.add_argument("--below", default="")
    given = options.parse_args()
    steps, units = (int(part) for part in given.size.split("x"))
    model = large_store(given.stores, steps, units)
    process, address = start_application(given.stores)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
            asked = f"model={model.name}&window={STEPS}&before=1&after=1&below={given.below}"
            measure(browser, f"{address}/matching?{asked}")
            measure_overview(browser)
            browser.close()
    finally:
        process.terminate()


def measure_overview(browser) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (script := Path(folder) / "word.py").write_text("import streamlit as st\nst.write('word')\n", "utf-8")
        store = small_store(Path(folder) / "store")
        taken = []
        for served, shown in ((script, "text=word"), ("streamlit_app.py", ".st-key-card-brackets")):
            process, address = start_application(store, str(served))
            try:
                taken.append(min(first_seen(browser, address, shown) for _ in range(3)))
            finally:
                process.terminate()
    print(f"overview of three models drawn after {taken[1]:.2f} s, {taken[1] / taken[0]:.1f} times a page of a word")


def first_seen(browser, address: str, shown: str) -> float:
    """Seconds until something is on a page, in a browser that has nothing cached."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(address)
    page.locator(shown).wait_for(timeout=60_000)
    seconds = time.perf_counter() - begun
    context.close()
    return seconds


def measure(browser, address: str) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    begun = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(".st-key-select_view .marks", timeout=60_000)
    print(f"first page drawn after {time.perf_counter() - begun:.2f} s (aim 3)")
    page.wait_for_timeout(3000)
    box = page.locator(".st-key-select_view .marks").first.bounding_box()
    cell = (box["width"] - MARGIN["left"] - MARGIN["right"]) / STEPS
    waited = []
    for start, stop in BRUSHES:
        page.mouse.move(box["x"] + MARGIN["left"] + cell * (start + 0.2), box["y"] + 100)
        page.mouse.down()
        for part in range(1, 5):
            there = start + 0.2 + (stop - start - 0.4) * part / 4
            page.mouse.move(box["x"] + MARGIN["left"] + cell * there, box["y"] + 100)
        page.wait_for_timeout(300)
        page.evaluate(WATCH)
        page.mouse.up()
        page.wait_for_function("() => window.redrawn", timeout=60_000)
        waited.append(page.evaluate("window.redrawn"))
    select, match = (statistics.median(times) for times in zip(*waited[1:], strict=True))
    print(f"first brush: select view after {waited[0][0]:.0f} ms, match view after {waited[0][1]:.0f} ms")
    print(f"a brush: select view after {select:.0f} ms, match view after {match:.0f} ms (aim 500)")


if __name__ == "__main__":
    main()
