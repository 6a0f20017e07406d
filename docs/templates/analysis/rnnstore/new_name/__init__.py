"""New name: what is asked of a state, in a sentence (Author et al. 2026)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
