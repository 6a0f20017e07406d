"""The connectivity of a text: what a network predicts at every step, and on which inputs each prediction depends.

`text_connectivity` reads a typed text, or a span of a model's recording, and computes the connectivity of all pairs of
its steps. The numbers are those of `rnnstore.connectivity.norms`; here they are joined with the words they belong to.
Steps of a text are counted from 0.

Use it to see whether a prediction rests on the last few inputs or on one far back. Connectivity is a gradient: it says
how the score would answer to a small change of an input, not what the network would predict without that input, and it
vanishes where a gate is saturated. The occlusion check (`check=True`) takes each input away instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from rnnstore.connectivity.norms import LONGEST, Progress, Scale, connectivity, no_progress, occlusion, targets_of
from rnnstore.errors import QuestionError
from rnnstore.networks.interface import Network
from rnnstore.networks.opening import open_network
from rnnstore.networks.reading import Reading
from rnnstore.networks.tokenising import Tokens
from rnnstore.store.model import Model
from rnnstore.threads import one_thread

TARGETS = ("true", "predicted", "word")
SCALES = ("embedding", "one-hot", "times-input")
SUGGESTIONS = 5

LONGEST_WORD = 100
"""Characters read after a recorded span in search of the end of its last word."""

_SIGNS = {"␣": " ", "↵": "\n", "⇥": "\t"}


@dataclass(frozen=True)
class TextConnectivity:
    """A text of `n` steps as the network of `model` connects it.

    reading      the text as it was read
    begin, end   int[n] each: the characters of the text that a step stands for; equal for a word that was added. In a
                 recorded span the step itself
    targets      the output whose score each row is about, None where there is none
    instead      bool[n]: nothing followed there, so the row is about the predicted output instead of the true one
    rank, probability    int[n], float32[n]: where the target stands among all outputs; 0 and NaN where there is none
    values       float32[n, n]: connectivity by output step (row) and input step (column); zero after the output step,
                 NaN in rows without a target. Signed where `scale` is "times-input"
    fallen       float32[n, n]: the occlusion check, likewise: by how much the target's score falls without that input;
                 None where it was not asked for
    labels       the targets are the labels of a classifier
    completes    they are the words that the characters are part of
    first        the step of the recording at which a recorded span begins; None for typed text
    """

    model: str
    reading: Reading
    begin: np.ndarray
    end: np.ndarray
    targets: list[str | None]
    instead: np.ndarray
    rank: np.ndarray
    probability: np.ndarray
    values: np.ndarray
    scale: Scale
    fallen: np.ndarray | None
    labels: bool
    completes: bool
    first: int | None = None

    def __len__(self) -> int:
        return len(self.reading)

    def agreement(self) -> np.ndarray:
        """float[n]: rank correlation of each row's connectivity with the occlusion check, both by size, over the inputs
        up to the output step; NaN for fewer than five of them."""
        if self.fallen is None:
            raise QuestionError("The occlusion check was not asked for, so nothing can be compared with it.")
        found = np.full(len(self), np.nan)
        for row in range(4, len(self)):
            one, other = np.abs(self.values[row, : row + 1]), np.abs(self.fallen[row, : row + 1])
            if np.isfinite(one).all() and np.ptp(one) and np.ptp(other):
                found[row] = np.corrcoef(_ranks(one), _ranks(other))[0, 1]
        return found


def text_connectivity(
    model: Model,
    text: str | tuple[int, int],
    target: str = "true",
    scale: Scale = "embedding",
    *,
    word: str = "",
    check: bool = False,
    progress: Progress = no_progress,
) -> TextConnectivity:
    """How the network of `model` connects a text, or the steps (first, stop) of its recording.

    `target` says of which score: of what really follows ("true"; the predicted one where nothing does), of the most
    probable output ("predicted"), or of `word` ("word"). `scale` as in `rnnstore.connectivity.norms`; `check` adds the
    occlusion check. A classifier's outputs are its labels, and nothing follows in its texts. `progress` is called
    with the share done; an exception that it raises ends the computation.

    `MissingNetwork` when the model has no network, `QuestionError` for an empty or too long text, for a span
    outside of the recording, and for a word that is no output of the network.
    """
    reader = open_network(model, "scores", "gradients")
    reading, begin, end, first = _read_text(model, reader, text)
    if target == "word":
        if not word:
            raise QuestionError(f"Name the word whose score is asked about: one of {reader.name}'s outputs.")
        targets, instead = targets_of(reader, reading, _output_named(reader, word)), np.zeros(len(reading), bool)
    else:
        targets, predicted = (targets_of(reader, reading, which) for which in ("true", "predicted"))
        instead = (targets < 0) & (target == "true")
        targets = predicted if target == "predicted" else np.where(instead, predicted, targets)
    with one_thread():
        half = 0.5 if check else 1.0  # the check costs about as much as the gradients
        values = connectivity(reader, reading, targets, scale, lambda share: progress(half * share)).values
        fallen = occlusion(reader, reading, targets, lambda share: progress(0.5 + share / 2)) if check else None
        rank, probability = reader.standing(reading.states[reader.head], targets)
    return TextConnectivity(
        model=model.name,
        reading=reading,
        begin=begin,
        end=end,
        targets=[reader.outputs[number] if number >= 0 else None for number in targets.tolist()],
        instead=instead,
        rank=rank,
        probability=probability,
        values=values,
        scale=scale,
        fallen=fallen,
        labels=reader.classifier,
        completes=reader.completes,
        first=first,
    )


def pairs_table(texts: list[TextConnectivity]) -> pa.Table:
    """Every pair of an output step and an input step up to it: model, output_step, output_word (the last one read),
    target, input_step, input_word, connectivity, occlusion (null where it was not asked for)."""
    tables = []
    for each in texts:
        rows, columns = np.tril_indices(len(each))
        words = pa.array(each.reading.words, pa.string())
        fallen = None if each.fallen is None else each.fallen[rows, columns]
        tables.append(
            pa.table(
                {
                    "model": pa.array([each.model] * len(rows), pa.string()),
                    "output_step": pa.array(rows, pa.int32()),
                    "output_word": words.take(pa.array(rows)),
                    "target": pa.array(each.targets, pa.string()).take(pa.array(rows)),
                    "input_step": pa.array(columns, pa.int32()),
                    "input_word": words.take(pa.array(columns)),
                    "connectivity": pa.array(each.values[rows, columns], pa.float32()),
                    "occlusion": pa.nulls(len(rows), pa.float32()) if fallen is None else pa.array(fallen),
                }
            )
        )
    return pa.concat_tables(tables)


def suggestions_table(texts: list[TextConnectivity]) -> pa.Table:
    """What was suggested after every step: model, step, word (the last one read), rank, suggested, probability, target,
    target_rank, target_probability."""
    tables = []
    for each in texts:
        if (found := each.reading.predictions) is None:
            continue
        steps = pa.array(found["t"].to_numpy())
        tables.append(
            pa.table(
                {
                    "model": pa.array([each.model] * found.num_rows, pa.string()),
                    "step": steps.cast(pa.int32()),
                    "word": pa.array(each.reading.words, pa.string()).take(steps),
                    "rank": found["rank"],
                    "suggested": found["word"],
                    "probability": found["probability"],
                    "target": pa.array(each.targets, pa.string()).take(steps),
                    "target_rank": pa.array(each.rank, pa.int32()).take(steps),
                    "target_probability": pa.array(each.probability, pa.float32()).take(steps),
                }
            )
        )
    return pa.concat_tables(tables)


def _read_text(
    model: Model, reader: Network, text: str | tuple[int, int]
) -> tuple[Reading, np.ndarray, np.ndarray, int | None]:
    """(reading, begin, end, first) of a typed text or of a recorded span."""
    if isinstance(text, str):
        tokens, before, first = reader.tokenise(text), None, None
        _check_length(len(tokens))
        steps, (begin, end) = len(tokens), _character_spans(text, tokens)
    else:
        first, stop = text
        _check_length(stop - first)
        tokens, before = _recording(model, reader, first, stop)
        steps = stop - first
        begin = np.arange(steps)
        end = begin + 1
    reading = reader.read(tokens, limit=steps, predictions=SUGGESTIONS, before=before)
    if first is not None:
        corpus = model.card.recorded or model.card.corpus or model.name
        source = f"steps {first:,} to {first + steps - 1:,} of {corpus}"
        notes = list(tokens.notes)
        if before is None and not tokens.starts[0]:
            notes.append("Not all of its states are recorded, so it was read from a state of zero.")
        reading = replace(reading, source=source, notes=notes)
    return reading, begin, end, first


def _check_length(steps: int) -> None:
    if steps > LONGEST:
        raise QuestionError(
            f"The text has {steps:,} steps; connectivity is worked out for at most {LONGEST:,}, because its pairs grow "
            "with the square. Choose a part of it."
        )


def _recording(model: Model, reader: Network, first: int, stop: int) -> tuple[Tokens, dict[str, np.ndarray] | None]:
    """The recorded words of steps first..stop-1 and the one after, and the states before the first; None: zero."""
    if not 0 <= first < stop <= model.steps:
        raise QuestionError(f"Steps {first:,} to {stop - 1:,} are outside of {model.name}: it has {model.steps:,}.")
    ahead = LONGEST_WORD if reader.completes else 1  # the last character's word has to be seen whole
    rows = model.words(first, min(stop + ahead, model.steps))
    words, starts = rows["word"].to_pylist(), rows["position"].to_numpy() == 0
    number_of = {word: number for number, word in enumerate(reader.words)}
    ids = np.array([number_of.get(word, -1) for word in words], np.int32)
    tokens = Tokens(words=words, ids=ids, typed=list(words), unknown=ids < 0, starts=starts, notes=[])
    kept = all(name in model.states and model.states[name].units == reader.widths[name] for name in reader.states)
    if first == 0 or starts[0] or not kept:
        return tokens, None
    return tokens, {name: model.vectors(name, first - 1, first)[0].astype(np.float32) for name in reader.states}


def _character_spans(text: str, tokens: Tokens) -> tuple[np.ndarray, np.ndarray]:
    """int[n] each: first character and the one after the last of what was typed for every step."""
    begin, end = np.zeros(len(tokens), np.int64), np.zeros(len(tokens), np.int64)
    text, at = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), 0
    for step, typed in enumerate(tokens.typed):
        found = text.find(typed, at) if typed else at
        begin[step] = at if found < 0 else found
        at = end[step] = begin[step] + len(typed)
    return begin, end


def _output_named(reader: Network, word: str) -> str:
    """The output that a person names: blanks and line ends can be given as the signs that pages show them by."""
    if word in reader.outputs:
        return word
    written = "".join(_SIGNS.get(sign, sign) for sign in word)
    return written if written in reader.outputs else word


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, the mean of them where values are equal."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[places]
