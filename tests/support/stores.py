"""Small stores for the screens: what each unit does is known, so a screen's answer can be told beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

import rnnstore
from rnnstore.store.tables import DECADES, TABLES

LEVELS = 4


def brackets(steps: int, seed: int = 7) -> tuple[list[str], np.ndarray]:
    """`steps` symbols of a bracket language, and the nesting level after each of them."""
    generator = np.random.default_rng(seed)
    words, levels, level = [], [], 0
    for _ in range(steps):
        move = generator.random()
        if move < 0.25 and level < LEVELS:
            level += 1
            words.append("(")
        elif move > 0.75 and level > 0:
            level -= 1
            words.append(")")
        else:
            words.append(str(level))
        levels.append(level)
    return words, np.array(levels)


def bracket_states(levels: np.ndarray, seed: int = 7) -> dict[str, np.ndarray]:
    """float32[steps, 24] and float32[steps, 8]: of layer1.c, unit k < 4 is on (0.8) where the level exceeds k, units 4
    and 5 exactly at level 4; the others wander below 0.3 or, from unit 12 on, around it."""
    generator = np.random.default_rng(seed)
    steps = len(levels)
    cell = generator.uniform(-0.9, 0.25, (steps, 24)).astype(np.float32)
    cell[:, 12:] = np.sin(np.arange(steps)[:, None] / np.arange(3, 15)) * 0.8
    for unit in range(LEVELS):
        cell[:, unit] = np.where(levels > unit, 0.8, -0.4)
    cell[:, 4:6] = np.where(levels == LEVELS, 0.6, -0.2)[:, None]
    return {"layer1.c": cell, "layer1.h": np.tanh(cell[:, :8])}


def record_brackets(store: rnnstore.Store, name: str = "brackets", steps: int = 4000) -> None:
    """One stream by character, with numbers and labels beside it, predictions and a training curve."""
    words, levels = brackets(steps)
    vocabulary = ["(", ")", *(str(level) for level in range(LEVELS + 1))]
    ids = np.array([vocabulary.index(word) for word in words])
    targets = np.append(ids[1:], -1)
    others = (ids + 1) % len(vocabulary)
    given = np.full(steps, 0.7, np.float32)
    given[-1] = np.nan
    after = np.where(targets < 0, 0, targets)
    guesses = rnnstore.Predictions(
        word_ids=np.stack([after, np.where(others == after, (others + 1) % len(vocabulary), others)], axis=1),
        probabilities=np.tile(np.float32([0.7, 0.2]), (steps, 1)),
        targets=targets,
        target_probabilities=given,
        loss=-np.log(given),
    )
    with store.writer(name) as writer:
        writer.describe(
            task="language model", cell="lstm", layers=1, units=24, embedding=8, parameters=3_512,
            corpus="brackets up to four deep", level="character", vocabulary=len(vocabulary),
            description="Brackets up to four levels deep", metrics=[("perplexity", "test", 3.25)],
            settings={"name": name, "training": {"epochs": 2}},
        )  # fmt: skip
        writer.replace("training", training_curve())
        writer.replace("training_gradients", gradient_rows())
        with writer.record(
            vocabulary=vocabulary, thresholds=(0.3,), track_sources={"nesting": "gold", "kind": "gold"}
        ) as recorder:
            recorder.add(
                words=ids,
                states=bracket_states(levels),
                annotations={
                    "nesting": levels,
                    "kind": np.where(ids == 0, "opening", np.where(ids == 1, "closing", "digit")),
                },
                predictions=guesses,
            )


def record_batches(store: rnnstore.Store, name: str, steps: int = 8, every: int = 100, batches: int = 6) -> None:
    """Batches of a training as if recorded: at lag k a part is 0.5 ** k of what it is at lag 0, which grows by one from
    batch to batch; it reads a, b, c, ... and foresees every second one."""
    letters = [chr(ord("a") + place % 26) for place in range(steps + 1)]
    t, j = np.nonzero(np.tri(steps, dtype=bool))
    rows: dict[str, list[dict]] = {"gradient_horizons": [], "itemized_gradients": [], "training_batches": []}
    for number in range(batches):
        step, largest = number * every, 1.0 + number
        rows["gradient_horizons"].append(
            {"step": step, "layer": 1, "loss": 3.0 - 0.1 * number, "maximum": largest, "mean": largest / 3}
            | {"half_life": 2.0, "horizon": 7.0 if number else None}
        )
        rows["itemized_gradients"] += [
            {
                "step": step,
                "layer": 1,
                "t": at,
                "j": to,
                "magnitude": (part := largest * 0.5 ** (at - to)),
                "share": part,
            }
            for at, to in zip(t.tolist(), j.tolist(), strict=True)
        ]
        rows["training_batches"] += [
            {"step": step, "sequence": 0, "position": place, "input": letters[place], "label": letters[place + 1]}
            | {"predicted": letters[place + 1] if place % 2 else "?", "probability": 0.5}
            | {"label_probability": 0.5 if place % 2 else 0.1, "loss": 0.69 if place % 2 else 2.3}
            for place in range(steps)
        ]
    with store.writer(name) as writer:
        tables = {table: pa.Table.from_pylist(rows[table], TABLES[table].schema) for table in rows}
        writer.append(tables)


def record_sentences(store: rnnstore.Store, name: str = "sentences") -> None:
    """Many short sequences of words, one of them long, with gold and predicted labels; no predictions."""
    tagged = (
        ("the", "DT"), ("counterrevolutionaries", "NNS"), ("have", "VBP"), ("reported", "VBN"), ("a", "DT"),
        ("very", "RB"), ("marked", "JJ"), ("improvement", "NN"), ("in", "IN"), ("their", "PRP$"),
        ("quarterly", "JJ"), ("earnings", "NNS"),
    )  # fmt: skip
    sentence, tags = zip(*tagged, strict=True)
    generator = np.random.default_rng(3)
    with store.record(
        name,
        description="Short sentences of long words", task="language model", cell="gru", layers=2, units=16,
        corpus="sentences", level="word", metrics=[("perplexity", "validation", 12.5), ("perplexity", "test", 13.75)],
        track_sources={"pos": "gold (treebank)", "phrase": "tagger (predicted)"},
    ) as recorder:  # fmt: skip
        for _ in range(80):
            length = int(generator.integers(4, len(sentence) + 1))
            noun = np.array([tag.startswith("NN") for tag in tags[:length]])
            states = generator.uniform(-0.5, 0.25, (length, 16)).astype(np.float32)
            states[:, 0] = np.where(noun, 0.9, -0.9)
            states[:, 1] = np.linspace(0, 1, length)
            recorder.add(
                words=sentence[:length],
                states={"layer1.h": states, "layer2.h": states[:, ::-1]},
                sequence_starts=np.arange(length) == 0,
                annotations={"pos": tags[:length], "phrase": np.where(noun, "NP", "")},
            )


def record_sensor(store: rnnstore.Store, name: str = "sensor") -> None:
    """What any program may record: numbers as words, one state of its own name in float32, nothing else."""
    time = np.arange(600)
    with store.record(name, dtype="float32", thresholds=(0.5,)) as recorder:
        recorder.add(
            words=[f"{value:.1f}" for value in np.sin(time / 9)],
            states={"memory": np.sin(time[:, None] / np.arange(4, 16)).astype(np.float32)},
        )


def keep_network(
    store: rnnstore.Store,
    name: str,
    vocabulary: list[str],
    how: dict,
    labels: list[str] | None = None,
    units: int = 6,
    layer: str | None = None,
) -> None:
    """An LSTM with weights by chance that reads text as `how` (its tokenisation) says; `layer` names its series."""
    random, outputs = np.random.default_rng(4), labels or vocabulary
    shapes = {
        "embedding": (len(vocabulary), 4), "layer1.kernel": (4, 4 * units), "layer1.recurrent": (units, 4 * units),
        "layer1.bias": (4 * units,),
        "output.kernel": (units, len(outputs)), "output.bias": (len(outputs),),
    }  # fmt: skip
    sizes = {
        "vocabulary": len(vocabulary),
        "embedding": 4,
        "layers": [{"cell": "lstm", "units": units, "peepholes": False, "name": layer}],
    }
    facts = {"format": 1, "network": sizes, "vocabulary": vocabulary, "tokenisation": how}
    facts |= {"task": "classifier", "labels": labels} if labels else {}
    with store.writer(name) as writer:
        folder = writer.folder("network")
        weights = {key: random.normal(size=shape).astype(np.float32) for key, shape in shapes.items()}
        np.savez(folder / "weights.npz", **weights)
        (folder / "network.json").write_text(json.dumps(facts), "utf-8")
    store.refresh()


def describe_unrecorded(store: rnnstore.Store, name: str = "only-trained") -> None:
    """A model whose training has ended and that has not been recorded."""
    with store.writer(name) as writer:
        writer.describe(
            cell="lstm", layers=1, units=64, corpus="brackets", metrics=[("perplexity", "test", 3.0)],
            settings={"name": name, "training": {"epochs": 2}},
        )  # fmt: skip
        writer.replace("training", training_curve())


def training_curve(rows: int = 40, epochs: float = 2.0) -> pa.Table:
    """A falling loss, measured on the validation split at the end of every epoch."""
    step = np.arange(1, rows + 1) * 50
    loss = 1.2 + 0.8 * np.exp(-step / 500)
    validation = [None] * rows
    validation[rows // 2 - 1], validation[-1] = 1.32, 1.24
    return pa.table(
        {
            "step": step,
            "epoch": np.linspace(epochs / rows, epochs, rows),
            "loss": loss,
            "validation_loss": pa.array(validation, pa.float64()),
            "learning_rate": np.full(rows, 0.005),
            "gradient_norm": np.full(rows, 0.8),
            "tokens_per_second": np.full(rows, 40_000.0),
        }
    )


def gradient_rows(
    steps: int = 5, weights: tuple[str, ...] = ("embedding", "layer1.kernel", "layer1.recurrent")
) -> pa.Table:
    """Of weight w at row s: norm w + s + 1, entries all in decade w; the first weight itself is zero."""
    rows = [
        {
            "step": 10 * (step + 1),
            "weight": weight,
            "norm": float(number + step + 1),
            "largest": float(step),
            "weight_norm": 2.0 if number else 0.0,
            "shares": np.eye(len(DECADES) + 1)[number].tolist(),
        }
        for step in range(steps)
        for number, weight in enumerate(weights)
    ]
    return pa.Table.from_pylist(rows)


def small_store(path: Path) -> Path:
    """Three recorded models and one that was only trained."""
    store = rnnstore.open(path)
    record_brackets(store)
    record_sentences(store)
    record_sensor(store)
    describe_unrecorded(store)
    return path


def damaged_store(path: Path) -> Path:
    """One good model, one with a truncated file, one of a newer format, one folder that holds nothing."""
    store = rnnstore.open(path)
    record_sensor(store, "good")
    record_sensor(store, "truncated")
    tokens = next((path / "model=truncated").rglob("tokens/*.parquet"))
    tokens.write_bytes(tokens.read_bytes()[:-100])
    (path / "model=from-the-future").mkdir()
    (path / "model=from-the-future" / "card.json").write_text('{"format": 99}')
    (path / "model=nothing").mkdir()
    return path


def crowded_store(path: Path, models: int = 30) -> Path:
    """Many models, named so that numbers sort as people expect only by value."""
    store = rnnstore.open(path)
    for number in range(models):
        with store.record(
            f"variant-{number:02d}", cell=("lstm", "gru", "vanilla")[number % 3], layers=1 + number % 2,
            units=8 * (1 + number % 5), corpus="noise", metrics=[("perplexity", "test", 200.0 - number)],
            description="One of many variants of the same network, trained on noise and recorded over it",
        ) as recorder:  # fmt: skip
            values = np.random.default_rng(number).normal(size=(200, 8 * (1 + number % 5))).astype(np.float32)
            recorder.add(words=list("abcd" * 50), states={"layer1.h": values})
    return path
