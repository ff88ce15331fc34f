"""Where other implementations follow another rule: each has a name, a sentence, and is computed here, and
so is the engine's own, apart from the engine: a difference counts as explained only where the peer's rule
gives the peer's very number, and the engine's rule the engine's."""

from dataclasses import dataclass

import numpy as np

from explorer.recipe import Recipe
from explorer.registry import Registry


@dataclass(frozen=True)
class Rule:
    """id: the name by which comparisons and the table call it; spelled: the word or format that makes a recipe follow it;
    says: one sentence."""

    id: str
    spelled: str
    says: str


RULES: Registry[Rule] = Registry("rule")

for _id, (_spelled, _says) in {
    "reciprocal": ("reciprocal", "multiplies by 1/scale; ONNX and this engine divide by the scale, so beside a tie the code may differ by one, unless the recipe ends in reciprocal"),
    "zero point first": ("fma", "adds the zero point before rounding, so that ties and what is just beside them may differ by one: quantize_per_tensor in one step with the product on x86 (and after rounding on ARM), quantize_per_channel in two; recipes that end in fma and muladd do the same"),
    "float32 range": ("reciprocal", "subtracts the ends and divides in float32; here that is done in float64 and rounded once, so the scale may differ in the last place and the zero point, at a tie, by one, unless the recipe ends in reciprocal"),
    "least scale": ("reciprocal", "has no scale below 2⁻²³, float32's epsilon; here none is too small, unless the recipe ends in reciprocal"),
    "scaled rows": ("absmax", "multiplies by 127 · (1/max), rounded to float32 twice, where the scale is max / 127: beside a tie the code may differ by one, unless the recipe ends in absmax"),
    "float32 logarithm": ("upao", "rounds the scale up by log2 in float32, which calls what lies just above a power of two that power: its scale may be half as large; formats that end in upao take that logarithm"),
    "least block scale": ("nvfp4ao", "bounds block scales by E4M3's least normal number, 2⁻⁶, where smaller ones are kept here; nvfp4ao has that bound, and torchao's reciprocals"),
    "four digits": ("nf4ao", "has four decimal digits in its NF4 table, so that values beside a threshold get the neighbouring code; nf4ao has that table"),
    "dynamic scales": ("nf4bnb", "stores 8-bit scales in 256 unequal steps (its dynamic map), here in equal ones as torchao does, and nf4bnb has the dynamic map; codes are the same"),
    "most negative code": ("mxint8full", "uses MXINT8's code for −2, which the specification leaves open; here the range is symmetric and ends at −127/64; mxint8full uses it"),
}.items():  # fmt: skip
    RULES.register(Rule(_id, _spelled, _says))

EPSILON = np.finfo(np.float32).eps


def divided(x, scale, zero_point, lowest: int, highest: int) -> np.ndarray:
    """Codes of ONNX's QuantizeLinear, the rule of this engine: clip(round(x / scale) + zero_point)."""
    steps = np.rint(np.asarray(x, np.float32) / np.asarray(scale, np.float32)).astype(np.float64)
    return np.clip(steps + zero_point, lowest, highest).astype(np.int64)


def ranged(low, high, lowest: int, highest: int, symmetric: bool) -> tuple[np.ndarray, np.ndarray]:
    """(scale, zero point) of a range by the rule of this engine: in float64, rounded once."""
    low, high = np.minimum(np.float64(low), 0), np.maximum(np.float64(high), 0)
    step = (2 * np.maximum(-low, high) if symmetric else high - low) / (highest - lowest)
    scale = np.where(step > 0, step, 1).astype(np.float32)
    if symmetric:
        return scale, np.full(scale.shape, (lowest + highest + 1) // 2)
    return scale, np.clip(np.rint(lowest - low / np.where(step > 0, step, 1)), lowest, highest)


def reciprocal(x, scale, zero_point, lowest: int, highest: int) -> np.ndarray:
    """Codes of "reciprocal": clip(round(x · (1/scale)) + zero_point), float32 step by step."""
    steps = np.rint(np.asarray(x, np.float32) * _inverse(scale))
    return np.clip(steps + np.asarray(zero_point, np.float32), lowest, highest).astype(np.int64)


def zero_point_first(x, scale, zero_point, lowest: int, highest: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of "reciprocal" with "zero point first": clip(round(x · (1/scale) + zero_point)).

    Two arrays: the product rounded to float32 before the addition, and fused, as processors with FMA do it.
    """
    zero_point = np.asarray(zero_point, np.float32)
    stepwise = np.asarray(x, np.float32) * _inverse(scale) + zero_point
    fused = (np.asarray(x, np.float64) * _inverse(scale) + zero_point).astype(np.float32)  # but for what float64 itself rounds
    return tuple(np.clip(np.rint(steps), lowest, highest).astype(np.int64) for steps in (stepwise, fused))


def observed(low, high, lowest: int, highest: int, symmetric: bool, least=EPSILON) -> tuple[np.ndarray, np.ndarray]:
    """(scale, zero point) of "float32 range" with "least scale": torch.ao.quantization.observer."""
    low, high = np.minimum(low, 0).astype(np.float32), np.maximum(high, 0).astype(np.float32)
    span = np.float32(highest - lowest)
    if symmetric:
        scale = np.maximum(np.maximum(-low, high) / (span / 2), least)
        return scale, np.full(scale.shape, (lowest + highest + 1) // 2)
    scale = np.maximum((high - low) / span, least)
    return scale, np.clip(lowest - np.rint(low / scale), lowest, highest).astype(np.int64)


def of_engine(recipe: Recipe):
    """(codes, scale and zero point): the rules of this engine for an integer recipe that rounds to nearest or as torch does."""
    if recipe.rounding in ("muladd", "fma"):
        return lambda *given: zero_point_first(*given)[recipe.rounding == "fma"], observed
    return (reciprocal, observed) if recipe.rounding == "reciprocal" else (divided, ranged)


def scaled_rows(x: np.ndarray, steps: int) -> np.ndarray:
    """Codes of "scaled rows"."""
    factor = np.float32(steps) * _inverse(np.abs(x).max(axis=1, keepdims=True))  # torch's scalar / tensor
    return np.rint(x * factor).astype(np.int64)


def logarithm(x: np.ndarray, largest: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """E8M0 scales as biased exponents [rows, blocks]: of "float32 logarithm", and exactly rounded up."""
    descale = np.abs(x.reshape(len(x), -1, size)).max(axis=-1) / np.float32(largest)
    mantissa, exponent = np.frexp(descale)
    exact = np.where(descale > 0, exponent - (mantissa == 0.5), -127)
    return tuple(np.clip(each, -127, 127) + 127 for each in (np.ceil(np.log2(descale)), exact))


def nvfp4_blocks(x: np.ndarray, e4m3, e2m1, by_rule: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(block scales as E4M3 codes, E2M1 codes, values), of "reciprocal" with "least block scale" or without."""
    tensor = np.abs(x).max() / np.float32(448 * 6)
    scale = np.abs(x.reshape(len(x), -1, 16)).max(axis=-1) / np.float32(6) / tensor
    block = e4m3.encode(np.clip(scale, np.float32(2.0**-6 if by_rule else 0), np.float32(448)))
    spread = (e4m3.decode(block) * tensor).repeat(16, axis=1)
    if by_rule:
        codes = e2m1.encode(x * ((np.float32(1) / tensor) / e4m3.decode(block)).repeat(16, axis=1))
    else:
        codes = e2m1.encode(np.where(spread > 0, x / np.where(spread > 0, spread, 1), x * 0))
    return block, codes, e2m1.decode(codes) * spread


def int8_scales(absmax: np.ndarray, mean) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(8-bit codes, factors, scales) of NF4's double quantization in equal steps, 256 to a factor."""
    groups = np.pad(absmax - mean, (0, -len(absmax) % 256)).reshape(-1, 256)
    factor = np.float32(128) * _inverse(np.abs(groups).max(axis=1, keepdims=True))
    codes = np.clip(np.rint(groups * factor), -128, 127).astype(np.float32)
    return tuple(each.ravel()[: len(absmax)] for each in (codes, factor, codes / factor + mean))


def four_digits(x: np.ndarray, table: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of "four digits", the nearest entry of the table so rounded, the first at a tie; and of the
    whole table, by its thresholds."""
    blocks = x.reshape(-1, size)
    absmax = np.abs(blocks).max(axis=1, keepdims=True)
    rounded = np.abs((blocks / absmax)[..., None] - np.round(table, 4).astype(np.float32)).argmin(axis=-1)
    thresholds = ((table[1:] + table[:-1]) / 2).astype(np.float32)
    return rounded, np.searchsorted(thresholds, blocks * _inverse(absmax))


def _inverse(scale) -> np.ndarray:
    return np.float32(1) / np.asarray(scale, np.float32)
