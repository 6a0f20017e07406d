"""What two states have in common on the page "Compare", in numbers: similarities, groups, and words one by one."""

from __future__ import annotations

import re
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from pages.parts.co_clusters import queries
from pages.parts.co_clusters.address import TOGETHER
from pages.parts.co_clusters.address import View as ClusterView
from pages.parts.comparing.address import LEFT, LINKED, RIGHT, View
from pages.parts.shared.address import Names
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.cache import cached
from pages.parts.shared.controls import clickable_table, side_by_side
from pages.parts.shared.export import exporting, offer_link, offer_numbers
from pages.parts.shared.messages import errors_as
from pages.parts.shared.pictures import colours, show_picture
from rnnstore import Model, State
from rnnstore.co_clusters.decomposition import CoClusters
from rnnstore.comparing import similarity as comparison
from rnnstore.comparing.charts import QUANTITIES, clusters_picture, words_picture
from rnnstore.comparing.similarity import NEIGHBOURS, ClusterAgreement, Comparison
from rnnstore.visible import visible


def show_differences(view: View) -> None:
    """How alike the two treat the words that both have read."""
    with side_by_side():
        view.control("words", width=150)
        view.control("least", width=130)
    found = _compare(view.left, view.left_state.name, view.model, view.state.name, view.words, view.least)
    picked = [word for word in view.picked if word in found.shared.words]
    _show_numbers(found)
    st.caption(found.shared.note)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**How strongly words move either state**")
        _words(view, found, "magnitude", picked)
    with right:
        st.markdown("**How many units carry a word's response**")
        _words(view, found, "participation", picked)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Do words fall into the same groups?**")
        agreement = _groups(view)
    with right:
        st.markdown("**Words one by one**")
        _one_by_one(view, found, picked)
    _offer_export(view, found, agreement)


def _show_numbers(found: Comparison) -> None:
    one, other, third, fourth = st.columns(4, gap="small")
    for column, label, measured, meaning in (
        (one, "Similarity of words (RSA)", found.rsa, "Spearman correlation of the similarities of all pairs of words"),
        (other, "Alignment (CKA)", found.cka, "Linear centred kernel alignment, debiased"),
    ):
        column.metric(label, f"{measured.value:.3f}", help=f"{meaning}. 1: the same up to rotation and scale")
        if len(measured.chance):
            column.caption(
                f"Shuffled words give {measured.chance.mean():+.3f}, at most {measured.chance.max():.3f} "
                f"({len(measured.chance)} shuffles, p = {measured.p:.2g})"
            )
    third.metric("Strength of responses", f"{found.magnitudes:.3f}", help="Spearman correlation over words")
    third.caption("Spearman correlation of how strongly words move either state")
    spread = found.table
    of = [pc.mean(spread[f"participation_{side}"].filter(pc.is_finite(spread[f"participation_{side}"]))).as_py()
          for side in ("left", "right")]  # fmt: skip
    fourth.metric(
        "Units that carry a response", f"{of[0]:.1%} : {of[1]:.1%}", help="Participation ratio, mean of words"
    )
    sparser = "left" if of[0] < of[1] else "right"
    fourth.caption(f"Left and right, mean of the words: the {sparser} state responds more sparsely")


def _pick(view: View, word: str) -> None:
    words = [each for each in view.picked if each != word]
    view.change(picked=words if word in view.picked else [*words, word][-TOGETHER:])


def _words(view: View, found: Comparison, quantity: str, picked: list[str]) -> None:
    picture = words_picture(found, quantity, colours(), picked=picked)
    key = f"compared-{quantity}-{'-'.join((*found.left, *found.right))}"
    alt = f"A point a word, by its {QUANTITIES[quantity]} in the left and in the right state."
    show_picture(picture, f"{quantity}_view", key, {"clicked_word": ("word", partial(_pick, view))}, alt=alt)
    if quantity == "magnitude":
        st.caption("Root mean square over units of the mean change, sampling error taken away. Scales may differ.")
    else:
        st.caption("The share of units over which a response is spread; lower is sparser. Click a word to pick it.")


def _groups(view: View) -> ClusterAgreement | None:
    """Word clusters of either side, as the page of groups shows them, against each other."""
    with errors_as(st.info):
        found = comparison.cluster_agreement(
            _clusters(view.left, view.left_state, LEFT), _clusters(view.model, view.state, RIGHT)
        )
        _show_agreement(found, view)
        return found
    return None


def _show_agreement(found: ClusterAgreement, view: View) -> None:
    left, right = (f"{each.name} · {its.name}" for each, its in view.sides)
    picture = clusters_picture(found, colours(), left=left, right=right)
    show_picture(picture, "agreement_view")
    st.caption(
        f"{found.words:,} words that stand in clusters of both. Adjusted Rand index {found.rand:.3f}, adjusted mutual "
        f"information {found.information:.3f}: 1 for the same groups, 0 for what chance gives."
    )


def _clusters(model: Model, state: State, prefix: str) -> CoClusters:
    expected = queries.expected_responses(model, state.name)
    view = ClusterView(st.query_params, Names(prefix, LINKED), model=model, state=state, expected=expected)
    return queries.clusters(model, state.name, view.words, view.clusters, view.method, view.seed, always=view.pinned)


def _one_by_one(view: View, found: Comparison, picked: list[str]) -> None:
    order = pc.sort_indices(found.table, sort_keys=[("agreement", "ascending")])
    table = found.table.take(order).select(["word", "agreement", "shared_neighbours", "count_left", "count_right"])
    words = table["word"].to_pylist()
    table = table.set_column(0, "word", pa.array([visible(word) for word in words], pa.string()))
    clickable_table(
        table,
        f"compared-table-{'-'.join((*found.left, *found.right))}",
        lambda place: _pick(view, words[place]),
        height=230,
        column_config={
            "word": st.column_config.TextColumn(width=100),
            "agreement": st.column_config.NumberColumn(format="%.2f", width=82),
            "shared_neighbours": st.column_config.NumberColumn("near in both", width=92),
            "count_left": st.column_config.NumberColumn("read, left", format="localized", width=72),
            "count_right": st.column_config.NumberColumn("read, right", format="localized", width=76),
        },
    )
    st.caption(
        "Those treated most differently first: agreement is the correlation of a word's similarities to all others; "
        f"of its {NEIGHBOURS} nearest, chance shares {NEIGHBOURS**2 / (len(found.shared.words) - 1):.1f}. Click a word."
    )
    for word in picked[-2:]:
        near = found.near(word)
        st.markdown(f"Nearest to {_quoted(word)}")
        st.markdown(
            "  \n".join(
                f":gray[{'left' if side == 'left' else 'right'}] " + ", ".join(map(_quoted, near[side].to_pylist()))
                for side in ("left", "right")
            )
        )


def _quoted(word: str) -> str:
    """A word as code in Markdown, whatever it is."""
    fence = "`" * (1 + max(map(len, re.findall("`+", word)), default=0))
    blank = " " if "`" in word else ""
    return f"{fence}{blank}{visible(word)}{blank}{fence}"


def _offer_export(view: View, found: Comparison, agreement: ClusterAgreement | None) -> None:
    name = "-".join((*found.left, *found.right))
    with exporting():
        for label, container in (
            ("Strength as a picture", "magnitude_view"),
            ("Units that respond as a picture", "participation_view"),
            ("Groups as a picture", "agreement_view"),
        ):
            save_picture_button(label, container, f"{container.removesuffix('_view')}-{name}")
        offer_numbers("Words", f"compared-{name}", lambda: found.table)
        if agreement is not None:
            offer_numbers("Groups", f"groups-{name}", lambda: agreement.members, kinds=("CSV",))
        offer_link(view.left, view.left_state)


@cached(spinner="Comparing ...")
def _compare(left: Model, left_state: str, right: Model, right_state: str, words: int, least: int) -> Comparison:
    responses = queries.expected_responses
    return comparison.compare(responses(left, left_state), responses(right, right_state), words, least)
