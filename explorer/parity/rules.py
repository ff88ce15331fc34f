"""Where other implementations follow another rule: each has a name, a sentence, and is computed here,
so that a difference counts as explained only where the rule gives the peer's very number."""

from dataclasses import dataclass

import numpy as np

from explorer.registry import Registry


@dataclass(frozen=True)
class Rule:
    """id: the name by which comparisons and the table call it; says: one sentence."""

    id: str
    says: str


RULES: Registry[Rule] = Registry("rule")

for _id, _says in {
    "reciprocal": "multiplies by 1/scale; ONNX and this engine divide by the scale, so beside a tie the code may differ by one",
    "zero point first": "adds the zero point before rounding, so that ties and what is just beside them may differ by one",
    "float32 range": "subtracts the ends and divides in float32; here that is done in float64 and rounded once, so the scale may differ in the last place and the zero point, at a tie, by one",
    "least scale": "no scale is smaller than 2^-23, float32's epsilon; here none is too small",
    "scaled rows": "multiplies by 127 · (1/max), rounded to float32 twice, where the scale is max / 127: beside a tie the code may differ by one",
    "float32 logarithm": "rounds the scale up by log2 in float32, which calls what lies just above a power of two that power: its scale may be half as large",
    "least block scale": "bounds block scales by E4M3's least normal number, 2^-6, where smaller ones are kept here",
    "four digits": "its NF4 table has four decimal digits, so that values beside a threshold get the neighbouring code",
    "float32 mean": "sums the scales' mean in float32, here in float64: an 8-bit scale may differ by one",
    "dynamic scales": "stores 8-bit scales in 256 unequal steps (its dynamic map), here in equal ones as torchao does; codes are the same",
    "half infinity": "stores an FP16 scale beyond 65,504 as infinity, here as 65,504",
}.items():  # fmt: skip
    RULES.register(Rule(_id, _says))

EPSILON = np.finfo(np.float32).eps


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
    fused = (np.asarray(x, np.float64) * _inverse(scale) + zero_point).astype(np.float32)
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


def scaled_rows(x: np.ndarray, steps: int) -> np.ndarray:
    """Codes of "scaled rows"."""
    factor = np.float32(steps) * _inverse(np.abs(x).max(axis=1, keepdims=True))  # torch's scalar / tensor
    return np.rint(x * factor).astype(np.int64)


def logarithm(x: np.ndarray, largest: float, size: int) -> np.ndarray:
    """E8M0 scales of "float32 logarithm", as biased exponents [rows, blocks]."""
    descale = np.abs(x.reshape(len(x), -1, size)).max(axis=-1) / np.float32(largest)
    return np.clip(np.ceil(np.log2(descale)), -127, 127) + 127


def nvfp4_blocks(x: np.ndarray, e4m3, e2m1) -> tuple[np.ndarray, np.ndarray]:
    """(block scales as E4M3 codes, E2M1 codes) of "reciprocal" with "least block scale"."""
    tensor = np.abs(x).max() / np.float32(448 * 6)
    scale = np.abs(x.reshape(len(x), -1, 16)).max(axis=-1) / np.float32(6) / tensor
    codes = e4m3.encode(np.clip(scale, np.float32(2.0**-6), np.float32(448)))
    factor = (np.float32(1) / tensor) / e4m3.decode(codes)
    return codes, e2m1.encode(x * np.repeat(factor, 16, axis=1))


def four_digits(x: np.ndarray, table: np.ndarray, size: int) -> np.ndarray:
    """Codes of "four digits": the nearest entry of the table so rounded, the first at a tie."""
    blocks = x.reshape(-1, size)
    scaled = blocks / np.abs(blocks).max(axis=1, keepdims=True)
    return np.abs(scaled[..., None] - np.round(table, 4).astype(np.float32)).argmin(axis=-1)


def _inverse(scale) -> np.ndarray:
    return np.float32(1) / np.asarray(scale, np.float32)
