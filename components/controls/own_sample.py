"""A sample of one's own on the tab "Samples": given here, answered by both networks, in no link."""

from collections.abc import Callable

import streamlit as st

from components.charts.origin import mark
from components.controls.experiment import Snapshot
from components.controls.job import Job, job
from components.controls.progress import stopped, under_way
from components.words import en_samples as en
from explorer.models import MODELS
from explorer.settings import Settings
from explorer.views.tried import tried

PATIENCE, POLL = 0.5, 0.3  # seconds


def own_sample(snapshot: Snapshot, show: Callable[[dict], None]) -> None:
    """Where it is given, and under it the answers, shown by `show`. Runs as a fragment."""
    if MODELS[snapshot.settings.model].given is not None:
        st.fragment(_own)(snapshot, show)


def _own(snapshot: Snapshot, show: Callable[[dict], None]) -> None:
    settings = snapshot.settings.replace(target="here")
    with st.expander(en.OWN, key="samples-own", icon=":material/add_circle:"):
        content = _given(settings)
        if not content:
            return
        running = job("own", (settings, content), _work(settings, content))
        running.wait(PATIENCE)
        st.fragment(_answered, run_every=None if running.ended else POLL)(running, show, not running.ended)


def _given(settings: Settings) -> bytes:
    """What was given; a model's own stays with it."""
    given = MODELS[settings.model].given
    st.caption(en.OWN_SAYS.format(says=given.says))
    key = f"own.{settings.model}"
    if given.kind != "text":
        file = st.file_uploader(en.OWN_LABEL[given.kind], key=key, label_visibility="collapsed")  # of any type: the engine says what is wrong
        return b"" if file is None else file.getvalue()
    with st.form(f"{key}.form", border=False):
        text = st.text_area(en.OWN_LABEL["text"], key=key, height=96, label_visibility="collapsed", placeholder=en.OWN_LABEL["text"])
        st.form_submit_button(en.OWN_ASK)
    return text.encode(errors="replace")


def _work(settings: Settings, content: bytes):
    def work(*, progress, cancel):
        yield tried(settings, content, progress=progress, cancel=cancel)

    return work


def _answered(running: Job, show: Callable[[dict], None], was_running: bool) -> None:
    if was_running and running.ended:
        st.rerun()
    if was_running:
        under_way(running, "own", en.OWN_ASKING)
    if running.error:
        st.text(en.OWN_REFUSED.format(why=running.error))
        return
    stopped(running, "own")
    if running.latest is not None:
        if running.latest["notes"]:
            st.caption(" ".join(running.latest["notes"]))
        mark("measured", en.OWN_WHY)
        show(running.latest)
