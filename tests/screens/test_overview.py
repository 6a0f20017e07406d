"""The frame and the overview, in a real browser and without one."""

import pytest

from tests.screens.conftest import assert_fits, settle, visit


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/", "/select_and_match"])
def test_pages_fit_a_small_screen(page, application, path):
    visit(page, application + path)
    assert_fits(page)
