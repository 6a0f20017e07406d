"""Writes LSTMVis project folders with h5py, as LSTMVis describes them; knows nothing of the program that reads them.

The world in it is a bracket language: the symbols are words, the nesting level is a track, and every value of every
dataset is kept in the `Folder` that is returned, so that a test can compare what it reads with what was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import yaml

SYMBOLS = ["(", ")", " ", "0", "1", "2", "3"]
FIRST_ID = 3
"""Ids start anywhere: here at 3, and every second one is left out."""

PARTS = ["open", "close", "blank", "digit"]


@dataclass
class Folder:
    """A folder and what was written into it. `yml` is the content of lstm.yml; `save()` writes a changed one."""

    path: Path
    yml: dict
    symbols: list[str]
    ids: np.ndarray  # int64[words]
    states1: np.ndarray  # float32[steps, units], raw
    outputs1: np.ndarray  # float16[steps, units], squashed
    states2: np.ndarray  # float64[steps, units], raw
    nesting: np.ndarray  # int64[words]
    depth: np.ndarray  # float32[steps]
    part_of: np.ndarray  # int64[largest id + 1]: row is a word id
    rarity: np.ndarray  # float64[largest id + 1]
    top: np.ndarray  # float32[predicted, k]: ids, as Torch writes them
    scores: np.ndarray  # float32[predicted, k]: logarithms of probabilities, in no order

    def save(self) -> None:
        (self.path / "lstm.yml").write_text(yaml.safe_dump(self.yml, sort_keys=False), "utf-8")

    def replace(self, file: str, **arrays) -> None:
        """Put other arrays in place of datasets of a file (None: the dataset goes)."""
        with h5py.File(self.path / file, "a") as opened:
            for name, array in arrays.items():
                if name in opened:
                    del opened[name]
                if array is not None:
                    opened[name] = array


def write(path: Path, *, steps: int = 120, more_words: int = 7, units: int = 6, k: int = 3, seed: int = 1) -> Folder:
    """A project of `steps` steps whose corpus goes on for `more_words`, and whose predictions end 20 steps early."""
    random = np.random.default_rng(seed)
    words = steps + more_words
    symbols, nesting, level = [], [], 0
    for _ in range(words):
        move = random.random()
        if move < 0.3 and level < 3:
            symbols.append("(")
            level += 1
        elif move > 0.7 and level > 0:
            symbols.append(")")
            level -= 1
        else:
            symbols.append(str(level) if move > 0.4 else " ")
        nesting.append(level)
    id_of = {symbol: FIRST_ID + 2 * index for index, symbol in enumerate(SYMBOLS)}
    ids = np.array([id_of[symbol] for symbol in symbols])
    drift = np.cumsum(random.normal(scale=0.5, size=(steps, units)), axis=0)
    states1 = (drift - drift.mean(axis=0) + np.array(nesting)[:steps, None] - 1).astype(np.float32)
    logits = random.normal(size=(steps - 20, len(SYMBOLS)))
    best = random.permuted(np.argsort(-logits, axis=1)[:, :k], axis=1)  # Torch does not sort them
    logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    largest = max(id_of.values())
    folder = Folder(
        path=path,
        yml=description(),
        symbols=symbols,
        ids=ids,
        states1=states1,
        outputs1=np.tanh(random.normal(size=(steps, units + 1))).astype(np.float16),
        states2=random.normal(scale=2, size=(steps, units - 1)),
        nesting=np.array(nesting),
        depth=(np.array(nesting[:steps]) / 3 + random.normal(scale=0.1, size=steps)).astype(np.float32),
        part_of=np.array([10 + part_of(SYMBOLS[max(0, (id_ - FIRST_ID) // 2)]) for id_ in range(largest + 1)]),
        rarity=random.random(largest + 1),
        top=np.array(list(id_of.values()))[best].astype(np.float32),
        scores=np.take_along_axis(logarithms, best, axis=1).astype(np.float32),
    )
    path.mkdir(parents=True)
    with h5py.File(path / "states.h5", "w") as file:
        file["states1"] = folder.states1
        file["lstm/output1"] = folder.outputs1
    with h5py.File(path / "second.hdf5", "w") as file:
        file.create_dataset("states2", data=folder.states2, chunks=(16, 2), compression="gzip")
    with h5py.File(path / "train.h5", "w") as file:
        file["words"] = ids.astype(np.int32)
    with h5py.File(path / "tracks.h5", "w") as file:
        file["nesting"] = folder.nesting.astype(np.uint8)
        file["depth"] = folder.depth
        file["part_of_word"] = folder.part_of
        file["rarity"] = folder.rarity
    with h5py.File(path / "top.h5", "w") as file:
        file["preds"] = folder.top
        file["scores"] = folder.scores
    (path / "words.dict").write_text("".join(f"{symbol} {id_}\n" for symbol, id_ in id_of.items()), "utf-8")
    (path / "parts.dict").write_text("".join(f"{part} {10 + index}\n" for index, part in enumerate(PARTS)), "utf-8")
    folder.save()
    return folder


def part_of(symbol: str) -> int:
    return {"(": 0, ")": 1, " ": 2}.get(symbol, 3)


def description() -> dict:
    """The content of lstm.yml."""
    return {
        "name": "Brackets, small",
        "description": "A bracket language",
        "files": {
            "states": "states.h5",
            "second": "second.hdf5",
            "train": "train.h5",
            "words": "words.dict",
            "tracks": "tracks.h5",
            "parts": "parts.dict",
            "top": "top.h5",
        },
        "word_sequence": {"file": "train", "path": "words", "dict_file": "words"},
        "states": {
            "file": "states",
            "types": [
                {"type": "state", "layer": 1, "path": "states1"},
                {"type": "output", "layer": 1, "path": "lstm/output1", "transform": "none"},
                {"type": "state", "layer": 2, "path": "states2", "file": "second", "transform": "tanh"},
            ],
        },
        "meta": {
            "nesting": {"file": "tracks", "path": "nesting", "vis": {"type": "discrete", "range": "0...4"}},
            "depth": {"file": "tracks", "path": "depth", "vis": {"type": "scalar", "range": [0, 1]}},
            "part": {
                "file": "tracks",
                "path": "part_of_word",
                "dict": "parts",
                "index": "word_sequence",
                "vis": {"type": "discrete", "range": "dict"},
            },
            "rarity": {"file": "tracks", "path": "rarity", "index": "word_sequence", "vis": {"type": "scalar"}},
            "next": {
                "file": "top",
                "path": "preds",
                "weights_path": "scores",
                "dict": "words",
                "type": "wordvec",
                "vis": {"type": "wordvec"},
            },
        },
        "etc": {"regex_search": True},
    }
