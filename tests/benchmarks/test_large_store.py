"""The made-up stores that measurements use: the same every time, and like a recorded network."""

import numpy as np

from tests.benchmarks.large_store import large_store


def test_a_large_store_has_the_runs_that_it_promises_and_is_made_once(tmp_path):
    model = large_store(tmp_path, 20_000, 30)

    values = model.vectors("layer1.c", 0, model.steps)
    runs = model.on_states("layer1.c", 0.3)
    assert values.shape == (20_000, 30) and -1 <= values.min() < -0.5 and 0.5 < values.max() <= 1
    assert 80 < runs.num_rows / 20 / 30 < 100  # a unit has about 90 runs in 1,000 steps
    assert list(model.tracks) == ["label", "depth"] and model.predictions_per_step == 3
    card = (model.folder / "card.json").stat()
    assert (large_store(tmp_path, 20_000, 30).folder / "card.json").stat() == card


def test_two_large_stores_of_one_size_are_the_same(tmp_path):
    first, second = (large_store(tmp_path / name, 3000, 5) for name in ("a", "b"))

    assert np.array_equal(first.vectors("layer1.c", 0, 3000), second.vectors("layer1.c", 0, 3000))
    assert first.words(0, 3000) == second.words(0, 3000)
