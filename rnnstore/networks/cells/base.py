"""What a recurrent cell is: states, gates, weights, one step, and the derivative of the step in both directions.

A cell is one file. It names its states with their shapes, its gates with what they mean, its weights with their shapes
and first values, and its options (those of a recipe and of a network file alike). Its step is written over operators
and an array namespace, so the same lines train in TensorFlow, read in NumPy and restate a layer of another framework.

A step has two halves. `project` is the input's share of the pre-activations: one matrix product for all steps at once.
`step` is what has to wait for the state before. Everything a step makes passes through `edit` before anything reads
it, so that an intervention on c acts before h is made from c.

A cell needs no more than that: its derivatives are found by running the step on traced arrays (`autodiff`). Those that
are asked often write theirs out, which is several times faster, and are tested against GradientTape.

At given activations a step is a linear map. `jvp` takes tangents (how the states change when something earlier changes)
one step forward, `vjp` takes cotangents (how something later changes with the states) one step back; what both multiply
by, the residuals, is found for all steps at once. Rows are whatever is carried: float32[rows, width] of every state.
A state that is a matrix is flattened in all of them, and in recordings; its step may reshape it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import prod
from operator import add
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticKnownError

from rnnstore.errors import QuestionError, suggest
from rnnstore.networks.arrays import NUMPY, Array, Namespace
from rnnstore.networks.autodiff import Linearised

Arrays = Mapping[str, Array]
Edit = Callable[[str, Array], Array]

CELLS: dict[str, type[Cell]] = {}
"""The registered cells by their name in a recipe and in a network file."""

_BOUNDS = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "identity": None}


@dataclass(frozen=True)
class Gate:
    """A gate of a cell: its name in recordings (`f`, `f2`), what it is called, its activation, and the state that it
    keeps: of whose value before the step it passes this share on. None where it does something else."""

    name: str
    label: str
    activation: Literal["sigmoid", "tanh", "identity"] = "sigmoid"
    keeps: str | None = None

    @property
    def letter(self) -> str:
        """Its name without a level's number."""
        return self.name.rstrip("0123456789")

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The values between which it lies; None for no bounds."""
        return _BOUNDS[self.activation]

    def slope(self, values: Array) -> Array:
        """The derivative of the activation, from its values."""
        if self.activation == "sigmoid":
            return values * (1 - values)
        return 1 - values * values if self.activation == "tanh" else 0 * values + 1


class Options(BaseModel):
    """A cell's options: the same in a recipe and in a network file. Each has a description for the documentation."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def unedited(name: str, values: Array) -> Array:
    """The edit that changes nothing."""
    return values


class Cell(ABC):
    """A layer's cell of `units` units that reads `inputs` numbers a step.

    states  shape of each state by name, in recording order: what is carried to the next step. `h`, always the last and
            `units` wide, is what the next layer reads
    gates   what it computes on the way, by name, in recording order
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    Options: ClassVar[type[Options]] = Options
    reads_input: ClassVar[bool] = True  # whether derivatives need what the layer read; written-out ones do without

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if kind := cls.__dict__.get("kind"):
            other = CELLS.get(kind)
            if other and (other.__qualname__, other.__module__) != (cls.__qualname__, cls.__module__):
                raise QuestionError(
                    f"A cell of the kind {kind!r} is registered already, by {other.__module__}; give "
                    f"{cls.__qualname__} of {cls.__module__} another kind."
                )
            CELLS[kind] = cls

    def __init__(self, inputs: int, units: int, **options: Any) -> None:
        self.inputs, self.units, self.options = inputs, units, self.Options(**options)
        self.states = self.state_shapes()
        self.gates = {gate.name: gate for gate in self.gate_list()}
        if not self.states or list(self.states)[-1] != "h" or self.states["h"] != (units,):
            raise QuestionError(
                f"{type(self).__qualname__} has the states {', '.join(self.states) or 'none'}; the last must be h, of "
                "`units` numbers: it is what the next layer reads."
            )
        self.widths = {name: prod(shape) for name, shape in self.states.items()} | dict.fromkeys(self.gates, units)
        self.blocks = self.gate_blocks()

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.options.model_dump().items())
        return f"{type(self).__name__}({self.inputs}, {self.units}{options})"

    # What it is

    @abstractmethod
    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every state, by name, in recording order."""

    def gate_list(self) -> Iterable[Gate]:
        """Its gates in recording order, `units` wide each."""
        return ()

    def unit_name(self, state: str, unit: int) -> str:
        """How a unit is called: `c[7]`, and `c[12, 3]` where the state is a matrix."""
        place = np.unravel_index(unit, self.states.get(state, (self.units,)))
        return f"{state}[{', '.join(str(int(each)) for each in place)}]"

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight, by name."""

    def initial_weights(self, rng: np.random.Generator, limit: float | None) -> dict[str, np.ndarray]:
        """New weights: uniform in [-limit, limit] with the biases of `initial_bias`, or, without a limit, as is usual:
        Glorot-uniform for what multiplies an input, orthogonal blocks for what multiplies a state (`recurrent...`)."""
        weights = {}
        for name, shape in self.shapes().items():
            if name.startswith("bias"):
                weights[name] = self.initial_bias(name, shape, limit)
            elif limit is not None:
                weights[name] = rng.uniform(-limit, limit, shape).astype(np.float32)
            elif name.startswith("recurrent"):
                blocks = [_orthogonal(rng, self.units) for _ in range(shape[1] // self.units)]
                weights[name] = np.concatenate(blocks, axis=1)
            elif len(shape) == 1:
                weights[name] = np.zeros(shape, np.float32)
            else:
                bound = np.sqrt(6.0 / (shape[0] + shape[1]))
                weights[name] = rng.uniform(-bound, bound, shape).astype(np.float32)
        return weights

    def initial_bias(self, name: str, shape: tuple[int, ...], limit: float | None) -> np.ndarray:
        """A new bias: zeros, unless the cell has it otherwise."""
        return np.zeros(shape, np.float32)

    # A step

    def project(self, weights: Arrays, x: Array) -> Array:
        """The input's share of the pre-activations, float32[..., columns], of x float32[..., inputs]."""
        return x @ weights["kernel"] + weights["bias"]

    @abstractmethod
    def step(
        self, xp: Namespace, weights: Arrays, projected: Array, state: Arrays, edit: Edit = unedited
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The new states and the gates by name, float32[rows, width] each, from a projected input and a state.

        Every gate and every state is what `edit(name, values)` makes of it, before anything is computed from it.
        """

    def from_hidden(
        self,
        xp: Namespace,
        weights: Arrays,
        projected: Array,
        h: Array,
        scan: Callable[[Array, Array], Array],
    ) -> dict[str, Array]:
        """Every state and gate of all steps at once, float32[rows, width] by name, where `h` before each is known.

        `scan(kept, added)` gives c = kept c' + added over the steps of whoever calls. Raises `QuestionError` where the
        gates read more than h: such a cell goes step by step.
        """
        if set(self.states) != {"h"}:
            raise QuestionError(f"What a {self.label} does at a step cannot be told from h alone; go step by step.")
        state, gates = self.step(xp, weights, projected, {"h": h})
        return {**state, **gates}

    def run(self, weights: Arrays, x: np.ndarray, starts: np.ndarray, before: Arrays | None = None) -> dict:
        """Every state and gate, float32[steps, width], over inputs x float32[steps, inputs] of one text.

        The state before the first step is `before`, float32[width] each, zero when it is not given; before every step
        at which `starts` is true it is zero.
        """
        projected = self.project(weights, x)
        series = {name: np.empty((len(x), width), np.float32) for name, width in self.widths.items()}
        zeros = {name: np.zeros(self.widths[name], np.float32) for name in self.states}
        state: Arrays = before or zeros
        for t in range(len(x)):
            state, gates = self.step(NUMPY, weights, projected[t], zeros if starts[t] else state)
            for name, value in (*state.items(), *gates.items()):
                series[name][t] = value
        return series

    # Its derivative

    def gate_blocks(self) -> dict[str, tuple[str, ...]]:
        """The weights whose columns are blocks of `units`, a gate each: its gates from left to right. `blocks` has it
        afterwards."""
        return {}

    def by_gate(self, weights: Arrays, xp: Namespace = NUMPY) -> dict[str, Array]:
        """The weights cut into blocks `recurrent.i`, `kernel.i`, ..., and transposed `recurrent.i.T`, ...

        The methods below take weights in this form.
        """
        found = {name: value for name, value in weights.items() if name not in self.blocks}
        for name, gates in self.blocks.items():
            if name in weights:
                for number, gate in enumerate(gates):
                    block = weights[name][..., number * self.units : (number + 1) * self.units]
                    found |= {f"{name}.{gate}": block, f"{name}.{gate}.T": xp.transpose(block)}
        return found

    def residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None, xp: Namespace = NUMPY
    ) -> dict[str, Array]:
        """What `jvp` and `vjp` multiply by, float32[steps, ...] each.

        `before` holds the states before each step, `series` the states and gates after it, `x` what the layer read;
        that is given where `reads_input` is true.
        """
        return {"x": x, **{f"{name}'": values for name, values in before.items()}}

    def merge(self, weights: Arrays, residuals: Arrays) -> Any:
        """What `jvp` multiplies tangents by at one step, from its residuals, float32[width] each.

        Gates that end in the same state can be one matrix, so that many tangents cost few products.
        """
        if self.reads_input:
            return self._linearised(weights, residuals)
        return {name: weights[name] * residuals[name.split(".")[1]] for name in weights if name.count(".") == 1}

    def jvp(self, merged: Any, residuals: Arrays, tangents: Arrays, x: Array | None = None) -> dict[str, Array]:
        """Tangents of the states after a step from those before it, and of its input float32[rows, inputs] if given.

        `merged` and `residuals` of this one step.
        """
        moved = merged.jvp({**tangents, **({} if x is None else {"x": x})})
        return {name: moved(merged.states[name]) for name in self.states}

    def vjp(self, weights: Arrays, residuals: Arrays, cotangents: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
        """Cotangents of the states before a step, and of what stands in between, from those of the states after it.

        In between stand the pre-activations, by gate, from which `input_vjp` and `outer_products` go on, and, by its
        name, every state that the step itself makes another one of, as c, of which h is made.
        """
        step = self._linearised(weights, residuals)
        moved = step.vjp(cotangents)
        inner = {"x": moved(step.sources["x"]), "step": step}
        inner |= {str(number): moved(product) for number, product in enumerate(step.products)}
        inner |= {name: moved(values) for name, values in step.states.items()}
        return {name: moved(step.sources[name]) for name in self.states}, inner

    def input_vjp(self, weights: Arrays, inner: Arrays) -> Array:
        """The cotangent of the input, float32[rows, inputs], from what `vjp` found of the pre-activations."""
        if self.reads_input:
            return inner["x"]
        return total(inner[gate] @ weights[f"kernel.{gate}.T"] for gate in self.blocks["kernel"])

    def outer_products(self, residuals: Arrays, inner: Arrays) -> list[tuple[Array, list[Array]]]:
        """The gradient of the recurrent weights through one step, as outer products that share no entry.

        A list of (left float32[units], rights): the gradient of the blocks of one left vector is left (outer) right,
        float32[rows, units] each.
        """
        if self.reads_input:
            inner["step"].outer_products()
            products = enumerate(inner["step"].products)
            return [(product.parents[0][0].value, [inner[str(number)]]) for number, product in products]
        return [(residuals["h'"], [inner[gate] for gate in self.blocks["recurrent"]])]

    def gate_residuals(
        self, weights: Arrays, before: Arrays, series: Arrays, x: Array | None = None
    ) -> dict[str, Array]:
        """What `gate_tangents` multiplies by, float32[steps, width] each: the states before a step by name with a
        prime, each gate's slope by its name; of cells that read their input, it as `x`."""
        if self.reads_input:
            return self.residuals(weights, before, series, x)
        slopes = {name: gate.slope(series[name]) for name, gate in self.gates.items()}
        return {f"{name}'": values for name, values in before.items()} | slopes

    def gate_tangents(
        self, wanted: Iterable[str], weights: Arrays, residuals: Arrays, before: Arrays, after: Arrays, x: Array | None
    ) -> dict[str, Array]:
        """Tangents float32[rows, units] of the gates `wanted` at one step.

        From those of the states `before` and `after` the step and of its input, None where that does not change;
        `residuals` are those of `gate_residuals` at this step. A gate goes no further than its own step, so nothing is
        carried on.
        """
        if not self.gates:
            return {}
        step = self._linearised(weights, residuals)
        moved = step.jvp({**before, **({} if x is None else {"x": x})})
        return {name: moved(step.gates[name]) for name in wanted}

    def _linearised(self, weights: Arrays, residuals: Arrays) -> Linearised:
        return Linearised(self, weights, residuals["x"], {name: residuals[f"{name}'"] for name in self.states})

    def in_place(self, weights: Arrays, kept: int, rows: int) -> InPlaceJvp:
        """What takes tangents of several words through many steps; a cell with a faster way than `jvp` returns it."""
        return InPlaceJvp(self, weights, kept, rows)


class InPlaceJvp:
    """Takes tangents float32[rows, width] of a layer's states through its steps, written over in place.

    `weights` are those of `Cell.by_gate`; at most `kept` steps are ready at a time: `ready` of step t replaces step
    t - kept. `rows` are the rows of one word: the dimensions of the embedding.
    """

    def __init__(self, cell: Cell, weights: Arrays, kept: int, rows: int) -> None:
        self.cell, self.weights, self.rows = cell, weights, rows

    def ready(self, t: int, residuals: Arrays) -> Any:
        """What takes tangents through step t, from its residuals, float32[units] each."""
        return self.cell.merge(self.weights, residuals), residuals

    def workspace(self, rows: int) -> Any:
        """Memory that `advance` may write into, for so many rows at most; every thread has its own."""
        return None

    def advance(
        self, step: Any, tangents: Arrays, workspace: Any, x: Array | None, callback: Callable[[int], None]
    ) -> None:
        """One step on, in place; `x` are the tangents of the input, None where it does not change.

        `callback` is called with the number of each word, from 0, as soon as its tangents are there: then they are
        still near the processor.
        """
        merged, residuals = step
        for name, moved in self.cell.jvp(merged, residuals, tangents, x).items():
            tangents[name][...] = moved
        for number in range(len(tangents["h"]) // self.rows):
            callback(number)

    def begin(self, step: Any, tangents: Arrays) -> None:
        """The tangents of a first layer right after the word is read, one row a dimension of its embedding."""
        for values in tangents.values():
            values[...] = 0
        self.advance(step, tangents, None, np.eye(self.rows, dtype=np.float32), lambda number: None)


def known_kind(kind: str) -> str:
    """The kind, where it is registered; else pydantic's error of a choice, which recipes and network files put into a
    sentence."""
    if kind not in CELLS:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(f"'{each}'" for each in CELLS)})
    return kind


def build(kind: str, inputs: int, units: int, **options: Any) -> Cell:
    """A cell of a registered kind; `QuestionError` names the nearest for one that is not."""
    if kind not in CELLS:
        raise QuestionError(f"There is no cell of the kind {kind!r}: {suggest(kind, CELLS)}")
    return CELLS[kind](inputs, units, **options)


def gates_side_by_side(inputs: int, units: int, gates: int) -> dict[str, tuple[int, ...]]:
    """The shapes of kernel, recurrent weights and bias of so many gates."""
    return {"kernel": (inputs, gates * units), "recurrent": (units, gates * units), "bias": (gates * units,)}


def total(arrays: Iterable[Array]) -> Array:
    """Their sum."""
    return reduce(add, arrays)


def _orthogonal(rng: np.random.Generator, units: int) -> np.ndarray:
    """A random orthogonal matrix, float32[units, units]."""
    q, r = np.linalg.qr(rng.standard_normal((units, units)))
    return (q * np.sign(np.diag(r))).astype(np.float32)
