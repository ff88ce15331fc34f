"""About: what this is, where models and data come from, whose numbers it has, and what every term means."""

import streamlit as st

from components.controls.parity import parity
from components.words import en_about, en_parity
from components.words.numbers import whole
from explorer.models import MODELS


WIDTH = 900  # pixels of text that is read in lines


def about() -> None:
    with st.container(width=WIDTH):
        st.markdown(en_about.ABOUT_TEXT)
        st.markdown(f"## {en_about.ABOUT_MODELS}")
        for model in MODELS:
            facts = en_about.ABOUT_MODEL.format(parameters=whole(model.parameters), metric=model.metric,
                                          test=whole(model.test_size), calibration=whole(model.calibration_size))  # fmt: skip
            st.markdown(f"**{model.title}** `{model.id}`. {facts}")
            st.caption(f"{model.source[:1].upper()}{model.source[1:]}. {en_about.ABOUT_LICENCE}: {model.licence}.")
        st.markdown(f"## {en_parity.PARITY}")
        st.markdown(en_parity.PARITY_TEXT)
    parity()
    with st.container(width=WIDTH):
        st.markdown(f"## {en_about.ABOUT_TERMS}")
        st.markdown("\n".join(f"- **{term}**: {meaning}" for term, meaning in en_about.TERMS.items()))
