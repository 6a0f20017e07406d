"""How itemized gradients are read, with formulas and where they are from."""

from __future__ import annotations

import streamlit as st


def explain() -> None:
    """How to read the page."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
A training step adds up what many losses say about the same weights at many steps. Here the sum is taken apart. $L_t$ is
the loss at step $t$ of the batch, and the recurrent weights $W$ are thought of as a copy for every step $j$:

$$\frac{\partial L}{\partial W} = \sum_t \sum_{j \le t} g(t, j), \qquad g(t, j) = h_{j-1} \otimes \delta_{t,j}, \qquad
\delta_{t,j} = \frac{\partial L_t}{\partial a_j},$$

with $a_j$ the pre-activations of step $j$ and $h_{j-1}$ the state before it. $t - j$ is the **lag**: how far the loss
reached back. All gradients are those that the optimiser used, before clipping.

**All batches.** A bar is the largest part of a batch's gradient, or its mean, half-life, horizon or loss: where bars
are high, most is learned. Point at one and its batch is previewed above the bars: what ought to come, what was
predicted, and how large the gradient through each step was, beside that of the batch's other steps.

**One batch.** Above stand the characters or words that were read, those that ought to come next, and those that the
network found most probable, on green where right and on orange where wrong (with probability and loss on hovering).
Below them, the bar at a step is the gradient through that step's copy of the weights, stacked by lag: **dark is the
loss of the same step, lighter ones come from later losses**. A dark batch learns from what is near only, a light one
from further away. Hover a segment or a word: all parts of the same loss are framed and drawn below alone; a click keeps
it there. That is this loss's **gradient horizon**; where it fades out, nothing older could be learnt from this loss. At
first it is that of the loss with the largest part.

**Signed share or norm.** Norms $\lVert g(t,j) \rVert$ do not add up to the norm of their sum, because parts point in
different directions and may cancel. The signed share $\langle g(t,j), g_j \rangle / \lVert g_j \rVert$ with
$g_j = \sum_t g(t,j)$ does: a bar's segments above zero less those below are the norm of the gradient through that step.

**Over training.** *Half-life* and *horizon* of a batch are the first lag at which the mean norm is under a half, and
under a hundredth, of that at lag 0. Where it never falls so far inside a batch, it counts as the batch's length: a
line at that height says that the window, and not the network, ends the gradient. A training that starts slowly has
small bars at first; one that learns to use what is further back has a rising horizon.

Cashman et al. 2018, [*RNNbow: Visualizing Learning via Backpropagation Gradients in Recurrent Neural
Networks*](https://arxiv.org/abs/1907.12545), sections 4 and 5. Its recursion (equation 11) divides by $h_j$ and holds
for one unit; the outer product above holds for any number of units and, gate by gate, for every cell.
"""
        )
