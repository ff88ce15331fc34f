"""Accuracy with its interval above, size below, against the bits of the weights."""

import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en
from components.words.numbers import in_one_unit, percent, size

ORDER = (2, 3, 4, 5, 6, 7, 8, 16, 32)


def bits(points: list[dict], metric: str, now: int, own: str, colors: Palette) -> tuple[go.Figure, str]:
    """points: dicts of views.tradeoff; now: bits of the weights in force; own: their format, if no integer."""
    points = sorted(points, key=lambda point: (point["bits"], point["format"]))
    order = [_name(width, "") for width in ORDER]
    if own:  # beside the integers of as many bits
        order.insert(next(i for i, width in enumerate(ORDER) if width >= now) + (now in ORDER), own)
    chosen = own or _name(now, "")
    x = [_name(point["bits"], point["format"]) for point in points]
    marked = [colors.accent if name == chosen else colors.quiet for name in x]
    tips = [_tip(point) for point in points]
    unit, sizes = in_one_unit([point["size_bytes"] for point in points])
    chart = figure(
        colors, 380,
        xaxis={"type": "category", "categoryarray": order, "categoryorder": "array",
               "range": [-0.5, len(order) - 0.5], "title": en.BITS_X, "anchor": "y2", "showgrid": False},
        yaxis={"domain": [0.42, 1], "title": en.BITS_Y.format(metric=metric), "rangemode": "tozero", "nticks": 5},
        yaxis2={"domain": [0, 0.32], "title": en.BITS_SIZE.format(unit=unit), "rangemode": "tozero", "nticks": 3},
    )  # fmt: skip
    values = [100 * point["value"] for point in points]
    chart.add_scatter(
        x=x, y=values, mode="lines+markers", line={"color": colors.quiet, "width": 1.5},
        marker={"color": marked, "size": [13 if name == chosen else 8 for name in x],
                "symbol": ["diamond" if name == chosen else "circle" for name in x]},
        error_y={"type": "data", "symmetric": False, "color": colors.quiet, "thickness": 1.2, "width": 4,
                 "array": [100 * (point["high"] - point["value"]) for point in points],
                 "arrayminus": [100 * (point["value"] - point["low"]) for point in points]},
        hovertext=tips, hoverinfo="text",
    )  # fmt: skip
    chart.add_bar(
        x=x, y=sizes, yaxis="y2", marker_color=marked, width=0.5,
        hovertext=tips, hoverinfo="text", text=[f"{each:.3g}" for each in sizes], textposition="outside",
        cliponaxis=False, constraintext="none", textfont={"size": 11},
    )  # fmt: skip
    here = [point for name, point in zip(x, points) if name == chosen]
    if here:  # at the category's place: its name "8" would be read as the number 8
        chart.add_annotation(x=order.index(chosen), y=100 * here[0]["high"], text=en.BITS_HERE, showarrow=False, yshift=12,
                             font={"color": colors.accent})  # fmt: skip
    return chart, en.BITS_ALT.format(metric=metric, count=len(points), points="; ".join(tips))


def _name(bits: int, format: str) -> str:
    return format or en.BITS_NAMES.get(bits, str(bits))


def _tip(point: dict) -> str:
    return en.BITS_POINT.format(
        bits=_name(point["bits"], point["format"]) + ("" if point["format"] or point["bits"] in en.BITS_NAMES else " bits"),
        size=size(point["size_bytes"]),
        value=percent(point["value"]), low=percent(point["low"]), high=percent(point["high"]),
    )  # fmt: skip
