"""What a quantized network still knows: the task's metric with its interval, sharper batch by batch.

The unquantized network answers the same samples, so what quantization costs is a paired
difference: its interval is far narrower than that of either accuracy, and small test sets are enough.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import Cancelled, DataError

if TYPE_CHECKING:
    from explorer.models import Model, Network

Z = 1.959963984540054  # the normal distribution's 97.5 % quantile: 95 % intervals
FIRST = 64  # samples of the first batch at most, so that an estimate comes at once
REMEMBERED = 200_000  # FP32 answers kept, all networks together


@dataclass(frozen=True)
class Metric:
    """An estimate with its 95 % interval [low, high] over n samples.

    kind: "proportion", from 0 to 1; "difference" of two proportions, from −1 to 1; or
    "definition", a value that is what it is because of what the words mean.
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    kind: str


@dataclass(frozen=True)
class Evaluation:
    """What is known so far.

    metric, fp32: the task's metric of the quantized and of the unquantized network
    difference: metric − fp32, paired on the same samples
    agreement: share of samples that both answer alike
    changed: indices into the test set of the samples whose answer changed, in order of evaluation
    wrong: the same of the samples that the quantized network does not answer like their label (see paired)
    done: whether all the samples that were asked for are in
    """

    metric: Metric
    fp32: Metric
    difference: Metric
    agreement: Metric
    changed: tuple[int, ...]
    done: bool
    wrong: tuple[int, ...] = ()


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % score interval of a proportion; within [0, 1] and never of width zero.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927;
    recommended by Brown, Cai and DasGupta, Statistical Science 16(2), 2001.
    """
    share = successes / n
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    # at the ends the formula gives 0 and 1 exactly, but for float64's last digit
    low = 0.0 if successes == 0 else centre - half
    return low, 1.0 if successes == n else centre + half


def agresti_min(gained: int, lost: int, n: int) -> tuple[float, float]:
    """95 % interval of a difference of paired proportions, (gained − lost) / n.

    gained: samples that only the second is right on; lost: only the first; n: all samples.
    The Wald interval after 1/2 is added to each of the four cells of the 2 × 2 table: near its
    nominal coverage for small n too, and never of width zero. Agresti and Min, "Simple improved
    confidence intervals for comparing matched proportions", Statistics in Medicine 24, 2005.
    """
    n, gained, lost = n + 2, gained + 0.5, lost + 0.5
    difference = (gained - lost) / n
    half = Z * sqrt(gained + lost - (gained - lost) ** 2 / n) / n
    return max(difference - half, -1.0), min(difference + half, 1.0)


def paired(first: Evaluation, second: Evaluation, what: str = "difference") -> Metric:
    """second − first in the task's metric, paired on the samples that both answered, with its 95 % interval.

    Both must have used the same samples, as two evaluations of one seed do. Raises DataError for
    different numbers of samples.
    """
    n = first.metric.n
    if second.metric.n != n:
        raise DataError(f"a paired difference needs the same samples, not {n} and {second.metric.n}")
    before, after = set(first.wrong), set(second.wrong)
    gained, lost = len(before - after), len(after - before)
    return Metric(what, (gained - lost) / n, *agresti_min(gained, lost, n), n, "difference")


def evaluate(
    network: Network,
    model: Model,
    simulated: Callable,
    *,
    samples: int,
    seed: int,
    cancel=None,
) -> Iterator[Evaluation]:
    """The evaluation after each batch, the last one with `done`.

    simulated: the quantized network, from the module's input to its output (see Simulated)
    samples: at least 1; more than the test set has means all of it
    seed: of the order in which samples are taken, a permutation of the test set by NumPy's Philox,
    so that fewer samples are a part of more
    cancel: something with `is_set()`, asked between forward passes

    Batches depend on nothing but these numbers: the same call gives the same values in the same
    order. Raises DataError for samples < 1 or outputs that are NaN or infinite; Cancelled.
    """
    if samples < 1:
        raise DataError(f"evaluation needs at least 1 sample, not {samples}")
    samples = min(samples, len(network.test))
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(network.test))
    tally = _Tally(model.metric, labelled=network.labels is not None)
    for start, stop in pairwise(_boundaries(samples, model.batch)):
        chosen = order[start:stop]
        _stop_if(cancel)
        inputs = network.prepare(network.test[chosen])
        before = _fp32_answers(network, inputs, chosen)
        _stop_if(cancel)
        after = network.answers(simulated(inputs))
        truth = before if network.labels is None else network.labels[chosen]
        tally.add(chosen, truth, before, after)
        yield tally.evaluation(done=stop == samples)


def _boundaries(samples: int, batch: int) -> list[int]:
    """0, the end of a small first batch, then every `batch` samples, `samples`."""
    first = max(1, min(FIRST, batch // 4))
    return [0, *range(min(first, samples), samples, batch), samples]


def _stop_if(cancel) -> None:
    if cancel is not None and cancel.is_set():
        raise Cancelled("the evaluation was stopped; start it again to go on")


class _Tally:
    """Counts over the samples so far, and what they say."""

    def __init__(self, name: str, labelled: bool):
        self._name, self._labelled = name, labelled
        self._n = self._right = self._gained = self._lost = 0
        self._changed: list[int] = []
        self._wrong: list[int] = []

    def add(self, chosen: np.ndarray, truth: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        """Count a batch: indices into the test set, labels, FP32's and the quantized answers."""
        self._n += len(chosen)
        self._right += int((before == truth).sum())
        self._gained += int(((before != truth) & (after == truth)).sum())
        self._lost += int(((before == truth) & (after != truth)).sum())
        self._changed += chosen[before != after].tolist()
        self._wrong += chosen[after != truth].tolist()

    def evaluation(self, done: bool) -> Evaluation:
        n, right = self._n, self._right + self._gained - self._lost
        metric = _proportion(self._name, right, n)
        if self._labelled:
            fp32 = _proportion(self._name, self._right, n)
            bounds = agresti_min(self._gained, self._lost, n)
        else:  # FP32 cannot be wrong about itself, so the difference is no less certain than the metric
            fp32 = Metric(f"{self._name}, 1 by definition", 1.0, 1.0, 1.0, n, "definition")
            bounds = metric.low - 1, metric.high - 1
        value = (self._gained - self._lost) / n
        difference = Metric(f"{self._name}, difference from FP32", value, *bounds, n, "difference")
        agreement = _proportion("agreement with FP32", n - len(self._changed), n)
        return Evaluation(metric, fp32, difference, agreement, tuple(self._changed), done, tuple(self._wrong))


def _proportion(name: str, successes: int, n: int) -> Metric:
    return Metric(name, successes / n, *wilson(successes, n), n, "proportion")


_answers: OrderedDict[tuple[str, bytes], np.ndarray] = OrderedDict()
_answering = Lock()


def _fp32_answers(network: Network, inputs, chosen: np.ndarray) -> np.ndarray:
    """FP32's answers to test samples `chosen`, computed once.

    Remembered for this very batch, not sample by sample: another batch may round differently in
    the last place, and what is shown must not depend on what was computed before.
    """
    key = network.digest, chosen.tobytes()
    with _answering:
        if key in _answers:
            _answers.move_to_end(key)
            return _answers[key]
    from explorer.simulate import Simulated

    answers = network.answers(Simulated(network)(inputs))
    with _answering:
        _answers[key] = answers
        while sum(map(len, _answers.values())) > REMEMBERED:
            _answers.popitem(last=False)
    return answers
