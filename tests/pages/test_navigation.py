"""The menu: pages in groups, and every page under the title of its entry."""

import pytest

from pages.parts.shared.current import PAGES, QUESTIONS
from rnnstore.registry import GROUPS, analyses


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_titled_as_its_menu_entry_and_says_what_it_answers(run, small_store, page):
    app = run(small_store, page, model="brackets")
    assert [each.value for each in app.title] == [PAGES[page]]
    assert QUESTIONS[page] in [each.value for each in app.main.caption]
    headings = [each.value.lower() for each in app.sidebar.caption]
    assert [each for each in headings if each in GROUPS] == [each for each in GROUPS if any_page(each)]


def any_page(group: str) -> bool:
    return any(analysis.group == group for analysis in analyses())
