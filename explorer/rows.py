"""Rows: the values that share a scale, as the range methods see them; and Record, what one
activation showed, as a histogram over bit patterns that every method can read.
"""

import sys
from dataclasses import dataclass

import numpy as np

from explorer.errors import DataError

PATTERNS = 1 << 16  # the upper 16 bits of a float32 are its bfloat16 pattern
EXPONENT = 0x7F80
UPPER = 1 if sys.byteorder == "little" else 0  # which half of a float32 holds them


@dataclass(frozen=True, eq=False)
class Rows:
    """R rows of n values that share a scale each.

    values: float32 [R, n]; counts: how often each occurs, int64 [n] and then R is 1, or None for once
    low, high: exact ends of each row, float64 [R]
    """

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    counts: np.ndarray | None = None

    @classmethod
    def of(cls, values: np.ndarray) -> "Rows":
        return cls(values, values.min(axis=1).astype(np.float64), values.max(axis=1).astype(np.float64))

    @property
    def absmax(self) -> np.ndarray:
        """Largest magnitude of each row, float64 [R]."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def quantile(self, q: float, *, magnitude: bool = False) -> np.ndarray:
        """Quantile q (0 to 1) of the values, or of their magnitudes, float64 [R].

        Linear interpolation between order statistics, as numpy and torch do; of a histogram, the
        first bin that reaches the share.
        """
        values = np.abs(self.values) if magnitude else self.values
        if self.counts is None:
            return np.quantile(values, q, axis=1).astype(np.float64)
        order = np.argsort(values[0], kind="stable")
        reached = np.cumsum(self.counts[order])
        first = np.searchsorted(reached, q * reached[-1])
        return values[0][order][[min(int(first), len(order) - 1)]].astype(np.float64)


@dataclass(frozen=True, eq=False)
class Record:
    """A tensor as counts over its values' upper 16 bits: 65,536 bins, each 0.8 % wide at most.

    It adds over batches, processes and machines; low and high stay exact.
    """

    counts: np.ndarray  # int64 [65536]
    low: float
    high: float

    @classmethod
    def of(cls, x) -> "Record":
        """The record of a float32 tensor or array. Raises DataError for NaN, infinity or no values."""
        x = np.ascontiguousarray(np.asarray(x), np.float32).reshape(-1)
        if not x.size:
            raise DataError("there are no values to record; give at least one")
        counts = np.bincount(x.view(np.uint16)[UPPER::2], minlength=PATTERNS)
        lost = int(counts[EXPONENT : EXPONENT + 128].sum() + counts[EXPONENT + 0x8000 :].sum())
        if lost:
            raise DataError(f"{lost:,} of {x.size:,} values are NaN or infinite; use finite ones")
        return cls(counts, float(x.min()), float(x.max()))

    def merge(self, other: "Record") -> "Record":
        return Record(self.counts + other.counts, min(self.low, other.low), max(self.high, other.high))

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    def rows(self) -> Rows:
        """One row: the middle of every bin that is not empty, ascending, with its counts."""
        patterns = np.flatnonzero(self.counts)
        middles = ((patterns.astype(np.uint32) << 16) | 0x8000).view(np.float32)
        middles = np.where((patterns & 0x7FFF) == 0, np.float32(0), middles)  # zeros are exactly zero
        middles = np.clip(middles, np.float32(self.low), np.float32(self.high))
        order = np.argsort(middles, kind="stable")
        return Rows(middles[order][None], np.float64([self.low]), np.float64([self.high]), self.counts[patterns][order])

