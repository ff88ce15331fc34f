"""Formats with blocks of their own on a matrix: measure the blocks, find their scales, encode.

Everything is done a region at a time, so that it stays in the core's cache from step to step; what a
value becomes depends on its block alone (and, where a rule says so, on the tensor's largest value).
"""

from collections.abc import Callable

import numpy as np

from explorer.formats.scaling import Blocks, Scales
from explorer.granularity import Tiling

LARGEST = np.finfo(np.float32).max
LARGE = np.float32(2.0**100)  # of a scale: times the largest element it may be beyond float32


def scales_of(m: np.ndarray, tiling: Tiling, blocks: Blocks, whole: float | None = None) -> Scales:
    """The scales of all blocks of a matrix, float32 [rows, columns].

    whole: the largest magnitude that the tensor is taken to have; None for what it has
    """
    rule, measured = blocks.rule, None
    for rows, columns in tiling.regions():
        for where, values in _full_and_short(m[rows, columns], tiling.width):
            found = rule.measure(values.reshape(-1, values.shape[-1]))
            measured = measured or [np.empty(tiling.shape, np.float32) for _ in found]
            across = slice(columns.start // tiling.width + where.start, columns.start // tiling.width + where.stop)
            for all_, part in zip(measured, found, strict=True):
                all_[rows, across] = part.reshape(values.shape[:2])
    return rule.scales(*measured, whole=whole)


def _full_and_short(part: np.ndarray, width: int):
    """(where among the part's blocks, values [rows, blocks, width]) of the full blocks, then of a short last one."""
    full, rest = divmod(part.shape[1], width)
    if full:
        yield slice(0, full), np.ascontiguousarray(part[:, : full * width]).reshape(len(part), full, width)
    if rest:
        yield slice(full, full + 1), part[:, full * width :].reshape(len(part), 1, rest)


def divided(m: np.ndarray, rows: slice, columns: slice, tiling: Tiling, blocks: Blocks, scales: Scales) -> np.ndarray:
    """A region in units of its blocks' scales, as it is rounded."""
    x, by = m[rows, columns], tiling.spread_over(scales.by, rows, columns)
    with np.errstate(over="ignore"):
        if scales.minus is not None:
            x = x - tiling.spread_over(scales.minus, rows, columns)
        return np.multiply(x, by) if blocks.rule.multiplies else np.divide(x, by)


def multiplied(steps: np.ndarray, place: tuple[slice, slice], tiling: Tiling, scale, offset, out: np.ndarray) -> None:
    """steps · scale + offset of a region into `out`; what is beyond float32 becomes its largest number."""
    with np.errstate(over="ignore"):
        np.multiply(steps, tiling.spread_over(scale, *place), out=out)
        if offset is not None:
            out += tiling.spread_over(offset, *place)
    if scale.max() > LARGE:
        np.clip(out, -LARGEST, LARGEST, out=out)


def fake_quantized(
    m: np.ndarray, blocks: Blocks, element, rounder: Callable[[np.ndarray], np.ndarray], whole: float | None = None
) -> np.ndarray:
    """The values that a matrix's codes stand for, float32 of its shape, without keeping the codes."""
    tiling = Tiling(*m.shape, 1, blocks.size)
    scales = scales_of(m, tiling, blocks, whole)
    values = np.empty(m.shape, np.float32)
    for place in tiling.regions():
        part = element.round(divided(m, *place, tiling, blocks, scales), rounder)
        multiplied(part, place, tiling, scales.scale, scales.offset, values[place])
    return values
