"""The store's tables, described once.

Everything that needs a column's name, type or meaning reads it here: the writer its Arrow schemas, the SQL views
their comments, the documentation its pages. A table's columns here leave out `model`, which every view has and which
comes from the folder's name (`model=<name>`), and mark those that come from a folder's name below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

FORMAT = 1
"""Version of the layout; a model of a newer one is refused by name."""

ROWS_PER_GROUP = 16_384
"""Steps in one Parquet row group of `states`: the size at which both a unit over all steps and a window are quick."""

STEPS_PER_BLOCK = 1 << 20
"""Steps in one block (file) of a table; every analysis works block by block."""

QUANTILES = (0.09, 0.25, 0.50, 0.75, 0.91)
"""Quantiles kept of every word's responses, those of the RNNVis paper's box plots."""

DECADES = tuple(range(-10, 1))
"""Powers of ten between which the entries of a gradient are counted."""

WORD = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Column:
    """A column: its name, its Arrow type and one sentence about it."""

    name: str
    type: pa.DataType
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table: its name, what one row is, its columns.

    `folder` names the column that is a folder (`state=<state>`), or is empty; `wide` says that columns `u0`..`u{D-1}`
    follow, one for each unit.
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    folder: str = ""
    wide: bool = False

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of one file: the columns without the folder's."""
        return pa.schema([(c.name, c.type) for c in self.columns if c.name != self.folder])


STEP = Column("t", pa.int64(), "time step: position in the recorded corpus, from 0")
BATCH = Column("step", pa.int64(), "optimiser steps done before the batch")
STATE = Column("state", pa.string(), "which time series, for example layer1.c (cell) or layer2.h (hidden)")

TABLES = (
    Table(
        "tokens",
        "a time step",
        (
            STEP,
            Column("sequence", pa.int32(), "number of the sequence, from 0; states are reset where one starts"),
            Column("position", pa.int32(), "position inside its sequence, from 0"),
            Column("word_id", pa.int32(), "number of the word in the model's vocabulary"),
            Column("word", WORD, "the input read at this step: a word, a character or any symbol"),
        ),
    ),
    Table(
        "annotations",
        "the value of a track at a time step",
        (
            Column("track", pa.string(), "name of the track, for example pos or nesting"),
            STEP,
            Column("value", WORD, "the label; empty where the track says nothing, null in a track of numbers"),
            Column("number", pa.float64(), "the value of a track of numbers; null in a track of labels"),
        ),
        folder="track",
    ),
    Table(
        "predictions",
        "one of the most probable next words, or labels, after a time step",
        (
            STEP,
            Column("rank", pa.int16(), "1 is the most probable"),
            Column("word_id", pa.int32(), "number of the predicted word or, of a classifier, label"),
            Column("word", WORD, "the predicted word or label"),
            Column("probability", pa.float32(), "its probability, 0 to 1"),
            Column(
                "target",
                WORD,
                "the word that really came next, null after a sequence's end; of a classifier the label, there alone",
            ),
            Column("target_probability", pa.float32(), "probability that the model gave to the target"),
            Column("loss", pa.float32(), "cross entropy of the step in nats: -log(target_probability)"),
        ),
    ),
    Table(
        "states",
        "a time step of one state, a column a unit",
        (STATE, STEP),
        folder="state",
        wide=True,
    ),
    Table(
        "on_states",
        "a maximal run of steps in which a unit is on (its value reaches the threshold)",
        (
            STATE,
            Column("threshold", pa.float64(), "on means: stored value >= threshold"),
            Column("unit", pa.int32(), "number of the unit, from 0: column u<unit> of states"),
            Column("start", pa.int64(), "first step of the run"),
            Column("stop", pa.int64(), "step after the last one of the run (half-open)"),
        ),
        folder="state",
    ),
    Table(
        "expected_responses",
        "a word: how it moves each unit on average, h(t) - h(t-1) over the steps that read it",
        (
            STATE,
            Column("word_id", pa.int32(), "number of the word"),
            Column("word", WORD, "the word"),
            Column("count", pa.int64(), "steps that read the word"),
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
            ),
        ),
        folder="state",
    ),
    Table(
        "co_clusters",
        "a word or a unit in one clustering of a state's expected responses; written by `python -m rnnstore cluster`",
        (
            STATE,
            Column("method", pa.string(), "signed, mirrored or spectral"),
            Column("k", pa.int32(), "number of word clusters and of unit clusters"),
            Column("kind", pa.string(), "word or unit"),
            Column("id", pa.int32(), "number of the word or of the unit"),
            Column("cluster", pa.int32(), "its cluster, from 0; word clusters and unit clusters are numbered apart"),
            Column("weight", pa.float32(), "nearness to the cluster's centre, 1 nearest to 0 farthest"),
            Column("sign", pa.int16(), "-1 for a unit that is turned to fit its cluster, else 1"),
        ),
        folder="state",
    ),
    Table(
        "training",
        "a training step that was written down",
        (
            Column("step", pa.int64(), "optimiser steps done"),
            Column("epoch", pa.float64(), "passes over the training data done, with fraction"),
            Column(
                "loss",
                pa.float64(),
                "training cross entropy in nats a word, or a text of a classifier; mean since the last row",
            ),
            Column("validation_loss", pa.float64(), "the same on the validation split; null between epochs"),
            Column("learning_rate", pa.float64(), "learning rate of this step"),
            Column("gradient_norm", pa.float64(), "global norm of the gradient before clipping"),
            Column("tokens_per_second", pa.float64(), "training speed since the last row"),
        ),
    ),
    Table(
        "training_gradients",
        "the gradient of one weight at a training step that was written down",
        (
            Column("step", pa.int64(), "optimiser steps done"),
            Column("weight", pa.string(), "name of the weight, for example layer1.kernel"),
            Column("norm", pa.float64(), "Euclidean norm of its gradient before clipping"),
            Column("largest", pa.float64(), "largest absolute value in its gradient"),
            Column("weight_norm", pa.float64(), "Euclidean norm of the weight before the step"),
            Column(
                "shares",
                pa.list_(pa.float64()),
                f"share of the gradient's entries by size: below 1e{DECADES[0]}, then a decade each, last 1 and above",
            ),
        ),
    ),
    Table(
        "state_gradients",
        "the mean gradient of a state with respect to the word read `delay` steps before, for a class of words",
        (
            STATE,
            Column("word_class", pa.string(), "class of the words; `all words` is every one"),
            Column("delay", pa.int32(), "steps from the word to the state; 0 is the state right after reading it"),
            Column("count", pa.int64(), "pairs of a word and a state that the mean is over"),
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
            ),
            Column("mean_sigma_1", pa.float64(), "mean of the largest singular values of single words' gradients"),
            Column("mean_sigma_1_error", pa.float64(), "its standard error"),
            Column("sampled", pa.int64(), "words that this mean is over: an even sample of the class"),
            Column("mean_norm", pa.float64(), "mean of the Frobenius norms of all words' gradients"),
        ),
        folder="state",
    ),
    Table(
        "memory_of_properties",
        "how well a state remembers, `delay` steps on, what tells two classes of words apart",
        (
            STATE,
            Column("property", pa.string(), "name of the property, for example singular / plural"),
            Column("word_class", pa.string(), "class of the words whose mean gradient is compared"),
            Column("delay", pa.int32(), "steps from the word to the state"),
            Column("words_first", pa.int64(), "words of the first class"),
            Column("words_second", pa.int64(), "words of the second class"),
            Column("directions", pa.int32(), "right singular vectors that the cosine is with"),
            Column("cosine", pa.float64(), "cosine of the property with the span of these directions, 0 to 1"),
            Column("relative_memory", pa.float64(), "|G d| / sigma_1: 1 for the direction that is kept best"),
            *(
                Column(f"random_{name}{end}", pa.float64(), f"{what} of {said} for random directions")
                for name, said in (("cosine", "the cosine"), ("memory", "the relative memory"))
                for end, what in (("", "mean"), ("_low", "2.5 % quantile"), ("_high", "97.5 % quantile"))
            ),
        ),
        folder="state",
    ),
    Table(
        "gradient_horizons",
        "a layer of a recorded training batch: how far back its gradient reached",
        (
            BATCH,
            Column("layer", pa.int32(), "recurrent layer, from 1"),
            Column("loss", pa.float64(), "cross entropy of the batch in nats a step"),
            Column("maximum", pa.float64(), "largest magnitude of an itemized gradient"),
            Column("mean", pa.float64(), "mean magnitude over all pairs of steps"),
            Column(
                "half_life",
                pa.float64(),
                "first lag whose mean magnitude is under half of that at lag 0; null if none is",
            ),
            Column("horizon", pa.float64(), "the same for a hundredth"),
        ),
    ),
    Table(
        "itemized_gradients",
        "a pair of steps of a recorded training batch: the gradient of the loss at t through the weights' copy at j",
        (
            BATCH,
            Column("layer", pa.int32(), "recurrent layer, from 1"),
            Column("t", pa.int32(), "step of the loss, from 0 in the batch"),
            Column("j", pa.int32(), "step whose copy of the recurrent weights is meant, at most t"),
            Column("magnitude", pa.float32(), "Euclidean norm of this part of the gradient"),
            Column(
                "share",
                pa.float32(),
                "its signed share of the gradient through step j; sums over t to that gradient's norm",
            ),
        ),
    ),
    Table(
        "training_batches",
        "a step of a recorded training batch",
        (
            BATCH,
            Column("sequence", pa.int32(), "row of the batch, from 0"),
            Column("position", pa.int32(), "step in the batch, from 0"),
            Column("input", WORD, "the word read"),
            Column("label", WORD, "the word that came next; null where none was asked for"),
            Column("predicted", WORD, "the most probable word"),
            Column("probability", pa.float32(), "probability of the most probable word"),
            Column("label_probability", pa.float32(), "probability of the label"),
            Column("loss", pa.float32(), "cross entropy of the step in nats"),
        ),
    ),
)

BY_NAME = {table.name: table for table in TABLES}

MODELS = Table(
    "models",
    "a model in the store",
    (
        Column("model", pa.string(), "name of the model: its folder is model=<name>"),
        Column("description", pa.string(), "a sentence by whoever made it"),
        Column("task", pa.string(), "what it was trained for"),
        Column("cell", pa.string(), "kind of recurrent cell"),
        Column("layers", pa.int32(), "recurrent layers"),
        Column("units", pa.int32(), "units of the widest recorded layer"),
        Column("embedding", pa.int32(), "size of the input vectors"),
        Column("parameters", pa.int64(), "trained numbers"),
        Column("corpus", pa.string(), "what it was trained on and recorded over"),
        Column("level", pa.string(), "what a step reads: word or character"),
        Column("vocabulary", pa.int32(), "distinct words"),
        Column("steps", pa.int64(), "recorded time steps"),
        Column("states", pa.list_(pa.string()), "recorded states"),
        Column("tracks", pa.list_(pa.string()), "recorded annotation tracks"),
        Column(
            "metrics",
            pa.list_(pa.struct([("name", pa.string()), ("split", pa.string()), ("value", pa.float64())])),
            "results with the split that they were measured on",
        ),
        Column("settings", pa.string(), "the recipe, as JSON"),
        Column("notes", pa.list_(pa.string()), "what the recording left out, and why"),
        Column("format", pa.int32(), "version of the store's layout"),
        Column("created", pa.string(), "time of the first writing, UTC"),
    ),
)


def states_schema(units: int, dtype: str) -> pa.Schema:
    """Arrow schema of a `states` file: t and one column of `dtype` (float16 or float32) for each unit."""
    value = pa.float16() if dtype == "float16" else pa.float32()
    return pa.schema([("t", pa.int64()), *((f"u{u}", value) for u in range(units))])


def document() -> str:
    """The page about the tables, in Markdown, for `docs/tables.md`."""
    lines = [
        "# The store's tables",
        "",
        "Generated from `rnnstore/store/tables.py`. Every view has the column `model` besides those listed.",
    ]
    for table in (MODELS, *TABLES):
        lines += [
            "",
            f"## {table.name}",
            "",
            f"One row is {table.row}.",
            "",
            "| column | type | meaning |",
            "| --- | --- | --- |",
        ]
        for column in table.columns:
            if table is MODELS or column.name != "model":
                where = " (a folder's name)" if column.name == table.folder else ""
                lines.append(f"| `{column.name}` | {_plain(column.type)} | {column.meaning}{where} |")
        if table.wide:
            lines.append("| `u0` .. `u{D-1}` | half-precision (or float) | value of each of the D units |")
    return "\n".join(lines) + "\n"


def _plain(type_: pa.DataType) -> str:
    if pa.types.is_dictionary(type_) or pa.types.is_string(type_):
        return "text"
    if pa.types.is_list(type_):
        return f"list of {_plain(type_.value_type)}"
    if pa.types.is_struct(type_):
        return "record of " + ", ".join(field.name for field in type_)
    return {"double": "float64", "float": "float32"}.get(str(type_), str(type_))
