"""On which inputs a prediction depends, by gradients (Visualizing memorization in RNNs, Madsen 2019)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
