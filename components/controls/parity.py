"""The parity table: a button that compares with every peer installed here, progress, and what was found."""

import streamlit as st

from components.charts import tables
from components.controls.job import Job, job, stop
from components.controls.state import state
from components.words import en, en_parity
from components.words.numbers import whole
from explorer.parity import PEERS, stream
from explorer.parity.rules import RULES
from explorer.presets import BY_FORMULA, PRESETS

POLL = 0.5
KEY = "parity"


def parity() -> None:
    """Which peers there are, the button, and the table once it has run in this tab."""
    there = [f"{peer.title} {peer.version}" for peer in PEERS if peer.version]
    absent = [peer.title for peer in PEERS if not peer.version]
    st.caption(en_parity.PARITY_PEERS.format(there=", ".join(there)) + (en_parity.PARITY_ABSENT.format(absent=", ".join(absent)) if absent else ""))
    st.caption(en_parity.PARITY_FORMULAS.format(presets=", ".join(PRESETS[id].title for id in BY_FORMULA)))
    running = state().jobs.get(KEY)
    if running is None or running.ended:
        st.button(en_parity.PARITY_RUN, key="parity.run", help=en_parity.PARITY_RUN_HELP, on_click=_start)
        if running is not None:
            _show(running)
    else:
        st.fragment(_watch, run_every=POLL)(running)


def _start() -> None:
    state().jobs.pop(KEY, None)
    job(KEY, None, lambda *, progress, cancel: stream(progress=progress, cancel=cancel))


def _watch(running: Job) -> None:
    if running.ended:
        st.rerun()
    st.progress(min(running.share, 1.0), en_parity.PARITY_RUNNING.format(peer=running.stage))
    st.button(en.CANCEL, key="parity.cancel", on_click=stop, args=(KEY,))
    _show(running)


def _show(running: Job) -> None:
    if running.error:
        st.error(running.error)
    table = running.latest
    if table is None:
        return
    told = table[table["status"] != "absent"]
    text = en_parity.PARITY_SUM.format(numbers=whole(told["compared"].sum()), rows=whole(len(told)), unexplained=whole(told["unexplained"].sum()))
    st.markdown(text + (f" {en_parity.PARITY_STOPPED}" if running.cancelled else ""))
    tables.parity(told, KEY)
    named = {rule for rules in told["rules"] for rule in rules.split(", ")}
    st.markdown("\n".join(f"- **{rule.id}**: {en_parity.PARITY_RULE.format(says=rule.says)}" for rule in RULES if rule.id in named))
