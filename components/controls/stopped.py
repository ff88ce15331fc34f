"""What is said of work that was stopped or failed, and the button that starts it again."""

import streamlit as st

from components.controls.job import Job, restart
from components.words import en


def stopped(running: Job, name: str) -> None:
    """Nothing for a job that runs or came to its end. name: the tab's job, as in job.py."""
    if not running.ended or not (running.cancelled or running.error):
        return
    st.text(running.error or en.STOPPED_HERE)
    if st.button(en.CONTINUE, key=f"{name}.again", on_click=restart, args=(name,), type="tertiary"):
        st.rerun()  # the click runs a fragment alone, the new job is the page's
