"""Networks that are a stack of cells: an embedding, layers whose cells are known, and a linear output layer.

Both the networks of the store's files and those of somebody's own cells are such stacks; they differ in where weights
come from. Everything is float32 and NumPy.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from rnnstore.errors import QuestionError
from rnnstore.networks.arrays import NUMPY
from rnnstore.networks.cells.base import Cell, unedited
from rnnstore.networks.forward import follow
from rnnstore.networks.interface import Cotangents, Edit, Network, Trace, Visit
from rnnstore.networks.unrolled import Unrolled


class CellNetwork(Network):
    """A stack of `cells`, from the bottom up, and the names of its `layers`: `layer1`, `layer2`, ... or their own."""

    cells: list[Cell]
    layers: list[str]

    def describe(self, cells: Sequence[Cell], names: Sequence[str] | None = None) -> None:
        """Set what the interface says of states and gates."""
        self.cells = list(cells)
        self.layers = list(names or (f"layer{number}" for number in range(1, len(cells) + 1)))
        self.input_width = cells[0].inputs
        layers = self._named()
        self.widths = {layer + name: width for layer, cell in layers for name, width in cell.widths.items()}
        self.states = [layer + name for layer, cell in layers for name in cell.states]
        gates = [(layer, name, gate.keeps) for layer, cell in layers for name, gate in cell.gates.items()]
        self.keeping = {layer + keeps: layer + name for layer, name, keeps in gates if keeps}
        self.head = f"{self.layers[-1]}.h"

    def _named(self) -> list[tuple[str, Cell]]:
        """(with which the names of its series begin, cell) of each layer."""
        return [(f"{name}.", cell) for name, cell in zip(self.layers, self.cells, strict=True)]

    @abstractmethod
    def layer_weights(self, number: int) -> Mapping[str, np.ndarray]:
        """The weights of a layer's cell, counted from 1, by the cell's names for them."""

    @abstractmethod
    def output_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """float32[width, outputs] and float32[outputs]: what makes scores of the state `head`."""

    def scores(self, hidden: np.ndarray) -> np.ndarray:
        self.need("scores")
        kernel, bias = self.output_weights()
        scores = hidden @ kernel + bias
        self.check(scores)
        return scores

    def score_gradients(self, hidden: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        self.need("scores")
        return self.output_weights()[0][:, outputs].T

    def score_of(self, hidden: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        self.need("scores")
        bias = self.output_weights()[1]
        return np.einsum("ij,ij->i", hidden, self.score_gradients(hidden, outputs)) + bias[outputs]

    def run(
        self,
        texts: Sequence[np.ndarray],
        starts: Sequence[np.ndarray] | None = None,
        before: Mapping[str, np.ndarray] | None = None,
        *,
        edit: Edit | None = None,
        keep: Sequence[str] | None = None,
    ) -> Trace:
        x, resets, lengths = self._side_by_side(texts, starts)
        states = {name: np.zeros((len(texts), self.widths[name]), np.float32) for name in self.states}
        states |= {name: np.asarray(values, np.float32) for name, values in (before or {}).items()}
        kept: dict[str, np.ndarray] = {}
        below = x
        for number, (layer, cell) in enumerate(self._named(), 1):
            first = {name: states[layer + name] for name in cell.states}
            weights = self.layer_weights(number)
            if len(texts) == 1 and edit is None:
                one = {name: values[0] for name, values in first.items()}
                series = cell.run(weights, below[:, 0], resets[:, 0], one)
                series = {name: values[:, None] for name, values in series.items()}
            else:
                wanted = [name for name in cell.widths if name == "h" or keep is None or layer + name in keep]
                series = _through(cell, weights, below, resets, first, lengths, wanted, _of_layer(edit, layer))
            kept |= {layer + name: v for name, v in series.items() if keep is None or layer + name in keep}
            below = series["h"]
        return Trace(x, kept, states, resets, lengths, edited=edit is not None)

    def _side_by_side(
        self, texts: Sequence[np.ndarray], starts: Sequence[np.ndarray] | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x float32[steps, texts, inputs], bool[steps, texts] and int[texts] of texts, filled up with zeros."""
        lengths = np.array([len(text) for text in texts])
        if not len(texts) or not lengths.min():
            raise QuestionError("There is nothing to read: every text needs at least one step.")
        x = np.zeros((lengths.max(), len(texts), self.input_width), np.float32)
        resets = np.zeros(x.shape[:2], bool)
        for row, text in enumerate(texts):
            values = np.asarray(text)
            x[: len(text), row] = values if values.ndim == 2 else self.embed(values)
            if starts is not None:
                resets[: len(text), row] = starts[row]
        return x, resets, lengths

    def unrolled(self, trace: Trace) -> Unrolled:
        """The layers at the activations of a trace."""
        trace.need_unedited()
        layers = self._named()
        return Unrolled(
            self.cells,
            [self.layer_weights(number) for number in range(1, len(layers) + 1)],
            [{name: trace.series[layer + name] for name in cell.widths} for layer, cell in layers],
            [{name: trace.before[layer + name] for name in cell.states} for layer, cell in layers],
            trace.starts,
            trace.x,
        )

    def vjp(self, trace: Trace, cotangents: Mapping[str, np.ndarray]) -> Cotangents:
        x, states = self.unrolled(trace).vjp(
            [
                {name: cotangents[key] for name in cell.states if (key := layer + name) in cotangents}
                for layer, cell in self._named()
            ]
        )
        named = {f"{layer}.{n}": v for layer, each in zip(self.layers, states, strict=True) for n, v in each.items()}
        return Cotangents(x, named)

    def vjp_each(self, trace: Trace, cotangents: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        for arrived in self.unrolled(trace).back(cotangents[:, None]):
            assert arrived.input is not None
            yield arrived.step, arrived.input

    def jvp(
        self,
        text: np.ndarray,
        starts: np.ndarray,
        names: Sequence[str],
        delays: int,
        visit: Visit,
        *,
        before: Mapping[str, np.ndarray] | None = None,
        sources: np.ndarray | None = None,
        progress: Callable[[int, int], None] | None = None,
        threads: int | None = None,
    ) -> None:
        self.known(names)
        follow(self, text, starts, names, delays, visit, before, sources, progress, threads)


def _of_layer(edit: Edit | None, layer: str) -> Edit | None:
    return edit and (lambda name, step, values: edit(layer + name, step, values))


def _through(
    cell: Cell,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    resets: np.ndarray,
    before: Mapping[str, np.ndarray],
    lengths: np.ndarray,
    wanted: Sequence[str],
    edit: Edit | None,
) -> dict[str, np.ndarray]:
    """The wanted states and gates of a layer over a batch, float32[steps, texts, width] each.

    Texts stand by falling length, so that those that have ended are left out; with an edit all go on to the end.
    """
    steps, texts = x.shape[:2]
    order = np.arange(texts) if edit else np.argsort(-lengths, kind="stable")
    reading = np.full(steps, texts) if edit else (lengths[:, None] > np.arange(steps)).sum(axis=0)
    inverse = np.argsort(order)
    projected = cell.project(weights, x[:, order].reshape(steps * texts, -1)).reshape(steps, texts, -1)
    found = {name: np.zeros((steps, texts, cell.widths[name]), np.float32) for name in wanted}
    state: Mapping[str, np.ndarray] = {name: values[order] for name, values in before.items()}
    resets = resets[:, order]
    for t in range(steps):
        count = int(reading[t])
        state = {name: values[:count] for name, values in state.items()}
        if resets[t, :count].any():
            state = {name: np.where(resets[t, :count, None], np.float32(0), values) for name, values in state.items()}
        change = unedited if edit is None else (lambda name, values, t=t: edit(name, t, values))
        state, gates = cell.step(NUMPY, weights, projected[t, :count], state, change)
        for name, values in (*state.items(), *gates.items()):
            if name in wanted:
                found[name][t, :count] = values
    if edit:  # what an edit left behind a text's end is nobody's
        ended = lengths[None] <= np.arange(steps)[:, None]
        for values in found.values():
            values[ended] = 0
        return found
    return {name: values[:, inverse] for name, values in found.items()}
