"""Codebooks: formats whose values are a table.

NF4's sixteen values come from quantiles of a normal distribution: of normal weights in blocks of 64 its codes
are used more evenly than a uniform grid's, from 1.7 to 9.2 % each. A value goes to the nearest entry, at a tie to the lower one, as
bitsandbytes' thresholds have it: a code is the number of thresholds below the value.
Double quantization stores the FP32 scales of the blocks with 8 bits: their mean is subtracted, 256 of
them share one factor. The 8 bits are equal steps (nf4dq, torchao) or bitsandbytes' dynamic map, finer near 0
(nf4bnb: Dettmers, 8-Bit Approximations for Parallelism in Deep Learning, ICLR 2016, arXiv 1511.04561, as
create_dynamic_map makes it). Codes are computed with the scale as it was, as bitsandbytes and torchao do.
Both flatten the tensor into blocks; here blocks run along the row, which is the same where the row is
a multiple of 64.
Source: Dettmers et al., QLoRA, NeurIPS 2023, arXiv 2305.14314, appendix E; bitsandbytes
dQuantizeNF4 and quantize_blockwise; torchao's NF4Tensor.double_quantize_scalers.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.formats import FORMATS
from explorer.formats.number import Number
from explorer.formats.scaling import SMALLEST, BlockFormat, Blocks, Rule, Scales, reciprocal

PLACES = 65_536  # of the table by which bitsandbytes finds an 8-bit code on a processor
NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
    -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
    0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip


@dataclass(frozen=True)
class Codebook(Number):
    """`table`: its values in units of the scale, ascending. `blocks`: the scales it has when it stands alone."""

    id: str
    title: str
    bits: int
    table: tuple[float, ...]
    description: str
    source: str
    blocks: Blocks | None = None

    kind = family = "codebook"
    rounds = False
    activations = False

    @property
    def max(self) -> float:
        return self.table[-1]

    @property
    def reach(self) -> float:
        """No scale beyond this many times max |x| errs less: all values would be nearest to 0."""
        return 2 / min(abs(value) for value in self.table if value)

    @cached_property
    def thresholds(self) -> np.ndarray:
        """Middles between neighbouring values, float32."""
        table = np.float64(self.table)
        return ((table[1:] + table[:-1]) / 2).astype(np.float32)

    @cached_property
    def _values(self) -> np.ndarray:
        return np.float32(self.table)

    def values(self) -> np.ndarray:
        return self._values.astype(np.float64)

    def encode(self, y, rounder=np.rint):
        codes = np.zeros(y.shape, np.uint8)
        for threshold in self.thresholds:  # sixteen comparisons of whole strips beat a search for each value
            codes += y > threshold
        return codes

    def decode(self, codes):
        return self._values.take(codes, mode="clip")


@dataclass(frozen=True)
class Absmax(Rule):
    """The largest magnitude, so that it becomes ±1."""

    words = "FP32"
    bits = 32
    multiplies = True

    def scales(self, absmax, *, whole=None):
        by = reciprocal(absmax)
        scale = np.where(by > 0, absmax, np.float32(0))
        return Scales(scale, by, {"absmax": scale})


@dataclass(frozen=True)
class DoubleAbsmax(Rule):
    """The same as signed 8-bit integers, `together` of which share a factor; one mean for all, as torch takes it."""

    together: int

    multiplies = True
    of_scales = True

    @property
    def words(self) -> str:
        return f"INT8, and FP32 for each {self.together}"

    @property
    def bits(self) -> float:
        return 8 + 32 / self.together

    def scales(self, absmax, *, whole=None):
        flat = absmax.ravel()
        mean = torch_mean(flat)
        groups = np.pad(flat - mean, (0, -len(flat) % self.together)).reshape(-1, self.together)
        codes, factor, values = self._quantized(groups, np.abs(groups).max(axis=1))
        codes, scale = (part.ravel()[: len(flat)].reshape(absmax.shape) for part in (codes, values + mean))
        return Scales(scale, reciprocal(absmax), {"absmax": codes, "factor": factor, "mean": mean})

    def _quantized(self, groups: np.ndarray, largest: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(codes, factors, values) of rows with these largest magnitudes."""
        factor = reciprocal(largest / np.float32(128))
        factor = np.where(factor > 0, factor, np.float32(1))  # equal scales are their mean
        codes = np.clip(np.rint(groups * factor[:, None]), -128, 127).astype(np.int8)
        return codes, factor, codes / factor[:, None]


@dataclass(frozen=True)
class DividedAbsmax(DoubleAbsmax):
    """The same, with values divided by the largest magnitude rather than multiplied by its reciprocal, as torchao does."""

    multiplies = False

    def scales(self, absmax, *, whole=None):
        found = super().scales(absmax, whole=whole)
        return Scales(found.scale, np.where(absmax > SMALLEST, absmax, np.float32(np.inf)), found.stored)


@dataclass(frozen=True)
class DynamicAbsmax(DoubleAbsmax):
    """The same as one of 256 unequal steps times the largest of each `together`: the nearest to the value once it is
    rounded, halves up, to one of 65,536 places from −1 to 1, as bitsandbytes does on a CPU."""

    @property
    def words(self) -> str:
        return f"8-bit dynamic map, and FP32 for each {self.together}"

    def _quantized(self, groups, largest):
        table = dynamic_map()
        usable = np.where(largest > SMALLEST, largest, np.float32(1))  # equal scales are their mean
        half = np.float32(PLACES - 1) / 2
        place = ((groups / usable[:, None] + np.float32(1)) * half + np.float32(0.5)).astype(np.int32)
        nearest = np.searchsorted((table[1:] + table[:-1]) / 2, np.arange(PLACES, dtype=np.float32) / half - np.float32(1))
        codes = nearest.astype(np.uint8)[np.clip(place, 0, PLACES - 1)]
        return codes, usable, table[codes] * usable[:, None]


def torch_mean(x: np.ndarray) -> np.float32:
    """The mean of a float32 vector as torch takes it on one thread: 8 lanes, 4 rows at a time, in sums of sums of `step`
    rows (ATen, native/cpu/SumKernel.cpp), the same on every processor; in float64 where that sum is beyond float32."""
    lanes, rows, levels = 8, 4, 4
    whole = len(x) // lanes
    vectors = x[: whole * lanes].reshape(whole, lanes)
    count = whole // rows
    power = max(4, int(count - 1).bit_length() // levels) if count else 4
    if x.sum(dtype=np.float64) > np.finfo(np.float32).max:
        return np.float32(x.mean(dtype=np.float64))
    sums = np.zeros((levels, rows, lanes), np.float32)
    for i, four in enumerate(vectors[: count * rows].reshape(count, rows, lanes), start=1):
        sums[0] += four
        for level in range(1, levels):  # whenever 2^power of the level below are full
            if i % (1 << level * power):
                break
            sums[level] += sums[level - 1]
            sums[level - 1] = 0
    for level in range(1, levels):
        sums[0] += sums[level]
    total = sums[0]
    for rest in vectors[count * rows :]:
        total[0] += rest
    for row in range(1, rows):
        total[0] += total[row]
    result = np.float32(0)
    for value in (*x[whole * lanes :], *total[0]):
        result += value
    return result / np.float32(len(x))


def dynamic_map() -> np.ndarray:
    """bitsandbytes' 256 values from −0.993 to 1, ascending, float32: seven decades, each with twice the steps of the one below."""
    positive = []
    for decade in range(7):
        count = 2**decade
        step = (np.float32(1) - np.float32(0.1)) / np.float32(count)
        i = np.arange(count + 1)
        low, high = np.float64(np.float32(0.1)) + np.float64(step) * i, 1 - np.float64(step) * (count - i)
        ends = np.where(i < (count + 1) // 2, low, high).astype(np.float32)  # torch.linspace: from both ends
        positive.append((ends[:-1] + ends[1:]) / np.float32(2) * np.float32(10.0 ** (decade - 6)))
    positive = np.concatenate(positive)
    return np.sort(np.concatenate([-positive, np.float32([0, 1]), positive]))


_nf4 = FORMATS.register(Codebook(
    "nf4", "NF4", 4, NF4, "4-bit NormalFloat, quantiles of a normal distribution; alone in blocks of 64 with FP32 scales",
    "QLoRA, arXiv 2305.14314, appendix E; bitsandbytes", Blocks(64, Absmax()),
))  # fmt: skip
FORMATS.register(BlockFormat(
    "nf4dq", "NF4 double", "codebook", _nf4, Blocks(64, DoubleAbsmax(256)),
    "NF4 in blocks of 64 whose scales are quantized to 8 bits too, as QLoRA does",
    "QLoRA, arXiv 2305.14314, section 3; torchao NF4Tensor", activations=False,
))  # fmt: skip
FORMATS.register(BlockFormat(
    "nf4bnb", "NF4 double, bitsandbytes", "codebook", _nf4, Blocks(64, DynamicAbsmax(256)),
    "NF4 in blocks of 64 whose scales are quantized to bitsandbytes' 8-bit dynamic map",
    "QLoRA, arXiv 2305.14314, section 3; bitsandbytes quantize_4bit", activations=False,
))  # fmt: skip
FORMATS.register(BlockFormat(
    "nf4ao", "NF4 double, torchao", "codebook",
    Codebook("nf4ao", "NF4 of four digits", 4, tuple(round(value, 4) for value in NF4), "", ""), Blocks(64, DividedAbsmax(256)),
    "NF4 double with torchao's table, whose values have four decimal digits",
    "torchao NF4Tensor", activations=False,
))  # fmt: skip
