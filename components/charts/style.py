"""What all Plotly figures share: palette, type and spacing, as the theme has them.

Figures are drawn with theme=None: Streamlit's own template costs a quarter of the drawing time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from components.charts.origin import titled

FONT = '"Source Sans", "Source Sans Pro", system-ui, sans-serif'
TICKS = {factor * 10.0**power: power + log for power in range(-15, 16) for factor, log in ((1, 0.0), (2, 0.30103), (5, 0.69897))}  # and their log10
BEYOND = 0.02  # decades
CONFIG = {"displayModeBar": False, "toImageButtonOptions": {"format": "svg"}}


@dataclass(frozen=True)
class Palette:
    ink: str
    quiet: str
    line: str
    accent: str
    soft: str  # the accent on large areas
    lost: str
    violet: str
    paper: str


LIGHT = Palette("#1b2529", "#5d6d73", "#dfe6e8", "#0b6e84", "rgba(11,110,132,0.22)", "#c4511d", "#7a4fa3", "#ffffff")
DARK = Palette("#e4ecee", "#9fb0b6", "#2a363b", "#4fb9cf", "rgba(79,185,207,0.28)", "#f08d5a", "#b994e0", "#11181b")


def palette() -> Palette:
    return DARK if st.context.theme.type == "dark" else LIGHT


def figure(colors: Palette, height: int, **layout) -> go.Figure:
    """An empty figure in the page's look; `layout` goes to Plotly."""
    axis = {"gridcolor": colors.line, "linecolor": colors.line, "zerolinecolor": colors.line, "tickcolor": colors.line,
            "automargin": True, "fixedrange": True}  # fmt: skip
    base = {
        "height": height, "margin": {"l": 8, "r": 12, "t": 8, "b": 8}, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "font": {"family": FONT, "size": 13, "color": colors.quiet},
        "showlegend": False, "xaxis": axis, "yaxis": axis, "template": None, "dragmode": False,
        "hoverlabel": {"bgcolor": colors.ink, "font": {"color": colors.paper, "family": FONT}, "bordercolor": colors.ink},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "bgcolor": "rgba(0,0,0,0)"},
    }  # fmt: skip
    for name in [name for name in layout if name.startswith(("xaxis", "yaxis"))]:
        title = {"text": layout[name].get("title", ""), "standoff": 8, "font": {"size": 13}}
        layout[name] = axis | layout[name] | {"title": title}
    return go.Figure(layout=base | layout)


def log_axis(values: list[float], written: Callable[[float], str]) -> dict:
    """An axis on which a tick is 1, 2 or 5 times a power of ten, all of them written; powers alone where they are many. It goes from
    the last tick below the values to the first above them: where none of its ticks is seen, Plotly does not know where its title goes."""
    ticks = [tick for tick in TICKS if min(values) / 5 < tick < max(values) * 5]
    ticks = ticks if len(ticks) <= 12 else [tick for tick in ticks if TICKS[tick].is_integer()]
    ends = max(tick for tick in TICKS if tick < min(values)), min(tick for tick in TICKS if tick > max(values))
    ends = [TICKS[tick] + margin for tick, margin in zip(ends, (-BEYOND, BEYOND))]
    return {"type": "log", "tickvals": ticks, "ticktext": [written(tick) for tick in ticks], "range": ends}


def draw(chart: go.Figure, alt: str, title: str, key: str, *, origin: str, why: str = "", **selection) -> None:
    """The figure under its title and badge, with its alt text. origin, why: see origin.badges. selection: what a click on it does,
    as st.plotly_chart takes it."""
    st.html(titled(title, origin=origin, why=why))
    st.plotly_chart(chart, theme=None, config=CONFIG, key=key, alt=alt, **selection)
