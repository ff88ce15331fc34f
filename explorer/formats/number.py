"""What every number format has in common: the named fields that pickers, tables and the engine read.

A format is an *element* — codes and the numbers they stand for, in units of a scale — and a way to
find the scale: none (a plain cast), a range and a granularity that the recipe names, or *blocks*
with scales of their own.
"""

from collections.abc import Callable

import numpy as np

Rounder = Callable[[np.ndarray], np.ndarray]  # multiples of the step → whole ones, may work in place


def nearest(y: np.ndarray) -> np.ndarray:
    """To the nearest, halves to even, in place."""
    return np.rint(y, out=y)


def away(y: np.ndarray) -> np.ndarray:
    """To the nearest, halves away from zero, in place; the fraction is exact, where y + ½ may be rounded."""
    whole = np.trunc(y)
    with np.errstate(invalid="ignore"):  # infinity stays
        return np.add(whole, np.copysign(np.abs(y - whole) >= 0.5, y), out=y)


def by_chance(y: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Up where the fraction is above its chance, in place: what is whole already stays."""
    floor = np.floor(y)
    with np.errstate(invalid="ignore"):  # infinity stays
        return np.add(floor, chance < y - floor, out=y)


def as_tensor(x: np.ndarray):
    """x as a torch tensor, which works on all cores; it shares x's memory where torch can take that, which knows no memory
    that must not be written, is read backwards or in steps that are no whole numbers."""
    import torch  # the registry needs none

    takes = x.flags.writeable and all(step >= 0 and step % x.itemsize == 0 for step in x.strides)
    return torch.from_numpy(x if takes else x.copy())


class Number:
    """Defaults of a format's fields; dataclasses below it say what differs.

    bits: of one code, without its share of a scale. blocks: how scales are found when a recipe names
    no range; None for none. scalable: whether a recipe may name a granularity and a range.
    rounds: whether a recipe may round down or stochastically. activations: whether it can be found
    while the network runs. max: the largest value in units of the scale.
    bias, min_normal, min_subnormal: of floating-point elements, else None.
    """

    id: str
    kind: str
    family: str  # under which pickers and the formats page list it
    title: str
    description: str
    source: str
    bits: int
    max: float
    blocks = None
    scalable = True
    rounds = True
    activations = True
    bias: int | None = None
    min_normal: float | None = None
    min_subnormal: float | None = None

    @property
    def element(self) -> "Number":
        """The format of one code: itself, unless it is a block of others."""
        return self

    @property
    def block_size(self) -> int | None:
        """How many numbers share a scale of the format's own; None where the recipe says it."""
        return self.blocks.size if self.blocks else None

    @property
    def scale(self) -> str:
        """The scale of a block in words; empty where the recipe says it."""
        return self.blocks.rule.words if self.blocks else ""

    @property
    def bits_per_weight(self) -> float:
        """Bits of a code with its share of the block's scale, of blocks that are full."""
        return self.bits + (self.blocks.rule.bits / self.blocks.size if self.blocks else 0)

    @property
    def code_type(self) -> type:
        """The least unsigned type that holds a code."""
        return np.uint8 if self.bits <= 8 else np.uint16 if self.bits <= 16 else np.uint32

    @property
    def code_count(self) -> int:
        """How many codes stand for a number."""
        return 2**self.bits

    @property
    def distinct(self) -> int:
        """How many different numbers those are, in units of one scale."""
        return len(self.values())

    @property
    def symmetric(self) -> bool:
        """Whether -x is a value wherever x is."""
        values = self.values()
        return bool((values == -values[::-1]).all())

    def values(self) -> np.ndarray:
        """All distinct finite values in ascending order, float64, in units of the scale."""
        raise NotImplementedError

    def encode(self, y: np.ndarray, rounder: Rounder = np.rint) -> np.ndarray:
        """Codes of the nearest values (ties as the format has it, saturating), of y's shape. y: finite float32."""
        raise NotImplementedError

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The values that codes stand for, in units of the scale, float32 of the codes' shape."""
        raise NotImplementedError

    def round(self, y: np.ndarray, rounder: Rounder = np.rint) -> np.ndarray:
        """The nearest values themselves, float32 of y's shape."""
        return self.decode(self.encode(y, rounder))
