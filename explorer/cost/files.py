"""What a file will take on disk, before it is written: data from shapes and recipes, overhead from the layout."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from explorer.formats import FORMATS
from explorer.granularity import Tiling
from explorer.recipe import Recipe


@dataclass(frozen=True)
class FileSize:
    """Bytes of a file by what they are for.

    quantized: codes as the file packs them. scales: scales, zero points and minima, of weights and of
    activations. rest: what stays in float or int32, such as biases. overhead: names, headers, graph.
    """

    quantized: int = 0
    scales: int = 0
    rest: int = 0
    overhead: int = 0

    how = "predicted"

    @property
    def total(self) -> int:
        return self.quantized + self.scales + self.rest + self.overhead

    def __add__(self, other: "FileSize") -> "FileSize":
        return FileSize(self.quantized + other.quantized, self.scales + other.scales, self.rest + other.rest,
                        self.overhead + other.overhead)  # fmt: skip


def matrix_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of a weight as granularities see it: [out, everything else]."""
    return shape[0], int(np.prod(shape[1:], dtype=np.int64))


def scale_shape(shape: tuple[int, ...], recipe: Recipe) -> tuple[int, int]:
    """How many scales a weight of this shape has, down and across; (0, 0) for a cast."""
    return (0, 0) if recipe.is_cast else Tiling.of(recipe, *matrix_of(shape)).shape


def code_type(recipe: Recipe) -> np.dtype:
    """The NumPy type that holds one code, not packed."""
    return np.dtype(FORMATS[recipe.format].code_type)


def npz_size(entries: Iterable[tuple[str, str, int]]) -> FileSize:
    """Bytes of an uncompressed .npz of (name, part, bytes) entries, part a field of FileSize.

    NumPy writes each array as a stored zip entry with a zip64 field: 30 + 20 + name before it, 46 + name in the
    directory, an .npy header of 128 bytes in it, and 22 bytes at the end (zipfile; numpy.lib.format).
    """
    size = FileSize(overhead=22)
    for name, part, count in entries:
        size += FileSize(**{part: count}) + FileSize(overhead=30 + 20 + 46 + 128 + 2 * len(f"{name}.npy".encode()))
    return size
