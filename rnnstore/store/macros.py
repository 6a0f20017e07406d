"""Table macros: the questions of the papers as functions of SQL, so that a person types neither joins nor file names.

They stand here once and are made wherever the views are: in `Store.sql` and on the command line, in the process that
answers untrusted users, and in the script for DuckDB's own shell. A macro is text that DuckDB puts in the place of its
call. Arguments therefore hide behind qualified columns inside (`r.state = state`: the column, then the argument), and a
macro that is used as a value renames its columns, so that what it is given means the query around it.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass


@dataclass(frozen=True)
class Macro:
    """A macro: its name, its arguments as they are declared, what it answers, its columns and its SELECT.

    `columns` are (name, meaning); without any the macro is a value and is used where a value is.
    """

    name: str
    arguments: tuple[str, ...]
    meaning: str
    columns: tuple[tuple[str, str], ...]
    body: str
    example: str

    @property
    def call(self) -> str:
        """How it is written: `words_of(model, state, threshold, unit)`."""
        return f"{self.name}({', '.join(self.arguments)})"

    @property
    def creation(self) -> str:
        """The statement that makes it."""
        body = inspect.cleandoc(self.body)
        return f"create or replace macro {self.call} as {f'table {body}' if self.columns else f'({body})'}"

    @property
    def comment(self) -> str:
        """The statement that keeps its meaning beside it, where `duckdb_functions()` shows it."""
        text = self.meaning.replace("'", "''")
        return f"comment on macro {'table ' if self.columns else ''}{self.name} is '{text}'"


PLANNING = {"asof_loop_join_threshold": 0}
"""Settings of DuckDB for these macros: what they pass on is of a size that it cannot know and takes for tiny, and it
would then compare every row with every other one."""

_RUN = (
    ("start", "first step"),
    ("stop", "step after the last (half-open)"),
    ("length", "steps"),
)

MACROS = (
    Macro(
        "units_on",
        ("model", "state", "threshold", "start", "stop"),
        "units that are on at every step from start to stop - 1: what a selection selects",
        (("unit", "number of the unit"), ("on_from", "first step of its run"), ("on_until", "step after its last")),
        """
        select r.unit, r.start as on_from, r.stop as on_until
        from on_states as r
        where r.model = model and r.state = state and r.threshold = threshold
          and r.start <= start and r.stop >= stop
        order by r.unit
        """,
        "from units_on({model}, {state}, {threshold}, 100, 103)",
    ),
    Macro(
        "runs_of",
        ("model", "state", "threshold", "unit"),
        "runs of steps in which a unit is on, the longest first, with their words (the first twenty)",
        (*_RUN, ("words", "the words read in it")),
        """
        with runs as materialized (
            select r.start, r.stop
            from on_states as r
            where r.model = model and r.state = state and r.threshold = threshold and r.unit = unit
        ),
        steps as (select start, stop, unnest(range(start, least(stop, start + 20))) as t from runs)
        select s.start, s.stop, s.stop - s.start as length, string_agg(k.word, ' ' order by k.t) as words
        from steps as s
        join tokens as k on k.model = model and k.t = s.t
        group by s.start, s.stop
        order by length desc, s.start
        """,
        "from runs_of({model}, {state}, {threshold}, {unit}) limit 20",
    ),
    Macro(
        "matches",
        ("model", "state", "threshold", "units", "at_least := null"),
        "ranges of steps over which at_least of the units (all, if not given) are on throughout, and that cannot grow "
        "without losing one: the matches of a selection, by overlap",
        (*_RUN, ("overlap", "how many of the units are on throughout")),
        """
        with chosen as materialized (
            select r.unit, r.start, r.stop
            from on_states as r
            where r.model = model and r.state = state and r.threshold = threshold
              and r.unit in (select unnest(units)) and r.unit between list_min(units) and list_max(units)
        ),
        starts as (select distinct c.start as first, u.unit from chosen as c, (select unnest(units) as unit) as u),
        held as (  -- at each step where a run starts, the runs that hold it: of each unit the last to start until then
            select s.first, r.start, r.stop
            from starts as s
            asof join chosen as r on r.unit = s.unit and s.first >= r.start
            where r.stop > s.first
        ),
        ranges as (  -- to each end among them, how many last until then, and which of them started last
            select first, stop, count(*) over lasting as overlap, max(start) over lasting as latest
            from held
            window lasting as (
                partition by first order by stop desc range between unbounded preceding and current row
            )
        )
        select distinct g.first as start, g.stop, g.stop - g.first as length, g.overlap
        from ranges as g
        where g.latest = g.first and g.overlap >= coalesce(at_least, len(units))
        order by g.overlap desc, length desc, start
        """,
        "from matches({model}, {state}, {threshold}, {units}) limit 50",
    ),
    Macro(
        "ranked_matches",
        ("model", "state", "threshold", "units", "at_least := null"),
        "the same with the union (selected units, and others that are on throughout as well), ranked as on the page "
        "Select and match: overlap falling, union rising, length falling",
        (
            *_RUN,
            ("overlap", "how many of the units are on throughout"),
            ("union", "units that are selected, on throughout, or both"),
        ),
        """
        with found as materialized (
            select (row_number() over ())::int as number, m.start::int as start, m.stop::int as stop, m.overlap
            from matches(model, state, threshold, units, at_least := at_least) as m
        ),
        runs as (  -- narrow, since all of them are put in order
            select r.unit::int as unit, r.start::int as start, r.stop::int as stop
            from on_states as r
            where r.model = model and r.state = state and r.threshold = threshold
              and r.stop - r.start >= (select min(f.stop - f.start) from found as f)
        ),
        anyone as (
            select distinct r.unit::int as unit
            from on_states as r
            where r.model = model and r.state = state and r.threshold = threshold
        ),
        places as (select f.number, f.start, f.stop, a.unit from found as f, anyone as a),
        throughout as (
            select p.number, count(*) as units_on
            from places as p
            asof join runs as r on r.unit = p.unit and p.start >= r.start
            where r.stop >= p.stop
            group by p.number
        )
        select
            f.start, f.stop, f.stop - f.start as length, f.overlap, len(units) + o.units_on - f.overlap as "union"
        from throughout as o
        join found as f on f.number = o.number
        order by f.overlap desc, "union", length desc, f.start
        """,
        "from ranked_matches({model}, {state}, {threshold}, {units}) limit 50",
    ),
    Macro(
        "words_of",
        ("model", "state", "threshold", "unit"),
        "words during which a unit is on, most often first",
        (
            ("word", "the word"),
            ("steps_on", "steps that read the word with the unit on"),
            ("steps", "steps that read the word"),
            ("share", "steps_on / steps"),
            ("lift", "how many times more often than over all words"),
        ),
        """
        with steps_on as materialized (
            select unnest(range(r.start, r.stop)) as t
            from on_states as r
            where r.model = model and r.state = state and r.threshold = threshold and r.unit = unit
        ),
        counted as (
            select k.word, count(s.t) as steps_on, count(*) as steps
            from tokens as k
            left join steps_on as s on s.t = k.t
            where k.model = model
            group by k.word
        )
        select
            c.word, c.steps_on, c.steps, c.steps_on / c.steps as share,
            c.steps_on / c.steps / nullif(sum(c.steps_on) over () / sum(c.steps) over (), 0) as lift
        from counted as c
        order by c.steps_on desc, c.steps, c.word
        """,
        "from words_of({model}, {state}, {threshold}, {unit}) limit 30",
    ),
    Macro(
        "responses_of",
        ("model", "state", "unit"),
        "words by their expected response of a unit: how they move it on average, the largest movement first",
        (
            ("word", "the word"),
            ("count", "steps that read it"),
            ("response", "mean of h(t) - h(t-1)"),
            ("standard_error", "standard error of that mean; null for a word read once"),
        ),
        """
        select e.word, e.count, e.response[unit + 1] as response, e.standard_error[unit + 1] as standard_error
        from expected_responses as e
        where e.model = model and e.state = state
        order by abs(e.response[unit + 1]) desc, e.word
        """,
        "from responses_of({model}, {state}, {unit}) where count >= 5 limit 30",
    ),
    Macro(
        "members_of_clusters",
        ("model", "state", "k", "method := 'signed'"),
        "words and units of each cluster of a saved clustering (`python -m rnnstore cluster`)",
        (
            ("kind", "word or unit"),
            ("cluster", "number of the cluster"),
            ("members", "how many are in it"),
            ("nearest", "those nearest to its centre, twenty at most"),
        ),
        """
        with members as (
            select c.kind, c.cluster, c.weight, coalesce(e.word, c.id::varchar) as name
            from co_clusters as c
            left join expected_responses as e
              on c.kind = 'word' and e.model = c.model and e.state = c.state and e.word_id = c.id
            where c.model = model and c.state = state and c.k = k and c.method = method
        )
        select m.kind, m.cluster, count(*) as members, list(m.name order by m.weight desc)[:20] as nearest
        from members as m
        group by m.kind, m.cluster
        order by m.kind, m.cluster
        """,
        "from members_of_clusters({model}, {state}, 10)",
    ),
    Macro(
        "longest_remembered",
        ("model", "state", "fraction := 0.5"),
        "classes of words by how long a state remembers them: the delays up to which the mean largest singular value "
        "of their gradients stays at least a fraction of its value at delay 0",
        (
            ("word_class", "class of the words; a class can be one word"),
            ("count", "words followed"),
            ("remembered", "last delay before it falls below the fraction; the longest measured one if it never does"),
            ("measured", "longest delay that was measured"),
            ("at_once", "mean largest singular value at delay 0"),
        ),
        """
        with curve as (
            select
                g.word_class, g.delay, g.count, g.mean_sigma_1,
                first_value(g.mean_sigma_1) over (partition by g.word_class order by g.delay) as at_once
            from state_gradients as g
            where g.model = model and g.state = state
        )
        select
            c.word_class,
            max(c.count) as count,
            coalesce(min(c.delay) filter (where c.mean_sigma_1 < fraction * c.at_once) - 1, max(c.delay)) as remembered,
            max(c.delay) as measured,
            any_value(c.at_once) as at_once
        from curve as c
        group by c.word_class
        order by remembered desc, c.word_class
        """,
        "from longest_remembered({model}, {state}, fraction := 0.1)",
    ),
    Macro(
        "known_characters",
        ("model",),
        "accuracy of a network that completes words, by how many characters of the word are known",
        (
            ("known", "characters of the word that are known, 0 at the space before it"),
            ("steps", "steps whose word is an output of the network"),
            ("accuracy_1", "share at which the first suggestion is right"),
            ("accuracy_3", "share at which one of the first three is"),
        ),
        """
        select
            a.number::int as known,
            count(*) filter (where p.rank = 1) as steps,
            count(*) filter (where p.rank = 1 and p.word = p.target) / steps as accuracy_1,
            count(*) filter (where p.rank <= 3 and p.word = p.target) / steps as accuracy_3
        from predictions as p
        join annotations as a on a.model = p.model and a.track = 'known' and a.t = p.t
        where p.model = model and not isnan(p.loss) and a.number <= 20
        group by all
        order by known
        """,
        "from known_characters({model})",
    ),
    Macro(
        "largest_gradients",
        ("model",),
        "recorded training batches by their largest itemized gradient, with what they read (the first forty words)",
        (
            ("step", "optimiser steps done before the batch"),
            ("layer", "recurrent layer"),
            ("largest", "largest magnitude of a part of the gradient"),
            ("half_life", "first lag whose mean magnitude is under half of that at lag 0"),
            ("loss", "cross entropy of the batch in nats a step"),
            ("reads", "the first words of its first row"),
        ),
        """
        with texts as (
            select b.step, string_agg(b.input, ' ' order by b.position) as reads
            from training_batches as b
            where b.model = model and b.sequence = 0 and b.position < 40
            group by b.step
        )
        select g.step, g.layer, g.maximum as largest, g.half_life, g.loss, x.reads
        from gradient_horizons as g
        left join texts as x on x.step = g.step
        where g.model = model
        order by largest desc, g.step
        """,
        "from largest_gradients({model}) limit 20",
    ),
    Macro(
        "by_lag",
        ("model", "step", "layer"),
        "how far back the gradient of a recorded training batch reached: mean magnitude by lag t - j",
        (
            ("lag", "steps between a loss and the copy of the weights, t - j"),
            ("pairs", "pairs of steps that far apart"),
            ("magnitude", "mean magnitude of their part of the gradient"),
        ),
        """
        select i.t - i.j as lag, count(*) as pairs, avg(i.magnitude) as magnitude
        from itemized_gradients as i
        where i.model = model and i.step = step and i.layer = layer
        group by lag
        order by lag
        """,
        "from by_lag({model}, {batch}, 1)",
    ),
    Macro(
        "passage",
        ("of_model", "first", "until"),
        "the words of steps first to until - 1 as one text; a value, for use beside other columns",
        (),
        """
        select string_agg(passage_word, ' ' order by passage_t)
        from (select unnest(range(first, until)) as passage_step)
        join (select k.model as passage_model, k.t as passage_t, k.word as passage_word from tokens as k)
          on passage_t = passage_step and passage_model = of_model
        """,
        "select start, passage({model}, start, stop) as words from matches({model}, {state}, {threshold}, {units}) "
        "limit 20",
    ),
)
