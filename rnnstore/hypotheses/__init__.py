"""What a selection is worth against annotations, and hypotheses saved to be shared and run again."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
