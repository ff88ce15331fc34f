"""What was compared and what differs, and how much of that a peer's own rule explains."""

import numpy as np


class Tally:
    """Counts over any number of arrays. `by_rule` is what the peer's documented rules give, computed here
    (several arrays where a rule leaves a choice): what differs from all of them too is unexplained."""

    def __init__(self):
        self.compared = self.unexplained = 0
        self.codes_differ = self.values_differ = self.scales_differ = 0

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        return self.compared, self.codes_differ, self.values_differ, self.scales_differ, self.unexplained

    def codes(self, ours, theirs, *by_rule) -> None:
        """Integer codes, or bit patterns of a floating-point format."""
        self.codes_differ += self._count(ours, theirs, by_rule, np.int64)

    def values(self, ours, theirs, *by_rule) -> None:
        """Dequantized values; −0 is 0."""
        self.values_differ += self._count(ours, theirs, by_rule, np.float64)

    def scales(self, ours, theirs, *by_rule) -> None:
        """Scales and zero points."""
        self.scales_differ += self._count(ours, theirs, by_rule, np.float64)

    def _count(self, ours, theirs, by_rule, kind) -> int:
        ours, theirs = _numbers(ours, kind), _numbers(theirs, kind)
        if ours.shape != theirs.shape:
            raise ValueError(f"shapes {ours.shape} and {theirs.shape} cannot be compared")
        self.compared += ours.size
        differ = _differ(ours, theirs)
        unexplained = differ.copy()
        for expected in by_rule:
            unexplained &= _differ(_numbers(expected, kind), theirs)
        self.unexplained += int(np.count_nonzero(unexplained))
        return int(np.count_nonzero(differ))


def _numbers(x, kind) -> np.ndarray:
    x = x.detach().numpy() if hasattr(x, "detach") else np.asarray(x)
    return x.astype(kind).ravel()


def _differ(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two arrays of numbers differ; NaN is NaN."""
    return (a != b) & ~((a != a) & (b != b))
