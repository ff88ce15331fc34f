"""The tab "Network": the graph of the layers; a click chooses one."""

import streamlit as st

from components.charts import graph as charts
from components.charts.pictures import measure_of
from components.charts.style import draw, palette
from components.controls.experiment import Snapshot
from components.controls.job import Job
from components.controls.state import look, state
from components.words import en, en_graph
from explorer.views.graph import graph as numbers


def graph(running: Job, snapshot: Snapshot, selected: int) -> None:
    measure, seen = measure_of(state().view), numbers(snapshot.settings)
    chart, alt = charts.graph(seen, snapshot.layers, measure, selected, palette())
    title = en_graph.TITLE.format(count=len(snapshot.layers), label=en.MEASURES[measure])
    draw(chart, alt, title, "graph.chart", origin="measured" if measure == "output" else "exact", on_select=_clicked, selection_mode="points")
    st.caption(en_graph.SAID if seen["followed"] else en_graph.NOT_FOLLOWED)


def _clicked() -> None:
    points = st.session_state["graph.chart"]["selection"]["points"]
    if points and "customdata" in points[0]:
        layer = points[0]["customdata"]
        look(sel=layer[0] if isinstance(layer, list) else layer)
