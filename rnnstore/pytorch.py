"""PyTorch: any module's recurrent layers recorded, whole, in one call.

>>> import rnnstore.pytorch as rt
>>> rt.record(model, batches, store="store", name="my-lm", vocabulary=words)  # doctest: +SKIP

Every nn.LSTM, nn.GRU, nn.RNN and cell anywhere in the module is found; every state and gate of every layer and
direction is recorded at every step, named by the module's own names: `encoder.layer1.i`. The module's equations are
restated and compared with what it computes itself, on every batch; a difference is an error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from rnnstore.errors import StoreError, suggest
from rnnstore.store.card import FACTS
from rnnstore.store.folder import Store
from rnnstore.store.model import Model

if TYPE_CHECKING:
    import torch

__all__ = ["record", "states"]

_Place = int | str | Callable[[Any], Any] | None


def record(
    model: torch.nn.Module,
    batches: Iterable[Any],
    *,
    store: Store | str | os.PathLike[str],
    name: str,
    vocabulary: Sequence[str] | Mapping[str, int] | None = None,
    states: str | Sequence[str] | Mapping[str, Callable[..., Any]] | None = None,
    inputs: _Place | tuple[int | str, ...] = None,
    targets: _Place | Literal["auto"] = "auto",
    outputs: Literal["auto", "words", "labels"] | Sequence[str] | None = "auto",
    lengths: _Place = None,
    mask: _Place = None,
    annotations: Mapping[str, Any] | Callable[[Any], Mapping[str, Any]] | None = None,
    stateful: bool = False,
    batch_first: bool | None = None,
    steps: int | None = None,
    predictions: int = 5,
    network: bool = True,
    tokenisation: Mapping[str, Any] | None = None,
    thresholds: Sequence[float] | Mapping[str, Sequence[float]] = (0.3,),
    dtype: Literal["float16", "float32"] = "float16",
    replace: bool = False,
    progress: bool = True,
    **facts: Any,
) -> Model:
    """Record what a module does over batches; returns the recorded model of the store.

    `batches`: a DataLoader, or tensors, tuples or dicts: ids int[sequences, steps] or [steps, sequences], one-hot rows
    or numbers float[..., channels], or packed sequences. What the module reads, its lengths, a mask (1: a real step)
    and targets are told by the names of its forward's arguments and of a dict's keys, or given: a place in a tuple, a
    key, or a function of the batch; `inputs` of several, in a tuple, are its arguments in order. Where numbers leave
    two readings, the error says both. Padding is not recorded: by lengths, mask, packing, or an embedding's
    padding_idx.

    `vocabulary`: the word of each id, as a list or as {word: id}; without it numbers are read, and recorded as tracks.
    `states`: names or patterns (`*.c`) of what is recorded, all without it; or {name: function} for states that no
    layer of PyTorch holds: function(batch, output) gives float[sequences, steps, units] in the order of the batch.
    `outputs`: what the module returns scores of: "words" of the vocabulary, "labels" (or a list of them), or None;
    "auto" takes an output as wide as the vocabulary for words, and one beside whole-numbered targets for labels.
    `targets`: without any, what a word is followed by; None for none. `annotations`: tracks by name, each a key of the
    batch or a function of it, or one function that gives all: a value a step, or one a sequence.
    `stateful`: every batch goes on where the one before ended, sequence by sequence; a last state that the module
    returns behind its output is given to its next call. `steps`: so many, then stop. `predictions`: so many of the most
    probable outputs are kept of a step. `facts` are those of the card (`description=`, `corpus=`, `level=`, ...).

    The network comes along as files where its layers allow it (`network`): what is read follows from the word alone,
    layers stand on top of one another in one direction, scores are linear in the top one's h. It is held against the
    recording, and what was found, or why there is none, stands on the card. `tokenisation` says how typed text becomes
    words (docs/network.md); without it, at white space, or by character where all words are such.

    The module is left as it was: training flags, gradient mode, device, hooks, also after an error. It runs in
    evaluation mode. `StoreError` for what does not fit, with nothing recorded.
    """
    from rnnstore.frameworks import torch_recording
    from rnnstore.frameworks.recording import Target
    from rnnstore.frameworks.torch_session import Options
    from rnnstore.frameworks.words import vocabulary_list

    for fact in facts:
        if fact not in {*FACTS, "recorded"}:
            raise StoreError(f"record has no argument {fact!r}, and a card no such fact: {suggest(fact, FACTS)}")
    target = Target.of(
        store,
        name,
        replace=replace,
        dtype=dtype,
        thresholds=thresholds,
        progress=progress,
        recorded=facts.pop("recorded", ""),
    )
    options = Options(
        vocabulary=vocabulary_list(vocabulary),
        states=states,
        inputs=inputs,
        targets=targets,
        lengths=lengths,
        mask=mask,
        outputs=outputs,
        annotations=annotations,
        stateful=stateful,
        batch_first=batch_first,
        steps=steps,
        top=predictions,
        network=network,
        tokenisation=tokenisation,
    )
    return torch_recording.record(model, batches, target, options, facts)


def states(model: torch.nn.Module) -> dict[str, int]:
    """Width of every state and gate that `record` would record of a module, by name, in recording order."""
    from rnnstore.frameworks import torch_recording

    return torch_recording.states(model)
