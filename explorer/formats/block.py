"""Microscaling (MX) and NVFP4: small floats in blocks with a scale of 8 bits.

MX: the scale is a power of two, E8M0. The OCP rule takes 2^(floor(log2 amax) - emax), with emax the
exponent of the element's largest value: a block may then reach beyond that value and saturates (7.9
in MXFP4 becomes 6). The rounded-up rule, 2^ceil(log2(amax / max)), never does, and makes coarser
steps; torchao, where it is not compiled for a processor's own instruction, takes a float32 logarithm for it (upao). The even rule takes the next power of two only where amax, rounded to the element's mantissa, reaches
it (7.9 in MXFP4 becomes 8, 6.9 becomes 6). Exponents stop at ±127; a block of zeros has the least, 2^-127.
NVFP4: the scale is E4M3, of amax / 6 in units of a float32 scale of the whole tensor, which is such
that the largest block's is 448. A block too small for E4M3 gets the scale 0 and becomes zeros.
Sources: OCP Microscaling Formats (MX) v1.0, 2023, section 6.3 (and 5.3.4 for INT8); cuBLAS
documentation, "1D block scaling", for the rounded-up rule; torchao's ScaleCalculationMode.EVEN, which for MXFP4
is compressed-tensors' rule too; NVIDIA 2025, arXiv 2509.25149, for NVFP4 (torchao bounds its block scales by 2^-6
from below and multiplies by reciprocals: nvfp4ao; compressed-tensors stores the reciprocal of the tensor's scale: nvfp4ct).
"""

from dataclasses import dataclass, replace

import numpy as np

from explorer.formats import FORMATS
from explorer.formats.floating import MX as OCP
from explorer.formats.number import Number
from explorer.formats.scaling import BlockFormat, Blocks, Rule, Scales

EXPONENT = 127  # of E8M0: its bias and its reach
FRACTION = 23  # bits of a float32 below its exponent


@dataclass(frozen=True)
class Fixed(Number):
    """Integers in units of 2^-fraction, from -max to max: the most negative code is left out, or `full`."""

    bits: int
    fraction: int
    full: bool = False

    kind = family = "integer"
    code_type = np.int8

    @property
    def _largest(self) -> int:
        return 2 ** (self.bits - 1) - 1

    @property
    def _least(self) -> int:
        return -self._largest - self.full

    @property
    def max(self) -> float:
        return self._largest / 2**self.fraction

    @property
    def code_count(self) -> int:
        return self._largest - self._least + 1

    def values(self):
        return np.arange(self._least, self._largest + 1) / 2**self.fraction

    def encode(self, y, rounder=np.rint):
        with np.errstate(over="ignore"):
            steps = rounder(np.multiply(y, np.float32(2**self.fraction)))
        return np.clip(steps, self._least, self._largest, out=steps).astype(self.code_type)

    def decode(self, codes):
        return np.multiply(codes, np.float32(2.0**-self.fraction), dtype=np.float32)


@dataclass(frozen=True)
class PowerOfTwo(Rule):
    """E8M0, by the OCP rule. max: the element's largest value."""

    max: float

    bits = 8
    words = "E8M0"

    def exponents(self, absmax: np.ndarray) -> np.ndarray:
        """Of the scales of blocks with these largest magnitudes, int32; of 0 and what is below float32's normal numbers, the least or less."""
        return (absmax.view(np.int32) >> FRACTION) - (EXPONENT - 1 + np.frexp(self.max)[1])

    def scales(self, absmax, *, whole=None):
        codes = np.clip(self.exponents(absmax), -EXPONENT, EXPONENT) + EXPONENT
        scale = np.maximum(codes << FRACTION, 1 << FRACTION - 1).view(np.float32)  # 2^-127 is a subnormal float32
        return Scales(scale, scale, {"scale": codes.astype(np.uint8)})


@dataclass(frozen=True)
class RoundedUp(PowerOfTwo):
    words = "E8M0, rounded up"

    def exponents(self, absmax):
        mantissa, exponent = np.frexp(absmax / np.float32(self.max))
        return np.where(mantissa > 0, exponent - (mantissa <= 0.5), -EXPONENT).astype(np.int32)  # frexp's mantissa is from ½ to below 1; 0: underflow


@dataclass(frozen=True)
class RoundedUpByLogarithm(PowerOfTwo):
    """The same by ceil(log2) in float32, which calls what lies just above a power of two that power.

    The logarithm is taken in float64 and rounded to float32, as one does it that is good to 0.504 ulp: none of the
    numbers beside powers of two is nearer to the middle of two float32. What would be divided by the least
    scale is not divided at all: it becomes zeros.
    """

    words = "E8M0, rounded up by a float32 logarithm"

    def exponents(self, absmax):
        ratio = absmax / np.float32(self.max)
        log = np.log2(ratio, out=np.full(ratio.shape, -np.inf), where=ratio > 0, dtype=np.float64).astype(np.float32)
        return np.clip(np.ceil(log), -EXPONENT, EXPONENT).astype(np.int32)

    def scales(self, absmax, *, whole=None):
        found = super().scales(absmax)
        return replace(found, by=np.where(found.stored["scale"] > 0, found.scale, np.float32(1)))


@dataclass(frozen=True)
class Even(PowerOfTwo):
    """mantissa_bits: of the element."""

    mantissa_bits: int

    words = "E8M0, rounded as the element is"

    def exponents(self, absmax):
        return super().exponents((absmax.view(np.int32) + (1 << FRACTION - 1 - self.mantissa_bits)).view(np.float32))  # a carry raises it


@dataclass(frozen=True)
class TwoLevel(Rule):
    """A small float in units of the tensor's float32 scale. max: the element's largest value."""

    max: float
    float: Number

    bits = 8
    of_tensor = True

    @property
    def words(self) -> str:
        return f"{self.float.title.removeprefix('FP8 ')}, and FP32 per tensor"

    def scales(self, absmax, *, whole=None):
        largest = np.float32(absmax.max() if whole is None else whole)
        tensor = largest / np.float32(self.float.max * self.max)
        tensor = tensor if tensor > 0 else np.float32(1)
        codes = self.float.encode(absmax / np.float32(self.max) / tensor)
        scale = self.float.decode(codes) * tensor
        by = np.where(scale > 0, scale, np.float32(np.inf))
        return Scales(scale, by, {"scale": codes, "tensor_scale": np.float32(tensor)})


@dataclass(frozen=True)
class BoundedTwoLevel(TwoLevel):
    """The same with scales of blocks no smaller than E4M3's least normal number, and values multiplied by a reciprocal."""

    multiplies = True

    def scales(self, absmax, *, whole=None):
        largest = np.float32(absmax.max() if whole is None else whole)
        tensor = largest / np.float32(self.float.max * self.max)
        tensor = tensor if tensor > 0 else np.float32(1)
        bounds = np.float32(self.float.min_normal), np.float32(self.float.max)
        codes = self.float.encode(np.clip(absmax / np.float32(self.max) / tensor, *bounds))
        block = self.float.decode(codes)
        with np.errstate(over="ignore"):
            by = np.float32(1) / tensor / block
        by = np.where(np.isfinite(by), by, np.float32(0))  # a tensor so small becomes zeros
        return Scales(block * tensor, by, {"scale": codes, "tensor_scale": np.float32(tensor)})


@dataclass(frozen=True)
class ReciprocalTwoLevel(TwoLevel):
    """The same by the reciprocal of the tensor's scale, which is what is stored; a block too small for E4M3 gets 2^-3."""

    def scales(self, absmax, *, whole=None):
        largest = np.maximum(np.float32(absmax.max() if whole is None else whole), np.finfo(np.float32).tiny)
        with np.errstate(over="ignore"):
            tensor = np.float32(self.float.max * self.max) / largest
            tensor = tensor if np.isfinite(tensor) else np.float32(1)
            codes = self.float.encode(absmax / np.float32(self.max) * tensor)
        codes = np.where(codes == 0, self.float.encode(np.float32([0.125])), codes)
        scale = self.float.decode(codes) / tensor
        return Scales(scale, scale, {"scale": codes, "tensor_scale": tensor})


def _mx(id: str, title: str, element: Number) -> None:
    bits = f"{title.removeprefix('MX')} elements of {element.bits} bits in blocks of 32, scales powers of two"
    rules = [("", "", PowerOfTwo(element.max), "that may clip the largest value", OCP),
             ("up", "up", RoundedUp(element.max), "rounded up, which never clips", f"{OCP}; cuBLAS, 1D block scaling")]  # fmt: skip
    if element.kind == "floating":
        says = "rounded up where the largest value, rounded to the element's mantissa, reaches the next power of two"
        rules.append(("even", "even", Even(element.max, element.mantissa_bits), says, "torchao ScaleCalculationMode.EVEN; compressed-tensors for MXFP4"))
        rules.append(("upao", "up, torchao", RoundedUpByLogarithm(element.max), "rounded up by a float32 logarithm, as torchao does it where it is not compiled", "torchao ScaleCalculationMode.RCEIL"))
    for suffix, named, rule, says, source in rules:
        FORMATS.register(BlockFormat(f"{id}{suffix}", f"{title} {named}".strip(), "MX", element, Blocks(32, rule), f"{bits} {says}", source))


_mx("mxfp8e4m3", "MXFP8 E4M3", FORMATS["fp8e4m3"])
_mx("mxfp8e5m2", "MXFP8 E5M2", FORMATS["fp8e5m2"])
_mx("mxfp6e2m3", "MXFP6 E2M3", FORMATS["fp6e2m3"])
_mx("mxfp6e3m2", "MXFP6 E3M2", FORMATS["fp6e3m2"])
_mx("mxfp4", "MXFP4", FORMATS["fp4e2m1"])
_mx("mxint8", "MXINT8", Fixed(8, 6))

FORMATS.register(BlockFormat(
    "nvfp4", "NVFP4", "NVFP4", FORMATS["fp4e2m1"],
    Blocks(16, TwoLevel(FORMATS["fp4e2m1"].max, FORMATS["fp8e4m3"])),
    "FP4 in blocks of 16 with E4M3 scales and one FP32 scale for the tensor", "NVIDIA, arXiv 2509.25149",
))  # fmt: skip
FORMATS.register(BlockFormat(
    "nvfp4ao", "NVFP4, torchao", "NVFP4", FORMATS["fp4e2m1"],
    Blocks(16, BoundedTwoLevel(FORMATS["fp4e2m1"].max, FORMATS["fp8e4m3"])),
    "NVFP4 with torchao's arithmetic: scales of blocks from 2^-6 on, multiplication by their reciprocal", "torchao NVFP4Tensor",
))  # fmt: skip
FORMATS.register(BlockFormat(
    "nvfp4ct", "NVFP4, compressed-tensors", "NVFP4", FORMATS["fp4e2m1"],
    Blocks(16, ReciprocalTwoLevel(FORMATS["fp4e2m1"].max, FORMATS["fp8e4m3"])),
    "NVFP4 with compressed-tensors' arithmetic: the reciprocal of the tensor's scale is stored and multiplied by", "compressed-tensors calculate_qparams",
))  # fmt: skip
FORMATS.register(BlockFormat(
    "mxint8full", "MXINT8 with −2", "MX", Fixed(8, 6, full=True), Blocks(32, PowerOfTwo(Fixed(8, 6).max)),
    "MXINT8 that also uses the code of −2, which the specification leaves open", OCP,
))  # fmt: skip
