"""Gates on the page "Distributions": which are saturated how often, and all recorded states in a row each."""

from __future__ import annotations

import streamlit as st

from pages.parts.distributions.address import View
from pages.parts.distributions.queries import A_SECOND, several, uncounted
from pages.parts.shared.address import change
from pages.parts.shared.current import command, recipe_of
from pages.parts.shared.frame import sidebar_changed
from pages.parts.shared.markdown import escape
from pages.parts.shared.pictures import colours, show_picture
from rnnstore import Model
from rnnstore.distributions import unit_distributions as counting
from rnnstore.distributions.charts import saturation_picture
from rnnstore.distributions.saturation import default_limits, is_gate
from rnnstore.distributions.unit_distributions import Distribution
from rnnstore.networks.gates import cell_label, without_gates


def show_saturation(view: View, found: Distribution, limits: tuple[float, float]) -> None:
    """A point a unit of every recorded gate; of the state itself where no gate was recorded."""
    model, state = view.model, view.state
    gates = [each for each in model.states.values() if is_gate(each, model.card.cell)]
    counted = several(model, [each.name for each in gates], view.everything)
    if not counted:
        counted = [found]
    of = limits if is_gate(state, model.card.cell) or counted == [found] else default_limits(gates[0])
    st.markdown("**Saturated gates**" if counted != [found] else f"**Saturated units of {escape(state.name)}**")
    picture = saturation_picture(counted, colours(), limits=[of] * len(counted), chosen=(state.name, view.unit))
    key = f"saturation-{model.name}-{len(counted)}-{counted[0].state}"

    def go(clicked: str) -> None:
        name, _, unit = clicked.rpartition(":")
        go_to(name, int(unit))

    alt = "A point a unit: how often it is left and right saturated."
    show_picture(picture, "saturation_view", key, {"clicked_gate": ("id", go)}, width="content", alt=alt)
    st.caption(
        f"A point a unit: upwards the share of steps below {of[0]:g}, to the right that above {of[1]:g}. On the dashed "
        "line it is always beyond one of them. Click a point to see its unit."
    )
    if not gates:
        _say_no_gates(model)


def go_to(state: str, unit: int | None) -> None:
    """Another state, with its default limits."""
    if state != st.session_state.get("state"):
        change(state=state, unit=unit, low=None, high=None)
        sidebar_changed()
    else:
        change(unit=unit)


def _say_no_gates(model: Model) -> None:
    if model.card.settings.get("network") and not without_gates(model.card.cell):
        st.info(
            "The gates of this model were not recorded. Put `record: {gates: true}` into its recipe and record it "
            "again; it need not be trained again:"
        )
        st.code(command(f"python -m pipelines record {recipe_of(model)}"), language="bash")
    elif without_gates(model.card.cell):
        st.info(
            f"A {escape(cell_label(model.card.cell))} cell has no gates; saturated are the units whose tanh is nearly "
            "-1 or 1."
        )
    else:
        st.info(
            "No gates were recorded with this model. To see them here, record each as a state that is named after its "
            "gate, such as layer1.i, layer1.f or layer1.o, with values between 0 and 1."
        )


def show_all_states(view: View) -> None:
    """A row a state: its values over all units together."""
    model = view.model
    if len(model.states) < 2:
        return
    st.subheader("All recorded states", anchor=False)
    counted = several(model, list(model.states), view.everything)
    if counted is None:
        values = uncounted(model, list(model.states))
        about = f"{values / 1e6:,.0f} million values, about {max(1, round(values / A_SECOND))} seconds, once"
        view.control("everything", label=f"Count all {len(model.states)} states: {about}")
        return
    limits = [default_limits(model.states[each.state]) for each in counted]
    table = counting.summary(counted, limits, view.moves, view.still)
    key = f"states-{model.name}"

    def take() -> None:
        for row in st.session_state[key].selection.rows:
            go_to(counted[row].state, None)

    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        key=key,
        on_select=take,
        selection_mode="single-row",
        column_config={
            "state": st.column_config.TextColumn(width=80),
            "units": number(width=50),
            "histogram": st.column_config.BarChartColumn(
                "all units together", width=130, help="Share of the values by size, from the lowest to the highest"
            ),
            "quantile_01": number("1 %", format="%.2f", width=56),
            "quantile_25": number("25 %", format="%.2f", width=56),
            "median": number("median", format="%.2f", width=62),
            "quantile_75": number("75 %", format="%.2f", width=56),
            "quantile_99": number("99 %", format="%.2f", width=56),
            "lower_limit": number("limit", format="%.1f", width=50, help="Lower limit"),
            "share_left": number("below", format="percent", width=62),
            "upper_limit": number("limit", format="%.1f", width=50, help="Upper limit"),
            "share_right": number("above", format="percent", width=62),
            "still": number("still units", width=76),
        },
    )
    st.caption("Quantiles over all units and steps together; the limits are the defaults of each state.")
