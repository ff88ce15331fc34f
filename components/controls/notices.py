"""What is said where the eye is: refusals, notes on a link, and whether a link's numbers came out.

Text that may come from a link is shown with st.text, which reads no markup.
"""

import streamlit as st

from components.controls.job import restart
from components.controls.state import State, state
from components.words import en
from explorer.algorithms import inexact
from explorer.pipeline import Result
from explorer.stamp import compare_stamps


def notice(kind: str, text: str, name: str, icon: str = ""):
    """A line of plain text on a tinted ground; kind: good, plain or bad. Returns its container."""
    box = st.container(key=f"notice-{kind}-{name}", horizontal=True, vertical_alignment="center", gap="small")
    if icon:
        box.text(icon, width="content")
    box.text(text, width="stretch")
    return box


def notices(job) -> None:
    """Everything there is to say about the last change, the link, and the result that it promised."""
    now = state()
    if now.problem:
        notice("bad", now.problem, "problem", "!")
    if now.notes:
        box = notice("bad", "\n".join((en.LINK_NOTES, *now.notes)), "notes", "!")
        box.button(en.DISMISS, key="dismiss", on_click=_dismiss, type="tertiary")
    if job.error:
        box = notice("bad", f"{job.error} {en.LAST_GOOD}" if now.good else job.error, "error", "!")
        if now.good:
            box.button(en.USE_LAST_GOOD, key="last-good", on_click=_use_last_good, type="tertiary")
    elif job.cancelled and job.latest is None or job.latest is not None and job.latest.stopped:
        box = notice("plain", job.latest.stopped if job.latest else en.STOPPED_FIRST, "stopped")
        box.button(en.CONTINUE, key="stopped.continue", on_click=restart, args=("experiment",), type="tertiary")
    elif now.stamp and job.latest is not None and job.latest.result is not None:
        _verdict(now, job.latest.result)


def _verdict(now: State, result: Result) -> None:
    verdict, sentence = compare_stamps(now.stamp, result.stamp, kind=result.metric.kind, unit=result.metric.unit,
                                       algorithms=inexact(now.settings.algorithms))  # fmt: skip
    kind = {"same": "good", "close": "plain", "different": "bad"}[verdict]
    notice(kind, sentence, f"stamp-{verdict}", en.LINK_OPENED[verdict])


def _dismiss() -> None:
    state().notes = ()


def _use_last_good() -> None:
    now = state()
    now.settings, now.changed, now.problem = now.good.settings, True, ""
