"""Distributions against NumPy over all values at once."""

import json

import numpy as np
import pytest

import rnnstore
from rnnstore import QuestionError, pictures
from rnnstore.distributions import charts, counters
from rnnstore.distributions import unit_distributions as distributions
from rnnstore.distributions.saturation import default_limits, gate_name, is_gate
from rnnstore.distributions.single_unit import unit_values
from rnnstore.distributions.unit_distributions import LEVELS, MEASURES, distribution, round_edges, summary
from rnnstore.drawing.palette import DARK, LIGHT
from rnnstore.store.card import State
from tests.support import worlds
from tests.support.stores import small_store
from tests.support.worlds import ArrayModel

vl_convert = pytest.importorskip("vl_convert")


def world(seed=0, steps=700, units=5, dtype=np.float16, scale=1.0, starts=(0, 100, 101, 699)):
    """A model whose values are tanh of random walks, its facts as the recorder writes them."""
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.normal(0, 0.3, (steps, units)), axis=0)
    values = (np.tanh(walk) * scale).astype(dtype)
    model = ArrayModel(values, starts)
    facts = {"minimum": float(values.min()), "maximum": float(values.max()), "dtype": values.dtype.name}
    model.states = {"s": State(name="s", units=units, **facts)}
    return model


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("scale", [1, 30])
def test_everything_equals_numpy_over_all_values(monkeypatch, dtype, scale):
    monkeypatch.setattr(counters, "BLOCK", 64)
    model = world(dtype=dtype, scale=scale)
    values = model.values.astype(np.float64)

    found = distribution(model, "s")

    close = 0 if dtype == np.float16 else 2 * np.ptp(values) / 65_535
    np.testing.assert_allclose(found.quantiles, np.quantile(values, LEVELS, axis=0), atol=close + 1e-12)
    np.testing.assert_allclose(found.pooled, np.quantile(values, LEVELS), atol=close + 1e-12)
    np.testing.assert_allclose(found.minimum, values.min(0), atol=close)
    np.testing.assert_allclose(found.maximum, values.max(0), atol=close)
    np.testing.assert_allclose(found.mean, values.mean(0), atol=close + 1e-12)
    np.testing.assert_allclose(found.deviation, values.std(0), atol=close + 1e-12)
    moves = np.abs(np.diff(values, axis=0))[~np.isin(np.arange(1, len(values)), model.sequence_starts)]
    np.testing.assert_allclose(found.change, moves.mean(0), rtol=1e-5)
    assert found.histogram.sum(axis=1).tolist() == [700] * 5
    assert ("evenly spaced" in found.note) == (dtype == np.float32)


def test_counts_at_every_limit_are_exact():
    model = world(steps=3000)
    model.values[::7, 0] = 0.5  # a limit that half precision can hold
    found = distribution(model, "s")
    values = model.values.astype(np.float64)
    for limit in found.edges:
        np.testing.assert_array_equal(found.share_below(limit), (values < limit).mean(0))
        np.testing.assert_allclose(found.share_above(limit), (values > limit).mean(0), atol=1e-15)


def test_values_far_beyond_the_rest_are_counted_at_the_ends():
    model = world(units=40, steps=2000)
    model.values[500, 3], model.values[900, 4] = 60, -55
    model.states["s"] = model.states["s"].model_copy(update={"minimum": -55.0, "maximum": 60.0})
    found = distribution(model, "s")
    assert (found.edges[0], found.edges[-1]) == (-2, 2)
    assert (found.maximum[3], found.minimum[4]) == (60, -55)
    assert found.share_above(2)[3] == 1 / 2000
    assert found.histogram.sum(axis=1).tolist() == [2000] * 40


def test_many_units_are_counted_in_several_passes(monkeypatch):
    model = world(units=7)
    whole = distribution(model, "s")
    monkeypatch.setattr(distributions, "COUNTERS", 2 * 32_000)
    shares = []
    few = distribution(model, "s", shares.append)
    np.testing.assert_array_equal(few.below, whole.below)
    np.testing.assert_array_equal(few.quantiles, whole.quantiles)
    np.testing.assert_array_equal(few.pooled, whole.pooled)
    assert shares == sorted(shares) and shares[-1] == 1


def test_a_unit_that_never_moves_is_named():
    values = np.zeros((50, 3), np.float16)
    values[:, 1] = np.linspace(-0.01, 0.01, 50)
    values[:, 2] = np.tile([-0.5, 0.5], 25)
    model = ArrayModel(values)
    model.states = {"s": State(name="s", units=3, minimum=-0.5, maximum=0.5)}
    found = distribution(model, "s")
    assert found.still("range", 0).tolist() == [0]
    assert found.still("range", 0.03).tolist() == [0, 1]
    assert found.still("change", 0.001).tolist() == [0, 1]
    assert found.still("deviation", 0.5).tolist() == [0, 1, 2]
    with pytest.raises(QuestionError, match="not measured by 'median'"):
        found.still("median", 1)


def test_units_are_sorted_by_every_measure():
    model = world()
    found = distribution(model, "s")
    assert found.order("median", -1, 1).tolist() == np.argsort(np.median(model.values.astype(float), axis=0)).tolist()
    for name in MEASURES:
        measure = found.measure(name, -0.9, 0.9)
        assert (np.diff(measure[found.order(name, -0.9, 0.9)]) >= 0).all(), name
    with pytest.raises(QuestionError, match="sorted by 'size'"):
        found.order("size", -1, 1)


def test_one_step_and_one_value():
    model = ArrayModel(np.full((1, 2), 0.25, np.float16))
    model.states = {"s": State(name="s", units=2, minimum=0.25, maximum=0.25)}
    found = distribution(model, "s")
    assert found.quantiles.tolist() == [[0.25, 0.25]] * len(LEVELS)
    assert np.isnan(found.change).all()
    assert sum(unit_values(model, "s", 1).bins["count"].to_pylist()) == 1


def test_no_steps_is_a_sentence():
    model = ArrayModel(np.zeros((0, 2), np.float16))
    with pytest.raises(QuestionError, match="No steps of 'world' were recorded"):
        distribution(model, "s")


def test_a_units_own_histogram_and_where_it_is_on():
    model = world()
    found = unit_values(model, "s", 2)
    values = model.values[:, 2].astype(float)
    assert sum(found.bins["count"].to_pylist()) == 700
    low, high, count = (found.bins[name].to_numpy() for name in ("low", "high", "count"))
    assert count.tolist()[:-1] == [((values >= a) & (values < b)).sum() for a, b in zip(low, high, strict=True)][:-1]
    assert np.quantile(values, 0.91) - 1e-3 <= found.threshold <= np.quantile(values, 0.91)
    on = values >= found.threshold
    assert on[found.start : found.stop].all() and 1 <= found.stop - found.start <= 20
    assert not on[found.start - 1] or found.start in model.sequence_starts


def test_of_a_unit_that_is_always_on_a_stretch_is_shown():
    model = ArrayModel(np.linspace(0.5, 0.6, 100)[:, None].astype(np.float16).repeat(2, axis=1))
    model.values[:, 1] = 0.25
    assert unit_values(model, "s", 1).stop == 20
    assert unit_values(model, "s", 0).threshold == pytest.approx(0.59, abs=0.001)


@pytest.mark.parametrize(
    ("low", "high", "there"),
    [(-1, 1, (-0.9, 0.9)), (0, 1, (0.1, 0.9)), (-20.5, 20.5, (-2, 2)), (3, 3, (3,)), (-1e-4, 2e-4, (0,))],
)
def test_edges_are_round_and_hold_the_values(low, high, there):
    edges = round_edges(low, high)
    assert edges[0] <= low and edges[-1] >= high and 2 <= len(edges) <= 203
    assert all(np.abs(edges - value).min() < 1e-12 for value in there)
    np.testing.assert_allclose(np.diff(edges), edges[1] - edges[0], rtol=1e-6)


def test_gates_are_known_by_name_and_range():
    def state(name, low, high):
        return State(name=name, units=1, minimum=low, maximum=high)

    assert is_gate(state("layer1.f", 0.01, 0.99)) and is_gate(state("layer2.i2", 0, 1)) and is_gate(state("z", 0, 1))
    assert not is_gate(state("layer1.f", -0.5, 0.5)) and not is_gate(state("layer1.h", 0, 1))
    assert (gate_name("layer1.f"), gate_name("layer3.z2"), gate_name("memory")) == (
        "forget gate", "update gate 2", "memory",
    )  # fmt: skip
    assert default_limits(state("layer1.f", 0.01, 0.4)) == (0.1, 0.9)
    assert default_limits(state("layer1.h", -0.99, 1)) == (-0.9, 0.9)
    assert default_limits(state("layer1.c", -7, 20)) == (-2, 2)
    assert default_limits(state("sensor", 100, 200)) == (110, 190)


def test_a_recording_is_counted_from_its_files(tmp_path):
    store = worlds.record(tmp_path / "store")
    model = store.model("small")
    found = distribution(model, "hidden")
    values = model.vectors("hidden", 0, model.steps).astype(float)
    np.testing.assert_array_equal(found.quantiles, np.quantile(values, LEVELS, axis=0))
    table = summary([found], [(0.1, 0.9)], "range", 0.9)
    assert table["still"].to_pylist() == [1]  # one counts in eighths, up to 7/8; the other alternates by 1
    assert table["share_left"].to_pylist() == [(values < 0.1).mean()]


@pytest.mark.parametrize("colours", [LIGHT, pytest.param(DARK, marks=pytest.mark.long)], ids=["light", "dark"])
def test_pictures_compile_and_hold_what_they_draw(colours):
    model = world(units=320, steps=60, starts=(0, 30))
    found = distribution(model, "s")
    order, limits = found.order("median", -0.9, 0.9), (-0.9, 0.9)
    bands = charts.bands_picture(found, order, colours, limits=limits, unit=7)
    assert bands.tables["units"]["unit"].to_pylist() == order.tolist()
    assert bands.tables["framed"]["place"].to_pylist() == np.flatnonzero(order == 7).tolist()
    heat = charts.heat_picture(found, order, colours, limits=limits)
    cells = heat.tables["cells"]
    assert "2 units that are neighbours" in charts.heat_note(found)
    assert set(np.subtract(cells["end"], cells["place"]).tolist()) == {2}
    assert sum(cells["share"].to_pylist()) == pytest.approx(160, rel=1e-5)  # all of each column
    unit = charts.unit_picture(unit_values(model, "s", 3), colours, state="s", limits=limits)
    gates = charts.saturation_picture([found, found], colours, limits=[limits, (-0.5, 0.5)], chosen=("s", 3))
    assert gates.tables["points"]["right"].to_pylist()[320] == pytest.approx(found.share_above(0.5)[0])
    for picture in (bands, heat, unit, gates):
        vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))


def test_every_picture_is_one_call(tmp_path):
    model = rnnstore.open(small_store(tmp_path / "store")).model("brackets")
    shown = [
        pictures.distribution_picture(model, "layer1.c", sort="width", heat=True, unit=3),
        pictures.unit_picture(model, "layer1.h", 2),
        pictures.saturation_picture(model, ["layer1.c", "layer1.h"], theme="dark"),
        pictures.training_picture(model, axis="epoch"),
        pictures.training_picture([model], quantity="gradient_norm"),
        pictures.gradients_picture(model, relative=True),
        pictures.gradients_picture(model, "layer1.kernel"),
    ]
    for picture in shown:
        vl_convert.vegalite_to_vega(json.dumps(picture.chart().to_dict()))
    with pytest.raises(QuestionError, match="No gates of 'brackets' were recorded"):
        pictures.saturation_picture(model)
    with pytest.raises(QuestionError, match="no weight 'output'; it has embedding"):
        pictures.gradients_picture(model, "output")
