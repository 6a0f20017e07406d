"""The values of a state on the page "Distributions": all its units, one of them, and which never move."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import streamlit as st

from pages.parts.distributions.address import BANDS, View
from pages.parts.distributions.queries import distribution, unit_values
from pages.parts.distributions.saturation_panel import show_all_states, show_saturation
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import clicked_chart
from pages.parts.shared.export import offer_link, offer_numbers
from pages.parts.shared.frame import page_link
from rnnstore import Model, State
from rnnstore.distributions import charts
from rnnstore.distributions import unit_distributions as counting
from rnnstore.distributions.single_unit import UnitValues
from rnnstore.distributions.unit_distributions import MEASURES, Distribution
from rnnstore.drawing.palette import palette
from rnnstore.matching.windows import window_start

NAMED = 40
"""Still units that are named."""


def draw(model: Model, state: State, view: View) -> None:
    """The distributions of a model's state, as the address describes them."""
    found = distribution(model, state.name)
    low, high = found.edge(view.low), found.edge(view.high)
    _choose(view, found)
    order = found.order(view.sort, low, high)
    _all_units(model, state, view, found, order, (low, high))
    facts, moving = st.columns([0.6, 0.4], gap="medium", vertical_alignment="bottom")
    with facts:
        _say(view, found, (low, high))
    with moving, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        view.control("moves", width=206)
        view.control("still", min_value=0.0, step=0.01, format="%.3f", width=96)
    left, right = st.columns([0.37, 0.63], gap="medium")
    with left:
        values = unit_values(model, state.name, view.unit)
        _one_unit(model, state, view, found, values, (low, high))
    with right:
        show_saturation(model, state, view, found, (low, high))
    with st.expander("All numbers, a row a unit"):
        _numbers(found, view, order, (low, high))
    show_all_states(model, view)
    with st.popover("Take away"), st.container(width=380):
        _take_away(model, state, found, (low, high))
    _explain()


def _choose(view: View, found: Distribution) -> None:
    step = found.step
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        view.control("drawn")
        view.control("sort", width=200)
        about = f"Values beyond it count as saturated. Counted at multiples of {step:g}"
        for limit in ("low", "high"):
            now, shown = found.edge(getattr(view, limit)), f"%.{_digits(step)}f"
            view.control(limit, now=now, step=step, format=shown, width=108, help=about)


def _all_units(
    model: Model, state: State, view: View, found: Distribution, order: np.ndarray, limits: tuple[float, float]
) -> None:
    draw_as = charts.bands_picture if view.drawn == BANDS else charts.heat_picture
    by = MEASURES[view.sort]
    picture = draw_as(found, order, palette(st.context.theme.type), limits=limits, unit=view.unit, sorted_by=by)
    key = f"units-{model.name}-{state.name}-{view.drawn}"
    clicked_chart(
        picture, "units_view", key, "clicked_unit", "unit", lambda unit: view.change(unit=int(unit)),
        alt="The distribution of every unit's values; click one.",
    )  # fmt: skip
    shown = (
        "Each column is a unit: the middle 98, 82 and 50 % of its values and its median."
        if view.drawn == BANDS
        else f"Each column is a unit, the stronger the colour the more often it lies there. {charts.heat_note(found)}"
    )
    st.caption(f"{shown} Dashed: the limits. {found.note} Click a unit to see it alone.")


def _say(view: View, found: Distribution, limits: tuple[float, float]) -> None:
    """Saturation and stillness in a sentence each."""
    below, above = found.share_below(limits[0]), found.share_above(limits[1])
    always = int((below + above >= 0.9).sum())
    still = found.still(view.moves, view.still)
    movement = found.measure(view.moves, *limits)
    saturated = (
        f"**{below.mean():.1%}** of all values are below {limits[0]:g} and **{above.mean():.1%}** above {limits[1]:g}; "
        f"**{always:,}** of {found.units:,} units are beyond a limit at nine of ten steps or more."
    )
    if len(still):
        named = ", ".join(str(unit) for unit in still[:NAMED].tolist()) + (" …" if len(still) > NAMED else "")
        moving = f"**{len(still):,} unit{'s' if len(still) > 1 else ''} never move{'' if len(still) > 1 else 's'}** "
        moving += f"({MEASURES[view.moves]} ≤ {view.still:g}): {named}."
    else:
        moving = f"**Every unit moves** ({MEASURES[view.moves]} > {view.still:g}; the least is "
        moving += f"{np.nanmin(movement):.3g}, of unit {int(np.nanargmin(movement))})."
    st.markdown(f"{saturated}  \n{moving}")


def _one_unit(
    model: Model, state: State, view: View, found: Distribution, values: UnitValues, limits: tuple[float, float]
) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view.control("unit", width=120)
        there = {
            "model": model.name,
            "state": state.name,
            "at": str(window_start(model, values.start, 80 if model.card.level == "character" else 16)),
            "from": str(values.start),
            "to": str(values.stop - 1),
            "threshold": f"{values.threshold:.6g}",
        }
        page_link(
            "matching",
            label="Select and match where it is on",
            query_params=there,
            help=f"Steps {values.start:,} to {values.stop - 1:,}, with the threshold {values.threshold:g}: there this "
            "unit is on, as at a tenth of all steps",
        )
    picture = charts.unit_picture(values, palette(st.context.theme.type), state=state.name, limits=limits)
    with st.container(key="unit_view"):
        st.vega_lite_chart(picture.for_page(), theme=None, width="stretch", height="content")
    quantile = dict(zip(counting.LEVELS, found.quantiles[:, view.unit].tolist(), strict=True))
    st.caption(
        f"Unit {view.unit}: {found.minimum[view.unit]:.3g} to {found.maximum[view.unit]:.3g}, median "
        f"{quantile[0.5]:.3g}, middle half {quantile[0.25]:.3g} to {quantile[0.75]:.3g}, mean "
        f"{found.mean[view.unit]:.3g}, standard deviation {found.deviation[view.unit]:.3g}, mean change a step "
        f"{found.change[view.unit]:.3g}; below {limits[0]:g} at {found.share_below(limits[0])[view.unit]:.1%} and "
        f"above {limits[1]:g} at {found.share_above(limits[1])[view.unit]:.1%} of steps."
    )


def _numbers(found: Distribution, view: View, order: np.ndarray, limits: tuple[float, float]) -> None:
    table = found.table(*limits).take(pa.array(order))
    key = f"numbers-{found.model}-{found.state}-{view.sort}"

    def take() -> None:
        for row in st.session_state[key].selection.rows:
            view.change(unit=int(order[row]))

    st.dataframe(table, hide_index=True, key=key, on_select=take, selection_mode="single-row", height=260)


def _take_away(model: Model, state: State, found: Distribution, limits: tuple[float, float]) -> None:
    name = f"{model.name}-{state.name}"
    save_picture_button("All units as a picture", "units_view", f"units-{name}")
    save_picture_button("This unit as a picture", "unit_view", f"unit-{name}")
    save_picture_button("Saturation as a picture", "saturation_view", f"saturation-{name}")
    offer_numbers("Numbers", f"distribution-{name}", lambda: found.table(*limits))
    offer_numbers("Histograms", f"histograms-{name}", found.histograms, kinds=("Parquet",))
    offer_link(model, state)
    st.caption("The same in a notebook")
    st.code(
        "import rnnstore\nfrom rnnstore import pictures\n\n"
        f'model = rnnstore.open("{model.folder.parent.name}").model("{model.name}")\n'
        f'pictures.distribution_picture(model, "{state.name}")',
        language="python",
    )


def _explain() -> None:
    """How to read the page, with formulas and the papers' sections."""
    with st.expander("How to read this"):
        st.markdown(
            r"""
**Bands.** For a unit $i$ and a share $q$, the quantile is the value that $h_i(t)$ does not exceed at a share $q$ of
all steps $t$. The bands lie between the quantiles of 1 and 99 %, of 9 and 91 %, of 25 and 75 %; the line is the
median. The inner two are the bands with which RNNVis draws responses (Ming et al. 2017, [*Understanding Hidden
Memories of Recurrent Neural Networks*](https://arxiv.org/abs/1710.10777), figure 5; that values of states and gates
are to be seen as distributions is its requirement R4).

**Saturation.** A gate is $\sigma(\cdot)$, between 0 and 1. It is *left saturated* where it is below 0.1, that is shut,
and *right saturated* where it is above 0.9, that is open:
$\mathrm{left}_i = \frac{1}{T} |\{t : g_i(t) < 0.1\}|$ and $\mathrm{right}_i = \frac{1}{T} |\{t : g_i(t) > 0.9\}|$.

- Forget gates far to the right keep their cell for long; a unit whose forget gate is always left saturated forgets at
  once.
- Gates near the corner of the axes decide anew at every step; those near the dashed line are nearly binary.
- A hidden vector lies between -1 and 1, and its limits are -0.9 and 0.9; a cell is beyond ±2 where tanh, by which it
  leaves the unit, is nearly flat.

Karpathy et al. 2016, [*Visualizing and Understanding Recurrent Networks*](https://arxiv.org/abs/1506.02078), section
4.1.

**Still units.** A unit never moves if its movement is at most the number given: the width of the middle 98 % of its
values (which forgives the first steps of sequences), its range, its standard deviation, or the mean of
$|h_i(t) - h_i(t-1)|$ inside sequences. Such a unit is a constant to the layers behind it.

Everything is counted over all recorded steps; nothing is sampled.
"""
        )


def _digits(step: float) -> int:
    return max(0, -int(np.floor(np.log10(step) + 1e-9)))
