"""The proof that a file holds what it should: it was read again and compared with the simulation, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from explorer.deploy.content import Content
from explorer.errors import DataError
from explorer.evaluate import evaluate
from explorer.models import MODELS
from explorer.stages import loaded
from explorer.stamp import tolerance
from explorer.tasks import Metric


@dataclass(frozen=True, eq=False)
class ReadBack:
    """What the library that reads a file found in it.

    reader: its name and version. codes: one array a layer, as the quantized
    tensor has them. values: the weights they stand for, float32 [out, ...].
    run: the module's input to its output by what was read. differ: how many numbers beside these differ.
    reference: the simulation of what the file computes where that is more than was simulated, and
    joined: how many values it quantizes beside the inputs of layers.
    biases: how many layers' biases it holds as whole numbers.
    """

    reader: str
    codes: Sequence[np.ndarray]
    values: Sequence[np.ndarray]
    run: Callable[[torch.Tensor], torch.Tensor]
    differ: int = 0
    reference: Callable[[torch.Tensor], torch.Tensor] | None = None
    joined: int = 0
    biases: int = 0


@dataclass(frozen=True)
class Checks:
    """Codes and weights are compared one by one, outputs and answers on all test samples of the settings.

    The reference is the simulation, with as many values quantized in addition as the file does: joined.
    largest_difference: of an output from the reference's; largest_output: of the reference's own, for comparison.
    metric, reference_metric: by the file and by the reference. answers_differ: samples they answer otherwise.
    simulated_metric: by the simulation as the page shows it. biases: layers whose bias is whole numbers there.
    """

    reader: str
    codes: int
    codes_differ: int
    values_differ: int
    largest_difference: float
    largest_output: float
    answers_differ: int
    metric: Metric
    simulated_metric: Metric
    reference_metric: Metric
    joined: int = 0
    biases: int = 0

    def as_dict(self) -> dict:
        """JSON-ready."""
        return {name: value.as_dict() if isinstance(value, Metric) else value for name, value in vars(self).items()}

    @property
    def passed(self) -> bool:
        return not self.problem

    @property
    def problem(self) -> str:
        """Why the file must not be used; "" when it may."""
        if self.codes_differ or self.values_differ:
            return f"{self.codes_differ:,} codes and {self.values_differ:,} other numbers differ after reading it back"
        if not np.isfinite(self.largest_difference):
            return "its outputs are NaN or infinite"
        allowed = tolerance(self.reference_metric.value, self.metric.n, self.metric.kind)  # as a link's stamp is compared
        if abs(self.metric.value - self.reference_metric.value) > allowed + 1e-9:
            return f"its {self.metric.name} is {self.metric.value:.4f}, and {self.reference_metric.value:.4f} when simulated"
        return ""

    def sentence(self) -> str:
        """What was compared, in one line of plain English."""
        values = "value" if self.joined == 1 else "values"
        more = (f"; {self.joined} {values} before sums and means {'is an integer' if self.joined == 1 else 'are integers'} too, which the simulation on the page leaves in floating "
                f"point: {self.simulated_metric.value:.4f} without them" if self.joined else "")  # fmt: skip
        return (f"read again by {self.reader}: {self.codes:,} codes equal; largest output difference {self.largest_difference:.3g} "
                f"of {self.largest_output:.3g}; {self.metric.name} {self.metric.value:.4f}, simulated "
                f"{self.reference_metric.value:.4f}; {self.answers_differ} of {self.metric.n:,} answers differ{more}")  # fmt: skip


def compare(content: Content, back: ReadBack, *, progress=None, cancel=None) -> Checks:
    """Run what was read on the test samples beside the simulation. Raises Cancelled."""
    plan, settings = content.plan, content.plan.settings
    reference, expected = back.reference or content.simulated(), []
    seen = {"difference": 0.0, "output": 0.0, "answers": 0}

    def both(inputs: torch.Tensor, _cancel=None) -> torch.Tensor:
        here, there = reference(inputs), back.run(inputs)
        difference = (there - here).abs().max().item()
        seen["difference"] = max(seen["difference"], difference if np.isfinite(difference) else np.inf)
        seen["output"] = max(seen["output"], here.abs().max().item())
        differ = plan.network.answers(here) != plan.network.answers(there)
        seen["answers"] += int(differ.reshape(len(differ), -1).any(axis=1).sum())
        if back.reference is not None:  # it is evaluated below
            expected.append(here)
        return there

    def evaluated(run):
        for evaluation in evaluate(loaded(settings), MODELS[settings.model], run, samples=settings.evaluation_samples,
                                   seed=settings.seed, cancel=cancel):  # fmt: skip
            if progress is not None:
                progress("verify", evaluation.metric.n / settings.evaluation_samples)
        return evaluation.metric

    metric, again = evaluated(both), iter(expected)
    simulated = content.evaluation.metric
    reference_metric = simulated if back.reference is None else evaluated(lambda _inputs, _cancel=None: next(again))
    differ = sum(_differ(q.codes, codes) for q, codes in zip(content.tensors, back.codes, strict=True))
    values = sum(_differ(q.dequantize(), read) for q, read in zip(content.tensors, back.values, strict=True))
    return Checks(back.reader, sum(q.codes.size for q in content.tensors), differ, values + back.differ, seen["difference"],
                  seen["output"], seen["answers"], metric, simulated, reference_metric, back.joined, back.biases)  # fmt: skip


def differing(ours, read) -> int:
    """How many numbers of two arrays are not equal; all, if the shapes differ; None is equal to None."""
    if ours is None or read is None:
        return int(ours is not read)
    return _differ(np.asarray(ours), np.asarray(read))


def _differ(ours: np.ndarray, read: np.ndarray) -> int:
    if ours.shape != read.shape:
        return max(ours.size, 1)
    return int((ours != read).sum())


def unreadable(path, error: Exception) -> DataError:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return DataError(f"{path} could not be read again: {reason}")
