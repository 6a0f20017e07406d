"""Trained networks read with NumPy: weights, one step of every cell and its derivatives, typed text."""
