"""Rows: the values that share a scale, as the range methods see them; and Record, what one
activation showed, as a histogram over bit patterns that every method can read.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.errors import DataError
from explorer.workers import WORKERS, side_by_side

PATTERNS = 1 << 16  # the upper 16 bits of a float32 are its bfloat16 pattern
EXPONENT = 0x7F80
SPREAD = 4  # the bins of the topmost power of two are seen as 2 ** SPREAD points, of the next as half as many
STRIP = 1 << 21  # values counted at a time


@dataclass(frozen=True, eq=False)
class Rows:
    """R rows of n values that share a scale each.

    values: float32 [R, n]; counts: how often each occurs, int64 [n] and then R is 1, or None for once
    low, high: exact ends of each row, float64 [R]
    batches: exact ends of each batch in the order in which they came, float32 [B, 2] and then R is 1,
    or None for values that came at once
    """

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    counts: np.ndarray | None = None
    batches: np.ndarray | None = None

    @classmethod
    def of(cls, values: np.ndarray) -> "Rows":
        return cls(values, values.min(axis=1).astype(np.float64), values.max(axis=1).astype(np.float64))

    @property
    def absmax(self) -> np.ndarray:
        """Largest magnitude of each row, float64 [R]."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def one_sided(self) -> np.ndarray:
        """Whether the values of a row are all on one side of zero, as after a ReLU; bool [R]."""
        return (self.low >= 0) | (self.high <= 0)

    @cached_property
    def _ascending(self) -> np.ndarray:
        return np.sort(self.values, axis=1)

    @cached_property
    def _magnitudes(self) -> np.ndarray:
        """In ascending order."""
        magnitudes = np.abs(self.values)
        magnitudes.sort(axis=1)
        return magnitudes

    def mean(self, function=None) -> np.ndarray:
        """Mean of the values, or of a function of them (float64 [R, n] to the same), float64 [R]."""
        x = self.values.astype(np.float64)
        x = x if function is None else function(x)
        if self.counts is None:
            return x.mean(axis=1)
        return (x * self.counts).sum(axis=1) / self.counts.sum()

    def quantile(self, q: float, *, magnitude: bool = False) -> np.ndarray:
        """Quantile q (0 to 1) of the values, or of their magnitudes, float64 [R].

        Linear interpolation between order statistics, as numpy.quantile and torch.quantile do; of a histogram, the
        first bin that reaches the share.
        """
        if self.counts is None:
            return _quantile(self._magnitudes if magnitude else self._ascending, q).astype(np.float64)
        values = np.abs(self.values) if magnitude else self.values
        order = np.argsort(values[0], kind="stable")
        reached = np.cumsum(self.counts[order])
        first = np.searchsorted(reached, q * reached[-1])
        return values[0][order][[min(int(first), len(order) - 1)]].astype(np.float64)


def _quantile(ascending: np.ndarray, q: float) -> np.ndarray:
    """Of rows in ascending order, the same bits as numpy.quantile: sorting is twice as fast as its partitions, and done once."""
    place = (ascending.shape[1] - 1) * float(q)
    below = int(place)
    share = place - below
    low, high = ascending[:, below], ascending[:, min(below + 1, ascending.shape[1] - 1)]
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)


def _counted(x: np.ndarray) -> tuple[np.ndarray, np.float32, np.float32]:
    """(counts of the upper 16 bits, least, largest) of a strip. torch counts: numpy's bincount lets no other thread run."""
    import torch  # late: the command line lists methods without it

    patterns = torch.from_numpy(np.right_shift(x.view(np.uint32), np.uint32(16)).view(np.int32))
    return torch.bincount(patterns).numpy(), x.min(), x.max()


def _strips(size: int) -> int:
    """Into how many of one size so many values are cut: no worker has to wait for a last one."""
    return WORKERS * -(-size // (STRIP * WORKERS)) if size > STRIP // 4 else 1


@dataclass(frozen=True, eq=False)
class Record:
    """A tensor as counts over its values' upper 16 bits: 65,536 bins, each 0.8 % wide at most.

    It adds over batches, processes and machines; low and high stay exact, and so do the ends of
    every batch, in order: merging appends the batches of the other.
    """

    counts: np.ndarray  # int64 [65536]
    low: float
    high: float
    batches: np.ndarray  # float32 [B, 2]: ends of each batch

    @classmethod
    def of(cls, x) -> "Record":
        """The record of one batch, a float32 tensor or array. Raises DataError for NaN, infinity or no values."""
        x = np.asarray(x, np.float32).ravel("K")  # as they lie: their order is nothing to a histogram
        if not x.size:
            raise DataError("there are no values to record; give at least one")
        strips = np.array_split(x, _strips(x.size))
        found = list(map(_counted, strips) if len(strips) == 1 else side_by_side(_counted, strips))
        counts = np.zeros(PATTERNS, np.int64)
        for each, _, _ in found:  # up to the largest pattern that was there
            counts[: len(each)] += each
        lost = int(counts[EXPONENT : EXPONENT + 128].sum() + counts[EXPONENT + 0x8000 :].sum())
        if lost:
            raise DataError(f"{lost:,} of {x.size:,} values are NaN or infinite; use finite ones")
        ends = np.array([[min(low for _, low, _ in found), max(high for _, _, high in found)]], np.float32)
        return cls(counts, *ends[0].tolist(), ends)

    @classmethod
    def nothing(cls, batches: int) -> "Record":
        """Of what is given no numbers in so many batches."""
        return cls(np.zeros(PATTERNS, np.int64), 0.0, 0.0, np.zeros((batches, 2), np.float32))

    def merge(self, other: "Record", same_batch: bool = False) -> "Record":
        """Both together, the other's batches behind; with `same_batch` its first goes on with the last of these."""
        batches = np.concatenate([self.batches, other.batches])
        if same_batch:
            at = len(self.batches) - 1
            both = batches[at : at + 2]
            batches = np.concatenate([batches[:at], [[both[:, 0].min(), both[:, 1].max()]], batches[at + 2 :]])
        return Record(self.counts + other.counts, min(self.low, other.low), max(self.high, other.high), batches)

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    def rows(self) -> Rows:
        """One row: points of every bin that is not empty, ascending, with their counts.

        A bin is as wide as a step of INT8 near the largest magnitude: there its values are spread
        evenly over up to 16 points, further in the middle of the bin stands for them.
        """
        patterns = np.flatnonzero(self.counts)
        counts, exponent = self.counts[patterns], (patterns & EXPONENT) >> 7
        zero = (patterns & 0x7FFF) == 0
        pieces = np.where(zero, 1, 1 << np.clip(exponent - exponent.max() + SPREAD, 0, SPREAD))
        bins = np.repeat(np.arange(len(patterns)), pieces)
        place = np.arange(len(bins)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        many, pieces = counts[bins], pieces[bins]
        # an even share each, in whole numbers that add up; what is left over goes to the middle
        number = ((place + 1) * many + pieces // 2) // pieces - (place * many + pieces // 2) // pieces
        lower = (2 * place + 1) * 0x8000 // pieces
        points = ((patterns[bins] << 16) | lower).astype(np.uint32).view(np.float32)
        points = np.where(zero[bins], np.float32(0), points)  # zeros are exactly zero
        points = np.clip(points, np.float32(self.low), np.float32(self.high))
        order = np.argsort(points, kind="stable")
        order = order[number[order] > 0]
        return Rows(points[order][None], np.float64([self.low]), np.float64([self.high]), number[order], self.batches)
