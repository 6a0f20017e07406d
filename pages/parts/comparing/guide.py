"""How two states are compared, with formulas and where they are from."""

from __future__ import annotations

import streamlit as st


def explain() -> None:
    """How to read the page."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**Side by side.** Both sides show the same words, clusters and sentences, each in its own state; a word that is picked
on one side is picked on the other. Units have no counterpart on the other side: unit 3 here and unit 3 there have
nothing in common but the number, and responses cannot be subtracted. What can be compared does not depend on the order
of units; the first two do not depend on a rotation of the state or on its scale either:

- **Similarity of words (RSA).** From each unit's expected responses $s(w)_u$ its mean over the compared words is taken
  away; the cosine between two words' responses is their similarity. The measure is Spearman's correlation of these
  similarities, on the left and on the right, over all pairs of words (Kriegeskorte et al. 2008, *Representational
  similarity analysis*). Beside it is what shuffled words give, and p by Mantel's permutations.
- **Alignment (CKA).** With the Gram matrices $K$ and $L$ of both sides, $\mathrm{CKA} = \mathrm{HSIC}(K, L) /
  \sqrt{\mathrm{HSIC}(K, K)\,\mathrm{HSIC}(L, L)}$ (Kornblith et al. 2019, *Similarity of neural network
  representations revisited*), with the unbiased estimate of HSIC (Song et al. 2012), because the usual one is high for
  noise where there are as many units as words.
- **Strength of a response**: $\sqrt{\frac{1}{D} \sum_u (s(w)_u^2 - \mathrm{se}(w)_u^2)}$; the standard errors are taken
  away so that a rare word is not taken for a strong one.
- **Units that carry a response**: the participation ratio $\left(\sum_u s(w)_u^2\right)^2 / \left(D \sum_u
  s(w)_u^4\right)$, 1 where all units move equally and $1/D$ where one moves alone. RNNVis finds the second layer of
  its Shakespeare model to respond more sparsely than the first.
- **Groups of words**: the adjusted Rand index and the adjusted mutual information of the word clusters on either side
  (with the number of clusters and the method chosen under *Groups*); the matrix says how many words of a cluster on
  the left lie in each cluster on the right.
- **Agreement of a word**: the correlation of its similarities to all other words, left and right. Low: the word is
  treated differently. Its nearest words on either side say how.
- **Losses of a sentence**: $-\log p(w_{t+1})$ of both models, subtracted word by word. This has a meaning only where
  both read the same words and know them; else the page says so and gives no number.

Two trainings of the same network with different seeds are not alike to 1 either; the comparison of two seeds is the
measure of what a difference is worth.

Ming et al. 2017, [*Understanding Hidden Memories of Recurrent Neural Networks*](https://arxiv.org/abs/1710.10777):
side by side in section 6.2.2 and figure 9, two layers of one model in figure 14.
"""
        )
