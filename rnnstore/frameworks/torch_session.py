"""PyTorch: from a batch to the steps that are recorded.

A batch goes once through the module as it is. Its recurrent layers are worked out from what hooks took, its words,
annotations and predictions stand beside them, and what is padding is left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from rnnstore.errors import StoreError
from rnnstore.frameworks import torch_hooks, torch_outputs
from rnnstore.frameworks.batches import BatchReader, Part, Parts, Signature, as_array, described
from rnnstore.frameworks.choosing import choose
from rnnstore.frameworks.chunks import Chunk
from rnnstore.frameworks.results import Recorded
from rnnstore.frameworks.steps import Steps, is_batch_first, recorded_steps
from rnnstore.frameworks.torch_layers import Found, find, unwrapped, widths
from rnnstore.frameworks.torch_network import ROWS, FirstBatch
from rnnstore.frameworks.torch_states import BatchStates, states_of
from rnnstore.frameworks.words import Input, check_ids, input_of, tracks_of
from rnnstore.store.chunks import Predictions

Outputs = Literal["auto", "words", "labels"] | Sequence[str] | None


@dataclass(frozen=True)
class Options:
    """What a caller says of the batches; see `rnnstore.pytorch.record`."""

    vocabulary: list[str] | None
    states: Any
    inputs: Any
    targets: Any
    lengths: Part
    mask: Part
    outputs: Outputs
    annotations: Any
    stateful: bool
    batch_first: bool | None
    steps: int | None
    top: int
    network: bool
    tokenisation: Any


class Session:
    """One recording of one module: what it knows of the batches so far, and what it makes of the next."""

    def __init__(self, model: Any, options: Options) -> None:
        self.module, self.options = unwrapped(model), options
        functions = options.states if isinstance(options.states, Mapping) else {}
        self.functions: Mapping[str, Callable[..., Any]] = functions
        try:
            self.found = find(self.module)
        except StoreError:
            if not functions:
                raise
            self.found = []
        known = widths(self.found)
        self.names = choose(known, None if functions else options.states)
        self.widths = {name: known[name] for name in self.names}
        self.everything = self.found
        self.found = [each for each in self.found if any(name in self.widths for name in widths([each]))]
        self.calls = torch_hooks.Calls(self.found)
        self.device, self.dtype = torch_hooks.device_and_type(self.module)
        self.padding = _padding(self.module)
        self.outputs = self._output_names()
        self.reader = BatchReader(
            _signature(self.module),
            inputs=options.inputs,
            targets=options.targets,
            lengths=options.lengths,
            mask=options.mask,
            state_is_ours=options.stateful,
            outputs=len(self.outputs) if self.outputs else None,
        )
        self.state: Any = None  # that goes on to the next window
        self.last: dict[str, np.ndarray] = {}  # states after the window before, of each stream
        self.positions: np.ndarray | None = None  # of each stream, where its words are numbers
        self.batch_first: bool | None = options.batch_first
        self.batches = 0
        self.steps = 0
        self.results = Recorded()
        self.predicts: str | None = None  # words or labels, once that is seen
        self.first: FirstBatch | None = None

    def _output_names(self) -> list[str] | None:
        given = self.options.outputs
        if given is None or given in ("auto", "words"):
            return None if given is None else self.options.vocabulary
        return None if given == "labels" else [str(label) for label in given]

    def labels(self) -> list[str] | None:
        """What is predicted, where it is not the words; known once a batch was read."""
        return self.outputs if self.predicts == "labels" else None

    def chunk(self, batch: Any, following: Any) -> Chunk | None:
        """The recorded steps of a batch; None where all of it is padding. `following` is the next batch or None."""
        parts = self._read(batch)
        layouts, output = self._run(parts)
        given = input_of(parts.input, self.options.vocabulary)
        steps = self._steps(given, parts, layouts)
        if not len(steps):
            return None
        rows = {each.path: steps.rows(states.layout, states.order) for each, states in layouts.items()}
        series = {
            name: states.series[name][rows[each.path]]
            for each, states in layouts.items()
            for name in states.series
            if name in self.widths
        }
        series |= {name: self._of_function(name, batch, output, steps) for name in self.functions}
        ids = None if given.ids is None else steps.of(_two_axes(given.ids))
        if ids is not None and self.options.vocabulary is not None:
            check_ids(ids, self.options.vocabulary)
        starts = self._starts(steps, layouts)
        annotations = self._annotations(batch, steps)
        if given.values is not None:
            annotations = tracks_of(steps.of(_two_axes(given.values, 3))) | annotations
        predictions, scores = self._predictions(parts, output, steps, ids, following)
        if self.first is None:
            some = scores and _some(scores)
            self.first = FirstBatch(
                self.calls, parts.args, parts.kwargs, next(iter(parts.args), None), ids, steps, layouts, some
            )
        chunk = Chunk(
            ids if ids is not None else self._labels(steps, starts),
            starts,
            series,
            annotations,
            predictions,
            steps.sequence,
        )
        self.results.take(chunk)
        self.batches += 1
        self.steps += len(chunk)
        return chunk

    # From a batch to what the module did

    def _read(self, batch: Any) -> Parts:
        parts = self.reader.read(batch)
        parts.args = [self._placed(value, parts) for value in parts.args]
        parts.kwargs = {name: self._placed(value, parts) for name, value in parts.kwargs.items()}
        name = self.reader.signature.state
        if self.options.stateful and name is not None and name not in parts.kwargs:
            if self.state is None and self.reader.signature.names.index(name) < self.reader.signature.required:
                self.state = self._first_state(name, parts)
            if self.state is not None:
                parts.kwargs[name] = self.state
        if isinstance(parts.input, PackedSequence):
            values, lengths = pad_packed_sequence(parts.input, batch_first=True)
            parts.input, parts.lengths, self.batch_first = values, lengths, True
        return parts

    def _placed(self, value: Any, parts: Parts) -> Any:
        """A part of a batch where the module's numbers are, floats in its precision; lengths stay with the
        processor."""
        if isinstance(value, np.ndarray):
            value = torch.as_tensor(value)
        if value is parts.lengths:
            return value
        if isinstance(value, torch.Tensor | PackedSequence):
            data = value.data if isinstance(value, PackedSequence) else value
            return value.to(self.device, self.dtype) if data.is_floating_point() else value.to(self.device)
        return value

    def _first_state(self, name: str, parts: Parts) -> Any:
        """The state that the module makes for a number of streams, where it has the usual function for that."""
        make = next(
            (
                getattr(self.module, n)
                for n in ("init_hidden", "init_state", "initial_state")
                if hasattr(self.module, n)
            ),
            None,
        )
        if make is None:
            return None
        shape = [int(size) for size in parts.input.shape[:2]]
        for sequences in dict.fromkeys([shape[1] if self.batch_first is False else shape[0], *shape[::-1]]):
            state = make(sequences)
            try:
                with torch.no_grad():
                    self.module(*parts.args, **parts.kwargs, **{name: state})
            except Exception:  # of the user's module: so many streams are not what it expects
                continue
            finally:
                self.calls.clear()
            return state
        return None

    def _run(self, parts: Parts) -> tuple[dict[Found, BatchStates], Any]:
        self.calls.clear()
        try:
            output = self.module(*parts.args, **parts.kwargs)
        except StoreError:
            raise
        except Exception as error:
            self._explain(parts, error)
        if self.options.stateful and self.reader.signature.state is not None:
            self.state = torch_outputs.state_in(output)
        layouts = {each: states_of(each, taken) for each in self.found if (taken := self.calls.by_path.get(each.path))}
        silent = [each.path or "itself" for each in self.found if each not in layouts]
        if silent:
            raise StoreError(
                f"{', '.join(silent)} did not run for batch {self.batches + 1:,}: the module goes around its hooks "
                "there, or does not use it. Leave it out by states=."
            )
        return layouts, output

    def _explain(self, parts: Parts, error: Exception) -> None:
        """Raise the sentence for an error of the user's module."""
        words = self.options.vocabulary
        given = input_of(parts.input, words)
        if words is not None and given.ids is not None:
            check_ids(given.ids, words)
        raise StoreError(
            f"The module stopped at batch {self.batches + 1:,} with {type(error).__name__}: {error} It was called with "
            f"{', '.join(described(arg) for arg in parts.args) or 'nothing'}"
            f"{''.join(f', {name}={described(arg)}' for name, arg in parts.kwargs.items())}; if that is not what it "
            "reads, say which parts of a batch are, by inputs=. Nothing was recorded."
        ) from error

    def _steps(self, given: Input, parts: Parts, layouts: Mapping[Found, BatchStates]) -> Steps:
        array = given.ids if given.ids is not None else given.values
        assert array is not None
        packed_lengths = None
        if not layouts and self.batch_first is None:
            raise StoreError("Say whether sequences or steps come first in a batch: batch_first=True or False.")
        for number, (each, states) in enumerate(layouts.items()):
            first = is_batch_first(
                array, states.layout, states.packed, self.batch_first, each.path, states.read, states.order
            )
            if array.ndim - (given.values is not None) == 2:
                self.batch_first = first
            if states.packed and parts.lengths is None and parts.mask is None and not number:
                packed_lengths = states.layout.lengths[states.order]
        first = bool(self.batch_first) and array.ndim - (given.values is not None) == 2
        steps = recorded_steps(array, first, parts.lengths, parts.mask, self.padding, packed_lengths)
        if self.options.steps is not None:
            steps = steps.first(max(0, self.options.steps - self.steps)) if not self.options.stateful else steps
        return steps

    # What stands beside the states

    def _starts(self, steps: Steps, layouts: Mapping[Found, BatchStates]) -> np.ndarray:
        starts = steps.starts
        if not self.options.stateful:
            return starts
        goes_on = np.full(steps.sequences, bool(self.last))
        for states in layouts.values():
            for name, before in states.before.items():
                earlier = self.last.get(name)
                if earlier is None or len(earlier) != len(before):
                    goes_on[:] = False
                else:
                    same = np.abs(earlier - before).max(axis=1) <= 1e-3 * max(1e-3, float(np.abs(earlier).max()))
                    goes_on &= same[states.order]
            for name in states.before:
                self.last[name] = states.layout.last(states.series[name])
        if self.batches == 1 and not goes_on.any():
            raise StoreError(
                "stateful=True says that every batch goes on where the one before ended, and the second batch began "
                "from other states than the first one ended with. The module has to be given its last state (an "
                "argument called hidden, state or the like, returned behind its output), or to keep it itself."
            )
        return starts & ~goes_on[steps.sequence]

    def _labels(self, steps: Steps, starts: np.ndarray) -> list[str]:
        """The words of an input of numbers: the position of a step in its sequence."""
        step = steps.step - steps.step[np.searchsorted(steps.sequence, steps.sequence)]
        if self.options.stateful:
            if self.positions is None or len(self.positions) != steps.sequences:
                self.positions = np.zeros(steps.sequences, np.int64)
            self.positions[steps.sequence[starts]] = 0
            step = step + self.positions[steps.sequence]
            np.maximum.at(self.positions, steps.sequence, step + 1)
        return [str(position) for position in step.tolist()]

    def _of_function(self, name: str, batch: Any, output: Any, steps: Steps) -> np.ndarray:
        values = as_array(self.functions[name](batch, output))
        if values.shape[:2] != steps.shape or values.ndim != 3:
            raise StoreError(
                f"states[{name!r}] returned {list(values.shape)} for a batch of {list(steps.shape)}; values of the "
                f"shape {[*steps.shape, 'units']} were expected."
            )
        return np.asarray(steps.of(values), np.float32)

    def _annotations(self, batch: Any, steps: Steps) -> dict[str, np.ndarray]:
        given = self.options.annotations
        if given is None:
            return {}
        found = (
            given(batch) if callable(given) else {n: p(batch) if callable(p) else batch[p] for n, p in given.items()}
        )
        return {name: self._track(name, values, steps) for name, values in found.items()}

    def _track(self, name: str, values: Any, steps: Steps) -> np.ndarray:
        array = values if isinstance(values, np.ndarray) else None
        if array is None:
            array = np.array(values, object) if _holds_text(values) else as_array(values)
        if array.shape[:2] == steps.shape:
            return steps.of(array)
        if array.shape[:1] == (steps.sequences,):
            return array[steps.sequence]
        raise StoreError(
            f"The annotation {name!r} has the shape {list(array.shape)} for a batch of {list(steps.shape)}; a value a "
            "step, or one a sequence, was expected."
        )

    def _predictions(
        self, parts: Parts, output: Any, steps: Steps, ids: np.ndarray | None, following: Any
    ) -> tuple[Predictions | None, torch_outputs.Scores | None]:
        if self.options.outputs is None or self.predicts == "nothing":
            return None, None
        words, labels = self.options.vocabulary, self.options.outputs
        scores, as_words = None, False
        if labels in ("auto", "words") and words is not None:
            scores = torch_outputs.scores_of(output, steps, len(words), self.calls.linear)
            as_words = scores is not None
        if scores is None and labels != "words":
            named = len(self.outputs) if self.outputs is not None and labels not in ("auto", "words") else None
            scores = self._label_scores(output, steps, named, parts)
        if scores is None:
            if labels != "auto" or self.predicts is not None:
                returned = described(torch_outputs.first_tensor(output))
                raise StoreError(
                    f"The network returns {returned}, in which no scores of "
                    f"{labels if labels != 'auto' else self.predicts} for each step or sequence were found; "
                    "outputs=None records no predictions."
                )
            self.predicts = "nothing"
            return None, None
        if self.predicts is None:
            self.predicts = "words" if as_words and not scores.by_sequence else "labels"
            if self.outputs is None or (labels == "auto" and self.predicts == "labels"):
                self.outputs = [str(number) for number in range(int(scores.values.shape[1]))]
        own = self.predicts == "words"
        next_ids = (
            self._following(following, steps) if own and parts.targets is None and following is not None else None
        )
        given = parts.targets if parts.targets is not None and _whole(parts.targets) else None
        use_next = own and self.options.targets == "auto"
        targets = torch_outputs.targets_of(given, steps, ids if use_next else None, next_ids)
        if scores.by_sequence:
            targets = np.where(scores.rows >= 0, targets, -1)
        if targets.size and targets.max() >= scores.values.shape[1]:
            raise StoreError(
                f"A target is {int(targets.max()):,}, and the network has {int(scores.values.shape[1]):,} outputs, "
                "from 0; say which part of a batch holds the targets by targets=, or targets=None."
            )
        return torch_outputs.predictions_of(scores, targets, self.options.top), scores

    def _label_scores(self, output: Any, steps: Steps, labels: int | None, parts: Parts) -> Any:
        """Scores of labels: where they are not named, only beside targets that are whole numbers."""
        if labels is None and self.options.outputs == "auto" and (parts.targets is None or not _whole(parts.targets)):
            return None
        scores = torch_outputs.scores_of(output, steps, labels, self.calls.linear)
        return scores if scores is not None and scores.values.shape[1] > 1 else None

    def _following(self, batch: Any, steps: Steps) -> np.ndarray | None:
        """int64[sequences]: the first word of every stream's next window."""
        try:
            given = input_of(self.reader.read(batch).input, self.options.vocabulary)
        except StoreError:
            return None
        if given.ids is None:
            return None
        ids = _two_axes(given.ids)
        first = ids[:, 0] if self.batch_first else ids[0]
        return first if len(first) == steps.sequences else None


def _two_axes(values: np.ndarray, axes: int = 2) -> np.ndarray:
    """Steps of one sequence, [steps, 1, ...], where the input had no axis for sequences."""
    return values[:, None] if values.ndim < axes else values


def _some(scores: torch_outputs.Scores) -> torch_outputs.Scores:
    """The first of a batch's scores, without the others."""
    asked = np.flatnonzero(scores.rows >= 0)[:ROWS]
    rows = np.full(len(scores.rows), -1)
    rows[asked] = np.arange(len(asked))
    index = torch.as_tensor(scores.rows[asked], device=scores.values.device)
    return torch_outputs.Scores(scores.values[index], rows, scores.by_sequence)


def _whole(values: Any) -> bool:
    return as_array(values).dtype.kind in "iub"


def _holds_text(values: Any) -> bool:
    while isinstance(values, list | tuple) and values:
        values = values[0]
    return isinstance(values, str)


def _signature(module: Any) -> Signature:
    """The arguments of a module's forward."""
    parameters = [
        parameter
        for parameter in inspect.signature(module.forward).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    required = sum(parameter.default is parameter.empty for parameter in parameters)
    return Signature(tuple(parameter.name for parameter in parameters), required)


def _padding(module: Any) -> int | None:
    """The id that the module's embeddings have for padding, where they agree on one."""
    embeddings = [part for part in module.modules() if isinstance(part, torch.nn.Embedding)]
    found = {part.padding_idx for part in embeddings if part.padding_idx is not None}
    return found.pop() if len(found) == 1 else None
