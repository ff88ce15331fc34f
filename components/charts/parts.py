"""Three bars a layer: the error of its output from weights, from activations, from both."""

import math

import pandas as pd
import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en_parts as en
from components.words.numbers import decibel


def parts(table: pd.DataFrame, selected: int, colors: Palette) -> tuple[go.Figure, str]:
    """table: views.parts.layers; the chosen layer's name is bold. A layer without error has no bar."""
    names = [f"<b>{name}</b>" if i == selected else name for i, name in enumerate(table["name"])]
    chart = figure(
        colors, 320, showlegend=True, barmode="group", bargap=0.25, bargroupgap=0.08,
        xaxis={"type": "category", "showgrid": False, "zeroline": False}, yaxis={"title": en.Y, "nticks": 6},
    )  # fmt: skip
    shown = [part for part in en.NAMES if table[part].notna().any()]
    for part in shown:
        color = {"weights": colors.accent, "activations": colors.violet, "both": colors.quiet}[part]
        tips = [en.TIP.format(name=name, part=en.NAMES[part].lower(), db=decibel(db) if not math.isnan(db) else "exact")
                for name, db in zip(table["name"], table[part], strict=True)]  # fmt: skip
        chart.add_bar(x=names, y=table[part].tolist(), name=en.NAMES[part], marker_color=color, hovertext=tips, hoverinfo="text")
    rows = "; ".join(f"{row.name}: {', '.join(f'{en.NAMES[part].lower()} {decibel(getattr(row, part))}' for part in shown)}"
                     for row in table.itertuples(index=False))  # fmt: skip
    return chart, en.ALT.format(
        count=len(table), parts=", ".join(en.NAMES[part].lower() for part in shown), rows=rows,
        weights=sum(row.weights < row.activations for row in table.itertuples()),
        activations=sum(row.activations < row.weights for row in table.itertuples()),
    )  # fmt: skip
