"""Where a figure comes from, on the figure: exact, measured here or predicted, and from what, under the pointer."""

import html

import streamlit as st

from components.charts.tip import with_tip
from components.words import en


def badge(kind: str, text: str, why: str) -> str:
    """kind: one of en.ORIGINS, "running" or "stopped"."""
    return f'<span class="figure-origin {kind}">{with_tip(html.escape(text), why) if why else html.escape(text)}</span>'


def badges(origin: str, why: str = "") -> str:
    """Of one or several of en.ORIGINS, "exact" or "exact measured"; `why` in place of what is said of them there."""
    return " ".join(badge(kind, en.ORIGINS[kind][0], why or en.ORIGINS[kind][1]) for kind in origin.split())


def titled(title: str, *, origin: str, why: str = "") -> str:
    """HTML of the title over a figure, with its badges."""
    return f'<h3 class="chart-title">{html.escape(title, quote=False)} {badges(origin, why)}</h3>'


def mark(origin: str, why: str = "") -> None:
    """The same on a line of its own, above figures that have no title."""
    st.html(f'<div class="chart-title">{badges(origin, why)}</div>')
