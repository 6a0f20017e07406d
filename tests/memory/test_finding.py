"""The class that is remembered longest, against the rows of the table themselves."""

from rnnstore.memory.finding import FEWEST, finding
from rnnstore.memory.measuring import save, state_gradients
from rnnstore.memory.pictures import finding_picture
from tests.support.remembered import store_with_memory


def test_the_largest_share_left_is_found(tmp_path):
    store = store_with_memory(tmp_path)
    model = store.model("tiny")
    assert finding(model) is None
    save(store, "tiny", state_gradients(model, delays=12, classes=["verbs=be,do"]), model)
    model = store.model("tiny")
    found = finding(model)
    shares = {}
    for state in model.states:
        rows = (
            model.table("state_gradients", state).to_pylist() if f"state_gradients/{state}" in model.card.files else []
        )
        at = {(row["word_class"], row["delay"]): row for row in rows if row["count"] >= FEWEST}
        for name, delay in at:
            if delay == 11 and (name, 1) in at:  # the longest
                largest = [max(at[name, each]["singular_values"]) for each in (1, 11)]
                shares[state, name] = largest[1] / largest[0]
    assert found.score == min(1.0, max(shares.values()))
    assert found.state == max(shares, key=lambda each: (shares[each], each))[0]
    assert finding_picture(model, found.state, **found.views[0].picture).tables
