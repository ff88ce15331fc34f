"""The key figures: what it keeps and what it costs, each with where it comes from."""

import streamlit as st

from components.charts.pictures import worst_of
from components.controls.cell import cell, lines
from components.controls.cost import energy, latency
from components.controls.experiment import Snapshot
from components.controls.job import Job, restart, stop
from components.words import en
from components.words.numbers import change, decibel, short, size, value, whole
from explorer.models import MODELS
from explorer.tasks import TASKS

POLL = 0.3  # seconds between two looks at a running job


def figures(job: Job, snapshot: Snapshot) -> None:
    """The strip; while the job runs it is a fragment that looks again and again."""
    running = job.latest is not None and not job.ended
    st.fragment(_strip, run_every=POLL if running else None)(job, snapshot, running)


def _strip(job: Job, snapshot: Snapshot, was_running: bool) -> None:
    if was_running and job.ended:
        st.rerun()  # the whole page: link, stamp and advice are final now
    if was_running:
        snapshot = job.latest
    with st.container(horizontal=True, key="figures", gap="small"):
        _metric(job, snapshot)
        _similarity(snapshot.evaluation)
        _size(snapshot.weighed.cost)
        _exact(en.BITS, short(round(snapshot.weighed.cost.bits_per_weight, 3)), en.BITS_HELP, "of 32")
        _exact(en.SQNR, decibel(snapshot.weighed.sqnr_db), en.SQNR_HELP, en.WHOLE_NETWORK)
        _worst(snapshot.weighed.layers)
        latency(snapshot.weighed.cost.predicted)
        energy(snapshot.weighed.cost.predicted)
    if was_running:
        _progress(job)


def _metric(job: Job, snapshot: Snapshot) -> None:
    name = MODELS[snapshot.settings.model].metric
    help = en.METRIC_HELP[name] + en.DIFFERENCE_HELP[TASKS[name].unit]
    seen = snapshot.evaluation
    with cell("metric"):
        if seen is None:
            st.metric(en.ACCURACY[name], "…", help=help)
        else:
            metric, difference, unit = seen.metric, seen.difference, seen.metric.unit
            st.metric(en.ACCURACY[name], value(metric.value, unit), help=help)
            lines(en.INTERVAL_LINE.format(low=value(metric.low, unit), high=value(metric.high, unit)),
                   en.DIFFERENCE_LINE.format(difference=change(difference.value, unit), low=change(difference.low, unit),
                                             high=change(difference.high, unit)))  # fmt: skip
        _origin(job, seen, snapshot)


def _similarity(seen) -> None:
    """The second figure of a task that has one: what the metric may hide."""
    if seen is None or seen.similarity is None:
        return
    found = seen.similarity
    with cell("similarity"):
        st.metric(en.SIMILARITY, value(found.value, found.unit), help=en.SIMILARITY_HELP)
        lines(en.INTERVAL_LINE.format(low=value(found.low, found.unit), high=value(found.high, found.unit)))
        st.badge(en.MEASURED.format(n=whole(found.n)), color="primary", help=en.MEASURED_HELP)


def _origin(job: Job, seen, snapshot: Snapshot) -> None:
    n = whole(seen.metric.n) if seen else "0"
    if seen is not None and seen.done:
        st.badge(en.MEASURED.format(n=n), color="primary", help=en.MEASURED_HELP)
    elif job.ended:
        st.badge(en.STOPPED.format(n=n) if seen else en.STOPPED_EMPTY, color="gray")
        if st.button(en.CONTINUE, key="continue", on_click=restart, args=("experiment",), type="tertiary"):
            st.rerun()  # the click runs this fragment alone, the new job is the page's
    else:
        st.badge(en.RUNNING.format(n=n, all=whole(snapshot.settings.evaluation_samples)), color="violet")


def _size(cost) -> None:
    help = en.SIZE_KPI_HELP.format(codes=size(cost.code_bytes), scales=size(cost.scale_bytes), rest=size(cost.rest_bytes))
    ratio = cost.fp32_bytes / cost.size_bytes
    with cell("size"):
        st.metric(en.SIZE_KPI, size(cost.size_bytes), help=help)
        lines(en.SIZE_WAS.format(was=size(cost.fp32_bytes)), en.SIZE_DELTA.format(ratio=f"{ratio:.2f}"))
        _exact_badge()


def _exact(label: str, value: str, help: str, line: str) -> None:
    with cell(label):
        st.metric(label, value, help=help)
        lines(line)
        _exact_badge()


def _worst(layers) -> None:
    worst = worst_of(layers)
    with cell("worst"):
        st.metric(en.WORST, "—" if worst is None else decibel(layers["sqnr_db"][worst]), help=en.WORST_HELP)
        lines("" if worst is None else layers["name"][worst])
        _exact_badge()


def _exact_badge() -> None:
    st.badge(en.EXACT, color="gray", help=en.EXACT_HELP)


def _progress(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="progress"):
        st.progress(min(job.share, 1.0), en.WORKING)
        st.button(en.CANCEL, key="cancel", on_click=stop, args=("experiment",))
