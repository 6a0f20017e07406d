"""Reading batches: which part of one is what the network reads, its lengths, a mask, its targets.

What the network calls its arguments and the usual names say it, or the caller does (`inputs=`, `targets=`, `lengths=`,
`mask=`). Where the numbers of a part leave two readings, both are said and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from rnnstore.errors import StoreError, suggest

Role = Literal["input", "lengths", "mask", "targets", "state"]

NAMES: dict[Role, frozenset[str]] = {
    "input": frozenset(
        [
            "input",
            "inputs",
            "input_ids",
            "ids",
            "x",
            "tokens",
            "token_ids",
            "text",
            "texts",
            "words",
            "word_ids",
            "src",
            "source",
            "data",
        ]
    ),
    "lengths": frozenset(
        [
            "length",
            "lengths",
            "lens",
            "lengths_x",
            "x_len",
            "x_lens",
            "x_lengths",
            "seq_len",
            "seq_lens",
            "seq_length",
            "seq_lengths",
            "sequence_length",
            "sequence_lengths",
            "input_length",
            "input_lengths",
            "src_len",
            "src_lens",
            "src_lengths",
            "text_len",
            "text_lengths",
        ]
    ),
    "mask": frozenset(["mask", "attention_mask", "input_mask", "src_mask"]),
    "targets": frozenset(["target", "targets", "label", "labels", "y", "tgt", "tags", "next_words"]),
    "state": frozenset(
        [
            "hidden",
            "hx",
            "state",
            "states",
            "h",
            "h0",
            "h_0",
            "hc",
            "hidden_state",
            "hidden_states",
            "prev_state",
            "initial_state",
            "memory",
            "carry",
        ]
    ),
}
"""The usual names of a network's arguments and of a batch's parts."""

Part = int | str | Callable[[Any], Any] | None
"""Where a part of a batch is: its place, its key, or a function of the batch; None where the batch does not say."""


@dataclass(frozen=True)
class Signature:
    """The arguments of a network: their names in order, and how many of them must be given."""

    names: tuple[str, ...]
    required: int

    def role(self, place: int) -> Role | None:
        """What an argument is by its name; the first one is what the network reads."""
        if place == 0:
            return "input"
        return role_of(self.names[place]) if place < len(self.names) else None

    @property
    def state(self) -> str | None:
        """The argument that takes the state before the first step."""
        return next((name for name in self.names[1:] if name in NAMES["state"]), None)


def role_of(name: str) -> Role | None:
    """What a name usually stands for."""
    return next((role for role, names in NAMES.items() if name.lower() in names), None)


@dataclass
class Parts:
    """A batch, taken apart. `args` and `kwargs` are what the network is called with, but for a state."""

    args: list[Any]
    kwargs: dict[str, Any] = field(default_factory=dict)
    input: Any = None
    lengths: Any = None
    mask: Any = None
    targets: Any = None


class BatchReader:
    """Takes batches apart, all in the same way.

    `inputs`, `targets`, `lengths` and `mask` say where a part is: its place in a tuple, its key in a dict, or a
    function of the batch. Several `inputs`, in a tuple, are the network's arguments in order. `targets=None` says that
    there are none; "auto" leaves it to the names.
    """

    def __init__(
        self,
        signature: Signature,
        *,
        inputs: Part | tuple[int | str, ...] = None,
        targets: Part | Literal["auto"] = "auto",
        lengths: Part = None,
        mask: Part = None,
        state_is_ours: bool = False,
        outputs: int | None = None,
    ) -> None:
        self.signature, self._inputs, self._outputs = signature, inputs, outputs
        self._given: dict[Role, Any] = {"lengths": lengths, "mask": mask}
        if targets != "auto":
            self._given["targets"] = targets
        self._targets_said = targets != "auto"
        self._state_is_ours = state_is_ours
        self._decided: dict[int, Role] = {}

    def read(self, batch: Any) -> Parts:
        """The parts of a batch; `StoreError` where there are two readings, or none."""
        if self._inputs is not None:
            parts = self._said(batch)
        elif isinstance(batch, Mapping):
            parts = self._of_mapping(batch)
        elif isinstance(batch, tuple | list) and not _is_packed(batch):
            parts = self._of_sequence(batch)
        else:
            parts = Parts([batch], input=batch)
        for role in ("lengths", "mask", "targets"):
            if self._given.get(role) is not None:
                setattr(parts, role, _part(batch, self._given[role], role))
        if self._targets_said and self._given["targets"] is None:
            parts.targets = None
        missing = self.signature.names[len(parts.args) : self.signature.required]
        missing = tuple(
            name
            for name in missing
            if name not in parts.kwargs and not (name in NAMES["state"] and self._state_is_ours)
        )
        if missing:
            state = " (a state that goes on from batch to batch: stateful=True)" if missing[0] in NAMES["state"] else ""
            raise StoreError(
                f"The network needs {' and '.join(missing)}{state}, and the batch, {described(batch)}, does not bring "
                "it. Say which parts it reads, as in inputs=(0, 1), or give inputs a function of the batch that "
                "returns its arguments."
            )
        return parts

    def _said(self, batch: Any) -> Parts:
        if callable(self._inputs):
            args = self._inputs(batch)
            args = list(args) if isinstance(args, tuple) and not _is_packed(args) else [args]
        else:
            places = self._inputs if isinstance(self._inputs, tuple) else (self._inputs,)
            args = [_part(batch, place, "inputs") for place in places]
        parts = Parts(args, input=args[0])
        for place, value in enumerate(args):
            role = self.signature.role(place)
            if place and role in ("lengths", "mask", "targets"):
                setattr(parts, role, value)
        return parts

    def _of_mapping(self, batch: Mapping[str, Any]) -> Parts:
        names = self.signature.names
        first = names[0] if names else ""
        candidates = [key for key in batch if key == first] or [key for key in batch if role_of(key) == "input"]
        if len(candidates) != 1:
            what = f"{' and '.join(map(repr, candidates))} may each be" if candidates else "none has a usual name for"
            raise StoreError(
                f"Of the parts {', '.join(map(repr, batch))} of a batch, {what} what the network reads; say it by "
                "inputs='key'."
            )
        parts = Parts([batch[candidates[0]]], input=batch[candidates[0]])
        for key, value in batch.items():
            role = role_of(key)
            if role in ("lengths", "mask", "targets"):
                if getattr(parts, role) is not None:
                    raise StoreError(
                        f"Two parts of a batch may be its {role}: {key!r} is one of them. Say which, by {role}='key'."
                    )
                setattr(parts, role, value)
            if key in names[1:]:
                parts.kwargs[key] = value
        return parts

    def _of_sequence(self, batch: Sequence[Any]) -> Parts:
        if not batch:
            raise StoreError("A batch is empty; every one holds at least what the network reads.")
        values = list(batch)
        if isinstance(values[0], tuple | list) and not _is_packed(values[0]) and len(values[0]):
            values = [*values[0], *values[1:]]  # ((x, lengths), y)
        parts = Parts([values[0]], input=values[0])
        place = 1
        for number, value in enumerate(values[1:], 1):
            while place < len(self.signature.names) and self._state_is_ours and self.signature.role(place) == "state":
                break
            role = self.signature.role(place) if place < len(self.signature.names) else None
            takes = place < self.signature.required or role in ("lengths", "mask", "targets")
            if takes and not (role == "state" and self._state_is_ours):
                parts.args.append(value)
                place += 1
                if role in ("lengths", "mask", "targets"):
                    setattr(parts, role, value)
                continue
            decided = self._decided.get(number) or self._by_numbers(number, value, parts)
            if decided:
                self._decided[number] = decided
                setattr(parts, decided, value)
        return parts

    def _by_numbers(self, number: int, value: Any, parts: Parts) -> Role | None:
        """What a part that the network does not take is, by its numbers; None where it is nothing that is recorded."""
        if any(given == number for given in self._given.values() if isinstance(given, int)):
            return None
        shape = getattr(value, "shape", None)
        if shape is None or _is_packed(value):
            return None
        steps, array = _steps_of(parts.input), as_array(value)
        readings: list[Role] = []
        whole = array.dtype.kind in "iu"
        if array.dtype.kind == "b" and array.shape == steps:
            return "mask" if parts.mask is None else None
        if whole and array.ndim == 1 and len(array) in steps and parts.lengths is None and parts.mask is None:
            longest = max(steps) if len(steps) > 1 else 0
            if array.size and array.min() >= 1 and array.max() <= longest:
                readings.append("lengths")
        if whole and (array.shape == steps or array.size == int(np.prod(steps)) or array.shape[:1] == steps[:1]):
            fits = self._outputs is None or not array.size or array.max() < self._outputs
            if fits and not self._targets_said:
                readings.append("targets")
        if len(readings) > 1:
            raise StoreError(
                f"Part {number} of a batch, {described(value)}, may be the lengths of its sequences or a label of "
                f"each. Say which: lengths={number}, or targets={number} and lengths of your own where there is "
                "padding (targets=None where neither is meant)."
            )
        return readings[0] if readings else None


def _part(batch: Any, place: Any, what: str) -> Any:
    if callable(place):
        return place(batch)
    try:
        return batch[place]
    except (KeyError, IndexError, TypeError):
        keys = [str(key) for key in batch] if isinstance(batch, Mapping) else []
        there = suggest(str(place), keys) if keys else f"it is {described(batch)}."
        raise StoreError(f"A batch has no part {place!r}, which {what}= names: {there}") from None


def _is_packed(value: Any) -> bool:
    return hasattr(value, "batch_sizes")


def _steps_of(value: Any) -> tuple[int, ...]:
    """The shape of the steps of an input: of ids all of it, of numbers all but the last axis."""
    if _is_packed(value):
        return (int(value.batch_sizes[0]), len(value.batch_sizes))
    shape = tuple(int(size) for size in value.shape)
    return shape if not is_floating(value) else shape[:-1]


def is_floating(value: Any) -> bool:
    """Whether a tensor or array holds floats of any kind."""
    kind = str(getattr(value, "dtype", ""))
    return "float" in kind


def as_array(value: Any) -> np.ndarray:
    """A tensor of any framework, or a list, as a NumPy array; `StoreError` where it cannot be one."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):
            value = value.float()
        return np.asarray(value.numpy())
    try:
        return np.asarray(value)
    except Exception as error:  # whatever a framework raises
        raise StoreError(f"A part of a batch, {type(value).__name__}, cannot be read as an array ({error}).") from error


def described(value: Any) -> str:
    """A batch or a part of it in words: int64[8, 20]; a tuple of ..."""
    if isinstance(value, Mapping):
        return "a dict of " + ", ".join(f"{key!r}: {described(part)}" for key, part in value.items())
    if _is_packed(value):
        return f"a packed sequence of {int(value.batch_sizes[0])} sequences"
    if isinstance(value, tuple | list) and len(value) < 9:
        return f"a {type(value).__name__} of " + ", ".join(described(part) for part in value)
    shape, kind = getattr(value, "shape", None), str(getattr(value, "dtype", "")).removeprefix("torch.")
    return f"{kind}{[int(size) for size in shape]}" if shape is not None else type(value).__name__
