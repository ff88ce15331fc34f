"""Export: a popover that is filled while it is open."""

import streamlit as st

from components.words import en_export

OPEN = "export.open"  # whether the popover is


@st.fragment
def export(snapshot) -> None:
    """`snapshot` (see experiment.py) may be None or without a result yet."""
    popover = st.popover(en_export.EXPORT, icon=":material/save:", help=en_export.EXPORT_HELP, width="content", key=OPEN, on_change="rerun")
    if popover.open:
        from components.controls.exporting import exporting  # late: the libraries that write files are not needed before

        with popover:
            exporting(snapshot)
