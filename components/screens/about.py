"""About: what this is, where models and data come from, and what every term means."""

import streamlit as st

from components.words import en
from components.words.numbers import whole
from explorer.models import MODELS


def about() -> None:
    st.markdown(en.ABOUT_TEXT)
    st.markdown(f"## {en.ABOUT_MODELS}")
    for model in MODELS:
        facts = en.ABOUT_MODEL.format(parameters=whole(model.parameters), metric=model.metric,
                                      test=whole(model.test_size), calibration=whole(model.calibration_size))  # fmt: skip
        st.markdown(f"**{model.title}.** {facts}")
        st.caption(f"{model.source[:1].upper()}{model.source[1:]}. {en.ABOUT_LICENCE}: {model.licence}.")
    st.markdown(f"## {en.ABOUT_TERMS}")
    st.markdown("\n".join(f"- **{term}**: {meaning}" for term, meaning in en.TERMS.items()))
