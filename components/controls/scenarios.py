"""Scenarios: what people choose between on a phone, a microcontroller, a server, predicted side by side."""

import streamlit as st

from components.charts.tables import scenario as table
from components.controls.state import change
from components.words import en_scenarios
from explorer.cost.devices import DEVICES
from explorer.cost.scenarios import SCENARIOS, YOURS
from explorer.settings import Settings
from explorer.views.scenarios import rows


def scenarios(settings: Settings) -> None:
    """A picker, the table, and a button that takes the target over."""
    st.subheader(en_scenarios.TITLE, help=en_scenarios.HELP, anchor=False)
    id = st.selectbox(en_scenarios.PICK, SCENARIOS.ids, key="scenario", format_func=lambda id: SCENARIOS[id].title)
    chosen = SCENARIOS[id]
    target = DEVICES[chosen.target]
    whose = en_scenarios.YOURS if chosen.layers == YOURS else en_scenarios.DECODER
    st.caption(en_scenarios.ABOUT.format(says=chosen.says, whose=whose, target=target.title, batch=chosen.batch))
    table(rows(settings, id), "scenario.table", en_scenarios.PREDICTED_HELP.format(grade=target.grade))
    if chosen.layers == YOURS and settings.target != chosen.target:
        st.button(en_scenarios.TAKE.format(target=target.title), key="scenario.take", on_click=_take, args=(chosen.target,))


def _take(target: str) -> None:
    change(lambda settings: settings.replace(target=target))
