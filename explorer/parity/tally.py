"""What was compared and what differs, and how much of that a peer's own rule explains."""

import numpy as np


class Tally:
    """Counts over any number of arrays. Where a peer follows another rule, `by_rule` is what its rule gives
    (several arrays where it leaves a choice) and `here` what the rule of this engine gives, both written
    down apart from the engine: a difference is explained only where both sides follow their rules."""

    def __init__(self):
        self.compared = self.unexplained = 0
        self.codes_differ = self.values_differ = self.scales_differ = 0

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        return self.compared, self.codes_differ, self.values_differ, self.scales_differ, self.unexplained

    def codes(self, ours, theirs, *by_rule, here=None) -> None:
        """Integer codes, or bit patterns of a floating-point format."""
        self.codes_differ += self._count(ours, theirs, by_rule, here, np.int64)

    def values(self, ours, theirs, *by_rule, here=None) -> None:
        """Dequantized values; −0 is 0."""
        self.values_differ += self._count(ours, theirs, by_rule, here, np.float64)

    def scales(self, ours, theirs, *by_rule, here=None) -> None:
        """Scales and zero points."""
        self.scales_differ += self._count(ours, theirs, by_rule, here, np.float64)

    def _count(self, ours, theirs, by_rule, here, kind) -> int:
        ours, theirs = _numbers(ours, kind), _numbers(theirs, kind)
        if ours.shape != theirs.shape:
            raise ValueError(f"shapes {ours.shape} and {theirs.shape} cannot be compared")
        self.compared += ours.size
        differ = _differ(ours, theirs)
        unexplained = differ.copy()
        for expected in by_rule:
            unexplained &= _differ(_numbers(expected, kind), theirs)
        if by_rule:
            unexplained |= differ & _differ(_numbers(here, kind), ours)
        self.unexplained += int(np.count_nonzero(unexplained))
        return int(np.count_nonzero(differ))


def _numbers(x, kind) -> np.ndarray:
    x = x.detach().numpy() if hasattr(x, "detach") else np.asarray(x)
    return x.astype(kind).ravel()


def _differ(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two arrays of numbers differ; NaN is NaN."""
    return (a != b) & ~((a != a) & (b != b))
