"""The prediction that reaches back furthest, against a loop over a matrix and over the spans."""

import numpy as np
import pytest

from rnnstore.connectivity.finding import FAR, far_shares, finding
from rnnstore.connectivity.pictures import finding_picture
from rnnstore.connectivity.texts import text_connectivity
from tests.support.remembered import store_with_memory


def test_far_shares_are_sums_over_the_steps_far_back():
    values = np.tril(np.random.default_rng(0).normal(size=(30, 30)))
    values[3] = np.nan  # a row without a target
    expected = [
        0.0 if row == 3 else np.abs(values[row, : max(0, row - FAR + 1)]).sum() / np.abs(values[row]).sum()
        for row in range(30)
    ]
    assert far_shares(values) == pytest.approx(np.array(expected))


def test_the_prediction_found_has_the_largest_share_of_its_span(tmp_path):
    model = store_with_memory(tmp_path).model("tiny")
    found = finding(model)
    held = found.views[0].picture
    text = text_connectivity(model, (held["first"], held["stop"]))
    assert int(np.argmax(far_shares(text.values))) == held["at"]
    assert found.score == pytest.approx(far_shares(text.values)[held["at"]])
    assert finding_picture(model, None, **held).tables
