"""A cell of the strip of key figures: where it stands, and the lines under its value."""

import streamlit as st


def cell(name: str):
    return st.container(key=f"figure-{name.replace(' ', '-').lower()}", gap=None, width="content")


def lines(plain: str, strong: str = "") -> None:
    second = f"<br><b>{strong}</b>" if strong else ""
    st.html(f'<p class="figure-lines"><span>{plain}</span>{second}</p>')
