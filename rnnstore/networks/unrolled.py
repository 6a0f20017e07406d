"""A network unrolled over the steps of a text: derivatives carried back through all of its layers and steps.

How a loss or a score at one step depends on an earlier step is found by taking its cotangent back, step by step, and
from the top layer to the bottom at each. `back` takes those of all steps side by side, as rows of one matrix, and
yields at every step what has arrived there. Nothing passes the start of a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnstore.networks.cells import Cell


@dataclass(frozen=True)
class Arrived:
    """What the cotangents of steps `step`..`step + rows/batch - 1` have become at `step`; rows go by step, then text.

    inner    per layer, from 1: cotangents of its gates' pre-activations by gate, float32[rows, units] each
    input    cotangent of the first layer's input, float32[rows, inputs]; None unless it was asked for
    """

    step: int
    inner: Mapping[int, Mapping[str, np.ndarray]]
    input: np.ndarray | None


class Unrolled:
    """Layers of a network at the activations that they had over a batch of texts.

    cells      from the bottom up
    weights    of each layer, by the cell's names
    series     of each layer: every state and gate by name, float32[steps, batch, units]
    before     of each layer: every state before the first step, float32[batch, units]
    starts     bool[steps, batch]: the state was set to zero before this step
    x          what the first layer read, float32[steps, batch, inputs]; needed where its cell `reads_input`
    dropped    by layer: what dropout multiplied the layer's input by, float32[steps, batch, inputs]; layers that
               are not named read their input as it is
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        weights: Sequence[Mapping[str, np.ndarray]],
        series: Sequence[Mapping[str, np.ndarray]],
        before: Sequence[Mapping[str, np.ndarray]],
        starts: np.ndarray,
        x: np.ndarray | None = None,
        dropped: Mapping[int, np.ndarray] | None = None,
    ) -> None:
        self.dropped = dropped or {}
        self.starts, self.batch = starts, starts.shape[1]
        self.cells = dict(enumerate(cells, 1))
        self.weights: dict[int, Mapping[str, np.ndarray]] = {}
        self.residuals: dict[int, Mapping[str, np.ndarray]] = {}
        for layer, cell in self.cells.items():
            blocks = self.weights[layer] = cell.by_gate(weights[layer - 1])
            known = series[layer - 1]
            earlier = {name: np.concatenate([before[layer - 1][name][None], known[name][:-1]]) for name in cell.states}
            for values in earlier.values():
                values[starts] = 0
            if cell.reads_input and layer in self.dropped and x is not None:
                x = x * self.dropped[layer]
            self.residuals[layer] = cell.residuals(blocks, earlier, known, x)
            x = known["h"]

    def back(self, cotangents: np.ndarray, lags: int | None = None, inputs: bool = True) -> Iterator[Arrived]:
        """What arrives at each step, from the last to the first, of `cotangents` of the top layer's h.

        `cotangents` float32[steps, batch, units], one for each step that is asked about. With `lags`, each is dropped
        after so many steps (1: only its own step is seen).
        """
        steps, batch, top = len(cotangents), self.batch, len(self.cells)
        starts = self.starts.reshape(steps, batch)
        carried = {
            layer: {name: np.zeros((steps * batch, cell.widths[name]), np.float32) for name in cell.states}
            for layer, cell in self.cells.items()
        }
        carried[top]["h"][:] = cotangents.reshape(steps * batch, -1)
        for t in range(steps - 1, -1, -1):
            stop = steps if lags is None else min(steps, t + lags)
            rows, arrived, x = slice(t * batch, stop * batch), {}, None
            for layer in range(top, 0, -1):
                cell = self.cells[layer]
                here = {name: values[rows] for name, values in carried[layer].items()}
                if x is not None:
                    here["h"] = here["h"] + x
                residuals = {name: self._of_rows(value[t], stop - t) for name, value in self.residuals[layer].items()}
                before, arrived[layer] = cell.vjp(self.weights[layer], residuals, here)
                x = cell.input_vjp(self.weights[layer], arrived[layer]) if layer > 1 or inputs else None
                if x is not None and layer in self.dropped:
                    x = x * self._of_rows(self.dropped[layer][t], stop - t)
                for name, values in carried[layer].items():
                    values[rows] = before[name]
                    if starts[t].any():
                        values[rows].reshape(-1, batch, values.shape[1])[:, starts[t]] = 0
            yield Arrived(t, arrived, x)

    def vjp(self, cotangents: Sequence[Mapping[str, np.ndarray]]) -> tuple[np.ndarray, list[dict[str, np.ndarray]]]:
        """How the sum of `cotangents` times states changes with the first layer's input, float32[steps, batch, inputs],
        and with every layer's states, as they are handed on, float32[steps, batch, width] by name.

        `cotangents` of each layer from the bottom up, float32[steps, batch, width] by the names of states.
        """
        steps, batch = len(self.starts), self.batch
        found = {
            layer: {name: np.zeros((steps, batch, cell.widths[name]), np.float32) for name in cell.states}
            for layer, cell in self.cells.items()
        }
        carried = {layer: {name: values[0].copy() for name, values in each.items()} for layer, each in found.items()}
        of_input = np.zeros((steps, batch, self.cells[1].inputs), np.float32)
        for t in range(steps - 1, -1, -1):
            x = None
            for layer in range(len(self.cells), 0, -1):
                cell, given = self.cells[layer], cotangents[layer - 1]
                here = {n: values + given[n][t] if n in given else values for n, values in carried[layer].items()}
                if x is not None:
                    here["h"] = here["h"] + x
                residuals = {name: value[t] for name, value in self.residuals[layer].items()}
                before, inner = cell.vjp(self.weights[layer], residuals, here)
                for name in cell.states:
                    found[layer][name][t] = inner.get(name, here[name])
                x = cell.input_vjp(self.weights[layer], inner)
                if layer in self.dropped:
                    x = x * self.dropped[layer][t]
                carried[layer] = {name: np.where(self.starts[t][:, None], 0, before[name]) for name in cell.states}
            of_input[t] = x
        return of_input, [found[layer] for layer in self.cells]

    def _of_rows(self, values: np.ndarray, steps: int) -> np.ndarray:
        """float32[batch, ...] repeated for the rows of `steps` steps."""
        return values if self.batch == 1 else np.tile(values, (steps, *[1] * (values.ndim - 1)))
