"""The frame and the overview, in a real browser and without one."""

import pytest

from tests.screens.conftest import assert_fits, settle, visit


def choose(page, box: str, option: str) -> None:
    """Choose an option of a selectbox by its label."""
    page.locator('[data-testid="stSelectbox"]').filter(has_text=box).locator("input").click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def shown(page) -> tuple[str, str]:
    """Model and state that the sidebar shows."""
    boxes = page.locator('[data-testid="stSidebar"] [data-testid="stSelectbox"] input')
    return boxes.nth(0).input_value(), boxes.nth(1).input_value()


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/", "/select_and_match"])
def test_pages_fit_a_small_screen(page, application, path):
    visit(page, application + path)
    assert_fits(page)


@pytest.mark.browser
def test_back_undoes_choices_one_by_one(page, application):
    visit(page, application)
    assert shown(page) == ("brackets", "layer1.c")
    choose(page, "Model", "sentences")
    assert page.url.endswith("/?model=sentences&state=layer1.h")
    choose(page, "State", "layer2.h")
    assert page.url.endswith("/?model=sentences&state=layer2.h")
    choose(page, "Model", "brackets")
    assert page.url.endswith("/?model=brackets&state=layer1.c")
    for expected in (("sentences", "layer2.h"), ("sentences", "layer1.h"), ("brackets", "layer1.c")):
        page.go_back()
        settle(page)
        assert shown(page) == expected
