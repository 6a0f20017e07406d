"""The page "Compare": sides and bad choices without a browser, linked words and the same sentence on both in one."""

import numpy as np
import pytest

import rnnstore
from rnnstore.co_clusters.expected import expected_responses
from rnnstore.comparing.similarity import compare
from tests.pages.test_matching import said, widget
from tests.support.screens import assert_fits_both, settle, visit

PAGE = "pages/comparing.py"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two models of the same 30 words: four groups of words, each with a pattern of units, turned in the second one;
    a model of other words, and one of one state alone with only a few words."""
    path = tmp_path_factory.mktemp("pair") / "store"
    store = rnnstore.open(path)
    random = np.random.default_rng(1)
    patterns, turn = random.normal(size=(4, 12)), np.linalg.qr(random.normal(size=(12, 12)))[0]
    ids = random.integers(0, 30, 1500)
    changes = patterns[ids % 4] + random.normal(0, 0.2, (1500, 12))
    starts = np.arange(1500) % 5 == 0
    values = changes.copy()
    for step in np.flatnonzero(~starts):
        values[step] += values[step - 1]
    words = [f"word{number}" for number in range(30)]
    for name, state, text in (
        ("one", {"layer1.h": values, "layer2.h": np.tanh(values)}, words),
        ("other", {"layer1.h": values @ turn}, words),
        ("elsewhere", {"layer1.h": values}, [f"mot{number}" for number in range(30)]),
    ):
        with store.record(name, corpus=f"corpus of {text[0]}", vocabulary=text) as recorder:
            recorder.add(words=ids, states=state, sequence_starts=starts)
    return path


def test_the_right_side_is_a_model_of_the_same_corpus_at_first(run, pair):
    app = run(pair, PAGE, model="one", state="layer1.h")
    assert not app.exception
    assert widget(app, "selectbox", "Right side: model").value == "other"
    assert "**one** · layer1.h" in said(app) and "**other** · layer1.h" in said(app)
    app = run(pair, PAGE, model="elsewhere")
    assert not app.exception and widget(app, "selectbox", "Right side: model").value in ("one", "other")


def test_what_they_have_in_common_is_what_the_library_says(run, pair):
    app = run(pair, PAGE, model="one", state="layer1.h", show="differences")
    store = rnnstore.open(pair)
    sides = [expected_responses(store.model(name), "layer1.h") for name in ("one", "other")]
    found = compare(*sides)
    assert found.rsa.value > 0.99  # turned, and nothing else
    assert [each.value for each in app.metric[:2]] == [f"{found.rsa.value:.3f}", f"{found.cka.value:.3f}"]
    assert found.shared.note in said(app)
    app = run(pair, PAGE, model="one", state="layer1.h", show="differences", word="word3,word8")
    assert "Nearest to `word3`" in said(app) and "Nearest to `word8`" in said(app)


def test_bad_choices_are_sentences(run, pair, small_store, tmp_path):
    app = run(pair, PAGE, model="one", state="layer1.h", other="one", other_state="layer1.h")
    assert "Both sides show the same state" in app.error[0].value and not app.exception
    app = run(pair, PAGE, model="one", state="layer1.h", other="elsewhere", show="differences")
    assert "have both read 0 words" in app.error[0].value and not app.exception
    app = run(pair, PAGE, model="one", other="nobody", other_state="layer9.h", show="all", compared="3")
    text = said(app)
    assert "The model nobody has no place in the store" in text and "has no state layer9.h" in text
    assert "show=all; one of groups" in text and "from 20 to 1,000" in text
    app = run(small_store, PAGE, model="brackets", other="only-trained", show="differences")
    assert "The model only-trained has no recorded states" in said(app) and not app.exception
    with rnnstore.open(tmp_path / "single").record("alone") as recorder:
        recorder.add(words=["a", "b"], states={"h": np.zeros((2, 3))})
    app = run(tmp_path / "single", PAGE)
    assert "h of alone is all that this store holds" in said(app) and not app.exception


def test_both_read_the_same_stretch_and_say_when_they_cannot_read_a_sentence(run, pair):
    app = run(pair, PAGE, model="one", state="layer1.h", show="sentences", text="word3 word4")
    assert not app.exception
    assert "its predictions are the same" not in said(app)
    app = run(pair, PAGE, model="one", state="layer1.h", other="one", other_state="layer2.h", show="sentences")
    assert not app.exception
    assert len(app.main.get("vega_lite_chart") or app.main.get("arrow_vega_lite_chart")) >= 2


@pytest.mark.long
def test_words_are_linked_and_sides_are_swapped(page, serve, pair):
    page.set_default_timeout(60_000)  # the first comparison of a process imports SciPy and scikit-learn
    page.set_viewport_size({"width": 1280, "height": 1100})
    address = serve(pair)
    visit(page, f"{address}/comparing?model=one&state=layer1.h&show=differences")
    row = page.locator('[data-testid="stDataFrame"] canvas').first
    row.wait_for()
    box = row.bounding_box()
    page.mouse.click(box["x"] + 40, box["y"] + 55)
    page.wait_for_url("**word=word*")
    settle(page)
    assert page.get_by_text("Nearest to").count() == 1
    assert_fits_both(page)
    page.get_by_text("Groups of words and units").click()
    page.wait_for_function("() => !location.search.includes('show=')")
    for side in ("a.", "b."):
        drawn = page.locator(f"[class*='st-key-{side.replace('.', '-')}cluster_view'] svg.marks").first
        drawn.wait_for()
        assert drawn.bounding_box()["height"] > 200
    settle(page)
    assert_fits_both(page)
    page.get_by_role("button", name="Swap sides").click()
    page.wait_for_url("**model=other*")
    settle(page)
    assert "other=one" in page.url and "word=word" in page.url
    assert page.get_by_text("other · layer1.h").first.bounding_box()["x"] < 640
