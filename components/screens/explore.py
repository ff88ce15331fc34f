"""Explore: what is chosen → what it costs and keeps → where the error is → why."""

import streamlit as st

from components.charts.pictures import MEASURES, measure_of, pictures, worst_of
from components.charts.tip import named
from components.controls.adjusting import adjusted, adjusting, searching
from components.controls.closer import closer
from components.controls.experiment import Snapshot, begin, settle
from components.controls.fetching import fetching
from components.controls.figures import figures
from components.controls.notices import notices
from components.controls.parts import exempting
from components.controls.pickers import advanced, pickers
from components.controls.state import look, reset, set_layer, shown, state
from components.live import live
from components.words import en
from explorer.ranges import positional
from explorer.views.curve import curve
from explorer.views.histogram import histogram


def explore() -> None:
    running = begin(state().settings)  # so that it works while the pickers are drawn
    with st.sidebar:
        pickers()
        with st.expander(en.ADVANCED, key="advanced", on_change="rerun") as drawer:
            if drawer.open:
                advanced()
            if drawer.open or searching():
                adjusting()
            if drawer.open:
                st.button(en.RESET, key="reset", help=en.RESET_HELP, on_click=reset, width="stretch")
    settle(running, st.empty())
    notices(running)
    fetching(state().settings.model)
    snapshot = running.latest or state().good
    if snapshot is None:
        st.button(en.RESET, key="reset.here", on_click=reset, type="primary")
        return
    figures(running, snapshot)
    adjusted()
    _advice(snapshot)
    selected = _selected(snapshot)
    _switches(snapshot, selected)
    _pictures(snapshot, selected)
    closer(running, snapshot, selected)


def _advice(snapshot: Snapshot) -> None:
    """The engine's sentences; what stands between backticks is a name."""
    sentences = (snapshot.result or snapshot.weighed).advice
    if sentences:
        items = "".join(f"<li>{named(sentence)}</li>" for sentence in sentences)
        st.html(f'<ul class="advice" aria-label="{en.ADVICE}">{items}</ul>')


def _selected(snapshot: Snapshot) -> int:
    """The chosen layer, at first the worst."""
    chosen = state().view.get("sel")
    if chosen is None or chosen >= len(snapshot.layers):
        chosen = worst_of(snapshot.layers) or 0
    return chosen


def _switches(snapshot: Snapshot, selected: int) -> None:
    names, own = snapshot.layers["name"], dict(snapshot.settings.layers)
    measure, log = measure_of(state().view), state().view.get("log", False)
    with st.container(horizontal=True, vertical_alignment="center", key="switches"):
        st.segmented_control(
            en.MEASURE, list(MEASURES), format_func=en.MEASURES.get, default=measure, help=en.MEASURES_HELP, required=True,
            label_visibility="collapsed", **shown("measure", measure, _measured),
        )  # fmt: skip
        st.toggle(en.LOG, log, help=en.LOG_HELP, **shown("log", log, lambda chosen: look(log=chosen)))
        exempting(len(names) - 1)
        if selected in own:
            st.button(
                en.UNDO_LAYER, key="undo-layer", icon=":material/undo:", on_click=set_layer, args=(selected, None),
                help=en.UNDO_LAYER_HELP.format(layer=names[selected], recipe=own[selected]),
            )  # fmt: skip


def _measured(measure: str) -> None:
    look(pic=None if measure == "sqnr" else measure)


def _pictures(snapshot: Snapshot, selected: int) -> None:
    settings = snapshot.settings
    data = pictures(
        snapshot.layers, measure_of(state().view), selected, state().view.get("log", False),
        histogram(settings, selected), curve(settings, selected),
    )  # fmt: skip
    symmetric = data["histogram"]["symmetric"]
    live(data, key="live", on_layer=lambda event: look(sel=event["layer"]),
         on_range=lambda event: _dragged(event, symmetric))  # fmt: skip


def _dragged(event: dict, symmetric: bool) -> None:
    """A released clip line is a range of the layer's own."""
    low, high = positional(abs(event["low"])), positional(event["high"])
    set_layer(event["layer"], f"abs{high}" if symmetric else f"lo{low}hi{high}")
