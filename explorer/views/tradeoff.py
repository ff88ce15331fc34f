"""Accuracy and size against the weights' bit width, with everything else as it is."""

from collections.abc import Iterator

from explorer.cost.predict import predict
from explorer.cost.size import size
from explorer.errors import SettingsError
from explorer.formats import FORMATS
from explorer.models import MODELS
from explorer.pipeline import network_of, quantized, stream
from explorer.presets import PRESETS
from explorer.presets import apply as at_preset
from explorer.recipe import Recipe
from explorer.settings import Settings

BITS = (8, 4, 32, 6, 3, 5, 2, 7, 16)  # in the order in which they tell most


def at_bits(settings: Settings, bits: int) -> Settings:
    """The settings with weights of this many bits; 32 leaves them in FP32. Own recipes of layers go.

    Floating-point weights become symmetric integers with the same granularity and range, a format with
    blocks of its own such integers in groups of the block's size.
    """
    if bits == 32:
        return settings.replace(weights="fp32", layers=(), layer_bits="")
    weights = settings.weights
    sign = "u" if weights.scheme and not FORMATS[weights.format].signed else ""
    groups = {"granularity": f"g{weights.blocks.size}"} if weights.blocks else {}
    return settings.replace(weights=weights.replace(format=f"{sign}int{bits}", **groups), layers=(), layer_bits="")


def tradeoff(settings: Settings, *, first: int = 8, cancel=None) -> Iterator[dict]:
    """One finished point after another, in the order of BITS but `first`; before all that of weights that are no integers.

    bits, format (the title of what is no integer, else empty), preset (empty), recipe of the weights, value of the metric in its unit with its 95 % interval
    [low, high] over n samples, fp32 (the unquantized network on the same samples), difference with its own interval
    [difference_low, difference_high], size_bytes, bits_per_weight; predicted for the target, None where it has no answer: latency_s with its band
    [latency_low_s, latency_high_s], energy_j. Raises Cancelled.
    """
    for bits, format, there in _choices(settings, first):
        yield {"bits": bits, "format": format, "preset": ""} | _point(there, cancel)


def presets(settings: Settings, *, cancel=None) -> Iterator[dict]:
    """The same of every preset that this model can have, preset being its id. Raises Cancelled."""
    for preset in PRESETS:
        try:
            there = at_preset(settings, preset.id)
        except SettingsError:
            continue
        yield {"bits": there.weights.bits, "format": "", "preset": preset.id} | _point(there, cancel)


def _point(there: Settings, cancel) -> dict:
    *_, seen = stream(there, cancel=cancel)
    tensors = quantized(there, cancel=cancel)
    cost = size(tensors, MODELS[there.model].parameters)
    predicted = predict(network_of(there), tensors, there.activations, there.target)
    metric, difference = seen.metric, seen.difference
    return {
        "recipe": str(there.weights),
        "value": metric.value, "low": metric.low, "high": metric.high, "n": metric.n, "unit": metric.unit,
        "fp32": seen.fp32.value,
        "difference": difference.value, "difference_low": difference.low, "difference_high": difference.high,
        "size_bytes": cost.size_bytes,
        "bits_per_weight": cost.bits_per_weight,
        "latency_s": predicted.latency.seconds, "latency_low_s": predicted.latency.low, "latency_high_s": predicted.latency.high,
        "energy_j": predicted.energy.joules,
    }  # fmt: skip


def alike(settings: Settings) -> bool:
    """Whether no layer has a recipe of its own: only then are the settings themselves one of the points."""
    return not settings.layers and not settings.layer_bits


def own_format(weights: Recipe) -> str:
    """The title of a format that is not among the bit widths, else empty."""
    return "" if weights.scheme or weights.format == "fp32" else FORMATS[weights.format].title


def _choices(settings: Settings, first: int) -> Iterator[tuple[int, str, Settings]]:
    if own := own_format(settings.weights):
        yield settings.weights.bits, own, settings.replace(layers=(), layer_bits="")
    for bits in sorted(BITS, key=lambda bits: bits != first):
        try:
            yield bits, "", at_bits(settings, bits)
        except SettingsError:  # a range or rounding that this width cannot have
            continue
