"""The values of a state on the page "Distributions": all its units, one of them, and which never move."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import streamlit as st

from pages.parts.distributions.address import BANDS, View
from pages.parts.distributions.queries import distribution, unit_values
from pages.parts.distributions.saturation_panel import show_all_states, show_saturation
from pages.parts.shared.browser import save_picture_button
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.export import exporting, offer_code, offer_link, offer_numbers
from pages.parts.shared.frame import page_link
from pages.parts.shared.guides import explain
from pages.parts.shared.markdown import escape
from pages.parts.shared.pictures import Clicks, colours, show_picture
from rnnstore.distributions import charts
from rnnstore.distributions import unit_distributions as counting
from rnnstore.distributions.unit_distributions import MEASURES, Distribution
from rnnstore.matching.windows import window_start

NAMED = 40
"""Still units that are named."""


def draw(view: View) -> None:
    """The distributions of a model's state, as the address describes them."""
    found = distribution(view.model, view.state.name)
    low, high = found.edge(view.low), found.edge(view.high)
    _choose(view, found)
    order = found.order(view.sort, low, high)
    _all_units(view, found, order, (low, high))
    facts, moving = st.columns([0.6, 0.4], gap="medium", vertical_alignment="bottom")
    with facts:
        _say(view, found, (low, high))
    with moving, side_by_side():
        view.control("moves", width=206)
        view.control("still", min_value=0.0, step=0.01, format="%.3f", width=96)
    left, right = st.columns([0.37, 0.63], gap="medium")
    with left:
        _one_unit(view, found, (low, high))
    with right:
        show_saturation(view, found, (low, high))
    with st.expander("All numbers, a row a unit"):
        _numbers(found, view, order, (low, high))
    show_all_states(view)
    _offer_export(view, found, (low, high))
    explain("distributions")


def _choose(view: View, found: Distribution) -> None:
    step = found.step
    with side_by_side():
        view.control("drawn")
        view.control("sort", width=200)
        about = f"Values beyond it count as saturated. Counted at multiples of {step:g}"
        for limit in ("low", "high"):
            now, shown = found.edge(getattr(view, limit)), f"%.{_digits(step)}f"
            view.control(limit, now=now, step=step, format=shown, width=108, help=about)


def _all_units(view: View, found: Distribution, order: np.ndarray, limits: tuple[float, float]) -> None:
    draw_as = charts.bands_picture if view.drawn == BANDS else charts.heat_picture
    by = MEASURES[view.sort]
    picture = draw_as(found, order, colours(), limits=limits, unit=view.unit, sorted_by=by)
    key = f"units-{found.model}-{found.state}-{view.drawn}"
    clicks: Clicks = {"clicked_unit": ("unit", lambda unit: view.change(unit=int(unit)))}
    show_picture(picture, "units_view", key, clicks, alt="The distribution of every unit's values; click one.")
    shown = (
        "Each column is a unit: the middle 98, 82 and 50 % of its values and its median."
        if view.drawn == BANDS
        else f"Each column is a unit, the stronger the colour the more often it lies there. {charts.heat_note(found)}"
    )
    st.caption(f"{shown} Dashed: the limits. {escape(found.note)} Click a unit to see it alone.")


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


def _one_unit(view: View, found: Distribution, limits: tuple[float, float]) -> None:
    model, state = view.model, view.state
    values = unit_values(model, state.name, view.unit)
    with side_by_side():
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
    picture = charts.unit_picture(values, colours(), state=state.name, limits=limits)
    show_picture(picture, "unit_view")
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


def _offer_export(view: View, found: Distribution, limits: tuple[float, float]) -> None:
    model, state = view.model, view.state
    name = f"{model.name}-{state.name}"
    with exporting():
        save_picture_button("All units as a picture", "units_view", f"units-{name}")
        save_picture_button("This unit as a picture", "unit_view", f"unit-{name}")
        save_picture_button("Saturation as a picture", "saturation_view", f"saturation-{name}")
        offer_numbers("Numbers", f"distribution-{name}", lambda: found.table(*limits))
        offer_numbers("Histograms", f"histograms-{name}", found.histograms, kinds=("Parquet",))
        offer_link(model, state)
        offer_code(
            f'model = rnnstore.open("{model.folder.parent.name}").model("{model.name}")',
            f'pictures.distribution_picture(model, "{state.name}")',
        )


def _digits(step: float) -> int:
    return max(0, -int(np.floor(np.log10(step) + 1e-9)))
