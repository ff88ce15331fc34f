"""The weights of one layer in two formats: FP32 as an area, the quantized values as stems, one format a row."""

import plotly.graph_objects as go

from components.charts.style import Palette, figure, log_axis
from components.words import en_formats as en
from components.words.numbers import decibel, prefixed, short

LEAST, MARGIN = -0.3, 0.15  # of the logarithmic axis, in decades: a count of 1 is still a bar
STEMS = 500  # how thin a stored value is drawn


def two_formats(seen: list[dict], colors: Palette) -> tuple[go.Figure, str]:
    """seen: views.format_facts.on_layer of each format."""
    rows, gap = len(seen), 0.2
    height = (1 - gap * (rows - 1)) / rows
    axes = {}
    for row, each in enumerate(seen):
        top = 1 - row * (height + gap)
        counts = log_axis([4, 10 ** each["log10_most"]], prefixed)
        axes[_axis(row, "yaxis")] = counts | {"domain": [max(top - height, 0), top], "title": en.TWO_Y, "range": [LEAST, each["log10_most"] + MARGIN]}
    chart = figure(colors, 110 + 190 * rows, barmode="overlay", bargap=0,
                   xaxis={"title": en.TWO_X, "anchor": _axis(rows - 1, "y"), "zeroline": False}, **axes)  # fmt: skip
    for row, each in enumerate(seen):
        numbers, axis = each["histogram"], _axis(row, "y")
        edges = numbers["edges"]
        chart.add_bar(x=edges[:-1], y=numbers["fp32"], offset=0, width=edges[1] - edges[0], yaxis=axis, marker_color=colors.soft,
                      marker_line_width=0, hoverinfo="skip", name=en.TWO_FP32)  # fmt: skip
        chart.add_bar(
            x=numbers["quantized"]["values"], y=numbers["quantized"]["counts"], yaxis=axis, marker_color=colors.accent,
            marker_line_width=0, width=(edges[-1] - edges[0]) / STEMS, hovertemplate=en.TWO_TIP, name=each["recipe"].words,
        )  # fmt: skip
        chart.add_annotation(x=0, xref="paper", y=1 - row * (height + gap), yref="paper", yanchor="bottom", xanchor="left", align="left",
                             text=_words(each, "<br>"), showarrow=False, font={"color": colors.ink})  # fmt: skip
    chart.update_layout(margin={"t": 44})
    return chart, en.TWO_ALT.format(rows="; ".join(_words(each, ": ") for each in seen))


def _axis(row: int, name: str) -> str:
    return f"{name}{row + 1}" if row else name


def _words(each: dict, between: str) -> str:
    sqnr, bits = decibel(each["sqnr_db"]), short(each["bits_per_weight"])
    return each["recipe"].words + between + en.TWO_ROW.format(sqnr=sqnr, bits=bits)
