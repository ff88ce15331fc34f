"""Accuracy against what it costs: bit widths and presets as points, the one in force marked."""

from components.charts.bits import COSTS, name_of, placed
from components.charts.style import log_axis
from components.words import en, en_cost
from components.words.numbers import axis, size, value
from components.words.numbers import metric as written
from explorer.presets import PRESETS


def tradeoff(points: list[dict], metric: str, now: dict, below: str, logarithmic: bool = False) -> dict | None:
    """What components.points draws as "scatter"; None where nothing has an answer. points: dicts of views.tradeoff;
    now: what of "bits", "format" and "preset" is in force; below: one of en_cost.AXES; logarithmic: the axis of the metric."""
    key, name = ("size_bytes", "") if below == "size" else COSTS[below]
    known = [point for point in points if point[key] is not None]
    if not known:
        return None
    tips = [_tip(point, below, key, name) for point in known]
    title = en_cost.TRADEOFF_X.format(what=en_cost.AXES[below].lower(), how=en_cost.AXIS_ORIGIN[below].split()[1])
    band = {"cost_low": "latency_low_s", "cost_high": "latency_high_s"} if below == "latency" else {}
    costs = [point[field] for point in known for field in (key, *band.values())]
    return {
        "alt": en_cost.TRADEOFF_ALT.format(count=len(known), what=en_cost.AXES[below].lower(), points="; ".join(tips)),
        "x": {"title": title} | log_axis(costs, lambda cost: _cost(cost, below, name)),
        "y": metric + axis(points[0]["unit"])[1], "logarithmic": logarithmic,
        "groups": {"bits": en_cost.TRADEOFF_BITS, "presets": en_cost.TRADEOFF_PRESETS},
        "points": [
            placed(point, _label(point), tip, _is(point, now)) | {"cost": point[key]} | {end: point[field] for end, field in band.items()}
            for point, tip in zip(known, tips)
        ],
    }  # fmt: skip


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
