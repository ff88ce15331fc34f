"""The weights of one layer in two formats: FP32 as an area, the quantized values as stems, one format a row."""

import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en
from components.words.numbers import decibel, short


def two_formats(seen: list[dict], colors: Palette) -> tuple[go.Figure, str]:
    """seen: views.format_facts.on_layer of each format."""
    rows, gap = len(seen), 0.14
    height = (1 - gap * (rows - 1)) / rows
    axes = {}
    for row in range(rows):
        top = 1 - row * (height + gap)
        axes[f"yaxis{row + 1 if row else ''}"] = {"domain": [top - height, top], "type": "log", "title": en.TWO_Y, "dtick": 1}
    last = f"y{rows}" if rows > 1 else "y"
    chart = figure(colors, 110 + 170 * rows, xaxis={"title": en.TWO_X, "anchor": last, "zeroline": False}, **axes)
    said = []
    for row, each in enumerate(seen):
        numbers, axis = each["histogram"], f"y{row + 1}" if row else "y"
        words = en.TWO_ROW.format(recipe=each["recipe"].words, sqnr=decibel(each["sqnr_db"]), bits=short(each["bits_per_weight"]))
        said.append(words)
        edges = numbers["edges"]
        chart.add_scatter(
            x=[edge for edge in edges for _ in (0, 1)][1:-1], y=[count or None for count in numbers["fp32"] for _ in (0, 1)],
            yaxis=axis, mode="lines", line={"color": colors.quiet, "width": 1.2}, fill="tozeroy", fillcolor=colors.soft,
            hoverinfo="skip", connectgaps=False,
        )  # fmt: skip
        quantized = numbers["quantized"]
        chart.add_bar(
            x=quantized["values"], y=quantized["counts"], yaxis=axis, marker_color=colors.accent,
            width=(edges[-1] - edges[0]) / 500, hovertemplate=en.TWO_TIP, name=each["recipe"].words,
        )  # fmt: skip
        chart.add_annotation(x=0, xref="paper", y=1 - row * (height + gap), yref="paper", yanchor="bottom", xanchor="left",
                             text=words, showarrow=False, font={"color": colors.ink})  # fmt: skip
    chart.update_layout(margin={"t": 28})
    return chart, en.TWO_ALT.format(rows="; ".join(said))
