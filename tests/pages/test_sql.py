"""The page "SQL": asking, an answer with its chart, errors, what a link does, and the switch that turns it off."""

from tests.support.screens import assert_fits, settle, visit
from tests.support.waiting import until

PAGE = "pages/sql.py"
WORDS = "from words_of('brackets', 'layer1.c', 0.3, 1)"


def said(app) -> str:
    return "\n".join(
        element.value for kind in ("markdown", "caption", "info", "warning", "error") for element in app.main.get(kind)
    )


def test_a_link_shows_its_query_and_asks_nothing(run, small_store):
    app = run(small_store, PAGE, model="brackets", query=WORDS)
    assert "has not been asked" in said(app)
    assert not app.main.dataframe


def test_a_question_is_answered_with_a_table_and_kept_in_the_address(run, small_store):
    app = run(small_store, PAGE, model="brackets")
    offered = app.main.selectbox[0]
    offered.set_value(next(each for each in offered.options if "Which words go with a unit" in each)).run()
    until(lambda: app.run().main.dataframe)  # no browser looks again here
    assert not app.exception and not app.error
    assert app.query_params["query"].startswith("from words_of('brackets'")
    assert app.main.dataframe[0].value.columns.tolist()[:2] == ["word", "steps_on"]
    assert "rows · 5 columns" in said(app)


def test_hosted_the_page_says_how_it_is_switched_on(run, small_store, monkeypatch):
    monkeypatch.setenv("RNNSTORE_HOSTED", "1")
    app = run(small_store, PAGE, model="brackets", query=WORDS)
    assert "switched off here" in said(app) and "RNNSTORE_SQL=on" in said(app)
    assert not app.main.selectbox


def test_typed_queries_are_answered_drawn_refused_and_cancelled(page, application):
    visit(page, f"{application}/sql?model=brackets&state=layer1.c")
    area = page.get_by_label("Query in SQL")
    area.fill(WORDS)
    area.press("Control+Enter")
    page.get_by_text("5 columns").wait_for()
    page.locator(".st-key-sql_view svg.marks").wait_for()
    settle(page)
    assert_fits(page)
    assert "query=from" in page.url
    page.get_by_label("Find a table, macro or column").fill("gradient_norm")
    page.locator("details:visible summary", has_text="training").first.wait_for()
    area.fill("select wrod\nfrom ")
    page.get_by_label("Find a table, macro or column").fill("")
    page.locator("button.put", has_text="tokens").first.click()
    assert area.input_value() == "select wrod\nfrom tokens"
    area.press("Control+Enter")
    page.get_by_text("did you mean word?").wait_for()
    area.fill("select count(*) from range(10000000000) a, range(1000) b where hash(a.range) = hash(b.range) + 1")
    area.press("Control+Enter")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("The query was cancelled").wait_for()
    page.go_back()
    page.get_by_text("did you mean word?").wait_for()
