"""Formats with blocks of their own on a matrix: measure the blocks, find their scales, encode.

Everything is done a region at a time; what a value becomes depends on its block alone (and, where a rule
says so, on the tensor's largest value).
"""

from collections.abc import Callable

import numpy as np

from explorer.formats.number import as_tensor
from explorer.formats.scaling import Blocks, Rule, Scales
from explorer.granularity import Tiling

LARGEST = np.finfo(np.float32).max
LARGE = np.float32(2.0**100)  # of a scale: times the largest element it may be beyond float32
REGION = 1 << 21  # elements at a time: cores that share smaller pieces wait for each other longer than they work


def measured_blocks(m: np.ndarray, tiling: Tiling, rule: Rule) -> list[np.ndarray]:
    """What the rule needs of all blocks of a matrix, arrays [rows, blocks] of float32; where a number is NaN or infinite, so is one of theirs."""
    measured = None
    for rows, columns in tiling.regions(REGION):
        for where, values in _full_and_short(m[rows, columns], tiling.width):
            found = rule.measure(values.reshape(-1, values.shape[-1]))
            measured = measured or [np.empty(tiling.shape, np.float32) for _ in found]
            across = slice(columns.start // tiling.width + where.start, columns.start // tiling.width + where.stop)
            for all_, part in zip(measured, found, strict=True):
                all_[rows, across] = part.reshape(values.shape[:2])
    return measured


def _full_and_short(part: np.ndarray, width: int):
    """(where among the part's blocks, values [rows, blocks, width]) of the full blocks, then of a short last one."""
    full, rest = divmod(part.shape[1], width)
    if full:
        yield slice(0, full), np.ascontiguousarray(part[:, : full * width]).reshape(len(part), full, width)
    if rest:
        yield slice(full, full + 1), part[:, full * width :].reshape(len(part), 1, rest)


def divided(m: np.ndarray, rows: slice, columns: slice, tiling: Tiling, blocks: Blocks, scales: Scales) -> np.ndarray:
    """A region in units of its blocks' scales, as it is rounded."""
    import torch

    x, place = as_tensor(m[rows, columns]), (rows, columns)
    if scales.minus is not None:
        x = _blockwise(torch.sub, x, scales.minus, place, tiling)
    return _blockwise(torch.mul if blocks.rule.multiplies else torch.div, x, scales.by, place, tiling).numpy()


def multiplied(steps: np.ndarray, place: tuple[slice, slice], tiling: Tiling, scale, offset, out: np.ndarray) -> None:
    """steps · scale + offset of a region into `out`; what is beyond float32 becomes its largest number."""
    import torch

    y = _blockwise(torch.mul, as_tensor(steps), scale, place, tiling, out=as_tensor(out))
    if offset is not None:
        _blockwise(torch.add, y, offset, place, tiling, out=y)
    if scale.max() > LARGE:
        y.clamp_(-LARGEST, LARGEST)


def _blockwise(apply: Callable, x, values: np.ndarray, place: tuple[slice, slice], tiling: Tiling, out=None):
    """apply(x, value of its block) for every number of a region, a tensor; into `out`, or a new one."""
    out, width = x.new_empty(x.shape) if out is None else out, tiling.width
    if x.shape[1] % width or tiling.height > 1:
        return apply(x, as_tensor(tiling.spread_over(values, *place)), out=out)
    first = place[1].start // width
    by_block = as_tensor(values[place[0], first : first + x.shape[1] // width]).unsqueeze(-1)
    apply(x.unflatten(1, (-1, width)), by_block, out=out.unflatten(1, (-1, width)))
    return out


def fake_quantized(
    m: np.ndarray, blocks: Blocks, element, rounder: Callable[[np.ndarray], np.ndarray], whole: float | None = None
) -> np.ndarray:
    """The values that a matrix's codes stand for, float32 of its shape, without keeping the codes.

    whole: the largest magnitude that the tensor is taken to have; None for what it has
    """
    tiling = Tiling(*m.shape, 1, blocks.size)
    scales = blocks.rule.scales(*measured_blocks(m, tiling, blocks.rule), whole=whole)
    values = np.empty(m.shape, np.float32)
    for place in tiling.regions(REGION):
        part = element.round(divided(m, *place, tiling, blocks, scales), rounder)
        multiplied(part, place, tiling, scales.scale, scales.offset, values[place])
    return values
