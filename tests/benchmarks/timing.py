"""How a figure is taken, and the row of the table that it becomes.

A ratio is the median of the ratios of pairs that ran one right after the other, in random order:
what else the machine does falls on both. Milliseconds are what they are on this machine at this
load, so the fastest is given beside the median.
"""

import random
import re
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """what was measured; the figure in words; the bound in words; whether it was kept, None without a bound."""

    what: str
    measured: str
    bound: str
    kept: bool | None


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_memory() -> int:
    """Bytes that this process has used at its most. getrusage would count what its parent held."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def paired(first: Callable, second: Callable, rounds: int, warm_up: int = 1) -> list[tuple[float, float]]:
    """Seconds of both in each round."""
    for _ in range(warm_up):
        first(), second()
    order, pairs = random.Random(0), []
    for _ in range(rounds):
        if order.random() < 0.5:
            a, b = seconds(first), seconds(second)
        else:
            b, a = seconds(second), seconds(first)
        pairs.append((a, b))
    return pairs


def milliseconds(what: str, times: Iterable[float], at_most: float | None) -> Row:
    """A row of the median of times in milliseconds."""
    times = sorted(times)
    median = statistics.median(times)
    measured = f"{median:.4g} ms (fastest {times[0]:.4g}, slowest {times[-1]:.4g}, n = {len(times)})"
    return Row(what, measured, "none" if at_most is None else f"≤ {at_most:g} ms", None if at_most is None else median <= at_most)


def times_faster(what: str, pairs: list[tuple[float, float]], at_least: float) -> Row:
    """A row of how much longer the first of each pair took than the second."""
    ratio = statistics.median(a / b for a, b in pairs)
    return Row(what, f"{ratio:.1f}× ({_fastest(pairs)})", f"≥ {at_least:g}×", ratio >= at_least)


def times_as_long(what: str, pairs: list[tuple[float, float]], at_most: float) -> Row:
    """A row of how much longer the second of each pair took than the first."""
    ratio = statistics.median(b / a for a, b in pairs)
    return Row(what, f"{ratio:.2f}× ({_fastest(pairs)})", f"≤ {at_most:g}×", ratio <= at_most)


def _fastest(pairs: list[tuple[float, float]]) -> str:
    a, b = (1000 * min(side) for side in zip(*pairs))
    return f"fastest {a:.3g} and {b:.3g} ms, n = {len(pairs)}"
