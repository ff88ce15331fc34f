"""Floating-point formats: one generic round, encode and decode serves all of them.

A value with exponent e and m mantissa bits is a multiple of the step 2^(e-m); below the least
normal exponent the step stays (subnormals). Overflow saturates, as in the OCP "saturating" mode.
To the nearest, formats of few bits are looked up by the upper half of the float32, whose last bit is set where anything lies
below it: so rounded to odd, with two bits more than the format, a value keeps its side of every tie (Boldo and
Melquiond 2008, doi 10.1109/TC.2007.70819). Many codes of FP8 at once are torch's casts. All else is computed.
Sources: IEEE 754-2019 (fp16, bf16's layout); OCP OFP8 v1.0, 2023 (fp8e4m3 is "E4M3", fp8e5m2 "E5M2");
OCP Microscaling (MX) v1.0, 2023, section 5.3 (FP6 and FP4, which have neither infinity nor NaN).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.formats import FORMATS
from explorer.formats.number import Number, as_tensor, nearest

LOWER = np.uint32(0xFFFF)  # half of a float32
NATIVE = {"fp8e4m3": "float8_e4m3fn", "fp8e5m2": "float8_e5m2"}  # what torch calls those that it has itself
MANY = 1 << 19  # numbers from which its cores gain more than their meeting costs


@dataclass(frozen=True)
class Floating(Number):
    """Sign, `exponent_bits`, `mantissa_bits`; `max` is the largest finite value."""

    id: str
    title: str
    exponent_bits: int
    mantissa_bits: int
    max: float
    description: str
    source: str

    kind = family = "floating"
    reach = 2.0  # no scale beyond this many times max |x| / max errs less: the grid at half of it contains its values

    @property
    def scalable(self) -> bool:
        """From 16 bits on they have range enough without a scale."""
        return self.bits < 16

    @property
    def rounds(self) -> bool:
        return self.bits < 32

    @property
    def bits(self) -> int:
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def bias(self) -> int:
        return 2 ** (self.exponent_bits - 1) - 1

    @property
    def least_exponent(self) -> int:
        """Exponent of the smallest normal number."""
        return 1 - self.bias

    @property
    def min_normal(self) -> float:
        return 2.0**self.least_exponent

    @property
    def min_subnormal(self) -> float:
        """The smallest number above 0."""
        return 2.0 ** (self.least_exponent - self.mantissa_bits)

    @cached_property
    def code_count(self) -> int:
        return 2**32 - 2**24 if self.bits == 32 else int(np.isfinite(self._table).sum())

    @property
    def distinct(self) -> int:
        return self.code_count - 1  # two zeros

    def _step(self, x: np.ndarray) -> np.ndarray:
        """Distance between neighbours at |x|, float32: the power of two below |x|, times 2^-m."""
        power = (x.view(np.uint32) & np.uint32(0x7F800000)).view(np.float32)
        np.maximum(power, np.float32(2.0**self.least_exponent), out=power)
        return np.multiply(power, np.float32(2.0**-self.mantissa_bits), out=power)

    def round(self, x: np.ndarray, rounder=np.rint) -> np.ndarray:
        """The nearest representable value (ties to even, saturating), float32 of x's shape.

        x: float32, infinity counting as too large. `rounder` turns multiples of the step into whole ones.
        """
        x = np.ascontiguousarray(x, np.float32)
        if self.bits == 32:
            return x.copy()
        if self._is_looked_up(rounder):
            return self._nearest_values.take(_to_odd(x), mode="clip")
        return self._computed(x, rounder)

    def _computed(self, x: np.ndarray, rounder) -> np.ndarray:
        y = np.clip(x, -np.float32(self.max), np.float32(self.max))
        step = self._step(y)
        return np.multiply(rounder(np.divide(y, step, out=y)), step)

    def encode(self, x: np.ndarray, rounder=np.rint) -> np.ndarray:
        """Bit patterns of the rounded values, unsigned integers of x's shape."""
        if self._is_looked_up(rounder):
            x = np.ascontiguousarray(x, np.float32)
            return self._cast(x) if self.id in NATIVE and x.size >= MANY else self._nearest_codes.take(_to_odd(x), mode="clip")
        y = self.round(x, rounder).view(np.uint32)
        return y if self.bits == 32 else self._pattern(y)

    def _cast(self, x: np.ndarray) -> np.ndarray:
        """Codes by torch's own cast to the nearest, on all cores: its E4M3 saturates, its E5M2 has infinity."""
        import torch

        codes = as_tensor(x).to(getattr(torch, NATIVE[self.id])).view(torch.uint8).numpy()
        magnitude = codes & 0x7F
        codes -= magnitude == self.code_count // 2
        if magnitude.max() == 0x7F:
            codes[magnitude == 0x7F] = 0  # NaN, as by the table
        return codes

    def _pattern(self, values: np.ndarray) -> np.ndarray:
        """The codes of representable values, given as bits of float32."""
        return self._patterns.take(values >> np.uint32(23 - self.mantissa_bits), mode="clip")

    def _is_looked_up(self, rounder) -> bool:
        return self.bits <= 8 and (rounder is np.rint or rounder is nearest)

    @cached_property
    def _nearest_values(self) -> np.ndarray:
        """The nearest value to each upper half of a float32, float32 [65536]; of NaN it is of no use."""
        with np.errstate(invalid="ignore"):
            return self._computed((np.arange(1 << 16, dtype=np.uint32) << np.uint32(16)).view(np.float32), np.rint)

    @cached_property
    def _nearest_codes(self) -> np.ndarray:
        return self._pattern(self._nearest_values.view(np.uint32))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The values that bit patterns stand for, float32 of the codes' shape."""
        codes = np.asarray(codes, self.code_type)
        if self.id == "fp8e5m2" and codes.size >= MANY and (codes & 0x7F).max() < self.code_count // 2:
            return self._as_half(codes)
        return codes.view(np.float32).copy() if self.bits == 32 else self._table.take(codes, mode="clip")

    def _as_half(self, codes: np.ndarray) -> np.ndarray:
        """What finite codes of E5M2, the upper byte of an FP16, stand for, on all cores."""
        import torch

        return (as_tensor(codes).to(torch.int16) << 8).view(torch.float16).float().numpy()

    @cached_property
    def _table(self) -> np.ndarray:
        """Value of every bit pattern; patterns above `max` are inf or NaN and read as NaN."""
        magnitude = np.arange(2 ** (self.bits - 1), dtype=np.int64)
        exponent, fraction = np.divmod(magnitude, 2**self.mantissa_bits)
        significand = np.where(exponent > 0, fraction + 2**self.mantissa_bits, fraction)
        power = np.maximum(exponent, 1) + self.least_exponent - 1 - self.mantissa_bits
        values = np.ldexp(significand.astype(np.float64), power)
        values[values > self.max] = np.nan
        return np.concatenate([values, -values]).astype(np.float32)

    @cached_property
    def _patterns(self) -> np.ndarray:
        """The code of a representable value by its float32 bits without the mantissa bits that it has not."""
        codes = np.zeros(2 ** (9 + self.mantissa_bits), self.code_type)
        finite = np.flatnonzero(np.isfinite(self._table))
        codes[self._table[finite].view(np.uint32) >> np.uint32(23 - self.mantissa_bits)] = finite
        return codes

    def values(self) -> np.ndarray:
        """All distinct finite values in ascending order, float64; only for 16 bits and fewer."""
        return np.unique(self._table[np.isfinite(self._table)]).astype(np.float64)


def _to_odd(x: np.ndarray) -> np.ndarray:
    """The upper halves of float32, uint32 of x's shape, the last bit set where the lower half is not 0."""
    bits = x.view(np.uint32)
    odd = bits & LOWER
    odd += LOWER  # carries into the upper half unless it is 0
    odd |= bits
    odd >>= np.uint32(16)
    return odd


IEEE, OFP8, MX = "IEEE 754-2019", "OCP OFP8 v1.0, 2023", "OCP Microscaling (MX) v1.0, 2023"

for _fields in (
    ("fp32", "FP32", 8, 23, float(np.finfo(np.float32).max), "IEEE single precision, the reference", IEEE),
    ("fp16", "FP16", 5, 10, 65504.0, "IEEE half precision: 3 decimal digits, up to 65,504", IEEE),
    ("bf16", "BF16", 8, 7, float.fromhex("0x1.fep127"), "bfloat16: float32's range with 8 bits of precision",
     "Intel BFLOAT16 hardware numerics, 2018"),
    ("fp8e4m3", "FP8 E4M3", 4, 3, 448.0, "OCP FP8 E4M3: finite only, up to 448", OFP8),
    ("fp8e5m2", "FP8 E5M2", 5, 2, 57344.0, "OCP FP8 E5M2: up to 57,344, 2 mantissa bits", OFP8),
    ("fp6e2m3", "FP6 E2M3", 2, 3, 7.5, "FP6 E2M3: up to 7.5, 3 mantissa bits", MX),
    ("fp6e3m2", "FP6 E3M2", 3, 2, 28.0, "FP6 E3M2: up to 28, 2 mantissa bits", MX),
    ("fp4e2m1", "FP4 E2M1", 2, 1, 6.0, "FP4 E2M1: 0, ½, 1, 1½, 2, 3, 4, 6 and their negatives", MX),
):  # fmt: skip
    FORMATS.register(Floating(*_fields))
