"""New name against NumPy over all values at once."""

import numpy as np
import pytest
from rnnstore.new_name import answers

import rnnstore
from rnnstore import UnknownName, new_name, pictures
from tests.support.worlds import random_world, record


@pytest.fixture
def recorded(tmp_path):
    """(model, its values): a random recording of 500 steps of four units."""
    words, values, starts = random_world(3)
    record(tmp_path / "store", "world", words=words, states={"s": values}, sequence_starts=starts)
    return rnnstore.open(tmp_path / "store").model("world"), values


def test_means_are_those_of_all_values(recorded, monkeypatch):
    model, values = recorded
    monkeypatch.setattr(answers, "BLOCK", 7)  # several blocks, the last one shorter
    means = new_name.unit_means(model, "s")
    assert means["unit"].to_pylist() == [0, 1, 2, 3]
    np.testing.assert_allclose(means["mean"].to_numpy(), values.astype(float).mean(axis=0), rtol=1e-9)


def test_a_state_that_is_not_there_is_a_sentence(recorded):
    with pytest.raises(UnknownName, match="no state 'layer9"):
        new_name.unit_means(recorded[0], "layer9.h")


def test_a_picture_draws_every_unit(recorded):
    model, values = recorded
    picture = pictures.new_name_picture(model, "s", theme="dark")
    assert picture.tables["means"].num_rows == values.shape[1]
    assert picture.chart().to_dict(validate=False)["layer"]
