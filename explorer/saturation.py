"""Sums of pairs in 16 bits: what u8 · s8 kernels do on x86 processors with AVX2 and without VNNI.

Their instruction vpmaddubsw multiplies unsigned by signed bytes and adds two neighbouring products into
16 bits with saturation: a₀b₀ + a₁b₁ becomes at most 32,767 and at least −32,768; pairs are then added in 32 bits
(Intel 64 Architecture Software Developer's Manual, PMADDUBSW; MLAS of ONNX Runtime, QgemmU8X8KernelAvx2.asm). Neighbours
lie along the sum: inputs of a linear layer, channels of a convolution's kernel position, one position after the other.
Signed inputs have 128 added first. Depthwise kernels multiply in 16 bits and sum in 32: exact; transposed convolutions have no integer kernel. So are weights of 7 bits,
2 · 255 · 64 = 32,640, unsigned weights (their kernel is another, slower one), and processors with VNNI.

Only what can saturate is looked at: pairs of weights that reach the limit with the largest inputs that occur.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from explorer.formats import FORMATS
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe

LOW, HIGH = -(2**15), 2**15 - 1
CHUNK = 1 << 22  # products at a time


def saturates(weights: Recipe, activations: Recipe, kind: str) -> bool:
    """Whether the kernel of such a layer adds pairs in 16 bits so that they can be cut off."""
    if kind in ("depthwise", "transposed", "embedding") or not (weights.scheme and activations.scheme) or activations.kind != "tensor":
        return False
    return weights.bits == 8 and FORMATS[weights.format].signed and weights.kind in ("tensor", "channel") and activations.bits <= 8


def lost_in_pairs(a: torch.Tensor, b: np.ndarray) -> torch.Tensor:
    """What saturation takes from, or adds to, each sum: int32 [M, N].

    a: unsigned codes 0 to 255 as float32 [M, K]; b: signed codes, int8 [N, K], neighbours next to each other; an
    odd last column has no neighbour and cannot saturate (255 · 128 < 2^15).
    """
    even = b.shape[1] // 2 * 2
    most = torch.clamp(a[:, :even].amax(0), min=0).numpy()
    pairs = b[:, :even].astype(np.float32)
    bound = pairs * most
    above = np.maximum(bound, 0).reshape(len(b), -1, 2).sum(2) > HIGH
    below = np.minimum(bound, 0).reshape(len(b), -1, 2).sum(2) < LOW
    rows, places = np.nonzero(above | below)
    lost = torch.zeros(len(a), len(b), dtype=torch.int32)  # float32 holds sums of 512 such pairs exactly, and no more
    step = max(1, CHUNK // max(len(a), 1))
    for start in range(0, len(rows), step):
        n, j = rows[start : start + step], 2 * places[start : start + step]
        products = a[:, j] * torch.from_numpy(pairs[n, j]) + a[:, j + 1] * torch.from_numpy(pairs[n, j + 1])
        lost.index_add_(1, torch.from_numpy(n), (products.clamp(LOW, HIGH) - products).to(torch.int32))
    return lost


@dataclass(frozen=True, eq=False)
class PairSums:
    """How a layer's kernel adds. q: its weights; scale, zero_point: of its input's codes, whose lowest is `lowest`."""

    q: QuantizedTensor
    scale: float
    zero_point: int
    lowest: int

    def __call__(self, layer: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The layer's output y on dequantized inputs x, as pairs in 16 bits give it."""
        factor = torch.from_numpy(np.float32(self.scale) * self.q.scale.ravel())
        codes = (x / self.scale).round_().add_(self.zero_point - self.lowest)
        if isinstance(layer, nn.Linear):
            lost = lost_in_pairs(codes.reshape(-1, codes.shape[-1]), self._in_order)
            return y + (lost * factor).view_as(y)
        lost = self._convolution(layer, codes)
        return y + lost * factor.view(1, -1, 1, 1)

    @cached_property
    def _in_order(self) -> np.ndarray:
        """int8 [out, K]: kernel positions one after the other, channels within."""
        codes = self.q.codes
        return np.ascontiguousarray(np.moveaxis(codes, 1, -1)).reshape(len(codes), -1)

    def _convolution(self, layer: nn.Conv2d, codes: torch.Tensor) -> torch.Tensor:
        """What is lost at each output, [n, out, height, width]."""
        left, right, top, bottom = layer._reversed_padding_repeated_twice
        codes = F.pad(codes, (left, right, top, bottom), value=float(self.zero_point - self.lowest))
        parts, (down, across) = [], layer.kernel_size
        height = (codes.shape[2] - layer.dilation[0] * (down - 1) - 1) // layer.stride[0] + 1
        width = (codes.shape[3] - layer.dilation[1] * (across - 1) - 1) // layer.stride[1] + 1
        each = len(self._in_order) // layer.groups
        for g, part in enumerate(codes.chunk(layer.groups, 1)):
            seen = F.unfold(part, layer.kernel_size, dilation=layer.dilation, stride=layer.stride)  # [n, channel · position, places]
            n, _, places = seen.shape
            rows = seen.view(n, part.shape[1], down * across, places).permute(0, 3, 2, 1).reshape(n * places, -1)
            lost = lost_in_pairs(rows, self._in_order[g * each : (g + 1) * each])
            parts.append(lost.view(n, height, width, each).permute(0, 3, 1, 2))
        return torch.cat(parts, 1)


def pair_sums(q: QuantizedTensor, activations: Recipe, grid: tuple[float, int], kind: str) -> PairSums | None:
    """How a layer of this kind adds; None where it is exact. grid: scale and zero point of its input."""
    if not saturates(q.recipe, activations, kind):
        return None
    return PairSums(q, *grid, -128 if FORMATS[activations.format].signed else 0)
