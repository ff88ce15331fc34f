"""What there is to say about a number format, and about two of them on the same weights."""

import numpy as np
import pandas as pd

from explorer.formats import FORMATS
from explorer.cost.native import matrix, native
from explorer.pipeline import layer_tensor, network_of
from explorer.quantize import sqnr_db
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.views.code_bits import fields
from explorer.views.histogram import histogram
from explorer.views.number_line import step_at_one

ASKED_FOR = ("fp16", "bf16", "fp8e4m3", "int16", "int8", "int4", "nf4", "q4_0", "mxfp4", "nvfp4")


def facts(format: str) -> dict:
    """One format, numbers in units of the scale: title, description, fields (see code_bits.fields), bits of
    a code, bias, largest, lowest, smallest_normal, smallest (above zero), step_at_one, distinct numbers, codes,
    bits_per_weight and block (None where the recipe says it), scale in words, source; None for what it has not."""
    number = FORMATS[format]
    element = number.element
    return {
        "title": number.title,
        "description": number.description,
        "fields": fields(format),
        "bits": number.bits,
        "bias": number.bias,
        "largest": element.max,
        "lowest": _lowest(element),
        "smallest_normal": number.min_normal,
        "smallest": number.min_subnormal or _least(element.values()),
        "step_at_one": step_at_one(format),
        "distinct": number.distinct,
        "codes": 2**number.bits,
        "block": number.block_size,
        "scale": number.scale,
        "bits_per_weight": number.bits_per_weight,
        "source": number.source,
    }


def _lowest(element) -> float:
    """The most negative number, or the least; fp32 has too many to list, and is symmetric."""
    return -element.max if element.bits == 32 else float(element.values()[0])


def _least(values: np.ndarray) -> float:
    """The smallest of them above 0."""
    return float(values[values > 0][0])


def processors(format: str) -> pd.DataFrame:
    """What computes with a format, one row each: processor, use, note, source (see native.native)."""
    return native(format)


def supported(chosen: list[str]) -> pd.DataFrame:
    """What every processor does with these formats and those that people choose between (see native.matrix)."""
    return matrix(list(dict.fromkeys((*chosen, *ASKED_FOR))))


def natural(format: str) -> Recipe:
    """The recipe by which formats are compared on a layer: one min–max range for the whole tensor,
    unless the format is a plain cast or has scales of its own."""
    number = FORMATS[format]
    if number.kind == "integer":
        return Recipe(format, "sym" if number.signed else "asym", "tensor", "minmax")
    if number.blocks or not number.scalable:
        return Recipe(format)
    return Recipe(format, granularity="tensor", range="minmax")


def on_layer(settings: Settings, layer: int, format: str) -> dict:
    """The weights of a layer in a format by its natural recipe: recipe, sqnr_db, bits_per_weight, the
    histogram's numbers (see histogram.histogram), and log10 of its largest count, of FP32 or of a code."""
    recipe = natural(format)
    there = settings.replace(weights=recipe, layers=(), layer_bits="", algorithms=())
    q, numbers = layer_tensor(there, layer), histogram(there, layer)
    return {
        "recipe": recipe,
        "sqnr_db": sqnr_db(network_of(there).weight(layer), q.dequantize()),
        "bits_per_weight": q.bits_per_weight,
        "histogram": numbers,
        "log10_most": float(np.log10(max(*numbers["fp32"], *numbers["quantized"]["counts"]))),
    }
