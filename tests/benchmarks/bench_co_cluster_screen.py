"""How long a person waits for the page "Co-clusters", and how much it sends: 600 units, and 2,000 in 20 clusters.

    python -m tests.benchmarks.bench_co_cluster_screen
    python -m tests.benchmarks.bench_co_cluster_screen --units 600         one size
    python -m tests.benchmarks.bench_co_cluster_screen --stores FOLDER     where the models are kept (bench-stores)

A real application, a real Chromium with nothing cached. Drawn: from opening the address to the picture, the first time
since the application started (it opens the store and decomposes the responses), and again in a new browser. Sent: what
came over the page's connection until then. Clicked: from a click on a word to the last change of the picture and to the
detail view; changed: from a key pressed on the slider of clusters to the last change; both the medians of seven. The
aims for 600 units are 2 s, 200 KB, 500 ms and 1 s.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from rnnstore import Model
from rnnstore.co_clusters.charts.layout import ASIDE
from rnnstore.co_clusters.charts.picture import Drawing, co_cluster_picture
from rnnstore.co_clusters.decomposition import decompose
from rnnstore.co_clusters.expected import expected_responses
from rnnstore.drawing.palette import palette
from tests.benchmarks.planted_store import planted_store
from tests.support.screens import FLAGS, find_browser, settle, start_application

PICTURE = ".st-key-cluster_view .marks"

WATCH = """(views) => {
  const drawn = view => {
    const mark = document.querySelector(`.st-key-${view} .marks`);
    if (!mark) return '';
    if (mark.tagName !== 'CANVAS') return mark.innerHTML;
    const seen = mark.getContext('2d').getImageData(0, 0, mark.width, mark.height).data;
    let sum = 0;
    for (let i = 0; i < seen.length; i += 4) sum = (sum * 31 + seen[i] + 7 * seen[i + 1]) | 0;
    return sum;
  };
  const begin = () => {
    const from = performance.now(), last = {};
    const before = Object.fromEntries(views.map(view => [view, drawn(view)]));
    window.redrawn = null;
    const look = () => {
      const now = performance.now() - from;
      for (const view of views) {
        const is = drawn(view);
        if (is !== before[view]) { before[view] = is; last[view] = now; }
      }
      if (now < 3000) setTimeout(look, 25); else window.redrawn = views.map(view => last[view] ?? null);
    };
    look();
  };
  for (const kind of ['pointerup', 'keyup'])
    window.addEventListener(kind, () => window.begun || (window.begun = true, begin()), { capture: true });
}"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--units", type=int, action="append")
    options.add_argument("--stores", type=Path, default=Path("bench-stores"))
    given = options.parse_args()
    for units in given.units or [600, 2000]:
        model = planted_store(given.stores, units)
        process, address = start_application(given.stores)
        clusters = 20 if units > 1000 else 10
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
                measure(browser, f"{address}/co_clusters?model={model.name}&k={clusters}", model, clusters)
                browser.close()
        finally:
            process.terminate()


def measure(browser: Browser, address: str, model: Model, clusters: int) -> None:
    print(f"{model.name}, {clusters} clusters")
    places = _places_of_words(model, clusters)
    for when in ("first", "again"):
        page = browser.new_context(viewport={"width": 1280, "height": 1400}).new_page()
        sent = [0]
        page.on("websocket", lambda socket, sent=sent: socket.on("framereceived", lambda data: _add(sent, data)))
        begun = time.perf_counter()
        page.goto(address)
        page.wait_for_selector(PICTURE, timeout=60_000)
        drawn = time.perf_counter() - begun
        settle(page)
        print(f"  drawn {when} after {drawn:.2f} s (aim 2), {sent[0] / 1000:.0f} kB sent (aim 200)")
    clicks = [_clicked(page, places, number) for number in range(8)][1:]
    picture, detail = (statistics.median(t for t in times if t == t) for times in zip(*clicks, strict=True))
    print(f"  a word clicked: picture after {picture:.0f} ms, detail view after {detail:.0f} ms (aim 500)")
    changes = [_changed(page, key) for key in ("ArrowLeft", *["ArrowLeft", "ArrowRight"] * 3, "ArrowLeft")][1:]
    print(f"  k changed: picture after {statistics.median(changes):.0f} ms (aim 1000)")


def _add(sent: list[int], data: str | bytes) -> None:
    sent[0] += len(data)


def _places_of_words(model: Model, clusters: int) -> list[tuple[float, float]]:
    """Where some words stand: a share of the picture's width, and pixels from its top."""
    expected = expected_responses(model, "layer1.c")
    picture = co_cluster_picture(decompose(expected).clusters(clusters), expected, palette())
    inner = Drawing().inner
    words = [row for row in picture.tables["words"].to_pylist() if row["size"] > 12]
    spread = words[:: max(len(words) // 10, 1)]
    return [((ASIDE + row["middle"] + row["x"]) / (inner + 2 * ASIDE), 4 + row["centre"] + row["y"]) for row in spread]


def _clicked(page: Page, places: list[tuple[float, float]], number: int) -> tuple[float, float]:
    if number == 0:
        page.evaluate(WATCH, ["cluster_view", "response_view"])
    box, (x, y) = page.locator(PICTURE).bounding_box(), places[number]
    page.evaluate("() => { window.begun = false; window.redrawn = null; }")
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y)
    page.wait_for_function("() => window.redrawn", timeout=30_000)
    picture, detail = page.evaluate("window.redrawn")
    return picture or float("nan"), detail or float("nan")


def _changed(page: Page, key: str) -> float:
    page.get_by_role("slider").first.focus()
    page.evaluate("() => { window.begun = false; window.redrawn = null; }")
    page.keyboard.press(key)
    page.wait_for_function("() => window.redrawn", timeout=30_000)
    return page.evaluate("window.redrawn")[0] or float("nan")


if __name__ == "__main__":
    main()
