"""States at the ends of single precision, and honest ones that begin at -1e30: pictures come, warnings do not."""

import warnings

import numpy as np
import pytest

import rnnstore
from rnnstore import pictures
from rnnstore.co_clusters import expected_responses
from tests.support.worlds import record


@pytest.fixture(scope="module", params=[1e30, 3.4e38], ids=["1e30", "3.4e38"])
def model(request, tmp_path_factory):
    path, random, steps = tmp_path_factory.mktemp("extreme"), np.random.default_rng(0), 300
    values = random.normal(size=(steps, 6)).astype(np.float32)
    values[::7, 1], values[3::7, 1] = request.param, -request.param
    values[:, 2] = np.where(np.arange(steps) % 50, values[:, 2], -request.param)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record(
            path, "m", words=[f"w{index}" for index in random.integers(0, 30, steps)], dtype="float32",
            states={"s": values, "t": values[:, ::-1].copy()}, sequence_starts=np.arange(steps) % 50 == 0,
        )  # fmt: skip
    return rnnstore.open(path).model("m")


PICTURES = {
    "clusters": lambda model: pictures.clusters_picture(model, "s", k=3),
    "spectral clusters": lambda model: pictures.clusters_picture(model, "s", k=3, method="spectral"),
    "sentences": lambda model: pictures.sentences_picture(model, "s", (0, 9), k=3),
    "coloured text": lambda model: pictures.coloured_text(model, "s", (0, 9), unit=1),
    "comparison": lambda model: pictures.comparison_picture((model, "s"), (model, "t"), minimum_count=1),
    "agreement": lambda model: pictures.agreement_picture((model, "s"), (model, "t"), 3),
    "responses": lambda model: pictures.responses_picture(model, "s", "w1"),
    "distributions": lambda model: pictures.distribution_picture(model, "s"),
    "words": lambda model: pictures.words_picture(model, "s", 1, minimum_count=1),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_picture_of(name, model):
    assert PICTURES[name](model).chart().to_dict()


def test_expected_responses_are_numbers(model):
    expected = expected_responses(model, "s")
    assert np.isfinite(expected.response).all() and np.abs(expected.response).max() == np.float32(1e15)
    assert np.abs(expected.response[:, 0]).max() < 10
