"""How to read the page "Connectivity": the formula, the choices, and the sections of the article."""

from __future__ import annotations

import streamlit as st


def explain() -> None:
    """How to read the page."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**The shade of an input** says how strongly the score at the framed step depends on it. The score is the logit of one
output after that step $t'$, the input is what the network read at an earlier step $t$:

$$
\mathrm{connectivity}(t, t') = \left\lVert \frac{\partial\, \mathrm{logit}_{\mathrm{target}}(t')}
{\partial\, x(t)} \right\rVert_2, \qquad t \le t'.
$$

Nothing after $t'$ can matter, and no gradient passes the start of a sequence.

- **Score of**: what really came next; the most probable output; or a word of your own at every step, to see what would
  speak for it. Where nothing follows, the predicted one is used, and said.
- **With respect to**: the *embedding* $x(t) = E^\top o(t)$, the *one-hot* input $o(t)$, which gives
  $\lVert E\,\partial \mathrm{logit}/\partial x \rVert_2$ and can be compared between models of one vocabulary; or
  *gradient × input*, $x(t)^\top\, \partial \mathrm{logit}/\partial x(t)$, which has a sign: orange speaks for the
  score, blue against it.
- **Relative** shades go up to the most connected input of the row; **absolute** ones up to the largest value of all
  rows, of all models or of each. The legend gives the values.
- **Looking forward** turns the question around: the framed step is an input, and the steps after it are shaded by how
  strongly *their* scores depend on it.
- **Difference** subtracts the second text from the first: shares of each row's sum, or the values.
- **Occlusion check**: a gradient says what an infinitesimal change would do. The check replaces an input by the mean
  embedding of the text and reads on from there; orange inputs are those whose loss lets the score fall. Where both
  agree in rank, the gradient can be believed.

The article's text defines the norm, and this page shows the norm; squares would hide context that is far away.

Values of models with different embeddings have different units: compare their shapes, or take one-hot inputs.

**Notes**: write what you see, with positions as @12; each becomes a link that holds that step. Notes, held step and all
choices are in the address.

Madsen, *Visualizing memorization in RNNs*, Distill, 2019, section *Connectivity in the Autocomplete Problem*.
"""
        )
