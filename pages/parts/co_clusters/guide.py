"""Around the co-clusters: how to read them, what can be taken away, and how the page makes use of a wide window."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from pages.parts.co_clusters import queries
from pages.parts.co_clusters.panel import Panel
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.export import offer_link, offer_numbers
from rnnstore.co_clusters.membership import members


def lay_out() -> None:
    """The detail view stands beside the picture where both have room, and below it otherwise."""
    tools = "[data-testid='stElementToolbar']"  # of the charts, into a corner that is empty, where they hide no control
    views = ", ".join(f"[class*='{name}'] {tools}" for name in ("cluster_view", "response_view", "unit_view"))
    st.html(
        f"<style>{views} {{ top: auto !important; bottom: 0 !important; }}"
        ".st-key-clusters_body { flex-direction: row !important; flex-wrap: wrap; column-gap: 1.5rem; }"
        ".st-key-clusters_body > div:has(> .st-key-clusters_main) { flex: 1.7 1 900px !important; min-width: 0; }"
        ".st-key-clusters_body > div:has(> .st-key-clusters_detail) { flex: 1 1 500px !important; min-width: 0; }"
        "</style>"
    )


def take_away(panel: Panel) -> None:
    """Pictures, numbers and the link of what is shown."""
    view = panel.view
    name = f"{panel.model.name}-{panel.state.name}"
    with st.popover("Take away"), st.container(width=380):
        save_picture_button("Co-clusters as a picture", f"{panel.prefix}cluster_view", f"co-clusters-{name}")
        if view.picked:
            save_picture_button("Responses as a picture", f"{panel.prefix}response_view", f"responses-{name}")
        if view.units:
            save_picture_button("Words of units as a picture", f"{panel.prefix}unit_view", f"units-{name}")

        def table() -> pa.Table:
            return members(panel.clusters, panel.expected)

        def words_of_units() -> pa.Table:
            tables = [
                queries.words_of_unit(panel.model, panel.state.name, unit, view.boxes, view.least)
                for unit in view.units
            ]
            numbered = zip(view.units, tables, strict=True)
            return pa.concat_tables(
                each.add_column(0, "unit", pa.array([unit] * each.num_rows, pa.int32())) for unit, each in numbered
            )

        offer_numbers("Groups", f"co-clusters-{name}-{view.clusters}", table, key=panel.prefix)
        if view.units:
            offer_numbers(
                "Words of the units", f"words-of-units-{name}", words_of_units, kinds=("CSV",), key=panel.prefix
            )
        offer_link(panel.model, panel.state)


def explain() -> None:
    """How to read the page, with formulas and the paper's sections."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**Expected response.** Reading a word changes the state: $\Delta h(t) = h(t) - h(t-1)$, with $h = 0$ before a sequence
starts. Its mean over all steps that read word $w$ is the word's expected response,
$s(w) = \frac{1}{n_w} \sum_{t:\,w(t) = w} \Delta h(t)$, a number for every unit. The standard error beside it says how
much of it is chance.

- **Squares** are units. Units that respond alike stand on one chip. Click words, and the squares show how these words
  move each unit: orange upwards, blue downwards.
- **Clouds** hold words that are responded to alike; the larger a word, the nearer it is to the middle of its group.
- **Links** are the mean response of a chip's units to a cloud's words,
  $e(W_i, H_j) = \frac{1}{|W_i||H_j|}\sum_{w \in W_i}\sum_{u \in H_j} s(w)_u$: the wider, the stronger; orange is
  positive, blue negative. A chip stands opposite the cloud that it is paired with, and has its colour; each is in one
  pair, so that a chip can have a stronger link to another cloud.
- **Bands**, for words: the mean, half of the word's responses (25 to 75 %), and four of five (9 to 91 %), over all
  units in the order of one of the words. Two words that are used alike have bands that lie on each other.
- **Box plots**, for units: the words $w$ with the largest $|s(w)_u|$, with the same quantiles; the diamond is the mean.

**How the groups are made.** The matrix of expected responses, words by units, is written with its signs as a sum of
singular vectors; the strongest twenty place the words and the units, and Ward's linkage joins what is near. Then each
word and each unit moves to the group whose links are most like its own, until none moves. One cluster more splits one
group on either side and leaves the others, with their number, colour and place. *Mirrored* counts units that move the
opposite way as alike: a network computes the same with the sign of a unit reversed. The paper's own method, spectral
co-clustering of the matrix shifted until nothing is negative, can be chosen: it can leave clusters empty, and depends
on a seed.

**Try**: click two words that you expect to be alike, then one that is not; hover a chip to see its words; colour the
words by their part of speech; click a square that is dark for your word, and see which other words move that unit.

Ming et al., [*Understanding Hidden Memories of Recurrent Neural Networks*](https://arxiv.org/abs/1710.10777) (RNNVis,
2017): the expected response is in section 5.1, co-clustering in 5.2, chips, clouds and links in 6.1.1 to 6.1.3, the
detail view in 6.2.1 and figure 5.
"""
        )
