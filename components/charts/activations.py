"""What flows into a layer: histogram of the values, the range in force, what each method would choose."""

import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en_activations
from components.words.numbers import short, whole


def activations(seen: dict, log: bool, colors: Palette) -> tuple[go.Figure, str]:
    """seen: views.activations of one layer."""
    edges, counts = seen["edges"], seen["counts"]
    chart = figure(
        colors, 360, bargap=0, margin={"l": 8, "r": 12, "t": 64, "b": 8},
        xaxis={"title": en_activations.X, "range": [edges[0], edges[-1]], "showgrid": False},
        yaxis={"title": en_activations.Y, "type": "log" if log else "linear", "nticks": 5},
    )  # fmt: skip
    width = edges[1] - edges[0]
    tips = [f"{short(low)} … {short(high)}: {whole(count)}" for low, high, count in zip(edges, edges[1:], counts)]
    chart.add_bar(x=edges[:-1], y=counts, offset=0, width=width, marker={"color": colors.soft,
                  "line": {"width": 0}}, hovertext=tips, hoverinfo="text")  # fmt: skip
    if seen["low"] is not None:
        for end in (seen["low"], seen["high"]):
            chart.add_vline(x=end, line={"color": colors.lost, "width": 2})
    for level, mark in enumerate(seen["marks"]):
        for end in {mark["low"], mark["high"]} - {0.0}:
            if edges[0] <= end <= edges[-1]:
                chart.add_vline(x=end, line={"color": colors.accent, "width": 1, "dash": "dot"})
        chart.add_annotation(
            x=min(mark["high"], edges[-1]), y=1, yref="paper", yshift=10 + 15 * (level % 4), xanchor="right",
            text=f"{mark['name']} ", showarrow=False, font={"color": colors.accent, "size": 12},
        )  # fmt: skip
    marks = ", ".join(f"{mark['name']} {short(mark['low'])} to {short(mark['high'])}" for mark in seen["marks"])
    chosen = "none" if seen["low"] is None else f"{short(seen['low'])} to {short(seen['high'])}"
    alt = en_activations.ALT.format(count=whole(seen["count"]), name=seen["name"], range=chosen, marks=marks or "none",
                                    low=short(seen["data_low"]), high=short(seen["data_high"]))  # fmt: skip
    return chart, alt
