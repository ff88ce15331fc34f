"""llama.cpp's first formats: integers in blocks of 32 with an FP16 scale, and an FP16 minimum for the _1 forms.

| format     | scale d                    | code                            | back     |
|------------|----------------------------|---------------------------------|----------|
| q4_0, q5_0 | signed extreme / -8 or -16 | trunc(x/d + 8.5), or 16.5       | d(q - 8) |
| q4_1, q5_1 | (max - min) / 15 or 31     | trunc((x - min)/d + 0.5)        | dq + m   |
| q8_0       | amax / 127                 | x/d rounded, halves from zero   | dq       |

Codes are computed with the float32 scale, times its reciprocal, and dequantised with the FP16 one: the
same bits as ggml and its Python package. Where ggml would store an infinite scale the numbers are refused. Source: ggml-quants.c, quantize_row_q4_0_ref and its neighbours; gguf/quants.py.
"""

from dataclasses import dataclass

import numpy as np

from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.formats.number import Number
from explorer.formats.scaling import BlockFormat, Blocks, Rule, Scales, folded, reciprocal

LARGEST = np.finfo(np.float16).max
SOURCE = "llama.cpp, ggml-quants.c; gguf/quants.py"


@dataclass(frozen=True)
class Steps(Number):
    """Unsigned codes, `zero` of which stands for 0; half a step is rounded up."""

    bits: int
    zero: int

    kind = family = "integer"
    rounds = False

    @property
    def max(self) -> float:
        return float(2**self.bits - 1 - self.zero)

    def values(self):
        return np.arange(2**self.bits, dtype=np.float64) - self.zero

    def encode(self, y, rounder=np.rint):
        codes = np.trunc(y + np.float32(self.zero + 0.5))
        return np.clip(codes, 0, 2**self.bits - 1, out=codes).astype(self.code_type)

    def decode(self, codes):
        return np.subtract(codes, np.float32(self.zero), dtype=np.float32)


@dataclass(frozen=True)
class AwayFromZero(Number):
    """Signed codes without the most negative; half a step is rounded away from zero."""

    bits: int

    kind = family = "integer"
    rounds = False
    code_type = np.int8

    @property
    def max(self) -> float:
        return 2.0 ** (self.bits - 1) - 1

    @property
    def code_count(self) -> int:
        return 2**self.bits - 1

    def values(self):
        return np.arange(-self.max, self.max + 1)

    def encode(self, y, rounder=np.rint):
        whole = np.trunc(y)
        rest = np.subtract(y, whole)
        rest += rest  # exact, and ±1 or beyond from half a step on
        whole += np.trunc(rest, out=rest)
        return np.clip(whole, -self.max, self.max, out=whole).astype(self.code_type)

    def decode(self, codes):
        return np.asarray(codes).astype(np.float32)


class Half(Rule):
    """A scale d of 16 bits."""

    words = "FP16"
    bits = 16
    multiplies = True

    def _scales(self, d: np.ndarray, low: np.ndarray | None = None) -> Scales:
        with np.errstate(over="ignore"):
            stored = {name: part.astype(np.float16) for name, part in (("d", d), ("m", low)) if part is not None}
        beyond = np.argwhere(np.any([np.isinf(part) for part in stored.values()], axis=0))
        if len(beyond):
            row, block = beyond[0]
            raise DataError(f"{len(beyond):,} of {d.size:,} blocks, the first in row {row} of the matrix at number {32 * block}, need a scale or minimum beyond "
                            f"{LARGEST:,.0f}, FP16's largest, which llama.cpp would store as infinity; scale the numbers down, or choose a format of other scales")  # fmt: skip
        offset = None if low is None else stored["m"].astype(np.float32)
        return Scales(stored["d"].astype(np.float32), reciprocal(d), stored, offset, low)


@dataclass(frozen=True)
class SignedExtreme(Half):
    """The value of largest magnitude becomes the most negative code exactly; the first at a tie."""

    steps: int

    def measure(self, blocks):
        low, high = folded(np.minimum, blocks), folded(np.maximum, blocks)
        extreme = np.where(high > -low, high, low)
        tied = np.flatnonzero(high == -low)
        first = np.abs(blocks[tied]).argmax(axis=1)
        extreme[tied] = blocks[tied, first]
        return (extreme,)

    def scales(self, extreme, *, whole=None):
        return self._scales(extreme / np.float32(-self.steps))


@dataclass(frozen=True)
class Ends(Half):
    """From the smallest to the largest value."""

    steps: int

    words = "FP16, and FP16 minimum"
    bits = 32

    def measure(self, blocks):
        return folded(np.minimum, blocks), folded(np.maximum, blocks)

    def scales(self, low, high, *, whole=None):
        with np.errstate(over="ignore"):
            return self._scales(np.minimum(high - low, np.finfo(np.float32).max) / np.float32(self.steps), low)


@dataclass(frozen=True)
class Largest(Half):
    """Symmetric up to the largest magnitude."""

    steps: int

    def scales(self, absmax, *, whole=None):
        return self._scales(absmax / np.float32(self.steps))


for _id, _element, _rule, _says in (
    ("q4_0", Steps(4, 8), SignedExtreme(8), "4 bits, the extreme value exact"),
    ("q4_1", Steps(4, 0), Ends(15), "4 bits from the smallest to the largest value"),
    ("q5_0", Steps(5, 16), SignedExtreme(16), "5 bits, the extreme value exact"),
    ("q5_1", Steps(5, 0), Ends(31), "5 bits from the smallest to the largest value"),
    ("q8_0", AwayFromZero(8), Largest(127), "8 bits, symmetric"),
):
    FORMATS.register(BlockFormat(
        _id, _id.upper(), "GGUF", _element, Blocks(32, _rule),
        f"llama.cpp {_id.upper()}: {_says}, in blocks of 32", SOURCE, activations=False,
    ))  # fmt: skip
