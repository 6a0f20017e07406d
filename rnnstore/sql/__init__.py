"""Sandboxed SQL: queries of untrusted users, answered in processes that can reach nothing but the store's tables.

DuckDB calls SQL that it does not trust unsafe by design: what it may read it may overwrite, and one endless scalar
stops for nobody. A question is therefore asked in a child process (`worker`) that has been given the tables as Arrow
datasets, then no path, no network, limits of the operating system (`limits`), and that ends with the answer. The
parent (`pool`) keeps one ready ahead, so that this costs nobody time, and ends what takes too long.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
