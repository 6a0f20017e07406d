"""What the page "SQL" shows, as its address says it."""

from __future__ import annotations

import streamlit as st

from pages.parts.shared.address import Address
from pages.parts.shared.parameters import OneOf, Text
from rnnstore.sql.charts import MARKS

LONGEST = 6_000
"""Characters of a query that an address keeps; a browser or a server in between cuts much longer ones."""


class View(Address):
    """The query; columns on the chart's axes and its mark, each empty where the page chooses."""

    query = Text()
    x = Text(label="Across", widget=st.selectbox)
    y = Text(label="Up", widget=st.selectbox)
    colour = Text(label="Colour", widget=st.selectbox)
    mark = OneOf(MARKS, "", label="Chart", widget=st.segmented_control)
