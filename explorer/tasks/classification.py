"""Which class a sample is of: accuracy against labels, else agreement with the unquantized network.

Where the network also says what it took the sample for (Network.features), the cosine between the
features of both networks stands beside: a task may hide what it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.tasks import TASKS, Evaluation, Metric, Reading, Task
from explorer.tasks.intervals import agresti_min, of_mean, wilson

if TYPE_CHECKING:
    import torch

    from explorer.models import Network


def read(network: Network, outputs: torch.Tensor, labels: np.ndarray | None) -> Reading:
    """answers: int64 [k]; features: float32 [k, d], where there are any."""
    reading = {"answers": network.answers(outputs)}
    return reading if network.features is None else reading | {"features": network.features(outputs)}


class Counts:
    """What both got right, answered alike, or took for the same."""

    def __init__(self, name: str):
        self._name, self._labelled = name, True
        self._n = self._right = self._gained = self._lost = 0
        self._changed: list[int] = []
        self._wrong: list[int] = []
        self._cosines: list[float] = []

    def add(self, chosen: np.ndarray, labels: np.ndarray | None, before: Reading, after: Reading) -> None:
        self._labelled = labels is not None
        if "features" in before:
            self._cosines += cosines(before["features"], after["features"]).tolist()
        before, after = before["answers"], after["answers"]
        truth = before if labels is None else labels
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
        return Evaluation(metric, fp32, difference, agreement, tuple(self._changed), done, tuple(self._wrong),
                          similarity=self._similarity())  # fmt: skip

    def _similarity(self) -> Metric | None:
        if not self._cosines:
            return None
        low, high = of_mean(self._cosines)
        return Metric("cosine with FP32's features", float(np.mean(self._cosines)), max(low, -1.0), min(high, 1.0),
                      len(self._cosines), "mean", "cosine")  # fmt: skip


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine between the rows of two float arrays [k, d], float64 [k]; 0 where one of them is 0."""
    a, b = (np.asarray(each, np.float64) for each in (a, b))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.clip(np.einsum("ij,ij->i", a, b) / np.where(lengths > 0, lengths, 1), -1, 1)


def _proportion(name: str, successes: int, n: int) -> Metric:
    return Metric(name, successes / n, *wilson(successes, n), n, "proportion")


def difference(first: Evaluation, second: Evaluation, what: str) -> Metric:
    n, before, after = first.metric.n, set(first.wrong), set(second.wrong)
    gained, lost = len(before - after), len(after - before)
    return Metric(what, (gained - lost) / n, *agresti_min(gained, lost, n), n, "difference")


for name in ("accuracy", "agreement with FP32"):
    TASKS.register(Task(name, "share", False, read, lambda name=name: Counts(name), difference))
