"""Blocks: runs of a few numbers along a row that share a scale which the format itself finds.

A block format is three things: the element (what a code stands for), the block's size, and the rule
by which the numbers of a block become a scale. Blocks run along the reduction axis; where their size
does not divide a row, the last one is shorter: zeros that fill it up in a file have no part in its scale.
"""

from dataclasses import dataclass, field

import numpy as np

from explorer.formats.number import Number, as_tensor

SMALLEST = np.float32(2.0**-127)  # of a divisor: below it 1/d is beyond float32


@dataclass(frozen=True, eq=False)
class Scales:
    """The scales of all blocks of a matrix, arrays [rows, blocks].

    scale, offset: a code stands for element · scale + offset, float32; offset None for 0
    by, minus: its value before rounding is (x - minus) / by, or times by where the rule says so
    stored: what a file holds in their place, by name; its bits are what the scales cost
    """

    scale: np.ndarray
    by: np.ndarray
    stored: dict[str, np.ndarray]
    offset: np.ndarray | None = None
    minus: np.ndarray | None = None

    @property
    def bits(self) -> int:
        return 8 * sum(part.nbytes for part in self.stored.values())


class Rule:
    """From what was measured of each block to its scale.

    words: the scale in a few words; bits: of a block's scale, with its minimum if it has one
    multiplies: whether values are multiplied by a reciprocal, as the implementation it follows does
    of_tensor: whether the largest magnitude of the whole tensor has a part in it
    of_scales: whether the other blocks' scales have, a mean of which is subtracted
    """

    words: str
    bits: int
    multiplies = False
    of_tensor = False
    of_scales = False

    def measure(self, blocks: np.ndarray) -> tuple[np.ndarray, ...]:
        """float32 [n, size] to the numbers that `scales` needs of each block, float32 [n] each."""
        return (absmax(blocks),)

    def scales(self, *measured: np.ndarray, whole: float | None = None) -> Scales:
        """Of arrays [rows, blocks]; whole: the largest magnitude of the tensor, if known beforehand."""
        raise NotImplementedError


@dataclass(frozen=True)
class Blocks:
    size: int
    rule: Rule


@dataclass(frozen=True)
class BlockFormat(Number):
    """A format whose name says everything: `of` elements in `blocks`."""

    id: str
    title: str
    family: str
    of: Number
    blocks: Blocks
    description: str = field(default="")
    source: str = field(default="")
    activations: bool = True

    kind = "block"
    scalable = False

    @property
    def element(self) -> Number:
        return self.of

    @property
    def rounds(self) -> bool:
        return self.of.rounds

    @property
    def bits(self) -> int:
        return self.of.bits

    @property
    def max(self) -> float:
        return self.of.max

    @property
    def bias(self) -> int | None:
        return self.of.bias

    @property
    def min_normal(self) -> float | None:
        return self.of.min_normal

    @property
    def min_subnormal(self) -> float | None:
        return self.of.min_subnormal

    @property
    def code_type(self) -> type:
        return self.of.code_type

    @property
    def code_count(self) -> int:
        return self.of.code_count

    def values(self) -> np.ndarray:
        return self.of.values()

    def encode(self, y, rounder=np.rint):
        return self.of.encode(y, rounder)

    def decode(self, codes):
        return self.of.decode(codes)


def absmax(blocks: np.ndarray) -> np.ndarray:
    """Largest magnitude of each row, on all cores."""
    return as_tensor(blocks).abs().amax(dim=1).numpy()


def folded(extreme: np.ufunc, blocks: np.ndarray) -> np.ndarray:
    """np.minimum or np.maximum of each row: pair by pair over all rows at once where the size is a power
    of two, three times as fast as a reduction over rows as short as these. Of zeros it is +0, whatever
    their signs and the processor's choice between them."""
    size = blocks.shape[1]
    if size & (size - 1):
        return extreme.reduce(blocks, axis=1) + np.float32(0)
    flat = blocks.ravel()
    while len(flat) > len(blocks):
        flat = extreme(flat[::2], flat[1::2])
    return flat + np.float32(0)


def reciprocal(d: np.ndarray) -> np.ndarray:
    """1/d in float32, and 0 where d is 0 or so small that it would be infinite: such a block becomes zeros."""
    usable = np.abs(d) > SMALLEST
    return np.divide(np.float32(1), d, out=np.zeros_like(d), where=usable)
