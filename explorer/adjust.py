"""Adjust the range to lose the least: the article's fourth step.

The range that a method finds is the best for the weights, not for the task. A common factor on all
layers' ranges is tried first, then a factor of its own for the layers with most error, each judged
by the task's own metric on the calibration samples; what is kept is reported on the test samples.
Equal metrics are told apart by how far the network's outputs are from FP32's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from explorer.errors import SettingsError
from explorer.models import MODELS
from explorer.pipeline import calibration_order, quantizers, settings_of, simulate, stream, weigh
from explorer.progress import stop_if
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.simulate import Simulated
from explorer.stages import loaded
from explorer.tasks import TASKS, Metric, Reading
from explorer.workers import mapped

COMMON = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 1.05)  # 1 is what the search starts from
OWN = (0.9, 0.8, 0.65, 1.1)
MOST_LAYERS = 6  # that get a factor of their own


@dataclass(frozen=True, eq=False)
class Adjusted:
    """settings: with the factors that lost the least. tried: one row per try, columns step,
    layer (-1 for all), factor, calibration (the metric), output_mse, kept. before, after: the
    metric on the calibration samples; test_before, test_after: on the test samples."""

    settings: Settings
    tried: pd.DataFrame
    before: Metric
    after: Metric
    test_before: Metric
    test_after: Metric


def adjust(settings_or_link, *, progress: Callable[[str, float], None] | None = None, cancel=None) -> Adjusted:
    """Search the factors. Raises SettingsError for weights without a range, Cancelled, DataError."""
    settings = settings_of(settings_or_link)
    if not settings.weights.range:
        raise SettingsError(f"{settings.weights} has no range to adjust; choose an integer or a scaled format")
    judge = _Judge(settings, cancel)
    best, score = settings, judge(settings)
    before, tried = score[0], [("start", -1, settings.weights.factor, score[0].value, score[1], True)]
    tries = _tries(settings)
    total = len(COMMON) + len(OWN) * len(tries)

    def attempt(step: str, layer: int, factor: float, candidate: Settings) -> None:
        nonlocal best, score
        found = judge(candidate)
        better = judge.rank(found) > judge.rank(score)
        tried.append((step, layer, factor, found[0].value, found[1], better))
        if better:
            best, score = candidate, found
        if progress is not None:
            progress("adjust", (len(tried) - 1) / total)

    for factor in COMMON:
        attempt("all layers", -1, factor, settings.replace(weights=_scaled(settings.weights, factor)))
    for i in tries:
        start = best.weights_of(i)
        for factor in OWN:
            own = {**dict(best.layers), i: _scaled(start, factor)}
            attempt("one layer", i, factor, best.replace(layers=own))
    return Adjusted(
        best,
        pd.DataFrame(tried, columns=["step", "layer", "factor", "calibration", "output_mse", "kept"]),
        before, score[0], _test(settings, cancel), _test(best, cancel),
    )  # fmt: skip


def _scaled(recipe: Recipe, factor: float) -> Recipe:
    """The recipe with its range times a factor, written with three digits."""
    return recipe.replace(range=f"{recipe.method}@{float(f'{recipe.factor * factor:.3g}')}")


def _tries(settings: Settings) -> list[int]:
    """The layers with the largest share of error for their weights, worst first."""
    layers = weigh(settings).layers
    scaled = [i for i in layers["index"] if settings.weights_of(i).range]
    return sorted(scaled, key=lambda i: layers["sqnr_db"][i])[:MOST_LAYERS]


def _test(settings: Settings, cancel) -> Metric:
    *_, evaluation = stream(settings, cancel=cancel)
    return evaluation.metric


class _Judge:
    """Scores settings on the calibration samples: (metric, mean squared difference of the outputs)."""

    def __init__(self, settings: Settings, cancel):
        self._network, self._cancel = loaded(settings), cancel
        quantizers(settings, cancel=cancel)  # records once what every candidate's ranges are found from
        order = calibration_order(self._network, settings)
        samples = self._network.calibration[order]
        batch, self._each = MODELS[settings.model].batch, mapped(MODELS[settings.model].parameters)
        self._batches = [self._network.prepare(samples[i : i + batch]) for i in range(0, len(samples), batch)]
        self._outputs = self._run(Simulated(self._network))
        labels = self._network.calibration_labels
        self._labels, self._order = None if labels is None else labels[order], order
        self._task = TASKS[MODELS[settings.model].metric]
        self._fp32 = self._read(self._outputs)

    def __call__(self, settings: Settings) -> tuple[Metric, float]:
        outputs, tally = self._run(simulate(settings, cancel=self._cancel)), self._task.tally()
        tally.add(self._order, self._labels, self._fp32, self._read(outputs))
        metric = tally.evaluation(done=True).metric
        named = replace(metric, name=f"{metric.name} on calibration samples")
        return named, _distance(outputs, self._outputs)

    def rank(self, score: tuple[Metric, float]) -> tuple[float, float]:
        """The larger the better."""
        return (-score[0].value if self._task.lower else score[0].value), -score[1]

    def _run(self, simulated: Simulated) -> list[torch.Tensor]:
        def run(batch: torch.Tensor) -> torch.Tensor:
            stop_if(self._cancel, "adjusting was stopped; the settings are as before")
            return simulated(batch)

        return list(self._each(run, self._batches))

    def _read(self, outputs: list[torch.Tensor]) -> Reading:
        ends = np.cumsum([len(each) for each in outputs])[:-1]
        labels = [None] * len(outputs) if self._labels is None else np.split(self._labels, ends)
        readings = [self._task.read(self._network, each, known) for each, known in zip(outputs, labels, strict=True)]
        return {name: np.concatenate([each[name] for each in readings]) for name in readings[0]}


def _distance(first: list[torch.Tensor], second: list[torch.Tensor]) -> float:
    """Mean squared difference of outputs, as far as both go: one of two transcripts may be longer."""
    pairs = [(a[:, : b.shape[1]], b[:, : a.shape[1]]) for a, b in zip(first, second, strict=True)]
    return float(torch.cat([(a - b).flatten() for a, b in pairs]).square().mean())
