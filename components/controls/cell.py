"""A cell of the strip of key figures. All cells are one piece of HTML: one message, drawn at once."""

import html

import streamlit as st

from components.charts.origin import badge
from components.charts.tip import with_tip


def cell(name: str, label: str, value: str, help: str, origin: tuple[str, str, str], plain: str = "", strong: str = "") -> str:
    """The HTML of one figure: label, value, a plain and a strong line, and its origin.

    origin: (kind, text, why) with a kind of "measured", "exact", "predicted", "running" or "stopped"
    """
    second = f"<br><b>{html.escape(strong)}</b>" if strong else ""
    return (
        f'<div class="figure figure-{name}" role="group" aria-label="{html.escape(label)}">'
        f'<div class="figure-label">{with_tip(html.escape(label), help)}</div>'
        f'<div class="figure-value">{html.escape(value)}</div>'
        f'<p class="figure-lines"><span>{html.escape(plain)}</span>{second}</p>'
        f"{badge(*origin)}</div>"
    )


def strip(cells: list[str]) -> None:
    st.html(f'<div class="figures">{"".join(cells)}</div>')
