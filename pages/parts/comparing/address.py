"""What the page "Compare" shows, as its address says it: the right side, what is shown of both, and over which words.

The left side is the model and state of the sidebar. Parameters of the panels begin with `a.` on the left and `b.` on
the right; those that both sides share, such as the words picked and the sentences typed, have no prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pages.parts.shared.parameters import Parameters, some
from rnnstore import Model, State, Store
from rnnstore.comparing.similarity import FEWEST, MOST
from rnnstore.distributions.saturation import is_gate

GROUPS, SENTENCES, DIFFERENCES = "groups", "sentences", "differences"

LEFT, RIGHT = "a.", "b."

LINKED = ("word", "find", "pin", "k", "words", "method", "seed", "share", "thick", "equal", "sort", "m", "least")
"""Parameters of co-clusters that both sides share; and `tags` where both have the same tracks."""

READ = ("text", "long", "k", "line", "predicted", "direction", "method", "seed", "words", "at", "shown", "align", "own")
"""Parameters of sentences that both sides share."""

USUAL_WORDS, USUAL_COUNT = 500, 5


@dataclass(frozen=True)
class View:
    """The right side, the part that is shown, and the words compared: so many, read so often at least."""

    model: Model
    state: State
    shown: str
    words: int
    least: int


def read(given: Mapping[str, str], store: Store, left: Model, state: State) -> tuple[View | None, list[str]]:
    """What the address asks for; None where there is nothing to put beside the left side."""
    asked = Parameters(given)
    recorded = {name: model for name, model in store.models.items() if model.states}
    usual = partner(recorded, left, state)
    if usual is None:
        return None, asked.sentences
    named = asked.text("other", usual[0])
    if named not in recorded:
        what = "no recorded states" if named in store.models else "no place in the store"
        asked.sentences.append(f"The model {some([named])} has {what}. Shown instead: {usual[0]}.")
        named = usual[0]
    model = recorded[named]
    first = usual[1] if named == usual[0] else state.name if state.name in model.states else next(iter(model.states))
    other = asked.text("other_state", first)
    if other not in model.states:
        if "other" in given:  # else the sidebar chose another model, to which the address does not refer
            asked.sentences.append(
                f"{named} has no state {some([other])}; it has {', '.join(model.states)}. Shown instead: {first}."
            )
        other = first
    view = View(
        model=model,
        state=model.states[other],
        shown=asked.one_of("show", (GROUPS, SENTENCES, DIFFERENCES), GROUPS),
        words=asked.whole("compared", USUAL_WORDS, FEWEST, MOST, "number of words"),
        least=asked.whole("often", USUAL_COUNT, 1, 1_000_000, "number of times"),
    )
    return view, asked.sentences


def partner(recorded: Mapping[str, Model], left: Model, state: State) -> tuple[str, str] | None:
    """The model and state beside the left one where the address names none: a model of the same corpus, else another
    state of the same model, else any other model."""
    others = [model for model in recorded.values() if model.name != left.name]
    alike = [model for model in others if left.card.corpus and model.card.corpus == left.card.corpus]
    for model in alike:
        return model.name, _like(model, state)
    own = [name for name, each in left.states.items() if name != state.name and not is_gate(each, left.card.cell)]
    if own:
        hidden = [name for name in own if name.rpartition(".")[2] == state.name.rpartition(".")[2]]
        return left.name, (hidden or own)[-1]
    for model in others:
        return model.name, _like(model, state)
    return None


def _like(model: Model, state: State) -> str:
    return state.name if state.name in model.states else next(iter(model.states))
