"""The network's layers as points, joined by what flows, coloured by the measure that the bars show."""

import math

import pandas as pd
import plotly.graph_objects as go

from components.charts.pictures import MEASURES
from components.charts.style import Palette, figure
from components.words import en, en_graph
from components.words.numbers import decibel, percent

SLANT = 32  # degrees
NAMED = 16  # layers at most, for their names to stand beside them


def graph(seen: dict, layers: pd.DataFrame, measure: str, selected: int, colors: Palette) -> tuple[go.Figure, str]:
    """seen: views.graph.graph. A layer without a value, such as one without error, is hollow."""
    column, unit, factor, higher = MEASURES[measure]
    values, names, label = layers[column].tolist(), layers["name"].tolist(), en.MEASURES[measure]
    xs, ys = zip(*seen["places"])
    chart = figure(
        colors, 170 + 60 * max(ys), margin={"l": 8, "r": 12, "t": 64, "b": 64},
        xaxis={"visible": False, "range": [-0.7, max(xs) + 0.7]}, yaxis={"visible": False, "autorange": "reversed"},
    )  # fmt: skip
    for edge in seen["edges"]:
        x, y = zip(*edge["points"])
        chart.add_scatter(x=x, y=y, mode="lines", hoverinfo="skip", line={"color": colors.quiet, "width": 1, "shape": "spline"})
    said = [(decibel(each) if unit == "dB" else percent(each)) if math.isfinite(each) or unit == "dB" else "—" for each in values]
    tips = [en_graph.TIP.format(name=name, kind=en.LIVE["kinds"].get(kind, kind), value=text)
            for name, kind, text in zip(names, layers["kind"], said, strict=True)]  # fmt: skip
    known = [i for i, each in enumerate(values) if math.isfinite(each)]
    scale = [[0, colors.lost], [1, colors.accent]] if higher else [[0, colors.accent], [1, colors.lost]]
    legend = {"orientation": "h", "thickness": 8, "len": 0.4, "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "nticks": 4, "outlinewidth": 0,
              "title": {"text": f"{label}, {unit}", "side": "top"}}  # fmt: skip
    for drawn in (known, [i for i in range(len(values)) if i not in known]):
        filled = {"color": [values[i] * factor for i in drawn], "colorscale": scale, "colorbar": legend, "showscale": len(known) > 1} if drawn is known else {"color": colors.paper}
        chart.add_scatter(
            x=[xs[i] for i in drawn], y=[ys[i] for i in drawn], mode="markers",
            hovertext=[tips[i] for i in drawn], hoverinfo="text", customdata=drawn,
            marker=filled | {
                "size": 18 if len(xs) <= NAMED else 12,
                "line": {"color": [colors.ink if i == selected else colors.quiet for i in drawn], "width": [3 if i == selected else 1 for i in drawn]},
            },
            selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
        )  # fmt: skip
    for i, name in enumerate(names if len(xs) <= NAMED else ()):  # slanted, so that they keep clear of each other on a phone
        chart.add_annotation(x=xs[i], y=ys[i], text=f"<b>{name}</b>" if i == selected else name, textangle=SLANT, showarrow=False, xanchor="left",
                             yanchor="top", xshift=-4, yshift=-10, font={"size": 11}, bgcolor=colors.paper, borderpad=0)  # fmt: skip
    skips = sum(len(edge["points"]) > 2 for edge in seen["edges"])
    return chart, en_graph.ALT.format(count=len(names), edges=len(seen["edges"]), skips=skips, label=label, name=names[selected],
                                      value=said[selected])  # fmt: skip
