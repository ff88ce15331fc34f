"""The key figures: what it keeps and what it costs, each with where it comes from."""

import streamlit as st

from components.charts.pictures import worst_of
from components.controls.cell import cell, strip
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
    cost = snapshot.weighed.cost
    strip([
        _metric(job, snapshot),
        *_similarity(snapshot.evaluation),
        _size(cost),
        _exact("bits-per-weight", en.BITS, short(round(cost.bits_per_weight, 3)), en.BITS_HELP, "of 32"),
        _exact("weight-sqnr", en.SQNR, decibel(snapshot.weighed.sqnr_db), en.SQNR_HELP, en.WHOLE_NETWORK),
        _worst(snapshot.weighed.layers),
        latency(cost.predicted),
        energy(cost.predicted),
    ])  # fmt: skip
    if job.ended and not (snapshot.evaluation and snapshot.evaluation.done):
        if st.button(en.CONTINUE, key="continue", on_click=restart, args=("experiment",), type="tertiary"):
            st.rerun()  # the click runs this fragment alone, the new job is the page's
    if was_running:
        _progress(job)


def _metric(job: Job, snapshot: Snapshot) -> str:
    name = MODELS[snapshot.settings.model].metric
    label, help = en.ACCURACY[name], en.METRIC_HELP[name] + en.DIFFERENCE_HELP[TASKS[name].unit]
    seen = snapshot.evaluation
    origin = _origin(job, seen, snapshot)
    if seen is None:
        return cell("metric", label, "…", help, origin)
    metric, difference, unit = seen.metric, seen.difference, seen.metric.unit
    changed = en.DIFFERENCE_LINE.format(difference=change(difference.value, unit), low=change(difference.low, unit),
                                        high=change(difference.high, unit))  # fmt: skip
    return cell("metric", label, value(metric.value, unit), help, origin, _interval(metric), changed)


def _similarity(seen) -> list[str]:
    """The second figure of a task that has one: what the metric may hide."""
    if seen is None or seen.similarity is None:
        return []
    found = seen.similarity
    origin = "measured", en.MEASURED.format(n=whole(found.n)), en.MEASURED_HELP
    return [cell("similarity", en.SIMILARITY, value(found.value, found.unit), en.SIMILARITY_HELP, origin, _interval(found))]


def _interval(metric) -> str:
    return en.INTERVAL_LINE.format(low=value(metric.low, metric.unit), high=value(metric.high, metric.unit))


def _origin(job: Job, seen, snapshot: Snapshot) -> tuple[str, str, str]:
    n = whole(seen.metric.n) if seen else "0"
    if seen is not None and seen.done:
        return "measured", en.MEASURED.format(n=n), en.MEASURED_HELP
    if job.ended:
        return "stopped", en.STOPPED.format(n=n) if seen else en.STOPPED_EMPTY, ""
    return "running", en.RUNNING.format(n=n, all=whole(snapshot.settings.evaluation_samples)), ""


def _size(cost) -> str:
    help = en.SIZE_KPI_HELP.format(codes=size(cost.code_bytes), scales=size(cost.scale_bytes), rest=size(cost.rest_bytes))
    ratio = cost.fp32_bytes / cost.size_bytes
    was = en.SIZE_WAS.format(was=size(cost.fp32_bytes))
    delta = en.SIZE_DELTA.format(ratio=f"{ratio:.2f}") if ratio >= 1 else en.SIZE_LARGER.format(ratio=f"{1 / ratio:.2f}")
    return _exact("size", en.SIZE_KPI, size(cost.size_bytes), help, was, delta)


def _worst(layers) -> str:
    worst = worst_of(layers)
    db, name = ("—", "") if worst is None else (decibel(layers["sqnr_db"][worst]), layers["name"][worst])
    return _exact("worst", en.WORST, db, en.WORST_HELP, name)


def _exact(name: str, label: str, shown: str, help: str, plain: str, strong: str = "") -> str:
    return cell(name, label, shown, help, ("exact", en.EXACT, en.EXACT_HELP), plain, strong)


def _progress(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="progress"):
        st.progress(min(job.share, 1.0), en.STAGES.get(job.stage, en.WORKING))
        st.button(en.CANCEL, key="cancel", on_click=stop, args=("experiment",))
