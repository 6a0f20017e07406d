"""The derivative of a cell's step from the step itself, for cells that do not write theirs out.

A step is run once on `Traced` arrays, which note of every operation how it carries tangents and cotangents; after that
it is a linear map, `Linearised`, for any number of rows. It costs a few times what derivatives written out cost, and is
what those are tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnnstore.errors import QuestionError
from rnnstore.networks.arrays import NUMPY

Carry = Callable[[np.ndarray], np.ndarray]


class Weight:
    """A weight in a traced step: it knows its name, also of its blocks of rows or columns."""

    __array_ufunc__ = None

    def __init__(self, name: str, value: np.ndarray) -> None:
        self.name, self.value = name, np.asarray(value)

    def __getitem__(self, index: Any) -> Weight:
        return Weight(self.name, self.value[index])


class Traced:
    """An array of a step, float32[rows or 1, ...], with how it depends on the arrays it was made of."""

    __array_ufunc__ = None

    def __init__(self, value: np.ndarray, *parents: tuple[Traced, Carry, Carry]) -> None:
        self.value, self.parents = value, parents
        self.product: Weight | None = None  # what its one parent was multiplied by

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __add__(self, other: Any) -> Any:
        return _both(self, other, np.add, lambda a, b: (1, 1))

    def __sub__(self, other: Any) -> Any:
        return _both(self, other, np.subtract, lambda a, b: (1, -1))

    def __rsub__(self, other: Any) -> Any:
        return (-self) + other

    def __mul__(self, other: Any) -> Any:
        return _both(self, other, np.multiply, lambda a, b: (b, a))

    def __truediv__(self, other: Any) -> Any:
        return _both(self, other, np.divide, lambda a, b: (1 / b, -a / (b * b)))

    def __rtruediv__(self, other: Any) -> Any:
        value = _value(other) / self.value
        return _through(self, value, -value / self.value)

    def __neg__(self) -> Any:
        return _through(self, -self.value, -1)

    def __pow__(self, power: float) -> Any:
        return _through(self, self.value**power, power * self.value ** (power - 1))

    __radd__, __rmul__ = __add__, __mul__

    def __matmul__(self, other: Any) -> Any:
        matrix = _value(other)
        found = Traced(self.value @ matrix, (self, lambda t: t @ matrix, lambda c: c @ matrix.T))
        found.product = other if isinstance(other, Weight) else None
        return found

    def __getitem__(self, index: Any) -> Traced:
        shape = self.value.shape

        def back(cotangent: np.ndarray) -> np.ndarray:
            whole = np.zeros((len(cotangent), *shape[1:]), cotangent.dtype)
            whole[index] = cotangent
            return whole

        return Traced(self.value[index], (self, lambda t: t[index], back))

    def __lt__(self, other: Any) -> np.ndarray:
        return self.value < _value(other)

    def __gt__(self, other: Any) -> np.ndarray:
        return self.value > _value(other)

    def __le__(self, other: Any) -> np.ndarray:
        return self.value <= _value(other)

    def __ge__(self, other: Any) -> np.ndarray:
        return self.value >= _value(other)


class Tracing:
    """The array namespace of a traced step."""

    def tanh(self, x: Any) -> Any:
        value = np.tanh(_value(x))
        return _through(x, value, 1 - value * value)

    def sigmoid(self, x: Any) -> Any:
        value = NUMPY.sigmoid(_value(x))
        return _through(x, value, value * (1 - value))

    def exp(self, x: Any) -> Any:
        value = np.exp(_value(x))
        return _through(x, value, value)

    def log(self, x: Any) -> Any:
        return _through(x, np.log(_value(x)), 1 / _value(x))

    def sqrt(self, x: Any) -> Any:
        value = np.sqrt(_value(x))
        return _through(x, value, 0.5 / value)

    def softplus(self, x: Any) -> Any:
        return _through(x, NUMPY.softplus(_value(x)), NUMPY.sigmoid(_value(x)))

    def maximum(self, x: Any, y: Any) -> Any:
        return self.where(_value(x) >= _value(y), x, y)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        condition = _value(condition)
        return _both(x, y, lambda a, b: np.where(condition, a, b), lambda a, b: (condition, ~condition))

    def sum(self, x: Any, axis: int) -> Any:
        if not isinstance(x, Traced):
            return np.sum(_value(x), axis)
        width = x.shape[axis]
        return Traced(
            np.sum(x.value, axis),
            (x, lambda t: np.sum(t, axis), lambda c: np.repeat(np.expand_dims(c, axis), width, axis)),
        )

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        if not isinstance(x, Traced):
            return np.reshape(_value(x), shape)
        own = x.shape[1:]
        return Traced(
            np.reshape(x.value, shape),
            (x, lambda t: t.reshape(len(t), *shape[1:]), lambda c: c.reshape(len(c), *own)),
        )

    def split(self, x: Any, parts: int) -> list[Any]:
        width = x.shape[-1] // parts
        return [x[..., part * width : (part + 1) * width] for part in range(parts)]

    def concat(self, arrays: Sequence[Any]) -> Traced:
        ends = np.cumsum([0, *(each.shape[-1] for each in arrays)])
        whole = np.concatenate([np.atleast_2d(_value(each)) for each in arrays], axis=-1)

        def part(each: Any, first: int, last: int) -> tuple[Traced, Carry, Carry]:
            def forward(tangent: np.ndarray) -> np.ndarray:
                placed = np.zeros((*tangent.shape[:-1], whole.shape[-1]), tangent.dtype)
                placed[..., first:last] = tangent
                return placed

            return each, forward, lambda cotangent: cotangent[..., first:last]

        spans = zip(arrays, ends[:-1], ends[1:], strict=True)
        return Traced(whole, *(part(*span) for span in spans if isinstance(span[0], Traced)))

    def transpose(self, x: Any) -> np.ndarray:
        return np.transpose(_value(x))


TRACING = Tracing()


class Linearised:
    """A step of `cell` at an input float32[rows or 1, inputs] and states before it: a linear map of both.

    `sources` are the states before by name and the input as `x`, `states` and `gates` what the step made of them.
    """

    def __init__(
        self, cell: Any, weights: Mapping[str, np.ndarray], x: np.ndarray, before: Mapping[str, np.ndarray]
    ) -> None:
        self.sources = {name: Traced(np.atleast_2d(values)) for name, values in {**before, "x": x}.items()}
        named = {name: Weight(name, value) for name, value in weights.items()}
        projected = cell.project(named, self.sources["x"])
        state = {name: self.sources[name] for name in before}
        self.states, self.gates = cell.step(TRACING, named, projected, state)
        self.order = _ordered([*self.states.values(), *self.gates.values()])

    @property
    def products(self) -> list[Traced]:
        """What was multiplied by a block of recurrent weights, in order."""
        return [node for node in self.order if node.product is not None and node.product.name.startswith("recurrent")]

    def jvp(self, tangents: Mapping[str, np.ndarray]) -> Callable[[Traced], np.ndarray]:
        """What tangents of the sources become; sources that are not named do not change."""
        rows = len(next(iter(tangents.values())))
        found = {id(self.sources[name]): values for name, values in tangents.items()}
        for node in self.order:
            parts = [forward(found[id(each)]) for each, forward, _ in node.parents if id(each) in found]
            if parts:
                found[id(node)] = sum(parts[1:], parts[0])
        return lambda node: found.get(id(node), np.zeros((rows, *node.shape[1:]), np.float32))

    def vjp(self, cotangents: Mapping[str, np.ndarray]) -> Callable[[Traced], np.ndarray]:
        """The cotangents of any array of the step, from those of its states."""
        rows = len(next(iter(cotangents.values())))
        found: dict[int, np.ndarray] = {}

        def add(node: Traced, values: np.ndarray) -> None:
            found[id(node)] = found[id(node)] + values if id(node) in found else values

        for name, values in cotangents.items():
            add(self.states[name], values)
        for node in reversed(self.order):
            if id(node) in found:
                for each, _, back in node.parents:
                    add(each, back(found[id(node)]))
        return lambda node: found.get(id(node), np.zeros((rows, *node.shape[1:]), np.float32))

    def outer_products(self) -> None:
        """`QuestionError` where the step multiplies by the same recurrent weights twice: those outer products would
        share entries, and their norms would not add up."""
        seen: list[Weight] = []
        for weight in (node.product for node in self.products if node.product is not None):
            if any(other.name == weight.name and np.shares_memory(other.value, weight.value) for other in seen):
                raise QuestionError(
                    f"A step of this cell multiplies by {weight.name} twice, so the gradient of those weights is no "
                    "single outer product and cannot be itemized."
                )
            seen.append(weight)


def _ordered(ends: Sequence[Traced]) -> list[Traced]:
    """Every array that `ends` depend on, each behind what it was made of."""
    order: list[Traced] = []
    seen: set[int] = set()
    waiting = [(each, False) for each in reversed(ends)]
    while waiting:
        node, done = waiting.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(each, False) for each, _, _ in node.parents]
    return order


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Traced | Weight) else np.asarray(x, np.float32) if np.isscalar(x) else x


def _through(x: Any, value: Any, slope: Any) -> Any:
    """`value` with how it changes with `x`, a product with `slope` each way."""
    return Traced(value, (x, lambda t: t * slope, lambda c: c * slope)) if isinstance(x, Traced) else value


def _both(x: Any, y: Any, function: Callable[[Any, Any], Any], slopes: Callable[[Any, Any], tuple[Any, Any]]) -> Any:
    """function(x, y) of arrays one of which may be smaller or known, with its slopes by both."""
    a, b = _value(x), _value(y)
    value = function(a, b)
    parents = []
    for each, own, slope in zip((x, y), (a, b), slopes(a, b), strict=True):
        if isinstance(each, Traced):
            parents.append((each, _wider(slope, value.shape[1:]), _narrower(slope, own.shape[1:])))
    return Traced(value, *parents) if parents else value


def _wider(slope: Any, shape: tuple[int, ...]) -> Carry:
    return lambda t: np.broadcast_to(t * slope, (len(t), *shape))


def _narrower(slope: Any, shape: tuple[int, ...]) -> Carry:
    def back(cotangent: np.ndarray) -> np.ndarray:
        found = cotangent * slope
        small = tuple(axis + 1 for axis, width in enumerate(shape) if width == 1 and found.shape[axis + 1] > 1)
        return found.sum(axis=small, keepdims=True) if small else found

    return back
