"""Units selected by a span of words, and every other place where they do the same (LSTMVis, Strobelt et al. 2018)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
