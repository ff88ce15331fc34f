"""What a fresh process shows while it loads its libraries: the page's outline.

With it come, out of sight, one of each kind of element that the first screen has: the browser's part of Streamlit
fetches their scripts when they first come, and while the libraries load nobody waits for them.
"""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

OUTLINE = Path(__file__).with_suffix(".html").read_text("utf-8")


def ahead(place: DeltaGenerator) -> None:
    """Draw it in `place`, a st.empty, which is to be emptied when the page itself is drawn."""
    st.set_page_config(layout="wide")
    with place.container(key="ahead"):
        st.html(OUTLINE)
        with st.container(key="ahead-kinds"):
            st.selectbox("model", ["…"], help="…")
            st.number_input("seed", 0, help="…")
            st.segmented_control("measure", ["…"])
            st.toggle("log", help="…")
            st.button("share")
            st.progress(0.0)
            st.components.v2.component("ahead", js="export default () => {}")(key="ahead-component")
