"""What a network is for, and how well it does it: one file a task.

A task reads from a network's outputs what it needs of each sample, counts it for the unquantized and the
quantized network side by side, and says at any time what that amounts to. The loop over batches is in evaluate.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from explorer.errors import DataError
from explorer.registry import Registry

if TYPE_CHECKING:
    import torch

    from explorer.models import Network

UNITS = ("share", "bits", "perplexity", "cosine")  # a share is from 0 to 1 and written in percent
Reading = Mapping[str, np.ndarray]  # what a task keeps of a batch's outputs: arrays with one entry a sample


@dataclass(frozen=True)
class Metric:
    """An estimate with its 95 % interval [low, high] over n samples.

    kind: "proportion", from 0 to 1; "mean" over samples; "difference" of two values of a metric; or
    "definition", a value that is what it is because of what the words mean
    unit: one of UNITS
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    kind: str
    unit: str = "share"

    def as_dict(self) -> dict:
        """JSON-ready: an end of an interval that nothing is known of is None."""
        ends = {name: end if np.isfinite(end) else None for name, end in (("low", self.low), ("high", self.high))}
        return {"name": self.name, "value": self.value, **ends, "n": self.n, "kind": self.kind, "unit": self.unit}


@dataclass(frozen=True)
class Evaluation:
    """What is known so far.

    metric, fp32: the task's metric of the quantized and of the unquantized network
    difference: metric − fp32, paired on the same samples
    agreement: share of answers that are those of the unquantized network
    changed: indices into the test set of the samples with a changed answer, in order of evaluation
    wrong: the same of the samples that the quantized network does not answer like their label (see paired)
    done: whether all the samples that were asked for are in
    losses: where the metric is a mean of losses, that of each sample, in order of evaluation
    similarity: a second figure beside the metric, where the task has one
    """

    metric: Metric
    fp32: Metric
    difference: Metric
    agreement: Metric
    changed: tuple[int, ...]
    done: bool
    wrong: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()
    similarity: Metric | None = None


class Tally(Protocol):
    """Counts over the samples so far."""

    def add(self, chosen: np.ndarray, labels: np.ndarray | None, before: Reading, after: Reading) -> None:
        """Count a batch: indices into the data, labels, what FP32 and the quantized network made of it."""

    def evaluation(self, done: bool) -> Evaluation:
        """What they say."""


@dataclass(frozen=True)
class Task:
    """id: the metric's name, as a Model has it. lower: whether less of it is better.

    read: (network, its outputs, labels of these samples or None) → a Reading
    tally: () → an empty Tally
    difference: (two finished evaluations, what) → second − first, paired, with its 95 % interval
    """

    id: str
    unit: str
    lower: bool
    read: Callable[[Network, torch.Tensor, np.ndarray | None], Reading]
    tally: Callable[[], Tally]
    difference: Callable[[Evaluation, Evaluation, str], Metric]


TASKS: Registry[Task] = Registry("task")


def paired(first: Evaluation, second: Evaluation, what: str = "difference") -> Metric:
    """second − first in the task's metric, paired on the samples that both answered, with its 95 % interval.

    Both must have used the same samples, as two evaluations of one seed do. Raises DataError for
    different numbers of samples.
    """
    n = first.metric.n
    if second.metric.n != n:
        raise DataError(f"a paired difference needs the same samples, not {n} and {second.metric.n}")
    return TASKS[first.metric.name].difference(first, second, what)


TASKS.discover(__name__, __path__)
