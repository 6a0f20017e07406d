"""How to read the page "Sentences": what a glyph shows, with formulas and the sections of the papers."""

from __future__ import annotations

import streamlit as st

LABELS = "\n\nThis model tells labels apart: under each glyph stands what it would answer after the word.\n"


def explain(classifier: bool) -> None:
    """How to read the page, with formulas and the paper's sections."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**A glyph is a word** and shows what the state $h$ holds after the word was read, in one bar for each cluster $H$ of
units. The clusters are those of the page *Co-clusters*: units that respond to the same words. Under each memory chip
stand the words that move it most on average, orange upwards and blue downwards; a cell of a chip is a unit.

- **Box**: the information that the cluster holds now, a mean over its units; the positive values upwards,
  $\alpha^+(t)/|H| = \frac{1}{|H|}\sum_{j \in H,\,h_j(t) > 0} h_j(t)$, the negative ones downwards.
- **Hat**: what this word changed, $\Delta\alpha^\pm(t) = \alpha^\pm(t) - \alpha^\pm(t-1)$. What was gained is the end
  of the box, what was lost stands pale outside it. Orange is a change upwards, blue one downwards.
- **Tick on the track above**: how much of what the cluster held before the word it still holds,
  $\sum_{j \in H} |h_j(t-1)|\,\mathrm{clip}\left(h_j(t)/h_j(t-1),\,0,\,1\right) \Big/ \sum_{j \in H} |h_j(t-1)|$: all
  of it at the top, nothing at the bottom. No tick: there was nothing before. By the gate, the clip is replaced by the
  forget gate of an LSTM or the update gate of a GRU.
- **Links** of the chosen word: as wide as $|\Delta\alpha^+ + \Delta\alpha^-|/|H|$, in the colour of its sign. The cells
  of the chips show how that word moved each unit, $h_j(t) - h_j(t-1)$.

A sentence that is typed starts from a state of zero; a recorded span goes on from what the corpus had before it.
All bars share one scale, so that glyphs and sentences can be compared; a small triangle says that a bar goes on.

**Try**: click a word for its links and its response; click a bar, or a chip, to follow its cluster through the
sentence; click a cell to colour the text by that unit; drag over the strip above for a part of a long text; type a
second sentence and align both at a word that they share. The arrow keys move from word to word.

Ming et al., *Understanding Hidden Memories of Recurrent Neural Networks* (RNNVis, 2017): the measures are in section
5.3, the glyph in 6.1.4 and figure 6 (c), sentences side by side in 6.2.2 and figure 10. Text coloured by one unit:
Karpathy et al., *Visualizing and Understanding Recurrent Networks* (2015).
"""
            + (LABELS if classifier else "")
        )
