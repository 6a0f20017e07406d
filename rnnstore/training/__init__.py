"""What was recorded while a network was trained: curves, and gradients of batches (RNNbow, Cashman et al. 2018)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
