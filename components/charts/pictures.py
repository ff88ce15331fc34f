"""What the live component draws, put together from the engine's numbers, words and alt texts."""

import math

import pandas as pd

from components.words import en
from components.words.numbers import decibel, percent, short, whole

# measure → (column of the report, unit, factor to that unit, whether higher is better)
MEASURES = {
    "sqnr": ("sqnr_db", "dB", 1, True),
    "output": ("output_sqnr_db", "dB", 1, True),
    "clipped": ("clipped_share", "%", 100, False),
    "bytes": ("share_of_bytes", "%", 100, False),
}


def measure_of(view: dict) -> str:
    """The measure that a view (as in a link) asks for; weight SQNR where it names none that there is."""
    return view["pic"] if view.get("pic") in MEASURES else "sqnr"


def worst_of(layers: pd.DataFrame) -> int | None:
    """The layer of lowest weight SQNR; None when every layer is exact."""
    lowest = layers["sqnr_db"].idxmin()
    return None if math.isinf(layers["sqnr_db"][lowest]) else int(layers["index"][lowest])


def pictures(layers: pd.DataFrame, measure: str, selected: int, log: bool, histogram: dict, curve: dict) -> dict:
    """`data` of the live component: bars of all layers, histogram and error curve of one."""
    return {
        "words": en.LIVE,
        "bars": _bars(layers, measure, selected),
        "histogram": _histogram(histogram, log),
        "curve": _curve(curve, histogram["name"]),
    }


def _bars(layers: pd.DataFrame, measure: str, selected: int) -> dict:
    column, unit, factor, higher = MEASURES[measure]
    values = [value * factor if math.isfinite(value) else None for value in layers[column]]
    label, worst, names = en.MEASURES[measure], worst_of(layers), layers["name"].tolist()
    chosen = layers[column][selected]
    return {
        "names": names, "values": values, "kinds": layers["kind"].tolist(), "unit": unit, "measure": measure,
        "label": label, "higher_is_better": higher, "selected": selected, "worst": worst,
        "alt": en.BARS_ALT.format(
            label=label, count=len(names), name=names[selected], worst="none" if worst is None else names[worst],
            value=decibel(chosen) if unit == "dB" else percent(chosen),
        ),
    }  # fmt: skip


def _histogram(numbers: dict, log: bool) -> dict:
    low, high = numbers["low"], numbers["high"]
    clip = en.HISTOGRAM_NO_CLIP if low is None else en.HISTOGRAM_CLIP.format(low=short(low), high=short(high))
    alt = en.HISTOGRAM_ALT.format(count=whole(numbers["count"]), name=numbers["name"], clip=clip,
                                  low=short(numbers["data_low"]), high=short(numbers["data_high"]))  # fmt: skip
    return numbers | {"log": log, "alt": alt, "note": en.NOT_DRAGGABLE.get(numbers["reason"])}


def _curve(numbers: dict, name: str) -> dict:
    neighbours = [{"label": en.CURVE_BITS.format(bits=each["bits"]), "mse": each["mse"]} for each in numbers["neighbours"]]
    marks = ", ".join(f"{mark['name']} at {short(mark['threshold'])}" for mark in numbers["marks"])
    sentence = en.CURVE_ALT if numbers["thresholds"] else en.CURVE_NOTHING[numbers["reason"]]
    return numbers | {
        "neighbours": neighbours,
        "label": en.CURVE_BITS.format(bits=numbers["bits"]),
        "alt": sentence.format(name=name, mse=short(numbers["current"]["mse"]), marks=marks or "none"),
    }
