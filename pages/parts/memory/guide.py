"""How memory is measured, with formulas and where they are from."""

from __future__ import annotations

import streamlit as st


def explain() -> None:
    """How to read the page."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**State gradient.** $G_{t,\tau} = \partial h(t) / \partial x(t - \tau)$: how the state $h$ at step $t$ changes with the
embedding $x$ of the word read $\tau$ steps before, a matrix of units times dimensions of the embedding (Verwimp, Van
hamme and Renkens 2018, [*State Gradients for RNN Memory Analysis*](https://arxiv.org/abs/1805.04264), section 3.1). Its
mean $\bar G_\tau$ over the recorded words, or over those of a class, is taken apart: $\bar G_\tau = U \Sigma V^\top$.
Pairs across the start of a sequence are left out. $h$ is any memory or hidden vector, or a gate: of a forget gate, how
strongly the word still opens or closes it. It is counted in change of the state for a change of the embedding by 1.

- **Largest singular value** $\sigma_1$: how strongly the direction that is kept best is kept. **Sum** $\sum \sigma$:
  all directions together. **Ratio** $\sigma_1 / \sum \sigma$: how selective the memory is; it rises where few
  directions outlive the others. **Effective rank** $\exp(-\sum p_i \log p_i)$, $p_i = \sigma_i / \sum \sigma$ (Roy and
  Vetterli 2007): how many directions are kept.
- **Mean of single words'.** $\bar G$ is a mean of signed numbers, and what differs from word to word cancels in it. The
  dashed line is the mean of the single $G_{t,\tau}$'s own $\sigma_1$, over an even sample of at most 200 words of the
  class, drawn for up to three curves. Where it lies far above the solid line, much is remembered, but not in the same
  direction. **Mean norm** is the mean of all single words' Frobenius norms.
- **A word or class of your own** is followed when you ask, at 30 places at most: read its dashed line.
- **Bands** are 95 % intervals: of $\sigma_1$ of the mean by leaving out one of eight parts of the text at a time, for
  all words; of the dashed line by the spread of single words. Other lines have none.
- A class of few words looks better remembered than it is: what cancels in the mean of thousands does not in that of
  fifteen.
- Values of two models can be compared in shape alone: the size of $G$ depends on the scale of their embeddings.

**Directions.** Rows of $V^\top$ are directions of the embedding. The words listed are those whose embeddings, without
the mean of all, have the highest and lowest cosine with one (words read five times or more); the units have the largest
entries of the left vector $u_i$. Either end of a direction may be called the front.

**Properties** (section 3.2). $d$ is the difference of two classes' mean embeddings, of unit length. Its cosine with
the $n$ best-kept directions is $\lVert V_n^\top d \rVert$ with exactly $n$ vectors (equation 4), its relative memory
$m = \lVert \bar G d \rVert / \sigma_1$ (equations 5 and 6). Grey: the mean and the 95 % band of 1,000 random
directions; a property inside it is remembered like any direction.

**Probes** (section 4.3). A logistic regression tells the classes apart by the embedding, on words that it was not
trained with (five folds). Near the majority, the classes are not separable and the property means little. The control
is the same classifier with shuffled labels (Hewitt and Liang 2019): what is learnt by heart.
"""
        )
