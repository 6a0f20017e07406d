"""Every registered cell with every choice of its options, so that a new cell is tested by being registered."""

from __future__ import annotations

import itertools
import typing

import annotated_types
import numpy as np

from rnnstore.networks.cells import CELLS, Cell, Gate
from rnnstore.networks.cells.base import unedited


def choices(field) -> list:
    """Values of an option that are worth trying: all of a choice, both of a switch, the first three of a number."""
    if field.annotation is bool:
        return [False, True]
    if typing.get_origin(field.annotation) is typing.Literal:
        return list(typing.get_args(field.annotation))
    least = next((each.ge for each in field.metadata if isinstance(each, annotated_types.Ge)), None)
    return [least, least + 1, least + 2] if field.annotation is int and least is not None else [field.default]


def layers(units: int = 5, kinds: typing.Iterable[str] | None = None) -> list[dict]:
    """A layer of every registered cell (or of those named) with every choice of its options, as in a recipe."""
    found = []
    for kind in kinds or CELLS:
        options = {name: choices(field) for name, field in CELLS[kind].Options.model_fields.items()}
        for values in itertools.product(*options.values()):
            found.append({"cell": kind, "units": units, **dict(zip(options, values, strict=True))})
    return found


def named(layer: dict) -> str:
    """lstm-True: a layer's cell and options, to name a test."""
    return "-".join(str(value) for key, value in layer.items() if key != "units")


class FastWeights(Cell):
    """A cell as a stranger would write it, registered nowhere: a matrix of associations as state, derivatives left to
    the library. M = f M' + i v k^T, h = o tanh(M q)."""

    label = "fast weights"
    KEYS = 3

    def state_shapes(self):
        return {"m": (self.units, self.KEYS), "h": (self.units,)}

    def gate_list(self):
        yield Gate("f", "forget gate", keeps="m")
        yield Gate("i", "input gate")
        yield Gate("o", "output gate")

    def shapes(self):
        wide = 4 * self.units + 2 * self.KEYS
        return {"kernel": (self.inputs, wide), "recurrent": (self.units, wide), "bias": (wide,)}

    def initial_weights(self, rng, limit):
        return {name: rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in self.shapes().items()}

    def step(self, xp, weights, projected, state, edit=unedited):
        units, seen = self.units, projected + state["h"] @ weights["recurrent"]
        parts = zip("fio", xp.split(seen[..., : 3 * units], 3), strict=True)
        f, i, o = (edit(name, xp.sigmoid(part)) for name, part in parts)
        v = xp.tanh(seen[..., 3 * units : 4 * units])
        k, q = xp.split(seen[..., 4 * units :], 2)
        k = k / xp.sqrt(xp.sum(k * k, -1) + 1)[..., None]
        m = xp.reshape(state["m"], (-1, units, self.KEYS))
        m = f[..., None] * m + (i * v)[..., None] * k[..., None, :]
        m = edit("m", xp.reshape(m, (-1, units * self.KEYS)))
        read = xp.sum(xp.reshape(m, (-1, units, self.KEYS)) * q[..., None, :], -1)
        return {"m": m, "h": edit("h", o * xp.tanh(read))}, {"f": f, "i": i, "o": o}


def every_cell(inputs: int, units: int) -> dict[str, Cell]:
    """All of `layers` as cells, and a stranger's, by a name for a test."""
    built = {
        named(layer): CELLS[layer["cell"]](
            inputs, units, **{name: value for name, value in layer.items() if name not in ("cell", "units")}
        )
        for layer in layers()
    }
    return {**built, "fast weights": FastWeights(inputs, units)}
