"""Latency measured on this machine: on request, in the background, with progress and cancel."""

import streamlit as st

from components.charts.tables import measured as table
from components.controls.job import Job, job, stop
from components.controls.progress import stopped, under_way
from components.controls.state import state
from components.words import en_measured
from components.words.numbers import metric, percent, whole
from explorer.settings import Settings
from explorer.views.measured import before, rows, timed

POLL, PATIENCE = 0.5, 0.3
KEY, BEFORE = "measured", "measured.before"


def measured(settings: Settings) -> None:
    """The button, what it does while it runs, and what came out; what was measured before is shown at once."""
    st.subheader(en_measured.TITLE, help=en_measured.HELP, anchor=False)
    running = state().jobs.get(KEY)
    mine = running is not None and running.key == settings
    if mine and not running.ended:
        st.fragment(_watch, run_every=POLL)(running)
        return
    if mine and running.error:
        st.text(en_measured.REFUSED.format(why=running.error.rstrip(".")))
    elif mine and running.cancelled:
        st.text(en_measured.STOPPED_PART if running.latest else en_measured.STOPPED)
    if mine and running.latest:
        _offered(settings, running.latest)
        return
    looking = job(BEFORE, settings, lambda **how: iter([before(settings, **how)]))
    looking.wait(PATIENCE)
    st.fragment(_looked, run_every=None if looking.ended else POLL)(settings, looking, not looking.ended)


def _looked(settings: Settings, looking: Job, was_running: bool) -> None:
    """What was measured before, once it is known whether it can be measured at all."""
    if was_running and looking.ended:
        st.rerun()
    if was_running:
        under_way(looking, BEFORE, en_measured.LOOKING)
    elif looking.error:
        st.text(en_measured.REFUSED.format(why=looking.error.rstrip(".")))
    elif looking.cancelled:
        stopped(looking, BEFORE)
    else:
        _offered(settings, looking.latest)


def _offered(settings: Settings, found) -> None:
    st.button(en_measured.AGAIN if found else en_measured.START, key="measured.start", icon=":material/timer:",
              on_click=_start, args=(settings, found is not None))  # fmt: skip
    if found:
        _shown(found)


def _start(settings: Settings, again: bool) -> None:
    stop(KEY)
    state().jobs.pop(KEY, None)
    state().jobs.pop(BEFORE, None)  # it will have something to find
    job(KEY, settings, lambda **how: timed(settings, again=again, **how))


def _watch(running: Job) -> None:
    if running.ended:
        st.rerun()
    text = en_measured.RUNNING.format(done=percent(min(running.share, 1.0), 0), all=percent(1, 0))
    under_way(running, KEY, text if running.latest else en_measured.PREPARING)
    if running.latest:
        _speed(running.latest)


def _shown(found) -> None:
    _speed(found)
    st.caption(en_measured.RAN.format(kernels=_kernels(found.kernels), fp32=_kernels(found.fp32_kernels)))
    if found.expanded > 1:
        st.caption(en_measured.EXPANDED.format(count=whole(found.expanded)))
    if found.layers:
        table(rows(found), "measured.layers")
        st.caption(en_measured.LAYERS_ON_CODES.format(count=whole(found.on_codes), all=whole(len(found.layers))))
    options = en_measured.OPTIONS.format(options=found.options) if found.options else ""
    st.text(en_measured.PROVENANCE.format(machine=found.machine, versions=found.versions, date=found.date, options=options))


def _speed(found) -> None:
    ratio = found.whole
    said = en_measured.SPEED[ratio.verdict].format(ratio=f"{ratio.value:.2f}", low=f"{ratio.low:.2f}", high=f"{ratio.high:.2f}",
                                                   fp32=metric(ratio.first, "s"), quantized=metric(ratio.second, "s"))  # fmt: skip
    expected = f" {en_measured.EXPECTED.format(ratio=format(found.predicted, '.2f'))}" if found.predicted else ""
    st.markdown(said + expected)
    if not ratio.noisy:
        st.badge(en_measured.MEASURED, color="primary")


def _kernels(kernels) -> str:
    return ", ".join(en_measured.KERNEL.format(name=each.name, count=each.count, share=percent(each.share, 0)) for each in kernels[:6])
