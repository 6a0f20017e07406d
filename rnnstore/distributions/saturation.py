"""Saturation: which states are gates, what they are called, and between which limits a state is not saturated."""

from __future__ import annotations

from rnnstore.networks.gates import gate_of
from rnnstore.store.card import State


def is_gate(state: State, cell: str = "") -> bool:
    """Whether a state is a gate of a recording's cell, one with values between 0 and 1."""
    gate = gate_of(state.name, cell)
    return gate is not None and gate.bounds == (0, 1) and state.minimum >= 0 and state.maximum <= 1


def gate_name(state: str, cell: str = "") -> str:
    """`layer1.f` -> `forget gate`; of nested cells with its number."""
    gate = gate_of(state, cell)
    return gate.label if gate and gate.bounds == (0, 1) else state


def default_limits(state: State) -> tuple[float, float]:
    """The default limits of saturation: 0.1 and 0.9 for a gate, -0.9 and 0.9 for values between -1 and 1, -2 and 2 for
    a cell with larger values (tanh is nearly flat beyond), else a tenth of the range from its ends."""
    low, high = state.minimum, state.maximum
    reach = max(-low, high)
    if low >= 0 and high <= 1 and (is_gate(state) or high > 0.5):
        return 0.1, 0.9
    if 0.5 < reach <= 1:
        return -0.9, 0.9
    if low < 0 < high and 1 < reach <= 1000:
        return -2.0, 2.0
    return low + (high - low) / 10, high - (high - low) / 10
