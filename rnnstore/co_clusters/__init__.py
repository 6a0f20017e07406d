"""Groups of units and words by expected responses, the mean change of a state by a word (RNNVis, Ming et al. 2017)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
