"""Accuracy against what it costs: bit widths and presets as points, the one in force marked."""

import plotly.graph_objects as go

from components.charts.bits import COSTS, name_of
from components.charts.style import Palette, figure, log_axis
from components.words import en, en_cost
from components.words.numbers import axis, size, value
from components.words.numbers import metric as written
from explorer.presets import PRESETS


def tradeoff(points: list[dict], metric: str, now: dict, colors: Palette, below: str) -> tuple[go.Figure, str]:
    """points: dicts of views.tradeoff; now: what of "bits", "format" and "preset" is in force; below: one of en_cost.AXES.

    A click gives a point's place among the points as customdata."""
    factor, unit = axis(points[0]["unit"])
    key, name = ("size_bytes", "") if below == "size" else COSTS[below]
    known = [(i, point) for i, point in enumerate(points) if point[key] is not None]
    title = en_cost.TRADEOFF_X.format(what=en_cost.AXES[below].lower(), how=en_cost.AXIS_ORIGIN[below].split()[1])
    chart = figure(colors, 400, showlegend=True, yaxis={"title": f"{metric}{unit}", "nticks": 6},
                   xaxis={"title": title} | log_axis([point[key] for _, point in known], lambda cost: _cost(cost, below, name)))  # fmt: skip
    for group, symbol, words in ((False, "circle", en_cost.TRADEOFF_BITS), (True, "square-open", en_cost.TRADEOFF_PRESETS)):
        shown = [(i, point) for i, point in known if bool(point["preset"]) == group]
        if not shown:
            continue
        here = [_is(point, now) for _, point in shown]
        values = [factor * point["value"] for _, point in shown]
        band = {"error_x": {"type": "data", "symmetric": False, "color": colors.line, "thickness": 1, "width": 0,
                            "array": [point["latency_high_s"] - point["latency_s"] for _, point in shown],
                            "arrayminus": [point["latency_s"] - point["latency_low_s"] for _, point in shown]}} if below == "latency" else {}  # fmt: skip
        chart.add_scatter(
            x=[point[key] for _, point in shown], y=values, mode="markers" if group else "markers+text", name=words, customdata=[i for i, _ in shown],
            text=[_label(point) for _, point in shown], textposition="top center", cliponaxis=False, hoverinfo="text",
            hovertext=[_tip(point, below, key, name) for _, point in shown],
            marker={"symbol": symbol, "size": [14 if each else 9 for each in here], "color": [colors.accent if each else colors.quiet for each in here]},
            error_y={"type": "data", "symmetric": False, "color": colors.line, "thickness": 1, "width": 0,
                     "array": [factor * (point["high"] - point["value"]) for _, point in shown],
                     "arrayminus": [factor * (point["value"] - point["low"]) for _, point in shown]}, **band,
        )  # fmt: skip
    return chart, en_cost.TRADEOFF_ALT.format(count=len(known), what=en_cost.AXES[below].lower(), points="; ".join(_tip(point, below, key, name) for _, point in known))


def _is(point: dict, now: dict) -> bool:
    if point["preset"]:
        return point["preset"] == now["preset"]
    return (point["bits"], point["format"]) == (now["bits"], now["format"])


def _cost(cost: float, below: str, unit: str) -> str:
    return size(cost) if below == "size" else written(cost, unit)


def _label(point: dict) -> str:
    return PRESETS[point["preset"]].title if point["preset"] else name_of(point["bits"], point["format"])


def _tip(point: dict, below: str, key: str, unit: str) -> str:
    cost = _cost(point[key], below, unit)
    kept, low, high = (value(point[name], point["unit"]) for name in ("value", "low", "high"))
    label = _label(point) + ("" if point["preset"] or point["format"] else en.BITS_TIP[point["bits"] in en.BITS_NAMES])
    return en_cost.TRADEOFF_TIP.format(name=label, value=kept, low=low, high=high, cost=cost)
