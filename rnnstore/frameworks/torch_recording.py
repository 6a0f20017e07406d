"""PyTorch: a module recorded over batches in one call; `rnnstore.pytorch.record` is its face."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

from rnnstore.errors import StoreError
from rnnstore.frameworks.choosing import size_message
from rnnstore.frameworks.chunks import Chunk
from rnnstore.frameworks.recording import Recording, Target
from rnnstore.frameworks.torch_hooks import dropout_parts, evaluated
from rnnstore.frameworks.torch_layers import find, unwrapped, widths
from rnnstore.frameworks.torch_network import NoNetwork, converted
from rnnstore.frameworks.torch_session import Options, Session
from rnnstore.frameworks.words import usual_tokenisation
from rnnstore.networks.agreement import kept
from rnnstore.networks.opening import WITHOUT
from rnnstore.networks.writing import remove, write
from rnnstore.store.model import Model
from rnnstore.store.writing import ModelWriter
from rnnstore.threads import one_thread


def record(model: Any, batches: Iterable[Any], target: Target, options: Options, facts: Mapping[str, Any]) -> Model:
    """What `rnnstore.pytorch.record` does."""
    session = Session(model, options)
    count = len(batches) if isinstance(batches, Sized) else None
    recording = Recording(target, stateful=options.stateful, batches=count, steps=options.steps)
    evaluation = _evaluation(session)
    if evaluation:
        recording.message(f"{target.name}: {evaluation}")

    def finish(writer: ModelWriter) -> None:
        settings = {**facts.get("settings", {}), **({"evaluation": evaluation} if evaluation else {})}
        writer.describe(**{**_facts(session), **facts, "settings": settings})
        recording.message(f"{target.name}: {_network(session, writer)}")

    with one_thread(), evaluated(session.module), session.calls.hooked(session.module):
        return recording.write(_chunks(session, batches, recording, target), options.vocabulary, session.labels, finish)


def _chunks(session: Session, batches: Iterable[Any], recording: Recording, target: Target) -> Iterator[Chunk]:
    limit = session.options.steps
    ahead = itertools.chain(_iterated(batches), [None])
    for batch, following in itertools.pairwise(ahead):
        if limit is not None and session.steps >= limit:
            return
        chunk = session.chunk(batch, following if session.options.stateful else None)
        if chunk is None:
            continue
        if session.batches == 1:
            widths = {name: values.shape[1] for name, values in chunk.states.items()}
            recording.message(f"{target.name}: {size_message(widths, target.dtype, limit)}")
        yield chunk


def _iterated(batches: Any) -> Iterator[Any]:
    """The batches of a loader, a list, or of one tensor, dict or packed sequence, which is one batch."""
    if isinstance(batches, Mapping) or hasattr(batches, "detach") or hasattr(batches, "batch_sizes"):
        return iter([batches])
    try:
        return iter(batches)
    except TypeError:
        raise StoreError(
            f"Batches were given as {type(batches).__name__}; a DataLoader, or a list of tensors, tuples or dicts, was "
            "expected."
        ) from None


def _facts(session: Session) -> dict[str, Any]:
    """What the card says of a module besides its tables."""
    layers = [layer for each in session.found for layer in each.restated()]
    facts: dict[str, Any] = {
        "cell": " + ".join(dict.fromkeys(layer.cell.kind for layer in layers)),
        "layers": sum(each.layers for each in session.found),
        "units": max((layer.cell.units for layer in layers), default=None),
        "parameters": sum(parameter.numel() for parameter in session.module.parameters()),
        "metrics": session.results.metrics(session.predicts),
        "description": f"{type(session.module).__name__}, recorded from PyTorch",
    }
    if session.predicts == "words":
        facts["task"] = "language model"
    elif session.predicts == "labels":
        facts["task"] = "classifier"
    return facts


def _evaluation(session: Session) -> str:
    """What is otherwise in training, as the module stands; empty where nothing is."""
    dropped = dropout_parts(session.module)
    if not dropped:
        return ""
    return (
        f"Recorded in evaluation mode: in training, as the module was, {', '.join(dropped)} would have dropped values."
    )


def _network(session: Session, writer: ModelWriter) -> str:
    """Write the module's network as far as its layers allow, and say what became of it."""
    words, said = session.options.vocabulary, ""
    try:
        if not session.options.network:
            raise NoNetwork("It was not asked for.")
        if session.found != session.everything or session.first is None:
            raise NoNetwork("Not all of its recurrent layers were recorded.")
        labels = session.labels()
        outputs = len(labels) if labels is not None else len(words or ()) if session.predicts == "words" else None
        found = converted(session.module, session.first, words, outputs)
        assert words is not None
        how = session.options.tokenisation or usual_tokenisation(words)
        write(
            writer,
            layers=found.layers,
            names=found.names,
            vocabulary=words,
            embedding=found.embedding,
            output=found.output,
            labels=labels,
            tokenisation=how,
        )
        said = " ".join(filter(None, (str(kept(writer.path)), found.note)))
    except (NoNetwork, StoreError) as reason:
        remove(writer)
        said = f"{WITHOUT} {reason}"
    writer.describe(settings={**writer.card.settings, "network": said})
    return said


def states(model: Any) -> dict[str, int]:
    """What `rnnstore.pytorch.states` says."""
    return widths(find(unwrapped(model)))
