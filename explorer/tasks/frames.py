"""Whether somebody speaks, frame by frame: the share of frames that are answered like their label.

Frames that follow each other are alike, so recordings are the samples: intervals are those of a mean over recordings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.tasks import TASKS, Evaluation, Metric, Reading, Task
from explorer.tasks.intervals import of_mean

if TYPE_CHECKING:
    import torch

    from explorer.models import Network

NAME = "accuracy of frames"


def read(network: Network, outputs: torch.Tensor, labels: np.ndarray) -> Reading:
    """answers: int64 [k, frames]."""
    return {"answers": network.answers(outputs)}


class Frames:
    """The share of wrong frames of each recording so far."""

    def __init__(self):
        self._before: list[float] = []
        self._after: list[float] = []
        self._alike: list[float] = []
        self._changed: list[int] = []
        self._wrong: list[int] = []

    def add(self, chosen: np.ndarray, labels: np.ndarray, before: Reading, after: Reading) -> None:
        alike, wrong = before["answers"] == after["answers"], after["answers"] != labels
        self._before += (before["answers"] != labels).mean(axis=1).tolist()
        self._after += wrong.mean(axis=1).tolist()
        self._alike += alike.mean(axis=1).tolist()
        self._changed += chosen[~alike.all(axis=1)].tolist()
        self._wrong += chosen[wrong.any(axis=1)].tolist()

    def evaluation(self, done: bool) -> Evaluation:
        right = 1 - np.float64(self._after), 1 - np.float64(self._before)
        metric, fp32 = (_share(NAME, each) for each in right)
        difference = _change(f"{NAME}, difference from FP32", self._before, self._after)
        agreement = _share("agreement with FP32", np.float64(self._alike))
        return Evaluation(metric, fp32, difference, agreement, tuple(self._changed), done, tuple(self._wrong), tuple(self._after))


def _share(name: str, values: np.ndarray) -> Metric:
    low, high = of_mean(values)
    return Metric(name, float(values.mean()), max(low, 0.0), min(high, 1.0), len(values), "mean")


def _change(what: str, before, after) -> Metric:
    gained = np.float64(before) - np.float64(after)
    low, high = of_mean(gained)
    return Metric(what, float(gained.mean()), max(low, -1.0), min(high, 1.0), len(gained), "difference")


def difference(first: Evaluation, second: Evaluation, what: str) -> Metric:
    return _change(what, first.losses, second.losses)


TASKS.register(Task(NAME, "share", False, read, Frames, difference))
