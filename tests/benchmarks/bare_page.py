"""A page of one field and what it says: the least that any page of Streamlit takes for a tick here (see bench_page)."""

import streamlit as st

percent = st.sidebar.number_input("Percent kept", 0.0, 100.0, 99.9, step=0.01, format="%g")
st.html(f'<p class="sentence">percentile {percent:g} of nothing</p><p class="figure-origin">measured here</p>')
