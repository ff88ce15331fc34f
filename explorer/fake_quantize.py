"""Fake-quantize what flows into a layer: to the codes of a recipe and back to float32, while the network runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np
import torch

from explorer.blocks import fake_quantized
from explorer.calibration import range_of_rows
from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.formats.number import away, by_chance, nearest
from explorer.grid import grid_of
from explorer.recipe import BEFORE, Recipe
from explorer.rounding import factor, fused
from explorer.rows import Rows

CHUNK = 2**22  # elements of integers at a time: threads that meet after every step cost more than what leaves the cache
FLOATS = 2**18  # of floats, by NumPy on one thread: a megabyte stays in the core's cache from step to step


@dataclass(frozen=True)
class ActivationQuantizer:
    """Fake-quantizes a layer's input: to the codes of `recipe` and back to float32.

    low, high: the range of a tensor's one scale, from calibration; None for a plain cast, for `token` and groups,
    whose ranges are the minimum and maximum of each vector or of a few neighbours in it, and for formats with blocks of their own,
    found while running (but NVFP4's scale of the whole tensor comes from them)
    seed: of stochastic rounding; every call draws the same numbers
    Raises DataError when a range is needed and is missing or not finite.
    """

    recipe: Recipe
    low: float | None = None
    high: float | None = None
    seed: int = 0

    def __post_init__(self):
        if self.recipe.is_recorded and (self.low is None or self.high is None or not math.isfinite(self.high - self.low)):
            raise DataError(f"{self.recipe} needs a finite range, not {self.low} to {self.high}; calibrate it first")

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Float32 of any shape to a new tensor of that shape; `token` scales along the last axis, groups and
        blocks lie along it.

        Integers: (clip(round(x / scale) + zero_point) − zero_point) · scale, each step in float32, or as the recipe's rounding has it (see rounding.py).
        """
        if self.recipe.format == "fp32":
            return x
        x = x.contiguous()
        round_ = self._rounder()
        if self.recipe.blocks:
            m = x.view(-1, x.shape[-1]).numpy()
            whole = None if self.low is None else max(-self.low, self.high)
            values = fake_quantized(m, self.recipe.blocks, self.recipe.element, _on_arrays(round_), whole)
            return torch.from_numpy(values).view(x.shape)
        if self.recipe.kind == "group":
            return self._in_groups(x, round_)
        return self._whole(x, round_)

    def _in_groups(self, x: torch.Tensor, round_) -> torch.Tensor:
        """Each group as a vector of its own; zeros fill the last one up, which are inside every range."""
        width = x.shape[-1]
        size = min(self.recipe.size, width)
        filled = torch.nn.functional.pad(x, (0, -width % size))
        y = self._whole(filled.view(-1, size), round_).view(filled.shape)
        return y[..., :width].contiguous()

    def _whole(self, x: torch.Tensor, round_) -> torch.Tensor:
        y = torch.empty_like(x)
        for source, target, *grid in self._parts(x, y):
            self._quantize(source, target, *grid, round_)
        return y

    @cached_property
    def _number(self):
        return FORMATS[self.recipe.format]

    @cached_property
    def grid(self) -> tuple[float, int]:
        """Scale and zero point of the whole tensor."""
        if self.recipe.is_cast:
            return 1.0, 0
        scale, zero_point = grid_of(self.recipe, np.float64([self.low]), np.float64([self.high]))
        return float(scale.item()), int(zero_point.item())

    @cached_property
    def _by(self) -> float | None:
        """What the whole tensor is multiplied by, where it is not divided by its scale."""
        by = factor(self.recipe, np.float32(self.grid[0]), self.high)
        return None if by is None else float(by)

    def _parts(self, x: torch.Tensor, y: torch.Tensor) -> Iterator[tuple]:
        """Pieces of x and y, with the grid of each."""
        size = CHUNK if self._number.kind == "integer" else FLOATS
        if not self.recipe.is_live:
            yield from zip(x.view(-1).split(size), y.view(-1).split(size), *map(repeat, (*self.grid, self._by)))
            return
        width = x.shape[-1]
        x, y = x.view(-1, width), y.view(-1, width)
        ends = (end.double().numpy() for end in torch.aminmax(x, dim=1))
        ends = range_of_rows(Rows(x.numpy(), *ends), self.recipe)
        scale, zero_point = grid_of(self.recipe, *ends)
        by, rows = factor(self.recipe, scale, ends[1]), max(1, size // width)
        split = [torch.from_numpy(part.reshape(-1, 1)).split(rows) if part is not None else repeat(None) for part in (scale, zero_point, by)]
        yield from zip(x.split(rows), y.split(rows), *split)

    def _quantize(self, x, y, scale, zero_point, by, round_) -> None:
        """Write the fake-quantized x into y, in place and in float32's order of steps."""
        if self._number.kind == "integer":
            lowest, highest = self._number.code_range(self.recipe.scheme)
            if self.recipe.rounding == "fma":
                whole = torch.from_numpy(fused(*map(np.asarray, (x, by, zero_point)), self.recipe.bits))
                torch.clamp(whole, lowest, highest, out=y).sub_(zero_point).mul_(scale)
                return
            if by is None:
                torch.div(x, scale, out=y)
            else:
                torch.mul(x, by, out=y)
            if self.recipe.rounding in BEFORE:
                round_(y.add_(zero_point)).clamp_(lowest, highest).sub_(zero_point).mul_(scale)
                return
            # clip(q + z, lowest, highest) − z, the same integers without adding z and taking it away
            round_(y).clamp_(lowest - zero_point, highest - zero_point).mul_(scale)
        else:
            torch.div(x, scale, out=y)
            rounded = self._number.round(y.numpy(), _on_arrays(round_))
            torch.mul(torch.from_numpy(rounded), scale, out=y)

    def _rounder(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Rounds a tensor of multiples of the step in place."""
        if self.recipe.rounding == "stochastic":
            draw = torch.Generator().manual_seed(self.seed)
            return lambda t: torch.from_numpy(by_chance(t.numpy(), torch.rand(t.shape, generator=draw).numpy()))
        if self.recipe.rounding == "away":
            return lambda t: torch.from_numpy(away(t.numpy()))
        return torch.floor_ if self.recipe.rounding == "floor" else torch.round_  # half to even


def _on_arrays(round_: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[np.ndarray], np.ndarray]:
    return nearest if round_ is torch.round_ else lambda a: round_(torch.from_numpy(a)).numpy()
