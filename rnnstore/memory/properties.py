"""Properties: how well a state remembers what distinguishes two classes of words, such as singular from plural.

A property is the difference of the mean embeddings of two classes, d, of unit length (Verwimp et al. 2018, section
3.2). It is compared with the mean gradient G at each delay in two ways: the cosine with the span of the n right
singular vectors that are kept best, and the relative memory |G d| / sigma_1. What random directions give stands beside,
as n of 64 directions hold a random one to sqrt(n / 64) already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rnnstore.errors import QuestionError, StoreError
from rnnstore.memory.gradients import ALL
from rnnstore.memory.singular_values import has_memory
from rnnstore.memory.spectra import matrix
from rnnstore.memory.word_classes import class_words
from rnnstore.networks.interface import Network
from rnnstore.networks.opening import open_network
from rnnstore.store.folder import Store
from rnnstore.store.model import Model
from rnnstore.store.tables import TABLES
from rnnstore.threads import one_thread

FEWEST = 5
"""Words that a class needs for its mean embedding to say something."""

RANDOM = 1000
"""Random directions of the baseline."""


@dataclass(frozen=True)
class Property:
    """What distinguishes the words `first` from the words `second`; `direction` float64[embedding] has unit length."""

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    direction: np.ndarray


def property_of(model: Model, name: str, first: str, second: str) -> Property:
    """The property that distinguishes two classes, each as `rnnstore.memory.word_classes` writes them.

    `QuestionError` for classes that have fewer than `FEWEST` words, that share words, or whose means are equal.
    """
    found = open_network(model)
    sides = [class_words(model, text) for text in (first, second)]
    known = set(found.words)
    sides = [[word for word in side if word in known] for side in sides]
    check_classes(name, sides)
    means = [embeddings(found, side).mean(axis=0) for side in sides]
    difference = means[0] - means[1]
    length = float(np.linalg.norm(difference))
    if not length > 0:
        raise QuestionError(f"The classes of {name!r} have the same mean embedding, so nothing tells them apart.")
    return Property(name, tuple(sides[0]), tuple(sides[1]), difference / length)


def check_classes(name: str, sides: Sequence[Sequence[str]]) -> None:
    """A sentence where two classes of words make no property."""
    for number, side in zip(("first", "second"), sides, strict=True):
        if len(side) < FEWEST:
            raise QuestionError(
                f"The {number} class of {name!r} has {len(side)} {'word' if len(side) == 1 else 'words'}; at least "
                f"{FEWEST} are needed for a mean that is not one word's own."
            )
    both = sorted(set(sides[0]) & set(sides[1]))
    if both:
        shown = ", ".join(both[:5]) + (" and others" if len(both) > 5 else "")
        raise QuestionError(
            f"The classes of {name!r} overlap: {len(both)} {'word is' if len(both) == 1 else 'words are'} in both "
            f"({shown}). A word can be on one side only."
        )


def embeddings(found: Network, words: Sequence[str]) -> np.ndarray:
    """float64[words, embedding]."""
    number_of = {word: number for number, word in enumerate(found.words)}
    return found.embed(np.array([number_of[word] for word in words], np.int64)).astype(np.float64)


def cosine_with_span(direction: np.ndarray, right: np.ndarray, n: int) -> float:
    """|V_n' d|: the cosine between d, of unit length, and the span of the n first rows of `right` (equation 4)."""
    if not 1 <= n <= len(right):
        raise QuestionError(f"{n} directions were asked for; the embedding has 1 to {len(right)}.")
    return float(np.linalg.norm(right[:n] @ direction))


def relative_memory(direction: np.ndarray, gradient: np.ndarray) -> float:
    """|G d| / sigma_1, G float[units, embedding]: 1 for what is remembered best (equations 5 and 6)."""
    largest = float(np.linalg.norm(gradient, 2))
    return float(np.linalg.norm(gradient @ direction)) / largest if largest > 0 else float("nan")


def memory_of(
    model: Model, state: str, asked: Sequence[Property], n: int = 5, word_class: str = ALL, seed: int = 0
) -> pa.Table:
    """The rows of `memory_of_properties`: every property at every delay, with the mean and the 95 % band of random
    directions. `word_class`: over whose gradients."""
    found = model.state_gradients(state, ["delay", "matrix"], word_class)
    if not found.num_rows:
        matrix(model, state, word_class, 0)  # says what is missing
    schema, rows = TABLES["memory_of_properties"].schema, []
    with one_thread():  # many small products
        for delay, values in zip(found["delay"].to_pylist(), found["matrix"], strict=True):
            gradient = values.values.to_numpy().reshape(-1, open_network(model).input_width).astype(np.float64)
            right = np.linalg.svd(gradient, full_matrices=False)[2]
            random = np.random.default_rng(seed).normal(size=(RANDOM, gradient.shape[1]))
            random /= np.linalg.norm(random, axis=1, keepdims=True)
            n = min(n, len(right))
            largest = float(np.linalg.norm(gradient, 2))
            by_chance = {
                "cosine": np.linalg.norm(random @ right[:n].T, axis=1),
                "memory": np.linalg.norm(random @ gradient.T, axis=1) / (largest or np.nan),
            }
            chance: dict[str, float] = {}
            for name, values in by_chance.items():
                low, high = np.quantile(values, (0.025, 0.975))
                chance |= {f"random_{name}": values.mean(), f"random_{name}_low": low, f"random_{name}_high": high}
            rows += [
                {
                    "state": state,
                    "property": each.name,
                    "word_class": word_class,
                    "delay": delay,
                    "words_first": len(each.first),
                    "words_second": len(each.second),
                    "directions": n,
                    "cosine": cosine_with_span(each.direction, right, n),
                    "relative_memory": relative_memory(each.direction, gradient),
                    **chance,
                }
                for each in asked
            ]
    fields = [pa.field("state", pa.string()), *(field for field in schema if field.name != "state")]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def save_properties(store: Store, name: str, asked: Mapping[str, tuple[str, str]]) -> list[str]:
    """Write how well every state with gradients remembers properties, name -> two classes; a message for each that
    cannot be followed."""
    model, found, messages = store.model(name), [], []
    for called, (first, second) in asked.items():
        try:
            found.append(property_of(model, called, first, second))
        except StoreError as error:
            messages.append(str(error))
    if found:
        with store.writer(name) as writer:
            for state in has_memory(model):
                writer.replace("memory_of_properties", memory_of(model, state, found), state)
        store.refresh()
    return messages
