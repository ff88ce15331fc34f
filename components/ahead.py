"""What a fresh process shows while it loads its libraries: the page's outline.

With it come, out of sight, one of each kind of element whose script the first screen would wait for: the browser's part
of Streamlit fetches it when the first of the kind comes, and while the libraries load nobody waits.
"""

from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")
EXPLORE = "pickers", "line", "figures", "advice", "bars", "pictures"
OTHER = "line", "bars", "pictures"


def ahead() -> DeltaGenerator:
    """Draw it; the place where it is, which is to be emptied when the page itself is drawn."""
    st.set_page_config(layout="wide")
    explore = urlsplit(st.context.url or "").path in ("", "/")
    parts = "".join(f'<div class="ahead-{part}"></div>' for part in (EXPLORE if explore else OTHER))
    place = st.empty()
    with place.container(key="ahead"):
        # as Markdown, whose script is there from the beginning
        st.markdown(f'<style>{STYLE}</style><div class="ahead {"" if explore else "plain"}" aria-hidden="true">{parts}</div>', unsafe_allow_html=True)
        with st.container(key="ahead-kinds", height=1, border=False):  # low, as Streamlit draws a bar for what has no script yet
            st.html("<p></p>")
            st.selectbox("model", ["…"], help="…")
            st.number_input("seed", 0, help="…")
            st.segmented_control("measure", ["…"])
            st.toggle("log", help="…")
            st.button("share")
            st.progress(0.0)
            st.components.v2.component("ahead", js="export default () => {}")(key="ahead-component")
    return place
