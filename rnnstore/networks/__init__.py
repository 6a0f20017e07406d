"""Trained networks, read with NumPy or asked of a program: states, gates, scores, derivatives, edits; typed text."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
