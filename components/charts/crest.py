"""SQNR of each format against max / rms of the data, with the chosen layer where it stands."""

import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en
from components.words.numbers import decibel, short
from explorer.formats import FORMATS

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")


def crest(numbers: dict, shown: list[str], colors: Palette) -> tuple[go.Figure, str]:
    """numbers: views.crest of one layer; shown: ids of the formats to draw."""
    x = numbers["crests"]
    chart = figure(
        colors, 440 + 20 * max(0, len(shown) - 8), showlegend=True, margin={"l": 8, "r": 12, "t": 8, "b": 8},
        xaxis={"title": en.CREST_X, "type": "log", "tickvals": [2, 4, 8, 16, 32, 64], "ticktext": ["2", "4", "8", "16", "32", "64"],
               "range": [numbers["places"]["low"], numbers["places"]["high"]], "zeroline": False},
        yaxis={"title": en.CREST_Y, "rangemode": "tozero", "zeroline": False},
    )  # fmt: skip
    seen: dict[str, int] = {}
    for id, values in ((id, numbers["curves"][id]) for id in shown):
        family, color = _family(id, colors)
        place = seen.get(family, 0) % len(DASHES)
        seen[family] = seen.get(family, 0) + 1
        tips = [en.CREST_TIP.format(format=FORMATS[id].title, crest=short(c), sqnr=decibel(db)) for c, db in zip(x, values)]
        chart.add_scatter(x=x, y=values, mode="lines", name=FORMATS[id].title, line={"color": color, "dash": DASHES[place], "width": 2},
                          legendgroup=id, hovertext=tips, hoverinfo="text")  # fmt: skip
        own = numbers["measured"].get(id)
        if own is not None and numbers["layer"] is not None:
            tip = en.CREST_LAYER_TIP.format(name=numbers["name"], format=FORMATS[id].title, sqnr=decibel(own))
            chart.add_scatter(x=[numbers["layer"]], y=[own], mode="markers", marker={"color": color, "size": 9, "symbol": SYMBOLS[place]},
                              legendgroup=id, showlegend=False, hovertext=[tip], hoverinfo="text")  # fmt: skip
    if numbers["layer"] is not None:
        chart.add_vline(x=numbers["layer"], line={"color": colors.quiet, "width": 1, "dash": "dot"})
        chart.add_annotation(x=numbers["places"]["layer"], y=1, yref="paper", yanchor="top", xanchor="left", showarrow=False,
                             text=f" {numbers['name']} {numbers['layer']:.1f}", font={"color": colors.ink}, bgcolor=colors.paper)  # fmt: skip
    if numbers["crossing"] is not None:
        level = numbers["curves"]["fp8e4m3"][0]
        chart.add_annotation(x=numbers["places"]["crossing"], y=level, ax=28, ay=-38, arrowcolor=colors.ink, arrowwidth=1,
                             arrowhead=0, standoff=3, xanchor="left", align="left", font={"color": colors.ink}, bgcolor=colors.paper,
                             text=en.CREST_CROSSING.format(crest=f"{numbers['crossing']:.1f}"))  # fmt: skip
    measured = "; ".join(f"{FORMATS[id].title} {decibel(db)}" for id, db in numbers["measured"].items() if id in shown)
    alt = en.CREST_ALT.format(crossing=short(numbers["crossing"]), name=numbers["name"], layer=short(numbers["layer"]), measured=measured)
    return chart, alt


def _family(id: str, colors: Palette) -> tuple[str, str]:
    """Formats of one kind share a colour, and differ in their dashes and marks."""
    if id.startswith(("int", "uint")):
        return "int", colors.accent
    if id.startswith("fp"):
        return "fp", colors.lost
    if id.startswith("mx"):
        return "mx", colors.violet
    return "other", colors.ink
