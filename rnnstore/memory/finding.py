"""The class of words that a state remembers longest: what Memory has to show of a recording at first sight.

The score is the largest singular value of the mean gradient at a delay (`DELAY`, or the longest one that was followed),
as a share of that at a delay of one step; at most 1.
"""

from __future__ import annotations

from rnnstore.findings import Finding, View
from rnnstore.memory.gradients import ALL
from rnnstore.memory.singular_values import curves, has_memory
from rnnstore.networks.gates import gate_of
from rnnstore.store.model import Model

DELAY = 20

FEWEST = 10
"""Words of a class that must have been followed."""


def finding(model: Model) -> Finding | None:
    """The state and the class of words with the largest share left, None where no gradients were computed."""
    left: dict[tuple[str, str], tuple[float, int, int]] = {}
    for state in has_memory(model):
        if gate_of(state, model.card.cell) is not None:
            continue
        rows = curves(model, state).to_pylist()
        delay = min(DELAY, max(row["delay"] for row in rows))
        values = {(row["word_class"], row["delay"]): row["sigma_1"] for row in rows if row["count"] >= FEWEST}
        counts = {row["word_class"]: row["count"] for row in rows if row["delay"] == delay}
        for word_class in dict.fromkeys(name for name, _ in values):
            first, later = values.get((word_class, 1)), values.get((word_class, delay))
            if first and later is not None:
                left[state, word_class] = later / first, delay, counts[word_class]
    if not left:
        return None
    state, word_class = max(left, key=lambda each: (left[each][0], each))
    share, delay, count = left[state, word_class]
    named = "words of any kind" if word_class == ALL else f"words of the class {word_class}"
    views = [
        View(
            f"{share:.0%} of the effect is left after {delay} steps",
            f", in the mean over {count:,} {named}, against a delay of one step",
            {"states": state, "classes": word_class},
            {"classes": [word_class]},
        )
    ]
    if word_class != ALL and (state, ALL) in left:
        views.append(
            View(
                f"{left[state, ALL][0]:.0%} for words of any kind",
                ", which is what to compare it with",
                {"states": state, "classes": f"{word_class},{ALL}"},
                {"classes": [word_class, ALL]},
            )
        )
    return Finding(
        analysis="memory",
        model=model.name,
        state=state,
        title=f"{delay} steps later, {state} still moves with {'a word' if word_class == ALL else f'a {word_class}'}",
        score=min(share, 1.0),
        measure=f"largest singular value of the mean gradient at a delay of {delay} steps as a share of that at one",
        views=tuple(views),
    )
