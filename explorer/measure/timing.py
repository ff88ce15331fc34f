"""How two pieces of work are timed against each other so that the ratio can be trusted on a machine that does other things too.

Both are warmed up, each sample is a batch of calls of at least 5 ms, a round times both in random
order, and the ratio is the median of the rounds' ratios with a bootstrap interval (Efron and Tibshirani 1993, §13):
what else the machine does falls on both. Two independent medians of as many samples would be off by three times as much.
"""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.progress import stop_if

SAMPLE = 0.005  # seconds of one sample at least
WARM, ROUNDS, MORE = 2, 15, 31  # calls before; rounds; rounds where those were not enough
LEAST = 0.02  # a difference below is never claimed
FINE, NOISY = 0.1, 0.25  # half width of the interval over the ratio: from which on more rounds are taken, and no number is given
RESAMPLES = 2000


@dataclass(frozen=True)
class Ratio:
    """How many times faster the second is than the first.

    value: the median of the rounds' ratios, with its 95 % interval low to high, never narrower than ±2 %;
    first, second: median seconds of a call. rounds: how many.
    """

    value: float
    low: float
    high: float
    first: float
    second: float
    rounds: int

    how = "measured here"

    @property
    def noisy(self) -> bool:
        """Whether the rounds disagree so much that a number would mislead."""
        return (self.high - self.low) / 2 > NOISY * self.value

    @property
    def verdict(self) -> str:
        """too noisy · no measurable difference · faster · slower"""
        if self.noisy:
            return "too noisy"
        if self.low <= 1 <= self.high:
            return "no measurable difference"
        return "faster" if self.value > 1 else "slower"


def paired(first: Callable[[], object], second: Callable[[], object], *, seed: int = 0, cancel=None, clock=time.perf_counter) -> Ratio:
    """The Ratio of two pieces of work; takes more rounds when they disagree. Raises Cancelled."""
    calls = [_calls(work, clock) for work in (first, second)]
    order, pairs = random.Random(seed), []
    for rounds in (ROUNDS, MORE):
        while len(pairs) < rounds:
            stop_if(cancel, "measuring was stopped; start it again to go on")
            taken = [0.0, 0.0]
            for which in order.sample((0, 1), 2):
                taken[which] = _seconds((first, second)[which], calls[which], clock)
            pairs.append(taken)
        found = ratio_of(np.float64(pairs), seed)
        if (found.high - found.low) / 2 <= FINE * found.value:
            break
    return found


def ratio_of(pairs: np.ndarray, seed: int = 0) -> Ratio:
    """The Ratio of rounds [n, 2], seconds of a call of both."""
    ratios = pairs[:, 0] / pairs[:, 1]
    draws = np.random.Generator(np.random.Philox(seed)).integers(0, len(ratios), (RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[draws], axis=1), (2.5, 97.5))
    value = float(np.median(ratios))
    low, high = min(float(low), value * (1 - LEAST)), max(float(high), value * (1 + LEAST))
    return Ratio(value, low, high, *(statistics.median(side) for side in pairs.T.tolist()), len(pairs))


def _calls(work: Callable[[], object], clock) -> int:
    """How many calls make a sample, after the warm-up."""
    for _ in range(WARM):
        work()
    once = max(min(_seconds(work, 1, clock) for _ in range(2)), 1e-7)
    return max(1, int(np.ceil(SAMPLE / once)))


def _seconds(work: Callable[[], object], calls: int, clock) -> float:
    started = clock()
    for _ in range(calls):
        work()
    return (clock() - started) / calls
