"""What this is, what stands out in the store, and what is in it.

First the strongest finding of each analysis, as pictures; then questions that lead to the pages; then a table of all
models to compare and sort, with a card for each that says all there is to know about it and leads on to its states.
"""

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from pages.parts.overview.activity import show_activity
from pages.parts.overview.findings_panel import show_findings
from pages.parts.overview.manage import copy_in_popover, manage_popover
from pages.parts.shared.current import architecture, current_store, say_how_to_begin, say_status
from pages.parts.shared.frame import page_link, show
from pages.parts.shared.hosting import may_change
from pages.parts.shared.markdown import escape, number
from pages.parts.shared.messages import say_outcome
from rnnstore import Model, Store
from rnnstore.drawing.palette import palette
from rnnstore.export import csv
from rnnstore.registry import GROUPS, analyses
from rnnstore.store.overview import is_blank, notes, overview, size, small_curves, stored_bytes
from rnnstore.training.charts import losses as charts

CARDS = 4
"""Models up to which every one shows its card; of more, those chosen in the table, else the sidebar's."""

LABELS = 8
"""Labels of a track that are named in its line."""


def show_questions() -> None:
    """A question of each group of pages, each leading to the page that answers it."""
    first = {group: next(each for each in analyses() if each.group == group) for group in GROUPS}
    st.subheader("What do you want to know?", anchor=False)
    chosen = {key: st.session_state[key] for key in ("model", "state") if st.session_state.get(key)}
    with st.container(gap="xxsmall"):
        for analysis in first.values():
            page_link(analysis.name, analysis.question, chosen, help=f"Opens {analysis.title}")


def show_table(store: Store) -> list[Model]:
    """The table of all models, sortable by every column; returns those whose cards to show."""
    table = overview(store)
    shown = table.append_column("curve", small_curves(store))
    metrics = [name for name in table.column_names if name.endswith(")")]
    status = ["status"] * (set(table["status"].to_pylist()) != {"recorded"})
    first = ["model", *status, "cell", "layers", "units", "curve", *metrics, "steps", "vocabulary", "parameters"]
    chosen = st.dataframe(
        shown,
        hide_index=True,
        key="models",
        on_select="rerun",
        selection_mode="multi-row",
        height="content" if table.num_rows <= 12 else 440,
        placeholder="",
        column_order=[name for name in first if not is_blank(shown[name])],
        column_config={
            "model": st.column_config.TextColumn(pinned=True, width=room(max(store.models, key=len))),
            "status": st.column_config.TextColumn(width=110),
            **{name: result_column(name) for name in metrics},
            **{
                name: st.column_config.NumberColumn(format="localized", width=80)
                for name in ("steps", "vocabulary", "parameters", "embedding")
            },
            **{name: st.column_config.NumberColumn(width=52) for name in ("layers", "units")},
            "cell": st.column_config.TextColumn(width=56),
            "curve": st.column_config.LineChartColumn("training loss", width=92),
            "bytes": st.column_config.NumberColumn("size on disk", format="bytes"),
            "predictions": st.column_config.NumberColumn("predictions a step"),
            "created": st.column_config.DatetimeColumn("created (UTC)", format="YYYY-MM-DD HH:mm"),
        },
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button("Models as CSV", csv(table), "models.csv", "text/csv")
        if may_change():
            copy_in_popover()
        more = "; tick rows to see their cards below" if len(store.models) > CARDS else ""
        st.caption(f"Click a column's head to sort{more}. The eye over the table shows further columns.")
    models = list(store.models.values())
    if chosen.selection.rows:
        return [models[row] for row in chosen.selection.rows]
    return models if len(models) <= CARDS else [store.models[st.session_state["model"]]]


def result_column(name: str) -> ColumnConfig:
    """A column of results; the unit of a share stands with its numbers, so that the head is short enough to be read."""
    short = name.replace(" in %", "")
    return st.column_config.NumberColumn(short, format="%.2f %%" if short != name else "%.2f", width=room(short))


def room(text: str) -> int:
    """Pixels of a column in which a text is read whole, within limits: what does not fit is under the pointer."""
    return min(max(128, round(6.5 * len(text)) + 24), 240)


def show_card(model: Model) -> None:
    """All that is known about one model, with links into its states."""
    with st.container(border=True, key=f"card-{model.name}"):
        head, actions = st.columns([4, 1], vertical_alignment="top")
        head.markdown(f"#### {escape(model.name)}\n{escape(model.card.description)}")
        if may_change():
            with actions.container(horizontal=True, horizontal_alignment="right"):
                manage_popover(model)
        say_status(model)
        facts, states, curve = st.columns([6, 6, 6], gap="medium")
        with facts:
            show_facts(model)
        with states:
            show_states(model)
            show_tracks(model)
        with curve:
            show_training(model)
            show_notes(model)


def show_facts(model: Model) -> None:
    card = model.card
    words = f"{card.vocabulary or 0:,} different {escape(card.level)}s"
    foretold = "labels" if card.task == "classifier" else "next words"
    facts = {
        "Task": [escape(card.task)],
        "Network": [
            escape(architecture(card)),
            counted(card.embedding, "embedding {:,}"),
            counted(card.parameters, "{:,} parameters"),
        ],
        "Corpus": [escape(card.corpus), words if card.vocabulary else ""],
        "Result": [
            f"{escape(metric.name)} **{number(metric.value)}** ({escape(metric.split)})" for metric in card.metrics
        ],
        "Recorded": [
            counted(model.steps, "{:,} steps"),
            escape(card.recorded.removeprefix(card.corpus).removeprefix(", ")),
            counted(model.predictions_per_step, f"the {{}} most probable {foretold}"),
        ],
        "Stored": [size(stored_bytes(model)), f"{escape(card.created[:16].replace('T', ' '))} UTC"],
    }
    lines = {name: ", ".join(part for part in parts if part) for name, parts in facts.items()}
    st.markdown("  \n".join(f":gray[{name}] {line}" for name, line in lines.items() if line))


def counted(number: int | None, sentence: str) -> str:
    """The number in its sentence, nothing when there is none."""
    return sentence.format(number) if number else ""


def show_states(model: Model) -> None:
    if model.states:
        st.markdown(":gray[States, to select and match in]")
    for state in model.states.values():
        page_link(
            "matching",
            label=f":blue[**{escape(state.name)}**] {model.steps:,} × {state.units}",
            query_params={"model": model.name, "state": state.name},
            help=f"Steps × units. Values from {number(state.minimum)} to {number(state.maximum)}, "
            f"kept as {state.dtype}.",
        )


def show_tracks(model: Model) -> None:
    lines = []
    for track in model.tracks.values():
        if track.kind == "scalar":
            holds = f"numbers {track.minimum or 0:g} to {track.maximum or 0:g}"
        else:
            holds = ", ".join(escape(label, 60) or "(empty)" for label in track.labels[:LABELS])
            if track.distinct > LABELS:
                holds += f" and {track.distinct - LABELS:,} more"
        source = f"  \n  :gray[{escape(track.source)}]" if track.source else ""
        lines.append(f"- **{escape(track.name)}**: {holds}{source}")
    if lines:
        st.markdown(":gray[Tracks beside the words]\n" + "\n".join(lines))


def show_training(model: Model) -> None:
    training = model.table("training")
    if training.num_rows:
        picture = charts.training_curve(training, palette(st.context.theme.type))
        st.vega_lite_chart(picture.for_page(), theme=None, width="stretch", height="content")
        st.download_button("Curve as CSV", csv(training), f"{model.name}-training.csv", "text/csv", type="tertiary")
    else:
        st.caption("Not trained here: no training curve.")


def show_notes(model: Model) -> None:
    if notes(model):
        st.markdown("\n".join([":gray[Notes on the recording]", *(f"- {escape(note)}" for note in notes(model))]))


def show_problems(store: Store) -> None:
    """The folders that could not be opened, each with its sentence."""
    if store.problems:
        several = "\n".join(f"- **{escape(problem.name)}**: {escape(problem.sentence)}" for problem in store.problems)
        st.error(f"Some folders of this store could not be opened; the rest works without them.\n{several}")


def draw() -> None:
    """The table of all models, and a card for each that is looked at."""
    store = current_store()
    show_activity()
    say_outcome()
    show_problems(store)
    if not store.models:
        say_how_to_begin()
        if may_change():
            copy_in_popover()
        return
    st.markdown(
        "What a recurrent network keeps in its hidden state, how it learned to, and what its predictions depend on: "
        "select, match, compare and test it, on your own network or on these."
    )
    findings, questions, models = st.container(), st.container(), st.container()
    with questions:
        show_questions()
    with models:
        st.subheader("Models", anchor=False)
        for model in show_table(store):
            show_card(model)
    with findings:
        show_findings(store)


show(draw, whole=True)
