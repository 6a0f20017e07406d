"""Numbers as input on the page "Select and match": many steps, no two words alike, values that are said and drawn."""

import numpy as np
import pytest

import rnnstore
from rnnstore.matching.charts.select_layout import MARGIN, Rows
from tests.support.screens import assert_fits, visit

STEPS = 20_000


@pytest.fixture(scope="module")
def signal_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("signal") / "store"
    time = np.arange(STEPS)
    displacement = np.sin(time / 40) * 0.0137
    displacement[5040:5050] = np.nan
    with rnnstore.open(path).record("signal", thresholds=(0.5,), dtype="float32") as recorder:
        recorder.add(
            words=[f"{step // 3600:02}:{step // 60 % 60:02}:{step % 60:02}" for step in time.tolist()],
            states={"memory": np.sin(time[:, None] / np.arange(20, 36))},
            annotations={"displacement": displacement, "load": -1e6 + np.cos(time / 60)},
        )
    return path


def test_a_signal_is_selected_and_matched_and_found_by_its_time(run, signal_store):
    app = run(
        signal_store,
        "pages/matching.py",
        **{"model": "signal", "from": "5010", "to": "5012", "find": "01:23:30", "threshold": "0.5"},
    )
    said = "\n".join(element.value for kind in ("markdown", "caption", "subheader") for element in app.main.get(kind))
    assert "Where else" in said and "match" in said
    assert not [element.value for element in app.main if element.type in ("error", "warning")]
    (select,) = (
        chart.proto
        for chart in app.main
        if chart.type == "vega_lite_chart" and "signal0" in {part.name for part in chart.proto.datasets}
    )
    assert {"signal1", "signal1_scale"} <= {part.name for part in select.datasets}


@pytest.mark.long
def test_the_value_of_a_step_is_said_wherever_its_column_is_pointed_at(page, serve, signal_store):
    visit(page, f"{serve(signal_store)}/matching?model=signal&state=memory&at=5000&window=100")
    page.wait_for_selector(".st-key-select_view .marks")
    assert_fits(page)
    box = page.locator(".st-key-select_view .marks").first.bounding_box()
    plot = box["width"] - MARGIN["left"] - MARGIN["right"]
    rows = Rows(upright=True, tracks=2, predicted=0, signals=(0, 1))
    for index, step, value in (
        (0, 5020, f"{np.sin(5020 / 40) * 0.0137:.10g}"),
        (0, 5045, "no value"),
        (1, 5020, f"{-1e6 + np.cos(5020 / 60):,.10g}"),
    ):
        x = box["x"] + MARGIN["left"] + (step + 0.5 - 5000) / 100 * plot
        y = box["y"] + MARGIN["top"] + rows.track(index) - 17
        page.mouse.move(x - 3, y)
        page.mouse.move(x, y)
        page.wait_for_selector("#vg-tooltip-element.visible")
        page.wait_for_timeout(100)
        tooltip = page.locator("#vg-tooltip-element").inner_text()
        assert value in tooltip and f"{step:,}" in tooltip, (index, step, tooltip)
