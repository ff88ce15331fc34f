"""Accuracy with its interval above, what it costs below, against the bits of the weights."""

import math

from components.words import en, en_cost
from components.words.numbers import axis, in_one_prefix, in_one_unit, size, value
from components.words.numbers import metric as written

COSTS = {"latency": ("latency_s", "s"), "energy": ("energy_j", "J")}
LOGARITHMIC = 20  # how many times the least value the largest may be on an axis from zero
RISING = ("share", "cosine")  # units of metrics that are better the higher
ORDER = (2, 3, 4, 5, 6, 7, 8, 16, 32)


def bits(points: list[dict], metric: str, now: int, own: str, below: str = "size", alike: bool = True, logarithmic: bool = False) -> dict:
    """What components.points draws as "widths". points: dicts of views.tradeoff; now: bits of the weights in force;
    own: their format, if no integer; below: one of en_cost.AXES, what the bars show; alike: whether one of the points
    is what is in force; logarithmic: the axis of the metric."""
    points = sorted(points, key=lambda point: (point["bits"], point["format"]))
    order = [name_of(width, "") for width in ORDER]
    if own:  # beside the integers of as many bits
        order.insert(next(i for i, width in enumerate(ORDER) if width >= now) + (now in ORDER), own)
    chosen = (own or name_of(now, "")) if alike else None
    names = [name_of(point["bits"], point["format"]) for point in points]
    tips = [_tip(point, below) for point in points]
    title, costs = _bars(points, below)
    alt = en.BITS_ALT if below == "size" else en.BITS_ALT.replace("size", below)
    return {
        "alt": alt.format(metric=metric, count=len(points), points="; ".join(tips)),
        "order": order, "x": en.BITS_X, "y": metric + axis(points[0]["unit"])[1], "below": title,
        "logarithmic": logarithmic,
        "here": en.BITS_HERE, "rising": points[0]["unit"] in RISING,
        "points": [
            placed(point, name, tip, name == chosen) | {"cost": cost, "cost_text": "—" if cost is None else f"{cost:.3g}"}
            for point, name, tip, cost in zip(points, names, tips, costs)
        ],
    }  # fmt: skip


def placed(point: dict, name: str, tip: str, chosen: bool) -> dict:
    """What every picture of a point needs: where a click on it goes, and its value and interval as on the axis; None for what is endless."""
    factor, _ = axis(point["unit"])
    goes = {key: point[key] for key in ("bits", "format", "preset")}
    ends = {key: factor * point[key] if math.isfinite(point[key]) else None for key in ("value", "low", "high")}
    return {"goes": goes, "name": name, "tip": tip, "chosen": chosen} | ends


def far_apart(points: list[dict]) -> bool:
    """Whether the axis of the metric is better logarithmic."""
    least, most = (end(point["value"] for point in points) for end in (min, max))
    return points[0]["unit"] != "share" and 0 < LOGARITHMIC * least < most


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
