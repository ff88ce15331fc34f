"""Advice: sentences computed from the report, each with the number that says so.

What would be gained is found by quantizing that layer the other way, never by rule of thumb.
"""

from collections.abc import Callable, Sequence

import numpy as np

from explorer.algorithms import of_stage
from explorer.calibration import needs_inputs
from explorer.errors import SettingsError
from explorer.granularity import matrix
from explorer.quantize import QuantizedTensor, quantize, sqnr_db
from explorer.recipe import Recipe
from explorer.settings import Settings

MOST = 3  # sentences
TRIED = 3  # layers that are quantized another way for one sentence
GAIN = 3.0  # dB: half a bit; less is not worth a sentence
WIDE = 4.0  # times the median channel
CLIPPED = 0.01  # share of the weights
FEW = 0.6  # share of the codes that are used
SEARCHED, PLAIN = 1 << 17, 1 << 20  # most weights of a layer that is quantized another way, where its range is searched for and where it is min–max: advice comes with the report
WEIGHED = "Such gains are of the weights alone; whether the network gains, the metric tells when you try it."
GROUP = 32  # weights a scale, as the finest that people deploy with integers
FAINT = 40.0  # dB from which weights cost next to nothing

Tensor = Callable[[int, Recipe], QuantizedTensor]


def advise(layers: Sequence[dict], settings: Settings, weights: Sequence[np.ndarray], tensor: Tensor | None = None) -> tuple[str, ...]:
    """At most three sentences, the most useful first; where there is none, one on the worst layer and what was tried there.

    layers: the report's rows (see report.layer_row); weights: of each layer, float32 [out, ...]
    tensor: (index, recipe) → the layer quantized so, where it may be known already
    """
    tensor = tensor or (lambda i, recipe: quantize(weights[i], recipe, seed=settings.seed))
    rules = (_per_channel, _clip, _widen, _asymmetric)
    found = [advice for rule in rules for advice in rule(layers, settings, weights, tensor)]
    found.sort(key=lambda pair: -pair[0])
    sentences = tuple(sentence for _, sentence in found[:MOST])
    return (*sentences[:-1], f"{sentences[-1]} {WEIGHED}") if sentences else _fine(layers, settings, weights, tensor)


Found = list[tuple[float, str]]


def _per_channel(layers, settings, weights, tensor) -> Found:
    """One scale for channels of very different widths: the narrow ones are rounded away."""
    rows = sorted((row for row in layers if row["channel_range_ratio"] > WIDE), key=lambda row: -row["channel_range_ratio"])
    best = _best(rows, settings, weights, tensor, lambda recipe: recipe.kind in ("tensor", "block"),
                 lambda recipe: recipe.replace(granularity="channel"), by_channel=True)  # fmt: skip
    if best is None:
        return []
    gain, row, q = best
    widths = np.abs(matrix(weights[row["index"]])).max(axis=1)
    channel, ratio = int(widths.argmax()), widths.max() / np.median(widths)
    extra = q.nbytes - row["bytes"]
    return [(gain, f"`{row['name']}`: channel {channel} is {ratio:.0f}× wider than the median channel; a scale per "
                   f"channel lifts the median channel's SQNR by {gain:.0f} dB for {extra:,} bytes.")]  # fmt: skip


def _clip(layers, settings, weights, tensor) -> Found:
    """A min–max range at few bits spends its steps on a few outliers."""
    rows = sorted(layers, key=_sqnr)
    best = _best(rows, settings, weights, tensor, lambda recipe: recipe.method == "minmax" and recipe.bits <= 6,
                 lambda recipe: recipe.replace(range="mse"))  # fmt: skip
    if best is None:
        return []
    gain, row, q = best
    share = q.high.max() / row["high"] if row["high"] else 1.0
    return [(gain, f"`{row['name']}`: the MSE range ends at {share:.0%} of min–max and gains {gain:.1f} dB of "
                   f"weight SQNR at the same size.")]  # fmt: skip


def _widen(layers, settings, weights, tensor) -> Found:
    """A range so narrow that clipping is most of the error."""
    rows = [row for row in layers if row["clipped_share"] > CLIPPED and row["rounding_share"] < 0.5]
    rows.sort(key=lambda row: row["rounding_share"])
    best = _best(rows, settings, weights, tensor, lambda recipe: recipe.method != "mse", lambda recipe: recipe.replace(range="mse"))
    if best is None:
        return []
    gain, row, q = best
    return [(gain, f"`{row['name']}`: {row['clipped_share']:.1%} of the weights are clipped and make "
                   f"{1 - row['rounding_share']:.0%} of the error; the MSE range gains {gain:.1f} dB of weight SQNR.")]  # fmt: skip


def _asymmetric(layers, settings, weights, tensor) -> Found:
    """Lopsided weights leave the codes on one side of zero unused."""
    rows = [row for row in layers if row["used_codes"] < FEW * row["available_codes"] and _lopsided(row)]
    best = _best(sorted(rows, key=_sqnr), settings, weights, tensor, lambda recipe: recipe.scheme in ("sym", "symfull"),
                 lambda recipe: recipe.replace(scheme="asym"))  # fmt: skip
    if best is None:
        return []
    gain, row, _ = best
    return [(gain, f"`{row['name']}`: only {row['used_codes']} of {row['available_codes']} codes are used; its weights lie mostly "
                   f"on one side of zero, and an asymmetric range gains {gain:.1f} dB.")]  # fmt: skip


def _lopsided(row: dict) -> bool:
    low, high = abs(row["data_low"]), abs(row["data_high"])
    return min(low, high) < 0.5 * max(low, high)


def _sqnr(row: dict) -> float:
    return row["sqnr_db"]


def _best(rows: Sequence[dict], settings: Settings, weights, tensor: Tensor, applies: Callable[[Recipe], bool],
          other: Callable[[Recipe], Recipe], by_channel: bool = False) -> tuple[float, dict, QuantizedTensor] | None:  # fmt: skip
    """The layer that gains most decibels by another recipe: (gain, its row, its new tensor)."""
    best, tried = None, 0
    for row in rows:
        recipe = settings.weights_of(row["index"])
        if not recipe.range or needs_inputs(recipe) or not applies(recipe) or tried == TRIED:
            continue  # a range judged at the output is not better or worse for what the weights say
        try:
            changed = other(recipe)
        except SettingsError:  # a range that this granularity cannot have, such as entropy per channel
            continue
        if not _is_quick(row, changed):
            continue
        tried += 1
        weight = weights[row["index"]]
        q = tensor(row["index"], changed)
        if by_channel:
            before = _median_sqnr(weight, tensor(row["index"], recipe))
            gain = _median_sqnr(weight, q) - before
        else:
            gain = sqnr_db(weight, q.dequantize()) - _before(row, settings, weights, tensor)
        if np.isfinite(gain) and gain >= GAIN and (best is None or gain > best[0]):
            best = gain, row, q
    return best


def _is_quick(row: dict, recipe: Recipe) -> bool:
    return row["weights"] <= (PLAIN if recipe.method == "minmax" else SEARCHED)


def _before(row: dict, settings: Settings, weights, tensor: Tensor) -> float:
    """SQNR in dB of the layer rounded by its own recipe: an algorithm that chooses codes moves weights away for the output's sake."""
    if not of_stage(settings.algorithms, "weights"):
        return row["sqnr_db"]
    i = row["index"]
    return sqnr_db(weights[i], tensor(i, settings.weights_of(i)).dequantize())


def _median_sqnr(weight: np.ndarray, q: QuantizedTensor) -> float:
    """SQNR in dB of the median channel; a channel of which nothing is left has 0 dB."""
    w, error = matrix(weight), matrix(weight - q.dequantize())
    signal, noise = (np.square(a, dtype=np.float64).sum(axis=1) for a in (w, error))
    some = (signal > 0) & (noise > 0)
    return float(np.median(10 * np.log10(signal[some] / noise[some]))) if some.any() else np.inf


def _fine(layers: Sequence[dict], settings: Settings, weights: Sequence[np.ndarray], tensor: Tensor) -> tuple[str, ...]:
    """No rule had anything to say: the worst layer, and what was tried there."""
    worst = min(layers, key=_sqnr)
    if not np.isfinite(worst["sqnr_db"]):
        return ("The weights are kept exactly; choose fewer bits to see what they cost.",)
    if worst["sqnr_db"] >= FAINT:
        return (f"Even the worst layer, `{worst['name']}`, keeps {worst['sqnr_db']:.0f} dB of weight SQNR: fewer bits "
                "may do, the metric tells.",)  # fmt: skip
    said = f"The worst layer is `{worst['name']}` with {worst['sqnr_db']:.0f} dB of weight SQNR"
    others = _others(worst, settings.weights_of(worst["index"]))
    if not others:
        return (f"{said}.",)
    weight, before = weights[worst["index"]], _before(worst, settings, weights, tensor)
    changed, gains = {}, {}
    for words, recipe in sorted(others.items(), key=lambda other: other[1].method == "mse"):
        if recipe.method == "mse" and max(gains.values(), default=0.0) >= GAIN:
            break  # nothing is searched for where what is quick helps
        changed[words] = tensor(worst["index"], recipe)
        gains[words] = sqnr_db(weight, changed[words].dequantize()) - before
    words = max(gains, key=gains.get)
    if gains[words] < GAIN:
        tried = " nor ".join(others) if len(others) > 1 else next(iter(others))
        return (f"{said}; {'neither ' if len(others) > 1 else 'not even '}{tried} would gain {GAIN:.0f} dB there, more bits would.",)
    extra = changed[words].nbytes - worst["bytes"]
    return (f"{said}; {words} would gain {gains[words]:.1f} dB there for {extra:,} bytes. {WEIGHED}",)


def _others(row: dict, recipe: Recipe) -> dict[str, Recipe]:
    """How else a layer can be quantized with as many bits, by what it is called; of a large one nothing is searched for."""
    if not recipe.range or needs_inputs(recipe):
        return {}
    finer = {"a scale per channel": "channel"} if recipe.kind in ("tensor", "block") else {}
    if recipe.kind != "group" or recipe.size > GROUP:
        finer[f"groups of {GROUP}"] = f"g{GROUP}"
    wanted = {words: {"granularity": granularity} for words, granularity in finer.items()}
    if row["weights"] > SEARCHED and recipe.method != "minmax":
        wanted = {f"{words} with min–max ranges": parts | {"range": "minmax"} for words, parts in wanted.items()}
    if recipe.method != "mse":
        wanted["the MSE range"] = {"range": "mse"}
    found = {}
    for words, parts in wanted.items():
        try:
            found[words] = recipe.replace(**parts)
        except SettingsError:  # a range that this granularity cannot have
            continue
    return {words: other for words, other in found.items() if _is_quick(row, other)}
