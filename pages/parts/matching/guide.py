"""How to read the pages "Select and match" and "Hypotheses": what is drawn and counted, with the paper's sections."""

from __future__ import annotations

import streamlit as st


def explain_selection() -> None:
    """How to read "Select and match"."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**A step is a word** (or a character), and each of the state's units has a value after it was read. Drawn are the
middle half and the middle 90 % of all units as bands, their median, and the units that are selected as lines; a few
hundred lines would be a wall. The red line is the threshold $\ell$: unit $c$ is *on* at step $t$ when $h_{t,c} \ge
\ell$, its value taken as it is stored.

**Select.** The brushed words $a..b$ select the units that are on at every step of them, $S_1 = \{c : h_{t,c} \ge \ell
\text{ for all } a \le t \le b\}$; with *off before* (*off after*) $n$, only those that are off at each of the $n$
steps before $a$ (after $b$). What does not exist before or after a sequence asks nothing. A word is the darker the
more of the selected units are on.

**Match.** Every range of the corpus, within one sequence, has its $S_2$ by the same rule. Ranges are ranked by $|S_1
\cap S_2|$ (overlap, more is better), then $|S_1 \cup S_2|$ (union, fewer is better), then length, then place. All of
them are ranked, none is sampled; where only those with a high overlap were counted, the line above the histogram says
so. A place is shown once, by its best range, unless copies are asked for. In the matrix a row is a match, the frame
is the match itself, and the arrow says that it goes on.

**States below.** The same words select units in each state by themselves, at a threshold of its own: units of two
states have nothing to do with each other, but where they match can be compared. A strip below each says how many of
its units are on, a red mark where it matches.

**Try**: drag over words, take the brush by its middle and move it, click a word with the shift key to reach there;
ask for one step off before, and see how many units drop out; drag the threshold; click a match to go there with the
same question; click a unit's number at the right to leave it out. Keys: B and F move the window.

Strobelt et al., *LSTMVis: A Tool for Visual Analysis of Hidden State Dynamics in Recurrent Neural Networks* (2018):
the select view is in section 5.2 and figure 5, the match view in 5.3, the parentheses in 6.1 and figure 7.
"""
        )


def explain_worth() -> None:
    """How to read "Hypotheses"."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**A match is evidence only against a base.** Of the matches, 45 of 50 may start with a noun; it matters how often any
step does. For each label stand its share of all steps (blue), of the matches' first steps (orange, with its interval)
and of their words (ring). *Lift* is the second share by the first. The place on which the hypothesis was formed is no
evidence for it and is left out.

- **Interval**: Wilson's, 95 %: for $k$ of $n$ with $\hat p = k/n$ and $z = 1.96$, $\left(\hat p + \frac{z^2}{2n} \pm
  z\sqrt{\frac{\hat p(1-\hat p)}{n} + \frac{z^2}{4n^2}}\right) \Big/ \left(1 + \frac{z^2}{n}\right)$.
- **p**: Fisher's exact test, two-sided, of the first steps against all other steps, corrected for the number of
  labels (Holm). It takes matches for independent draws; matches near each other are less than that, so look at the
  interval and the lift first.
- **Precision** along the ranking: how many of the best $k$ matches start with the label; dashed, the corpus.
- **Numbers**: a histogram of all steps and of first steps, and the probability that a first step is above any step.
- **The plane**: every labelled range selects units as a person would ($S_1$, a vector of zeros and ones); the two
  directions in which these vectors differ most (PCA) make the plane. Beside it a linear classifier, trained on the
  first four fifths of the ranges, is asked about the rest, against the most frequent label and shuffled labels.

A hypothesis that is **kept** can be asked of another state, model or part of the corpus: by its words, which select
units anew there, or by its units, where the state is the same. *Jaccard* is the number of steps in both answers by
that in either.

Strobelt et al., *LSTMVis* (2018), leave this outside the tool: section 6.2 and figure 9 are what the plane does.
"""
        )
