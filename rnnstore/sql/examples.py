"""Questions of the five papers, each answered by SQL alone, filled in for the model and state at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnstore.store.model import Model
from rnnstore.store.runs import is_on

RUNS, RESPONSES, NETWORK, MEMORY, TRAINING = (
    "Where units switch",
    "What words do",
    "What the network says",
    "What is remembered",
    "What training did",
)


@dataclass(frozen=True)
class Example:
    """A question: under which heading it stands, in words, as SQL, and the tables that it needs to have rows."""

    group: str
    question: str
    query: str
    needs: tuple[str, ...]


def examples(model: Model, state: str) -> list[Example]:
    """The questions that this model's tables can answer, about this state."""
    facts = model.states[state]
    has = {part for key in model.card.files for part in (key, key.partition("/")[0])}
    level = facts.thresholds[0] if facts.thresholds else 0.3
    start, stop = _stretch(model)
    on = np.flatnonzero(is_on(model.vectors(state, start, stop), level).all(axis=0))[:3].tolist() or [0]
    there = {"name": _quoted(model.name), "state": _quoted(state), "level": f"{level:g}", "unit": on[-1]}
    there |= {"units": on, "start": start, "stop": stop}
    there["track"] = _quoted(next((name for name in model.tracks if model.tracks[name].kind != "scalar"), ""))
    found = [
        Example(group, question, query.strip().format(**there), needs)
        for group, question, query, needs in _EXAMPLES
        if has >= set(needs) and ("{track}" not in query or there["track"] != "''")
    ]
    return found


def _stretch(model: Model) -> tuple[int, int]:
    """Three steps of the longest sequence, as a selection to begin with."""
    starts = model.sequence_starts
    lengths = np.diff(np.append(starts, model.steps))
    longest = int(lengths.argmax())
    first = int(starts[longest]) + min(100, int(lengths[longest]) // 2)
    return first, min(first + 3, int(starts[longest] + lengths[longest]))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_EXAMPLES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (RUNS, "What is in the store?", "select model, cell, units, steps, states from models", ()),
    (
        RUNS,
        "Which units are on over a few words?",
        """
from units_on({name}, {state}, {level}, {start}, {stop})
""",
        ("on_states",),
    ),
    (
        RUNS,
        "Where else are these units on together?",
        """
select *, passage({name}, start, stop) as words
from matches({name}, {state}, {level}, {units})
limit 50
""",
        ("on_states", "tokens"),
    ),
    (
        RUNS,
        "The same, ranked as on Select and match",
        """
from ranked_matches({name}, {state}, {level}, {units})
limit 50
""",
        ("on_states",),
    ),
    (
        RUNS,
        "In which words does a unit stay on longest?",
        """
from runs_of({name}, {state}, {level}, {unit})
limit 50
""",
        ("on_states", "tokens"),
    ),
    (
        RUNS,
        "How long are the runs of each unit?",
        """
select unit, count(*) as runs, avg(stop - start) as mean_length, max(stop - start) as longest
from on_states
where model = {name} and state = {state} and threshold = {level}
group by unit
order by mean_length desc
""",
        ("on_states",),
    ),
    (
        RESPONSES,
        "Which words go with a unit?",
        """
from words_of({name}, {state}, {level}, {unit})
limit 50
""",
        ("on_states", "tokens"),
    ),
    (
        RESPONSES,
        "Which words move a unit most?",
        """
from responses_of({name}, {state}, {unit})
where count >= 5
limit 30
""",
        ("expected_responses",),
    ),
    (
        RESPONSES,
        "Which words and units cluster together?",
        """
select kind, cluster, members, nearest
from members_of_clusters({name}, {state}, k := (
    select max(k) from co_clusters where model = {name} and state = {state}
))
""",
        ("co_clusters",),
    ),
    (
        NETWORK,
        "Which words are predicted worst?",
        """
select target as word, count(*) as n, avg(loss) as loss
from predictions
where model = {name} and rank = 1 and target is not null
group by target
having n >= 10
order by loss desc
limit 50
""",
        ("predictions",),
    ),
    (
        NETWORK,
        "How does the loss depend on a label?",
        """
select value as label, count(*) as n, avg(loss) as loss
from predictions
join annotations using (model, t)
where model = {name} and rank = 1 and track = {track}
group by value
order by loss desc
""",
        ("predictions", "annotations"),
    ),
    (
        NETWORK,
        "How soon is a word known that is being typed?",
        "from known_characters({name})",
        ("predictions", "annotations/known"),
    ),
    (
        MEMORY,
        "Which words are remembered longest?",
        """
from longest_remembered({name}, {state}, fraction := 0.1)
""",
        ("state_gradients",),
    ),
    (
        MEMORY,
        "How fast is each class forgotten?",
        """
select word_class, delay, mean_sigma_1
from state_gradients
where model = {name} and state = {state}
order by word_class, delay
""",
        ("state_gradients",),
    ),
    (
        TRAINING,
        "Which batches had the largest gradients?",
        """
from largest_gradients({name})
limit 20
""",
        ("gradient_horizons",),
    ),
    (
        TRAINING,
        "How far back did the gradient of that batch reach?",
        """
from by_lag({name}, (select max_by(step, maximum) from gradient_horizons where model = {name}), 1)
""",
        ("itemized_gradients",),
    ),
    (
        TRAINING,
        "How did the loss fall?",
        """
select step, loss, gradient_norm
from training
where model = {name}
order by step
""",
        ("training",),
    ),
)
