"""What sums of pairs in 16 bits cost, when they are chosen: the metric beside exact sums and beside the remedies."""

import streamlit as st

from components.controls.experiment import Snapshot
from components.controls.job import Job, job
from components.controls.progress import stopped, under_way
from components.words import en, en_cost
from components.words.numbers import value, whole
from explorer.models import MODELS
from explorer.views.sums import affected, effect

POLL = 0.5


def sums(snapshot: Snapshot) -> None:
    """Nothing while sums are exact."""
    settings = snapshot.settings
    if settings.accumulate == "exact":
        return
    st.subheader(en_cost.SUMS_TITLE, help=en_cost.SUMS_HELP, anchor=False)
    count = affected(settings)
    if not count:
        st.caption(en_cost.SUMS_NONE)
        return
    if snapshot.result is None:
        st.caption(en.BITS_WAIT)
        return
    compared = job("sums", settings, lambda **how: effect(settings, **how))
    compared.wait(0.1)
    st.fragment(_lines, run_every=None if compared.ended else POLL)(compared, snapshot, count, not compared.ended)


def _lines(compared: Job, snapshot: Snapshot, count: int, was_running: bool) -> None:
    if was_running and compared.ended:
        st.rerun()
    stopped(compared, "sums")
    if compared.latest:
        found, n = compared.latest, whole(compared.latest[0][2].n)
        said = en_cost.SUMS_SEEN.format(count=whole(count), all=whole(len(snapshot.layers)), n=n,
                                        metric=en.ACCURACY[MODELS[snapshot.settings.model].metric])  # fmt: skip
        st.markdown("\n".join([said, "", *(f"- {_line(way, metric)}" for way, _, metric in found)]))
        st.badge(en.MEASURED.format(n=n), color="primary", help=en.MEASURED_HELP)
    if was_running:
        under_way(compared, "sums", en_cost.SUMS_RUNNING)


def _line(way: str, metric) -> str:
    ends = {name: value(getattr(metric, name), metric.unit) for name in ("value", "low", "high")}
    return en_cost.SUMS_LINE[way].format(**ends)
