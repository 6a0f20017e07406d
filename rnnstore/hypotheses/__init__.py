"""What a selection is worth against annotations, and hypotheses saved to be shared and run again.

Two tasks meet here, which is why more names are public than elsewhere. `test` asks at once whether the matches of a
selection have a label more often than the corpus does; `gather_evidence` and `associate` are its two halves, for units
chosen in another way. `labelled_ranges` and `separation` ask the reverse: do the units distinguish what a track labels?
`from_selection`, `save`, `load` and `rerun` write a hypothesis down before it is tested elsewhere.

An association says that units and labels go together in this corpus; it does not say that the network uses the units
for the label, nor that it would hold for another network or text.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
