"""What two states, layers or models do alike, whatever the order of their units."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
