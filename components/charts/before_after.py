"""With and without: the width of each channel of a layer, and the error of each layer's output."""

import math

import pandas as pd
import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en
from components.words.numbers import decibel, short

ROW = 19  # pixels a layer


def widths(before: list[float], after: list[float], ticks: list[float], axis: str, alt: str, colors: Palette) -> tuple[go.Figure, str]:
    """before, after: largest magnitude of each channel; ticks, axis: numbers and title of the ordinate; alt: its text."""
    chart = figure(
        colors, 320, showlegend=True,
        xaxis={"title": en.BEFORE_AFTER_X, "showgrid": False, "zeroline": False},
        yaxis={"title": axis, "type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]},
    )  # fmt: skip
    size = 8 if len(before) <= 64 else 5 if len(before) <= 400 else 3
    for values, name, marker in (
        (before, en.WITHOUT, {"color": colors.quiet, "size": size, "symbol": "circle-open"}),
        (after, en.WITH, {"color": colors.accent, "size": size}),
    ):
        drawn = [(i, value) for i, value in enumerate(values) if value > 0]  # a logarithmic axis has no 0
        tips = [en.BEFORE_AFTER_TIP.format(channel=i, value=short(value)) for i, value in drawn]
        chart.add_scatter(x=[i for i, _ in drawn], y=[value for _, value in drawn], mode="markers", name=name,
                          marker=marker, hovertext=tips, hoverinfo="text")  # fmt: skip
    return chart, alt


def layers(table: pd.DataFrame, selected: int, colors: Palette) -> tuple[go.Figure, str]:
    """table: views.before_after.layers; one row a layer, the chosen one in bold."""
    rows = [row for row in table.itertuples() if math.isfinite(row.before) and math.isfinite(row.after)]
    names = [f"<b>{row.name}</b>" if row.Index == selected else row.name for row in rows]
    chart = figure(
        colors, ROW * len(rows) + 90, showlegend=True, margin={"l": 8, "r": 16, "t": 8, "b": 8},
        xaxis={"title": en.BEFORE_AFTER_SQNR, "zeroline": False},
        yaxis={"autorange": "reversed", "showgrid": False, "type": "category", "dtick": 1, "tickfont": {"size": 12}},
    )  # fmt: skip
    for name, row in zip(names, rows):
        better = row.after >= row.before
        chart.add_scatter(x=[row.before, row.after], y=[name, name], mode="lines", showlegend=False, hoverinfo="skip",
                          line={"color": colors.accent if better else colors.lost, "width": 2})  # fmt: skip
    tips = [en.BEFORE_AFTER_LAYER_TIP.format(name=row.name, before=decibel(row.before), after=decibel(row.after)) for row in rows]
    marks = [colors.accent if row.after >= row.before else colors.lost for row in rows]
    chart.add_scatter(x=[row.before for row in rows], y=names, mode="markers", name=en.WITHOUT, hovertext=tips, hoverinfo="text",
                      marker={"color": colors.paper, "size": 9, "line": {"color": colors.quiet, "width": 2}})  # fmt: skip
    chart.add_scatter(x=[row.after for row in rows], y=names, mode="markers", name=en.WITH, hovertext=tips, hoverinfo="text",
                      marker={"color": marks, "size": 9})  # fmt: skip
    better = sum(row.after > row.before for row in rows)
    return chart, en.BEFORE_AFTER_LAYERS_ALT.format(count=len(rows), better=better, rows="; ".join(tips))
