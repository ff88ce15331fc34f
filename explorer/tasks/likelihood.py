"""How surprised a language model is by a text: bits per character, or perplexity.

The loss of a sequence is the mean over its positions of −log p(next token); sequences are the samples, so that
intervals are over sequences, and the difference from FP32 is paired on them.
"""

from __future__ import annotations

from functools import partial
from math import exp, inf, log
from typing import TYPE_CHECKING

import numpy as np

from explorer.tasks import TASKS, Evaluation, Metric, Reading, Task
from explorer.tasks.intervals import of_mean

if TYPE_CHECKING:
    import torch

    from explorer.models import Network

LARGEST = 690.0  # nats: e to the power of more is beyond float64, and a text that unlikely is no text


def read(network: Network, outputs: torch.Tensor, labels: np.ndarray) -> Reading:
    """losses: float64 [k], nats; answers: the most likely tokens, int64 [k, positions].

    outputs: logits [k, positions, vocabulary]; labels: the tokens that follow, int64 [k, positions]
    """
    return {"losses": losses(outputs, labels), "answers": network.answers(outputs)}


def losses(logits: torch.Tensor, labels: np.ndarray) -> np.ndarray:
    """Mean cross-entropy in nats of each sequence, float64 [k]."""
    import torch

    found = [-torch.log_softmax(each, -1).gather(-1, torch.from_numpy(following)[:, None]).double().mean().item()
             for each, following in zip(logits, labels, strict=True)]  # fmt: skip
    return np.float64(found)


class Surprise:
    """The losses of the sequences so far."""

    def __init__(self, name: str, unit: str):
        self._name, self._unit = name, unit
        self._before: list[float] = []
        self._after: list[float] = []
        self._alike: list[float] = []
        self._changed: list[int] = []

    def add(self, chosen: np.ndarray, labels: np.ndarray, before: Reading, after: Reading) -> None:
        self._before += before["losses"].tolist()
        self._after += after["losses"].tolist()
        alike = before["answers"] == after["answers"]
        self._alike += alike.mean(axis=1).tolist()
        self._changed += chosen[~alike.all(axis=1)].tolist()

    def evaluation(self, done: bool) -> Evaluation:
        metric, fp32 = (_mean(self._name, self._unit, each) for each in (self._after, self._before))
        difference = _change(f"{self._name}, difference from FP32", self._unit, self._before, self._after)
        low, high = of_mean(self._alike)
        agreement = Metric("agreement with FP32", float(np.mean(self._alike)), max(low, 0.0), min(high, 1.0), len(self._alike), "mean")
        return Evaluation(metric, fp32, difference, agreement, tuple(self._changed), done, losses=tuple(self._after))


def _mean(name: str, unit: str, losses) -> Metric:
    """The value for the mean loss; an interval of the mean becomes one of the value, since that grows with it."""
    low, high = of_mean(losses)
    ends = _value(max(low, 0.0), unit), inf if high == inf else _value(high, unit)
    return Metric(name, _value(float(np.mean(losses)), unit), *ends, len(losses), "mean", unit)


def _value(loss: float, unit: str) -> float:
    return loss / log(2) if unit == "bits" else exp(min(loss, LARGEST))


def _change(what: str, unit: str, before, after) -> Metric:
    """after − before. Its interval is that of the mean of each sequence's part in it: for bits the difference of the
    two losses, for perplexities that of e^mean · loss, to first order (the delta method; van der Vaart, Asymptotic
    Statistics, 1998, chapter 3)."""
    first, second = np.float64(before), np.float64(after)
    values = _value(float(first.mean()), unit), _value(float(second.mean()), unit)
    slopes = (1 / log(2),) * 2 if unit == "bits" else values
    low, high = of_mean(slopes[1] * (second - second.mean()) - slopes[0] * (first - first.mean()))
    value = values[1] - values[0]
    return Metric(what, value, value + low, value + high, len(first), "difference", unit)


def difference(unit: str, first: Evaluation, second: Evaluation, what: str) -> Metric:
    return _change(what, unit, first.losses, second.losses)


for name, unit in (("bits per character", "bits"), ("perplexity", "perplexity")):
    TASKS.register(Task(name, unit, True, read, partial(Surprise, name, unit), partial(difference, unit)))
