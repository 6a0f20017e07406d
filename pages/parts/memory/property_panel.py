"""Properties on the page "Memory": how long what tells two classes apart is kept, and whether it can be told at all."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from pages.parts.memory import queries
from pages.parts.memory.address import View
from pages.parts.shared.controls import side_by_side
from pages.parts.shared.markdown import escape
from pages.parts.shared.pictures import colours, show_picture
from rnnstore import Model
from rnnstore.memory.charts import properties_picture


def choose(view: View) -> None:
    """The measure, and a property of one's own."""
    with side_by_side():
        view.control("how")
        if view.how == "cosine":
            view.control("n", width=160)
        view.control("word_class", label="Gradients of", width=240)
    with side_by_side():
        view.control("first", width=340, placeholder="he,him,his,man,men")
        view.control("second", width=340, placeholder="she,her,hers,woman,women")


def show_properties(view: View) -> pa.Table | None:
    """The curves of all properties, with probes where they are asked for; the table of what is drawn."""
    model = view.model
    wanted = [(name, *sides) for name, sides in queries.shipped_properties(model).items()]
    wanted += _own(model, view)
    if not wanted:
        st.info(
            f"{escape(model.name)} has no track of parts of speech that gives properties ready-made. Name two classes "
            "above: five words each at least, or labels of one of its tracks."
        )
        return None
    table, sentences = queries.memory_of(model, view.states[0], tuple(wanted), view.n, view.word_class)
    for sentence in sentences:
        st.warning(escape(sentence))
    if table is None:
        return None
    show_picture(properties_picture(table, colours(), measure=view.how), "property_view")
    st.caption("Grey: what 1,000 random directions give, mean and 95 % band." + _sources(model, wanted))
    view.control("probes")
    if view.probes:
        _show_probes(model, wanted)
    return table


def _sources(model: Model, wanted: list[tuple[str, str, str]]) -> str:
    """Where the labels are from that the classes go by: a tagger's are not gold."""
    named = dict.fromkeys(text.partition(":")[0].rpartition("=")[2] for _, *sides in wanted for text in sides)
    sources = [
        f"{name}: {model.tracks[name].source}" for name in named if name in model.tracks and model.tracks[name].source
    ]
    return escape(f" Labels of {'; '.join(sources)}.") if sources else ""


def _own(model: Model, view: View) -> list[tuple[str, str, str]]:
    if not (view.first or view.second):
        return []
    if not (view.first and view.second):
        st.info("Name both classes of your property.")
        return []
    names, written = [], []
    for text in (view.first, view.second):
        label = text.partition(":")[0] in model.tracks
        names.append(text if label else _named(text))
        written.append(text if label else f"{names[-1]}={text}")
    first, second = written
    return [(" / ".join(names), first, second)]


def _named(words: str) -> str:
    parts = [word.strip() for word in words.split(",") if word.strip()]
    return parts[0] + ("..." if len(parts) > 1 else "") if parts else "no words"


def _show_probes(model: Model, wanted: list[tuple[str, str, str]]) -> None:
    found = queries.probe(model, tuple(wanted))
    share = st.column_config.NumberColumn
    st.dataframe(
        [
            {
                "property": each.name,
                "words": " + ".join(f"{count:,}" for count in each.words),
                "accuracy": each.accuracy,
                "interval": f"{each.low:.1%} to {each.high:.1%}",
                "majority": each.majority,
                "control": each.control,
            }
            for each in found
        ],
        hide_index=True,
        column_config={
            "accuracy": share("held-out accuracy", format="percent"),
            "interval": "95 % interval",
            "majority": share(format="percent", help="Always saying the larger class"),
            "control": share("shuffled labels", format="percent", help="The same classifier with shuffled labels"),
        },
    )
