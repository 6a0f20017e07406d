"""The page "New name"."""

import pyarrow as pa

PAGE = "pages/new_name.py"


def test_the_page_draws_the_chosen_state(run, small_store):
    app = run(small_store, PAGE, model="brackets", state="layer1.c")
    assert not app.exception and not app.error
    (chart,) = [element.proto for element in app.main if element.type == "vega_lite_chart"]
    drawn = pa.ipc.open_stream(chart.datasets[0].data.data).read_all()
    assert drawn.column_names == ["unit", "mean"]


def test_a_model_without_states_says_so(run, small_store):
    app = run(small_store, PAGE, model="only-trained")
    assert not app.exception
    assert "no recorded states yet" in app.info[0].value
