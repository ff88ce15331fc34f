"""Accuracy with its interval above, size below, against the bits of the weights."""

import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en, en_cost
from components.words.numbers import axis, in_one_prefix, in_one_unit, size, value
from components.words.numbers import metric as written

COSTS = {"latency": ("latency_s", "s"), "energy": ("energy_j", "J")}
LOGARITHMIC = 20  # how many times the least value the largest may be on an axis from zero
RISING = ("share", "cosine")  # units of metrics that are better the higher
ORDER = (2, 3, 4, 5, 6, 7, 8, 16, 32)


def bits(points: list[dict], metric: str, now: int, own: str, colors: Palette, below: str = "size", alike: bool = True) -> tuple[go.Figure, str]:
    """points: dicts of views.tradeoff; now: bits of the weights in force; own: their format, if no integer;
    below: one of en_cost.AXES, what the bars show; alike: whether one of the points is what is in force."""
    points = sorted(points, key=lambda point: (point["bits"], point["format"]))
    order = [name_of(width, "") for width in ORDER]
    if own:  # beside the integers of as many bits
        order.insert(next(i for i, width in enumerate(ORDER) if width >= now) + (now in ORDER), own)
    chosen = (own or name_of(now, "")) if alike else None
    x = [name_of(point["bits"], point["format"]) for point in points]
    marked = [colors.accent if name == chosen else colors.quiet for name in x]
    tips = [_tip(point, below) for point in points]
    title, sizes = _bars(points, below)
    factor, unit = axis(points[0]["unit"])
    endless = max(point["value"] for point in points) > LOGARITHMIC * min(point["value"] for point in points)
    scale = {"type": "log"} if endless and points[0]["unit"] != "share" else {"rangemode": "tozero"}
    chart = figure(
        colors, 380,
        xaxis={"type": "category", "categoryarray": order, "categoryorder": "array",
               "range": [-0.5, len(order) - 0.5], "title": en.BITS_X, "anchor": "y2", "showgrid": False},
        yaxis={"domain": [0.42, 1], "title": f"{metric}{unit}", "nticks": 5} | scale,
        yaxis2={"domain": [0, 0.32], "title": title, "rangemode": "tozero", "nticks": 3},
    )  # fmt: skip
    values = [factor * point["value"] for point in points]
    chart.add_scatter(
        x=x, y=values, mode="lines+markers", line={"color": colors.quiet, "width": 1.5},
        marker={"color": marked, "size": [13 if name == chosen else 8 for name in x],
                "symbol": ["diamond" if name == chosen else "circle" for name in x]},
        error_y={"type": "data", "symmetric": False, "color": colors.quiet, "thickness": 1.2, "width": 4,
                 "array": [factor * (point["high"] - point["value"]) for point in points],
                 "arrayminus": [factor * (point["value"] - point["low"]) for point in points]},
        hovertext=tips, hoverinfo="text",
    )  # fmt: skip
    chart.add_bar(
        x=x, y=sizes, yaxis="y2", marker_color=marked, width=0.5,
        hovertext=tips, hoverinfo="text", text=["—" if each is None else f"{each:.3g}" for each in sizes], textposition="outside",
        cliponaxis=False, constraintext="none", textfont={"size": 11},
    )  # fmt: skip
    here = [point for name, point in zip(x, points) if name == chosen]
    if here:  # as a trace: an annotation on a logarithmic axis wants exponents
        above, side = points[0]["unit"] not in RISING, "right" if chosen in order[:-2] else "left"  # where no line goes
        chart.add_scatter(
            x=[chosen], y=[factor * here[0]["high" if above else "low"]], mode="text", text=[f"  {en.BITS_HERE}  " if above else f" <br>  {en.BITS_HERE}  "],
            textposition=f"{'top' if above else 'bottom'} {side}", textfont={"color": colors.accent}, cliponaxis=False, hoverinfo="skip",
        )  # fmt: skip
    alt = en.BITS_ALT if below == "size" else en.BITS_ALT.replace("size", below)
    return chart, alt.format(metric=metric, count=len(points), points="; ".join(tips))


def _bars(points: list[dict], below: str) -> tuple[str, list]:
    """The title of the lower axis and the values on it; None where there is no prediction."""
    if below == "size":
        unit, sizes = in_one_unit([point["size_bytes"] for point in points])
        return en.BITS_SIZE.format(unit=unit), sizes
    key, unit = COSTS[below]
    known = [point[key] for point in points if point[key] is not None]
    unit, values = in_one_prefix(known, unit) if known else (unit, [])
    left = iter(values)
    title = en_cost.AXIS_TITLE[below].format(unit=unit)
    return title, [None if point[key] is None else next(left) for point in points]


def name_of(bits: int, format: str) -> str:
    return format or en.BITS_NAMES.get(bits, str(bits))


def _tip(point: dict, below: str) -> str:
    return en.BITS_POINT.format(
        bits=name_of(point["bits"], point["format"]) + ("" if point["format"] else en.BITS_TIP[point["bits"] in en.BITS_NAMES]),
        size=_cost(point, below),
        **{name: value(point[name], point["unit"]) for name in ("value", "low", "high")},
    )  # fmt: skip


def _cost(point: dict, below: str) -> str:
    if below == "size":
        return size(point["size_bytes"])
    text = written(point[COSTS[below][0]], COSTS[below][1])
    if below == "latency" and point["latency_s"] is not None:
        text += f" ({en_cost.BAND.format(low=written(point['latency_low_s'], 's'), high=written(point['latency_high_s'], 's'))})"
    return text
