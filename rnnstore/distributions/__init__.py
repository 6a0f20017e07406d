"""How the values of states and gates are distributed, and which units are saturated or still."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
