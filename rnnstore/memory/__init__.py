"""How long a state keeps the words it reads, and in which directions (state gradients, Verwimp et al. 2018)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
