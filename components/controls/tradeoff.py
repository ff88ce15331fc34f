"""Accuracy against the bits of the weights, and against size, latency or energy: the bit widths that were run, the presets
on request; a click on a point goes there."""

import streamlit as st

from components.charts.bits import bits, far_apart
from components.charts.origin import titled
from components.charts.tradeoff import tradeoff
from components.controls.cost import axis
from components.controls.job import Job, job
from components.controls.progress import stopped, under_way
from components.controls.state import change, state
from components.points import points
from components.words import en, en_cost
from explorer.models import MODELS
from explorer.presets import PRESETS, preset_of
from explorer.presets import apply as at_preset
from explorer.settings import Settings
from explorer.views.tradeoff import BITS, alike, at_bits, own_format, presets

POLL = 0.5
KEY = "presets"
GONE = "tradeoff.gone"  # whether a point was picked that the page does not show yet


def bits_and_tradeoff(measured: Job, settings: Settings) -> None:
    """Both pictures, filling in. measured: its answers are the points of the bit widths so far."""
    st.session_state.pop(GONE, None)
    asked = state().jobs.get(KEY)
    asked = asked if asked is not None and asked.key == _plain(settings) else None
    running = [each for each in (measured, asked) if each is not None and not each.ended]
    st.fragment(_shown, run_every=POLL if running else None)(settings, measured, asked, running)


def _plain(settings: Settings) -> Settings:
    """Settings that differ in what presets replace have the same presets."""
    return at_preset(settings, "fp32")


def _shown(settings: Settings, measured: Job, asked: Job | None, running: list[Job]) -> None:
    """running: the jobs that this looks after, again and again."""
    if GONE in st.session_state or any(each.ended for each in running):  # this fragment alone ran: the page follows
        st.rerun()
    widths = list(measured.latest or ())
    with st.container():  # always, so that what follows keeps its place
        if measured in running:
            under_way(measured, "bits", en.BITS_RUNNING.format(done=len(widths), all=len(BITS)))
    stopped(measured, "bits")
    if not widths:
        return
    chosen = list((asked and asked.latest) or ())
    below = axis()
    points(_pictures(settings, widths, chosen, below), key="tradeoff", on_pick=_picked)
    st.caption(en_cost.TRADEOFF_SAID)
    if asked is None:
        if st.button(en_cost.TRADEOFF_ADD, key="tradeoff.presets", help=en_cost.TRADEOFF_ADD_HELP.format(count=len(PRESETS)), on_click=_start, args=(settings,)):
            st.rerun()  # so that this fragment looks again and again
        return
    if asked in running:
        under_way(asked, KEY, en_cost.TRADEOFF_RUNNING.format(done=len(chosen), all=len(PRESETS)))
    stopped(asked, KEY)


def _pictures(settings: Settings, widths: list[dict], chosen: list[dict], below: str) -> dict:
    """What components.points draws. widths, chosen: points of the bit widths and of the presets."""
    metric, same, own = en.ACCURACY[MODELS[settings.model].metric], alike(settings), own_format(settings.weights)
    measure, origin = en_cost.AXES[below].lower(), en_cost.AXIS_ORIGIN[below]
    now = {"bits": settings.weights.bits if same else None, "format": own, "preset": preset_of(settings)}
    title = (en_cost.BITS_TITLE if same else en_cost.BITS_ALIKE_TITLE).format(metric=metric, measure=measure)
    against = en_cost.TRADEOFF_TITLE.format(metric=metric, what=measure)
    every = [*widths, *chosen]
    powers = far_apart(every)  # both pictures have the same axis of the metric
    scatter = tradeoff(every, metric, now, below, powers)
    return {
        "widths": bits(widths, metric, settings.weights.bits, own, below, same, powers) | {"title": title, "heading": titled(title, origin=origin)},
        "scatter": scatter and scatter | {"title": against, "heading": titled(against, origin=origin)},
    }


def _start(settings: Settings) -> None:
    def work(*, progress, cancel):
        points = []
        for point in presets(settings, cancel=cancel):
            points.append(point)
            progress(KEY, min(len(points) / len(PRESETS), 1.0))
            yield tuple(points)

    state().jobs.pop(KEY, None)
    job(KEY, _plain(settings), work)


def _picked(point: dict) -> None:
    go_to(point)
    st.session_state[GONE] = True


def go_to(point: dict) -> None:
    """Choose what a point stands for."""
    if point["preset"]:
        change(lambda settings: at_preset(settings, point["preset"]))
    elif not point["format"]:  # the format in force is where one is
        change(lambda settings: at_bits(settings, point["bits"]))
