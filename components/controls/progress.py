"""What is said of work in the background: how far it is, with a way to stop it; that it was stopped or failed, with a way on."""

import streamlit as st

from components.controls.job import Job, restart, stop
from components.words import en


def under_way(running: Job, name: str, text: str) -> None:
    """A row with the share that is done, what is being done, and Cancel. name: the tab's job, as in job.py."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(running.share, 1.0), text)
        st.button(en.CANCEL, key=f"{name}.cancel", on_click=stop, args=(name,))


def stopped(running: Job, name: str) -> None:
    """Nothing for a job that runs or came to its end. name: the tab's job, as in job.py."""
    if not running.ended or not (running.cancelled or running.error):
        return
    st.text(running.error or en.STOPPED_HERE)
    if st.button(en.CONTINUE, key=f"{name}.again", on_click=restart, args=(name,), type="tertiary"):
        st.rerun()  # the click runs a fragment alone, the new job is the page's
