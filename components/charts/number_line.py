"""Two formats beside each other: their numbers on a line, and how many they have in each binade."""

import pandas as pd
import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en_formats as en

SHOWN = 40  # binades: beyond them bfloat16 and FP32 go on the same
POWERS = [2**k for k in range(25)]


def line(names: list[str], places: list, colors: Palette) -> tuple[go.Figure, str]:
    """places: views.number_line.places of each, or None when there are too many numbers to draw."""
    chart = figure(
        colors, 90 + 62 * len(names), xaxis={"title": en.LINE_X, "range": [-1.03, 1.03], "zeroline": True},
        yaxis={"tickvals": list(range(len(names))), "ticktext": names, "range": [len(names) - 0.4, -0.6], "showgrid": False},
    )  # fmt: skip
    for row, (name, numbers, color) in enumerate(zip(names, places, (colors.accent, colors.ink), strict=False)):
        if numbers is None:
            chart.add_annotation(x=0, y=row, text=en.LINE_TOO_MANY, showarrow=False)
            continue
        chart.add_scatter(
            x=numbers, y=[row] * len(numbers), mode="markers", name=name, hovertemplate="%{x:.4g}<extra></extra>",
            marker={"symbol": "line-ns", "size": 26, "line": {"width": 1.2 if len(numbers) < 130 else 0.7, "color": color}},
        )  # fmt: skip
    known = [en.LINE_COUNT.format(name=name, count=len(n)) for name, n in zip(names, places, strict=True) if n is not None]
    return chart, en.LINE_ALT.format(counts="; ".join(known) or en.LINE_TOO_MANY)


def binades(names: list[str], tables: list[pd.DataFrame], colors: Palette) -> tuple[go.Figure, str]:
    """tables: views.number_line.binades of each."""
    marks = POWERS[:: 1 if max(table["count"].max() for table in tables) <= POWERS[7] else 4]
    chart = figure(
        colors, 300, showlegend=True, barmode="group", bargap=0.25,
        xaxis={"title": en.BINADES_X, "showgrid": False}, yaxis={"title": en.BINADES_Y, "type": "log", "tickvals": marks, "ticktext": [f"{mark:,}" for mark in marks]},
    )  # fmt: skip
    for name, table, color in zip(names, tables, (colors.accent, colors.quiet), strict=False):
        shown = table[table["below"] < SHOWN]
        tips = [en.BINADES_TIP.format(name=name, count=row.count, low=row.exponent, high=row.exponent + 1)
                for row in shown.itertuples(index=False)]  # fmt: skip
        chart.add_bar(x=shown["below"], y=shown["count"], name=name, marker_color=color, hovertext=tips, hoverinfo="text")
    said = "; ".join(en.BINADES_SAID.format(name=name, count=len(table), most=table["count"].max())
                     for name, table in zip(names, tables, strict=True))  # fmt: skip
    return chart, en.BINADES_ALT.format(formats=said)
