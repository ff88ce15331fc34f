"""Formats against the crest factor: what an outlier costs each of them, and where the chosen layer stands.

A uniform grid over ±max has the error step²/12 whatever the data: for 8 symmetric bits
SQNR = 10 log10(12 · 127²) − 20 log10(max / rms) = 52.87 − 20 log10(max / rms) dB. A floating-point
format has steps in proportion to the value, so that its SQNR hardly asks for the largest one: FP8 E4M3
stays at 31.5 dB, and they cross where max / rms is 11.7.
"""

from functools import partial

import numpy as np
import torch

from explorer.cache import CACHE, Codec
from explorer.formats import FORMATS
from explorer.pipeline import network_of
from explorer.quantize import quantize, sqnr_db
from explorer.recipe import Recipe
from explorer.settings import Settings

SIZE = 1 << 15
LARGEST = 8.0  # bits: wider formats are far above the picture
INTEGERS = ("int8", "int4")
MAIN = ("int8", "int4", "fp8e4m3", "fp8e5m2", "fp4e2m1", "nf4", "mxfp8e4m3", "mxfp4")  # what is shown at first
CRESTS = tuple(np.geomspace(1.8, 64, 24).tolist())
BEND = 4.0  # Gaussian data are cut there; beyond it, one value sticks out
SMALL = 1 << 18  # weights of a layer that every format is tried on


def recipes() -> dict[str, Recipe]:
    """Format id to the recipe that compares it: the format alone, with one scale for the tensor if it has none."""
    found = {}
    for number in FORMATS:
        if number.bits > LARGEST or (number.kind == "integer" and number.id not in INTEGERS):
            continue
        recipe = Recipe.parse(number.id)
        found[number.id] = Recipe.parse(f"{number.id}-tensor-minmax") if recipe.is_cast else recipe
    return found


def sample(crest: float, size: int = SIZE) -> np.ndarray:
    """float32 [size] whose max / rms is `crest`, from 1.8 to 64, in a random order that is always the same.

    Up to 4 a Gaussian cut where it has that crest, at its quantiles; beyond, a Gaussian cut at 4 and one value
    that sticks out.
    """
    cut = _cut(min(crest, BEND))
    edge = float(torch.special.ndtr(torch.tensor(cut, dtype=torch.float64)))
    places = (torch.arange(size, dtype=torch.float64) + 0.5) / size * (2 * edge - 1) + 1 - edge
    x = torch.special.ndtri(places).numpy()
    x = x[np.random.Generator(np.random.Philox(0)).permutation(size)]
    power = np.mean(x**2)
    x[0] = crest * np.sqrt(power * (size - 1) / (size - crest**2))  # then max / rms of all of them is crest
    return x.astype(np.float32)


def _cut(crest: float) -> float:
    """Where a standard Gaussian is cut to have this crest factor, by bisection: cut / rms rises from √3."""
    low, high = 1e-3, 8.0
    for _ in range(60):
        middle = (low + high) / 2
        t = torch.tensor(middle, dtype=torch.float64)
        inside = 2 * float(torch.special.ndtr(t)) - 1
        power = 1 - 2 * middle * float(torch.exp(-t * t / 2)) / (np.sqrt(2 * np.pi) * inside)
        low, high = (middle, high) if middle / np.sqrt(power) < crest else (low, middle)
    return low


def crest(settings: Settings, i: int) -> dict:
    """The picture's numbers.

    crests: max / rms of the samples; curves: format id → SQNR in dB at each; main: ids shown at first
    law: INT8's 52.87 − 20 log10(crest) at each; crossing: the crest factor where INT8 falls below FP8 E4M3
    name, layer: name and crest factor of layer i's weights, None when they are all 0
    places: log10 of the first and last crest factor, of the layer and the crossing: where they are drawn
    measured: format id → SQNR in dB of that layer's own weights with that format, for the ids shown
    at first, and for all of them where the layer is small; None for no error
    """
    network = network_of(settings)
    weight = network.weight(i)
    known = CACHE.get(f"crest curves {' '.join(recipes())}", _curves, CURVES)
    curves = {id: known[k].tolist() for k, id in enumerate(recipes())}
    rms = float(np.sqrt(np.mean(np.square(weight, dtype=np.float64))))
    layer = float(np.abs(weight).max()) / rms if rms else None
    cross = crossing(CRESTS, curves["int8"], curves["fp8e4m3"])
    return {
        "crests": list(CRESTS),
        "curves": curves,
        "main": [id for id in MAIN if id in curves],
        "law": [int8_law(c) for c in CRESTS],
        "crossing": cross,
        "name": network.layers[i].name,
        "layer": layer,
        "places": {name: c and float(np.log10(c)) for name, c in
                   {"low": CRESTS[0], "high": CRESTS[-1], "layer": layer, "crossing": cross}.items()},
        "measured": CACHE.get(f"crest layer {network.digest} {i} {' '.join(curves)}", partial(_measured, weight)),
    }


def int8_law(crest: float) -> float:
    """SQNR in dB of 8 symmetric bits, 127 steps to the largest value, each error step²/12 on average."""
    return float(10 * np.log10(12 * 127**2) - 20 * np.log10(crest))


def crossing(crests, falling, flat) -> float | None:
    """The crest factor at which the first curve falls below the second, between samples on a logarithmic axis."""
    gap = np.asarray(falling) - np.asarray(flat)
    below = np.flatnonzero((gap[:-1] > 0) & (gap[1:] <= 0))
    if not len(below):
        return None
    k = below[0]
    share = gap[k] / (gap[k] - gap[k + 1])
    return float(np.exp(np.interp(share, [0, 1], np.log([crests[k], crests[k + 1]]))))


def _curves() -> np.ndarray:
    samples = [sample(c) for c in CRESTS]
    return np.array([[sqnr_db(x, quantize(x, recipe).dequantize()) for x in samples] for recipe in recipes().values()])


def _measured(weight: np.ndarray) -> dict[str, float | None]:
    """A layer may have rows that end within a block, or be all 0: then there is nothing to compare."""
    found = {}
    for id, recipe in recipes().items():
        if weight.any() and (id in MAIN or weight.size <= SMALL):
            db = sqnr_db(weight, quantize(weight, recipe).dequantize())
            found[id] = db if np.isfinite(db) else None
    return found


CURVES = Codec(lambda curves: {"db": curves}, lambda a: a["db"])
