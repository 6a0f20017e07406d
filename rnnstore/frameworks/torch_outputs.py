"""PyTorch: what a module predicts at each step, out of whatever it returns, a few rows of scores at a time.

Scores stand a step (over words or labels) or a sequence (labels). Where their axes leave two readings, both are said.
What is kept of a step are the most probable outputs, and what the target got: with 50,000 words as with fifty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from rnnstore.errors import StoreError
from rnnstore.frameworks.batches import as_array, described
from rnnstore.frameworks.steps import Steps
from rnnstore.store.chunks import Predictions

_SCORES = 1 << 22
"""Scores that are looked at together: 16 MB."""


@dataclass(frozen=True)
class Scores:
    """The scores of a batch: `values` tensor[rows, outputs], and the row of each recorded step.

    `rows` int64[n] is -1 at a step that has none: of scores of whole sequences, all but their last steps.
    """

    values: Any
    rows: np.ndarray
    by_sequence: bool


def first_tensor(output: Any) -> Any:
    """The scores in what a module returned: itself, its first part, or what it calls logits."""
    if isinstance(output, Mapping):
        output = output["logits"] if "logits" in output else next(iter(output.values()), None)
    elif hasattr(output, "logits"):
        output = output.logits
    elif isinstance(output, tuple | list) and not isinstance(output, PackedSequence):
        output = output[0] if output else None
    return output


def state_in(output: Any) -> Any:
    """The state that a module returned behind its output; None for none."""
    if isinstance(output, tuple | list) and not isinstance(output, PackedSequence) and len(output) > 1:
        return output[-1]
    return None


def scores_of(output: Any, steps: Steps, outputs: int | None, linear: Sequence[Any] = ()) -> Scores | None:
    """The scores of the recorded steps, where `outputs` says how many a row has; None where there are none to be read.

    Two axes may hold them. What a linear layer gave, one of `linear`, has them last, and probabilities and their
    logarithms sum to one over them; else both readings are a `StoreError`.
    """
    given = first_tensor(output)
    if isinstance(given, PackedSequence):
        given = pad_packed_sequence(given, batch_first=steps.batch_first, total_length=steps.steps)[0]
    if not isinstance(given, torch.Tensor) or not given.is_floating_point():
        return None
    shape, whole = tuple(given.shape), steps.shape
    if given.dim() == 2 and 1 in whole and shape[0] == max(whole) and steps.sequences == 1:
        given = given.reshape(*whole, shape[1])
        shape = tuple(given.shape)
    found: list[tuple[str, Scores]] = []
    if given.dim() == 3:
        axes = [axis for axis in range(3) if outputs is None or shape[axis] == outputs]
        if len(axes) > 1:
            axes = [2] if any(_is(given, each) for each in linear) else _normalised(given, axes) or axes
        for axis in axes:
            moved = given.movedim(axis, 2)
            if tuple(moved.shape[:2]) == whole:
                found.append((f"outputs in axis {axis}", _flat(moved, steps.flat)))
            elif tuple(moved.shape[:2]) == whole[::-1]:
                at = Steps(steps.sequences, steps.steps, not steps.batch_first, steps.sequence, steps.step).flat
                found.append((f"outputs in axis {axis}, steps turned", _flat(moved, at)))
            if outputs is None and found:
                break
    elif given.dim() == 2 and (outputs is None or shape[1] == outputs):
        if shape[0] == whole[0] * whole[1]:
            found.append(("a row a step", _flat(given, steps.flat)))
        if shape[0] == steps.sequences and steps.steps > 1:
            last = np.append(steps.sequence[1:] != steps.sequence[:-1], True)
            rows = np.where(last, steps.sequence, -1)
            found.append(("a row a sequence", Scores(given, rows, True)))
        if shape[0] == len(steps) != whole[0] * whole[1]:
            found.append(("a row a packed step", _flat(given, _packed(steps))))
    if len(found) > 1:
        raise StoreError(
            f"The network returns {described(given)} for {steps.sequences:,} sequences of {steps.steps:,} steps: that "
            f"may be {' or '.join(reading for reading, _ in found)}. Give batches of another size, or outputs=None to "
            "record no predictions."
        )
    return found[0][1] if found else None


def _is(given: Any, other: Any) -> bool:
    """Whether two tensors are the same numbers in memory, seen in the same way."""
    same = given.data_ptr() == other.data_ptr() and given.shape == other.shape
    return bool(same and given.stride() == other.stride())


def _normalised(given: Any, axes: Sequence[int]) -> list[int]:
    """The axes over which a tensor is probabilities, or logarithms of them."""
    values = given.float()
    positive = bool((values >= 0).all().item())
    sums = {axis: (values if positive else values.exp()).sum(axis) for axis in axes}
    return [axis for axis, found in sums.items() if bool(((found - 1).abs().max() < 1e-3).item())]


def _flat(values: Any, rows: np.ndarray) -> Scores:
    return Scores(values.reshape(-1, values.shape[-1]), rows, False)


def _packed(steps: Steps) -> np.ndarray:
    """Where recorded steps stand in packed rows: by step, of longer sequences first."""
    lengths = np.bincount(steps.sequence, minlength=steps.sequences)
    place = np.argsort(np.argsort(-lengths, kind="stable"), kind="stable")
    order = np.lexsort((place[steps.sequence], steps.step))
    rows = np.empty(len(steps), np.int64)
    rows[order] = np.arange(len(steps))
    return rows


def predictions_of(scores: Scores, targets: np.ndarray, top: int) -> Predictions:
    """What a module expected at each recorded step, `targets` int[n] with -1 for none; the `top` most probable."""
    steps, width = len(scores.rows), int(scores.values.shape[1])
    top = min(top, width)
    word_ids = np.full((steps, top), -1, np.int32)
    probabilities = np.full((steps, top), np.nan, np.float32)
    loss = np.full(steps, np.nan, np.float32)
    asked = np.flatnonzero(scores.rows >= 0)
    size = max(1, _SCORES // width)
    for first in range(0, len(asked), size):
        some = asked[first : first + size]
        index = torch.as_tensor(scores.rows[some], device=scores.values.device)
        logs = _log_probabilities(scores.values[index])
        best = torch.topk(logs, top, dim=1)
        word_ids[some] = best.indices.cpu().numpy()
        probabilities[some] = best.values.exp().cpu().numpy()
        target = torch.as_tensor(np.maximum(targets[some], 0).astype(np.int64), device=logs.device)
        loss[some] = -logs.gather(1, target[:, None])[:, 0].cpu().numpy()
    loss[(targets < 0) | ~np.isfinite(loss)] = np.nan
    return Predictions(word_ids, probabilities, targets.astype(np.int32), np.exp(-loss), loss)


def _log_probabilities(rows: Any) -> Any:
    """float32[n, outputs]: of scores, of logarithms of probabilities, or of probabilities, which sum to one."""
    rows = rows.float()
    if bool((rows.min() >= 0).item()) and bool(((rows.sum(1) - 1).abs().max() < 1e-3).item()):
        return rows.clamp_min(torch.finfo(torch.float32).tiny).log()
    return torch.log_softmax(rows, 1)


def targets_of(given: Any, steps: Steps, ids: np.ndarray | None, following: np.ndarray | None) -> np.ndarray:
    """int64[n]: the target of each recorded step, -1 for none.

    `given` are a batch's own: a step each, in its order or flattened, or one a sequence, which stands at its last step.
    Without them the target is the next of the `ids` int64[n] in the sequence; `following` int64[sequences] is the one
    behind the last step, -1 where there is none.
    """
    count = len(steps)
    last = np.append(steps.sequence[1:] != steps.sequence[:-1], True) if count else np.zeros(0, bool)
    if given is None:
        targets = np.full(count, -1, np.int64)
        if ids is not None and count:
            targets[:-1] = np.where(last[:-1], -1, ids[1:])
            if following is not None:
                targets[last] = following[steps.sequence[last]]
        return targets
    values = as_array(given)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.dtype.kind not in "iub":
        raise StoreError(
            f"Targets were given as {described(given)}; ids of words or labels were expected (targets=None)."
        )
    values = values.astype(np.int64)
    if values.shape == steps.shape:
        found = steps.of(values)
    elif values.size == steps.shape[0] * steps.shape[1]:
        found = values.reshape(-1)[steps.flat]
    elif values.shape[:1] == (steps.sequences,) and values.size == steps.sequences:
        found = np.where(last, values.reshape(-1)[steps.sequence], -1)
    else:
        raise StoreError(
            f"Targets were given as {described(given)} for {steps.sequences:,} sequences of {steps.steps:,} steps; "
            "one a step or one a sequence was expected. Say where they are by targets=, or targets=None."
        )
    return np.where(found < 0, -1, found)
