"""The store's tables, described once: one entry each, and a new table is one entry more.

Whoever deals with a table reads its entry: the writer its Arrow schema and lifetime, `check` its bounds, order and
repair, dropping whether a model can do without it, the SQL views their comments, the documentation its page. A table's
columns here leave out `model`, which every view has and which comes from the folder's name (`model=<name>`), and mark
those that come from a folder's name below it.
"""

from __future__ import annotations

import pyarrow as pa

from rnnstore.store.schema import ANY, Column, Lifetime, Repair, Table, View, described

FORMAT = 1
"""Version of the layout; a model of a newer one is refused by name."""

ROWS_PER_GROUP = 16_384
"""Steps in one Parquet row group of `states`: the size at which both a unit over all steps and a window are quick."""

STEPS_PER_BLOCK = 1 << 20
"""Steps in one block (file) of a table; every analysis works block by block."""

QUANTILES = (0.09, 0.25, 0.50, 0.75, 0.91)
"""Quantiles of every word's responses, those of the RNNVis paper's box plots."""

DECADES = tuple(range(-10, 1))
"""Powers of ten between which the entries of a gradient are counted."""

WORD = pa.dictionary(pa.int32(), pa.string())


VECTORS = "vectors"
"""Folder of the row-major copies of the states, apart from `states` so that this holds nothing but Parquet."""

INDEX = (0, 2**31)
COUNT = (1, 2**62)
PROBABILITY = (0, 1)
POSITIVE = (0, float("inf"))
COSINE = (0, 1 + 1e-6)

MEASURE_AGAIN = "Leave the table out: {drop}, then measure again: python -m rnnstore memory {model}."

STEP = Column("t", pa.int64(), "time step: position in the recorded corpus, from 0", (0, 2**62))
BATCH = Column("step", pa.int64(), "optimiser steps done before the batch", (0, 2**62))
STATE = Column("state", pa.string(), "which time series, for example layer1.c (cell) or layer2.h (hidden)")

_ENTRIES = (
    Table(
        "tokens",
        "a time step",
        (
            STEP,
            Column("sequence", pa.int32(), "number of the sequence, from 0; states are reset where one starts", INDEX),
            Column("position", pa.int32(), "position inside its sequence, from 0", INDEX),
            Column("word_id", pa.int32(), "number of the word in the model's vocabulary", INDEX),
            Column("word", WORD, "the input read at this step: a word, a character or any symbol"),
        ),
        order=("t",),
        lifetime=Lifetime.RECORDING,
        maker="the recording",
        droppable=False,
        repair=Repair.AGAIN,
        shown_by="rnnstore.Model.words",
    ),
    Table(
        "annotations",
        "the value of a track at a time step",
        (
            Column("track", pa.string(), "name of the track, for example pos or nesting"),
            STEP,
            Column("value", WORD, "the label; empty where the track says nothing, null in a track of numbers"),
            Column("number", pa.float64(), "the value of a track of numbers; null in a track of labels", ANY),
        ),
        order=("t",),
        lifetime=Lifetime.RECORDING,
        maker="the recording, where its caller gives annotations",
        droppable=True,
        repair=Repair.AGAIN_OR_DROP,
        shown_by="rnnstore.Model.annotations",
        folder="track",
    ),
    Table(
        "predictions",
        "one of the most probable next words, or labels, after a time step",
        (
            STEP,
            Column("rank", pa.int16(), "1 is the most probable", (1, 2**15 - 1)),
            Column("word_id", pa.int32(), "number of the predicted word or, of a classifier, label", (-1, 2**31)),
            Column("word", WORD, "the predicted word or label"),
            Column("probability", pa.float32(), "its probability, 0 to 1", PROBABILITY),
            Column(
                "target",
                WORD,
                "the word that really came next, null after a sequence's end; of a classifier the label, there alone",
            ),
            Column("target_probability", pa.float32(), "probability that the model gave to the target", PROBABILITY),
            Column("loss", pa.float32(), "cross entropy of the step in nats: -log(target_probability)", (-1e-4, 1e9)),
        ),
        order=("t", "rank"),
        lifetime=Lifetime.RECORDING,
        maker="the recording, where its caller gives predictions",
        droppable=True,
        repair=Repair.AGAIN_OR_DROP,
        shown_by="rnnstore.Model.predictions",
    ),
    Table(
        "states",
        "a time step of one state, a column a unit",
        (STATE, STEP),
        order=("t",),
        lifetime=Lifetime.RECORDING,
        maker="the recording",
        droppable=False,
        repair=Repair.AGAIN,
        shown_by="rnnstore.Model.unit_values",
        folder="state",
        wide=True,
    ),
    Table(
        "on_states",
        "a maximal run of steps in which a unit is on (its value reaches the threshold)",
        (
            STATE,
            Column("threshold", pa.float64(), "on means: stored value >= threshold", ANY),
            Column("unit", pa.int32(), "number of the unit, from 0: column u<unit> of states", INDEX),
            Column("start", pa.int64(), "first step of the run", (0, 2**62)),
            Column("stop", pa.int64(), "step after the last one of the run (half-open)", COUNT),
        ),
        order=(),
        lifetime=Lifetime.RECORDING,
        maker="the recording, at the thresholds that its caller names",
        droppable=True,
        repair=Repair.AGAIN_OR_DROP,
        shown_by="rnnstore.Model.on_states",
        folder="state",
    ),
    Table(
        "expected_responses",
        "a word: how it moves each unit on average, h(t) - h(t-1) over the steps that read it",
        (
            STATE,
            Column("word_id", pa.int32(), "number of the word", INDEX),
            Column("word", WORD, "the word"),
            Column("count", pa.int64(), "steps that read the word", COUNT),
            Column("response", pa.list_(pa.float32()), "mean response of each unit; h = 0 before a sequence"),
            Column(
                "standard_error",
                pa.list_(pa.float32()),
                "standard error of the mean for each unit; null for a word seen once",
            ),
            *(
                Column(
                    f"quantile_{round(100 * q):02d}",
                    pa.list_(pa.float32()),
                    f"{round(100 * q)} % quantile of the responses of each unit",
                )
                for q in QUANTILES
            ),
            Column(
                "quantile_count",
                pa.int64(),
                "responses that the quantiles were taken from: all of them, or an even sample of a frequent word",
                COUNT,
            ),
        ),
        order=("word_id",),
        lifetime=Lifetime.RECORDING,
        maker="the recording",
        droppable=True,
        repair=Repair.AGAIN_OR_DROP,
        shown_by="rnnstore.Model.expected_responses",
        folder="state",
    ),
    Table(
        "co_clusters",
        "a word or a unit in one clustering of a state's expected responses; written by `python -m rnnstore cluster`",
        (
            STATE,
            Column("method", pa.string(), "signed, mirrored or spectral"),
            Column("k", pa.int32(), "number of word clusters and of unit clusters", (1, 2**31)),
            Column("kind", pa.string(), "word or unit"),
            Column("id", pa.int32(), "number of the word or of the unit", INDEX),
            Column(
                "cluster", pa.int32(), "its cluster, from 0; word clusters and unit clusters are numbered apart", INDEX
            ),
            Column("weight", pa.float32(), "nearness to the cluster's centre, 1 nearest to 0 farthest", COSINE),
            Column("sign", pa.int16(), "-1 for a unit that is turned to fit its cluster, else 1", (-1, 1)),
        ),
        order=(),
        lifetime=Lifetime.DERIVED,
        maker="`python -m rnnstore cluster`",
        droppable=True,
        repair="Leave the table out: {drop}, then cluster again: python -m rnnstore cluster {model} {folder}.",
        shown_by="rnnstore.Model.table",
        folder="state",
    ),
    Table(
        "training",
        "a training step that was written down",
        (
            Column("step", pa.int64(), "optimiser steps done", (0, 2**62)),
            Column("epoch", pa.float64(), "passes over the training data done, with fraction", POSITIVE),
            Column(
                "loss",
                pa.float64(),
                "training cross entropy in nats a word, or a text of a classifier; mean since the last row",
                ANY,
            ),
            Column("validation_loss", pa.float64(), "the same on the validation split; null between epochs", ANY),
            Column("learning_rate", pa.float64(), "learning rate of this step", ANY),
            Column("gradient_norm", pa.float64(), "global norm of the gradient before clipping", ANY),
            Column("tokens_per_second", pa.float64(), "training speed since the last row", ANY),
        ),
        order=("step",),
        lifetime=Lifetime.TRAINING,
        maker="the training",
        droppable=True,
        repair=Repair.DROP,
        shown_by="rnnstore.training.training_curves",
    ),
    Table(
        "training_gradients",
        "the gradient of one weight at a training step that was written down",
        (
            Column("step", pa.int64(), "optimiser steps done", (0, 2**62)),
            Column("weight", pa.string(), "name of the weight, for example layer1.kernel"),
            Column("norm", pa.float64(), "Euclidean norm of its gradient before clipping", ANY),
            Column("largest", pa.float64(), "largest absolute value in its gradient", ANY),
            Column("weight_norm", pa.float64(), "Euclidean norm of the weight before the step", ANY),
            Column(
                "shares",
                pa.list_(pa.float64()),
                f"share of the gradient's entries by size: below 1e{DECADES[0]}, then a decade each, last 1 and above",
            ),
        ),
        order=("step",),
        lifetime=Lifetime.TRAINING,
        maker="the training",
        droppable=True,
        repair=Repair.DROP,
        shown_by="rnnstore.training.weight_gradients",
    ),
    Table(
        "state_gradients",
        "the mean gradient of a state with respect to the word read `delay` steps before, for a class of words",
        (
            STATE,
            Column("word_class", pa.string(), "class of the words; `all words` is every one"),
            Column(
                "delay", pa.int32(), "steps from the word to the state; 0 is the state right after reading it", INDEX
            ),
            Column("count", pa.int64(), "pairs of a word and a state that the mean is over", COUNT),
            Column(
                "matrix",
                pa.list_(pa.float32()),
                "the mean, row-major: a row a unit, a column a dimension of the embedding",
            ),
            Column("singular_values", pa.list_(pa.float32()), "singular values of the mean, largest first"),
            Column(
                "sigma_1_error",
                pa.float64(),
                "standard error of the first (jackknife over parts of the text); all words only",
                ANY,
            ),
            Column("mean_sigma_1", pa.float64(), "mean of the largest singular values of single words' gradients", ANY),
            Column("mean_sigma_1_error", pa.float64(), "its standard error", ANY),
            Column("sampled", pa.int64(), "words that this mean is over: an even sample of the class", ANY),
            Column("mean_norm", pa.float64(), "mean of the Frobenius norms of all words' gradients", POSITIVE),
        ),
        order=(),
        lifetime=Lifetime.DERIVED,
        maker="`python -m rnnstore memory`",
        droppable=True,
        repair=MEASURE_AGAIN,
        shown_by="rnnstore.Model.state_gradients",
        folder="state",
    ),
    Table(
        "memory_of_properties",
        "how well a state remembers, `delay` steps on, what tells two classes of words apart",
        (
            STATE,
            Column("property", pa.string(), "name of the property, for example singular / plural"),
            Column("word_class", pa.string(), "class of the words whose mean gradient is compared"),
            Column("delay", pa.int32(), "steps from the word to the state", INDEX),
            Column("words_first", pa.int64(), "words of the first class", ANY),
            Column("words_second", pa.int64(), "words of the second class", ANY),
            Column("directions", pa.int32(), "right singular vectors that the cosine is with", ANY),
            Column("cosine", pa.float64(), "cosine of the property with the span of these directions, 0 to 1", COSINE),
            Column("relative_memory", pa.float64(), "|G d| / sigma_1: 1 for the direction that is kept best", POSITIVE),
            *(
                Column(f"random_{name}{end}", pa.float64(), f"{what} of {of} for random directions", ANY)
                for name, of in (("cosine", "the cosine"), ("memory", "the relative memory"))
                for end, what in (("", "mean"), ("_low", "2.5 % quantile"), ("_high", "97.5 % quantile"))
            ),
        ),
        order=(),
        lifetime=Lifetime.DERIVED,
        maker="`python -m rnnstore memory`",
        droppable=True,
        repair=MEASURE_AGAIN,
        shown_by="rnnstore.Model.table",
        folder="state",
    ),
    Table(
        "gradient_horizons",
        "a layer of a recorded training batch: how far back its gradient reached",
        (
            BATCH,
            Column("layer", pa.int32(), "recurrent layer, from 1", (1, 100)),
            Column("loss", pa.float64(), "cross entropy of the batch in nats a step", ANY),
            Column("maximum", pa.float64(), "largest magnitude of an itemized gradient", ANY),
            Column("mean", pa.float64(), "mean magnitude over all pairs of steps", ANY),
            Column(
                "half_life",
                pa.float64(),
                "first lag whose mean magnitude is under half of that at lag 0; null if none is",
                ANY,
            ),
            Column("horizon", pa.float64(), "the same for a hundredth", ANY),
        ),
        order=("step",),
        lifetime=Lifetime.BATCHES,
        maker="a training whose recipe has `itemize`",
        droppable=True,
        repair=Repair.DROP,
        shown_by="rnnstore.Model.table",
    ),
    Table(
        "itemized_gradients",
        "a pair of steps of a recorded training batch: the gradient of the loss at t through the weights' copy at j",
        (
            BATCH,
            Column("layer", pa.int32(), "recurrent layer, from 1", (1, 100)),
            Column("t", pa.int32(), "step of the loss, from 0 in the batch", INDEX),
            Column("j", pa.int32(), "step whose copy of the recurrent weights is meant, at most t", INDEX),
            Column("magnitude", pa.float32(), "Euclidean norm of this part of the gradient", POSITIVE),
            Column(
                "share",
                pa.float32(),
                "its signed share of the gradient through step j; sums over t to that gradient's norm",
                ANY,
            ),
        ),
        order=("step",),
        lifetime=Lifetime.BATCHES,
        maker="a training whose recipe has `itemize`",
        droppable=True,
        repair=Repair.DROP,
        shown_by="rnnstore.Model.table",
    ),
    Table(
        "training_batches",
        "a step of a recorded training batch",
        (
            BATCH,
            Column("sequence", pa.int32(), "row of the batch, from 0", INDEX),
            Column("position", pa.int32(), "step in the batch, from 0", INDEX),
            Column("input", WORD, "the word read"),
            Column("label", WORD, "the word that came next; null where none was asked for"),
            Column("predicted", WORD, "the most probable word"),
            Column("probability", pa.float32(), "probability of the most probable word", PROBABILITY),
            Column("label_probability", pa.float32(), "probability of the label", PROBABILITY),
            Column("loss", pa.float32(), "cross entropy of the step in nats", ANY),
        ),
        order=("step",),
        lifetime=Lifetime.BATCHES,
        maker="a training whose recipe has `itemize`",
        droppable=True,
        repair=Repair.DROP,
        shown_by="rnnstore.Model.table",
    ),
)

TABLES = {table.name: table for table in _ENTRIES}

MODELS = View(
    "models",
    "a model in the store",
    (
        Column("model", pa.string(), "name of the model: its folder is model=<name>"),
        Column("description", pa.string(), "a sentence by whoever made it"),
        Column("task", pa.string(), "what it was trained for"),
        Column("cell", pa.string(), "kind of recurrent cell"),
        Column("layers", pa.int32(), "recurrent layers", INDEX),
        Column("units", pa.int32(), "units of the widest recorded layer", INDEX),
        Column("embedding", pa.int32(), "size of the input vectors", INDEX),
        Column("parameters", pa.int64(), "trained numbers", (0, 2**63)),
        Column("corpus", pa.string(), "what it was trained on and recorded over"),
        Column("level", pa.string(), "what a step reads: word or character"),
        Column("vocabulary", pa.int32(), "distinct words", INDEX),
        Column("steps", pa.int64(), "recorded time steps", (0, 2**62)),
        Column("states", pa.list_(pa.string()), "recorded states"),
        Column("tracks", pa.list_(pa.string()), "recorded annotation tracks"),
        Column(
            "metrics",
            pa.list_(pa.struct([("name", pa.string()), ("split", pa.string()), ("value", pa.float64())])),
            "results with the split that they were measured on",
        ),
        Column("settings", pa.string(), "the recipe, as JSON"),
        Column("notes", pa.list_(pa.string()), "what the recording left out, and why"),
        Column("format", pa.int32(), "version of the store's layout", INDEX),
        Column("created", pa.string(), "time of the first writing, UTC"),
    ),
)


def states_schema(units: int, dtype: str) -> pa.Schema:
    """Arrow schema of a `states` file: t and one column of `dtype` (float16 or float32) for each unit."""
    value = pa.float16() if dtype == "float16" else pa.float32()
    return pa.schema([("t", pa.int64()), *((f"u{u}", value) for u in range(units))])


def schema_of(table: str, state: tuple[int, str] | None = None) -> pa.Schema:
    """Arrow schema of a file of a table; of `states`, for the (units, dtype) of a state."""
    return states_schema(*state) if TABLES[table].wide and state else TABLES[table].schema


def named(*lifetimes: Lifetime) -> tuple[str, ...]:
    """The names of the tables with one of these lifetimes."""
    return tuple(name for name, table in TABLES.items() if table.lifetime in lifetimes)


def of_key(key: str) -> Table | None:
    """The table of a card's key (`annotations/pos`); None where there is no such table."""
    return TABLES.get(key.partition("/")[0])


def folders() -> tuple[str, ...]:
    """The folders of a model that hold the files of its tables."""
    return (*TABLES, VECTORS)


def document() -> str:
    """The page about the tables, in Markdown, for `docs/tables.md`."""
    return described([MODELS, *TABLES.values()])
