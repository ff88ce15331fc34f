"""Integers of 2 to 16 bits: the uniform grids.

Three symmetric-or-not conventions give three different grids for the same bits:

| scheme  | codes (signed)            | scale for a range ±a, or low…high |
|---------|---------------------------|-----------------------------------|
| sym     | ±(2^(B-1)-1), "narrow"    | a / (2^(B-1)-1)                    |
| symfull | -2^(B-1) … 2^(B-1)-1      | 2a / (2^B-1)                       |
| asym    | -2^(B-1) … 2^(B-1)-1      | (high-low) / (2^B-1)               |

`sym` is what TensorRT, ONNX Runtime (weights) and TFLite use, `symfull` is torch's observers'.
An unsigned format is the same grid with all codes shifted by 2^(B-1).
Source: Nagel et al. 2021 (arXiv 2106.08295), section 2; Wu et al. 2020 (arXiv 2004.09602).
"""

from dataclasses import dataclass

import numpy as np

from explorer.formats import FORMATS
from explorer.formats.number import Number

SCHEMES = ("sym", "symfull", "asym")


@dataclass(frozen=True)
class Integer(Number):
    """All codes, the middle one for 0: a scheme may leave one out or move the zero."""

    bits: int
    signed: bool

    kind = family = "integer"
    source = "Nagel et al. 2021, arXiv 2106.08295; ONNX QuantizeLinear"

    @property
    def id(self) -> str:
        return f"{'' if self.signed else 'u'}int{self.bits}"

    @property
    def title(self) -> str:
        return self.id.upper()

    @property
    def max(self) -> float:
        return 2.0 ** (self.bits - 1) - 1

    @property
    def description(self) -> str:
        low, high = self.code_range("symfull")
        return f"{self.bits}-bit {'signed' if self.signed else 'unsigned'} integer, codes {low} to {high}"

    @property
    def middle(self) -> int:
        """The code that stands for zero in a symmetric scheme."""
        return 0 if self.signed else 2 ** (self.bits - 1)

    def code_range(self, scheme: str) -> tuple[int, int]:
        """Smallest and largest code; `sym` drops the most negative one."""
        half = 2 ** (self.bits - 1)
        lowest = self.middle - half + (1 if scheme == "sym" else 0)
        return lowest, self.middle + half - 1

    def limits(self, scheme: str) -> tuple[int, int]:
        """Steps below and above zero of a symmetric scheme: sym int8 has (127, 127)."""
        low, high = self.code_range(scheme)
        return self.middle - low, high - self.middle

    @property
    def code_type(self) -> type:
        """The least type that holds a code; signed codes are signed."""
        return np.dtype(f"{'i' if self.signed else 'u'}{1 if self.bits <= 8 else 2}").type

    def values(self) -> np.ndarray:
        half = 2 ** (self.bits - 1)
        return np.arange(-half, half, dtype=np.float64)

    def encode(self, y, rounder=np.rint):
        lowest, highest = self.code_range("symfull")
        return np.clip(rounder(y.copy()) + np.float32(self.middle), lowest, highest).astype(self.code_type)

    def decode(self, codes):
        return np.asarray(codes).astype(np.float32) - np.float32(self.middle)


for _bits in range(2, 17):
    FORMATS.register(Integer(_bits, signed=True))
for _bits in range(2, 17):
    FORMATS.register(Integer(_bits, signed=False))
