"""What a compressed file could reach: the entropy of the codes, and what zstd makes of them.

    H = −Σ p · log2 p   bits a weight, over the frequencies p of a layer's codes   (Shannon 1948)

Without looking at their order codes cannot be written shorter. It saves the file, not memory or time: kernels read codes as they are.
After good quantization little is left, 9 % at 8 bits and 22 % at 4; where a bit or more of each code says
nothing, the range is wasted on a few outliers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.quantize import QuantizedTensor

WIDEST = 8  # bits; wider codes are numbers of their own each
LEVEL = 3  # of zstd, its default


@dataclass(frozen=True)
class Compressed:
    """Bits of a weight, over all layers whose codes have up to 8 bits. stored: of its code; entropy: each layer by its own
    frequencies; zstd: of the packed codes, one layer after the other; None where pyarrow, which has it, is not installed.
    integers: whether all codes are such, whose range is the recipe's to choose."""

    stored: float
    entropy: float
    zstd: float | None
    integers: bool

    how = "exact"

    @property
    def wasted(self) -> bool:
        """Whether a bit or more of each integer says nothing."""
        return self.integers and self.stored - self.entropy >= 1


def compressed(tensors: Sequence[QuantizedTensor]) -> Compressed | None:
    """None where no layer has such codes."""
    narrow = [q for q in tensors if q.recipe.bits <= WIDEST]
    count = sum(q.codes.size for q in narrow)
    if not count:
        return None
    patterns = [_patterns(q) for q in narrow]
    entropy = sum(q.codes.size * _entropy(each) for q, each in zip(narrow, patterns))
    packed = b"".join(_packed(each, q.recipe.bits) for q, each in zip(narrow, patterns))
    return Compressed(sum(q.code_bits for q in narrow) / count, entropy / count, _zstd(packed, count), all(q.recipe.scheme for q in narrow))


def _patterns(q: QuantizedTensor) -> np.ndarray:
    """The codes' bits, uint8 [weights]."""
    return q.codes.ravel().view(np.uint8) & np.uint8(2**q.recipe.bits - 1)


def _entropy(patterns: np.ndarray) -> float:
    share = np.bincount(patterns, minlength=256) / patterns.size
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())


def _packed(patterns: np.ndarray, bits: int) -> bytes:
    if bits == 8:
        return patterns.tobytes()
    return np.packbits(np.unpackbits(patterns[:, None], axis=1)[:, 8 - bits :]).tobytes()


def _zstd(data: bytes, count: int) -> float | None:
    try:
        import pyarrow
    except ImportError:
        return None
    return 8 * len(pyarrow.Codec("zstd", compression_level=LEVEL).compress(data, asbytes=True)) / count
