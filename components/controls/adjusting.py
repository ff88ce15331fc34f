"""The button that looks for the range that loses the least, its progress, and what it found."""

import streamlit as st

from components.controls.job import Job, job, stop
from components.controls.notices import notice
from components.controls.state import change, state
from components.words import en
from components.words.numbers import value
from explorer.adjust import adjust
from explorer.settings import Settings

POLL = 0.3


def adjusting() -> None:
    """The button; while it works, its progress and Cancel."""
    running = state().jobs.get("adjust")
    if running is not None and running.ended and not running.taken:  # it ended between two looks
        _take(running)
        st.rerun()
    if running is None or running.ended:
        st.button(en.ADJUST, key="adjust", help=en.ADJUST_HELP, on_click=_start, width="stretch",
                  disabled=not state().settings.weights.range)  # fmt: skip
    else:
        st.fragment(_watch, run_every=POLL)(running)


def searching() -> bool:
    """Whether there is a search that goes on, or whose outcome nobody has taken."""
    running = state().jobs.get("adjust")
    return running is not None and not (running.ended and running.taken)


def _start() -> None:
    settings = state().settings
    state().jobs.pop("adjust", None)

    def work(*, progress, cancel):
        yield adjust(settings, progress=progress, cancel=cancel)

    job("adjust", settings, work)


def _watch(running: Job) -> None:
    if running.ended:
        st.rerun()
    st.progress(min(running.share, 1.0), en.ADJUSTING)
    st.button(en.CANCEL, key="adjust.cancel", on_click=stop, args=("adjust",), width="stretch")


def _take(running: Job) -> None:
    """The best ranges become the settings, unless they have been changed meanwhile."""
    now = state()
    running.taken = True
    now.changed = True
    if running.error:
        now.problem = running.error
    elif running.latest is not None and now.settings == running.key:
        change(lambda settings: running.latest.settings)


def adjusted() -> None:
    """What was found, for as long as the settings are those that were found."""
    done = state().jobs.get("adjust")
    if done is None or done.latest is None or state().settings != done.latest.settings:
        return
    found = done.latest
    metrics = {"before": found.test_before, "after": found.test_after, "calibration_before": found.before, "calibration": found.after}
    text = en.ADJUSTED.format(**{name: value(metric.value, metric.unit) for name, metric in metrics.items()})
    box = notice("plain", text, "adjusted", "✓")
    with box.popover(en.ADJUSTED_TRIED, type="tertiary"):
        st.dataframe(found.tried, hide_index=True, key="tried", column_config=_columns(found.after.unit))
    box.button(en.UNDO_ADJUST, key="adjust.undo", on_click=_undo, args=(done.key,), type="tertiary")


def _undo(settings: Settings) -> None:
    change(lambda _: settings)


def _columns(unit: str) -> dict:
    return {
        name: st.column_config.Column(label, help=help) for name, (label, help) in en.TRIED.items()
    } | {"calibration": st.column_config.NumberColumn(en.TRIED["calibration"][0], format="percent" if unit == "share" else "%.4f")}  # fmt: skip
