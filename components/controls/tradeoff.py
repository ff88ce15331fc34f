"""Accuracy against size, latency or energy: the bit widths that were run, the presets on request; a click goes there."""

import streamlit as st

from components.charts.style import draw, palette
from components.charts.tradeoff import tradeoff as chart
from components.controls.job import Job, job
from components.controls.progress import stopped, under_way
from components.controls.state import change, state
from components.words import en_cost
from explorer.presets import PRESETS, preset_of
from explorer.presets import apply as at_preset
from explorer.settings import Settings
from explorer.views.tradeoff import alike, at_bits, own_format, presets

POLL = 0.5
KEY = "presets"
WANTED = "tradeoff.wanted"  # the point that was clicked


def tradeoff(settings: Settings, bits: list[dict], metric: str, below: str) -> None:
    """bits: points of the bit widths so far."""
    running = state().jobs.get(KEY)
    mine = running if running is not None and running.key == _plain(settings) else None
    going = mine is not None and not mine.ended
    st.fragment(_shown, run_every=POLL if going else None)(settings, bits, metric, below, mine, going)


def _plain(settings: Settings) -> Settings:
    """Settings that differ in what presets replace have the same presets."""
    return at_preset(settings, "fp32")


def _shown(settings: Settings, bits: list[dict], metric: str, below: str, running: Job | None, was_running: bool) -> None:
    if was_running and running.ended or WANTED in st.session_state:  # the click ran this fragment alone
        st.rerun()
    points = [*bits, *((running and running.latest) or ())]
    now = {"bits": settings.weights.bits if alike(settings) else None, "format": own_format(settings.weights), "preset": preset_of(settings)}
    title = en_cost.TRADEOFF_TITLE.format(metric=metric, what=en_cost.AXES[below].lower())
    draw(*chart(points, metric, now, palette(), below), title=title, key="tradeoff.chart", origin=en_cost.AXIS_ORIGIN[below],
         on_select=lambda: _clicked(points), selection_mode="points")  # fmt: skip
    st.caption(en_cost.TRADEOFF_SAID)
    if running is None:
        if st.button(en_cost.TRADEOFF_ADD, key="tradeoff.presets", help=en_cost.TRADEOFF_ADD_HELP.format(count=len(PRESETS)), on_click=_start, args=(settings,)):
            st.rerun()  # so that this fragment looks again and again
        return
    if was_running:
        done = len(points) - len(bits)
        under_way(running, KEY, en_cost.TRADEOFF_RUNNING.format(done=done, all=len(PRESETS)))
    stopped(running, KEY)


def _start(settings: Settings) -> None:
    def work(*, progress, cancel):
        points = []
        for point in presets(settings, cancel=cancel):
            points.append(point)
            progress(KEY, min(len(points) / len(PRESETS), 1.0))
            yield tuple(points)

    state().jobs.pop(KEY, None)
    job(KEY, _plain(settings), work)


def _clicked(points: list[dict]) -> None:
    chosen = st.session_state["tradeoff.chart"]["selection"]["points"]
    if chosen and "customdata" in chosen[0]:
        at = chosen[0]["customdata"]
        st.session_state[WANTED] = points[at[0] if isinstance(at, list) else at]


def arrive() -> None:
    """Go to the point that was clicked; in a run of the whole page, which shows the pickers and the address anew."""
    if WANTED in st.session_state:
        go_to(st.session_state.pop(WANTED))
        st.rerun()


def go_to(point: dict) -> None:
    """Choose what a point stands for."""
    if point["preset"]:
        change(lambda settings: at_preset(settings, point["preset"]))
    elif not point["format"]:  # the format in force is where one is
        change(lambda settings: at_bits(settings, point["bits"]))
