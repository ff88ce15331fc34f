"""The network's layers as points, joined by what flows, coloured by the measure that the bars show."""

import math

import pandas as pd
import plotly.graph_objects as go

from components.charts.pictures import MEASURES
from components.charts.style import Palette, figure
from components.words import en, en_graph
from components.words.numbers import decibel, percent

SLANTS = ((16, 32, 75), (32, 90, 95))  # up to so many beside each other: degrees of their names, pixels of a row
ABOVE, BELOW = 48, 74  # pixels for the colours' legend, and for the names of the last row
FAR, UNDER = 60, 0.25  # pixels of a row without names; rows below the last one


def graph(seen: dict, layers: pd.DataFrame, measure: str, selected: int, colors: Palette) -> tuple[go.Figure, str]:
    """seen: views.graph.graph. A layer without a value, such as one without error, is hollow."""
    column, unit, factor, higher = MEASURES[measure]
    values, names, label = layers[column].tolist(), layers["name"].tolist(), en.MEASURES[measure]
    xs, ys = zip(*seen["places"], *seen["sums"])
    slant, row = next(((slant, row) for most, slant, row in SLANTS if max(xs) < most), (None, FAR))
    top, bottom = min(y for edge in seen["edges"] for _, y in edge["points"]) - UNDER, max(ys) + UNDER
    chart = figure(
        colors, ABOVE + BELOW + row * (bottom - top), margin={"l": 8, "r": 44, "t": ABOVE, "b": BELOW},
        xaxis={"visible": False, "range": [-0.7, max(xs) + 0.7]}, yaxis={"visible": False, "range": [bottom, top]},
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
              "title": {"text": f"{label}, {unit}", "side": "top", "font": {"size": 12}}, "tickfont": {"size": 12}}  # fmt: skip
    chart.add_scatter(x=xs[len(names):], y=ys[len(names):], mode="markers", hovertext=[en_graph.SUM] * len(seen["sums"]), hoverinfo="text",
                      marker={"symbol": "circle-cross-open", "size": 12, "color": colors.quiet, "line": {"width": 1}})  # fmt: skip
    for drawn in (known, [i for i in range(len(values)) if i not in known]):
        filled = {"color": [values[i] * factor for i in drawn], "colorscale": scale, "colorbar": legend, "showscale": len(known) > 1} if drawn is known else {"color": colors.paper}
        chart.add_scatter(
            x=[xs[i] for i in drawn], y=[ys[i] for i in drawn], mode="markers",
            hovertext=[tips[i] for i in drawn], hoverinfo="text", customdata=drawn,
            marker=filled | {
                "size": 16 if slant == SLANTS[0][1] else 12,
                "line": {"color": [colors.ink if i == selected else colors.quiet for i in drawn], "width": [3 if i == selected else 1 for i in drawn]},
            },
            selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}},
        )  # fmt: skip
    for i, name in enumerate(names if slant is not None else ()):  # slanted, so that they keep clear of each other on a phone
        chart.add_annotation(x=xs[i], y=ys[i], text=f"<b>{name}</b>" if i == selected else name, textangle=slant, showarrow=False, xanchor="center" if slant == 90 else "left",
                             yanchor="top", xshift=0 if slant == 90 else -4, yshift=-10, font={"size": 11}, bgcolor=colors.paper, borderpad=0)  # fmt: skip
    skips = sum(len(edge["points"]) > 2 for edge in seen["edges"])
    return chart, en_graph.ALT.format(count=len(names), sums=len(seen["sums"]), edges=len(seen["edges"]), skips=skips, label=label, name=names[selected],
                                      value=said[selected])  # fmt: skip
