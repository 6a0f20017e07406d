"""Cached queries of the pages "Select and match" and "Hypotheses"."""

from __future__ import annotations

from pages.parts.shared.cache import cached
from rnnstore import Model
from rnnstore.matching import matches, text_search, windows

window = cached(windows.window)
cells_of_matches = cached(windows.cells_of_matches)
match = cached(matches.match, "Matching ...")
find = cached(text_search.search, "Searching ...")
read_annotations = cached(Model.annotations)
read_predictions = cached(Model.predictions)
