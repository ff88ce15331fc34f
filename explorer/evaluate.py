"""What a quantized network still knows: the task's metric with its interval, sharper batch by batch.

The unquantized network answers the same samples, so what quantization costs is a paired
difference: its interval is far narrower than that of either metric, and small test sets are enough.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import DataError
from explorer.progress import stop_if
from explorer.tasks import TASKS, Evaluation, Reading, Task

if TYPE_CHECKING:
    from explorer.models import Model, Network

FIRST = 64  # samples of the first batch at most, so that an estimate comes at once
STOPPED = "the evaluation was stopped; start it again to go on"
REMEMBERED = 1 << 21  # numbers kept of FP32's readings, all networks together


def evaluate(
    network: Network,
    model: Model,
    simulated: Callable,
    *,
    samples: int,
    seed: int,
    cancel=None,
    each: Callable[[Callable, Iterable], Iterator] = map,
) -> Iterator[Evaluation]:
    """The evaluation after each batch, the last one with `done`.

    simulated: the quantized network, from the module's input to its output, given `cancel` where there is one (see Simulated)
    samples: at least 1; more than the test set has means all of it
    seed: of the order in which samples are taken, a permutation of the test set by NumPy's Philox,
    so that fewer samples are a part of more
    cancel: something with `is_set()`, asked between forward passes and by the networks before every layer
    each: map, or what does the same side by side, where `simulated` can be called from many threads

    Batches depend on nothing but these numbers: the same call gives the same values in the same
    order. Raises DataError for samples < 1 or outputs that are NaN or infinite; Cancelled.
    """
    if samples < 1:
        raise DataError(f"evaluation needs at least 1 sample, not {samples}")
    samples = min(samples, len(network.test))
    order = evaluation_order(network, seed)
    task = TASKS[model.metric]
    tally = task.tally()

    def answered(chosen: np.ndarray) -> tuple:
        stop_if(cancel, STOPPED)
        inputs = network.prepare(network.test[chosen])
        labels = None if network.labels is None else network.labels[chosen]
        before = _fp32_reading(network, task, inputs, labels, chosen, cancel)
        stop_if(cancel, STOPPED)
        return chosen, labels, before, task.read(network, _run(simulated, inputs, cancel), labels)

    seen = 0
    for batch in each(answered, [order[start:stop] for start, stop in pairwise(_boundaries(samples, model.batch))]):
        tally.add(*batch)
        seen += len(batch[0])
        yield tally.evaluation(done=seen == samples)


def _run(simulated: Callable, inputs, cancel):
    return simulated(inputs) if cancel is None else simulated(inputs, cancel)


def evaluation_order(network: Network, seed: int) -> np.ndarray:
    """Indices of all test samples as they are taken."""
    return np.random.Generator(np.random.Philox(seed)).permutation(len(network.test))


def _boundaries(samples: int, batch: int) -> list[int]:
    """0, the end of a small first batch, then every `batch` samples, `samples`."""
    first = max(1, min(FIRST, batch // 4))
    return [0, *range(min(first, samples), samples, batch), samples]


_readings: OrderedDict[tuple[str, bytes], Reading] = OrderedDict()
_reading = Lock()


def _fp32_reading(network: Network, task: Task, inputs, labels: np.ndarray | None, chosen: np.ndarray, cancel) -> Reading:
    """What the task keeps of FP32's outputs for test samples `chosen`, computed once.

    Remembered for this very batch, not sample by sample: another batch may round differently in
    the last place, and what is shown must not depend on what was computed before.
    """
    key = network.digest, chosen.tobytes()
    with _reading:
        if key in _readings:
            _readings.move_to_end(key)
            return _readings[key]
    from explorer.simulate import Simulated

    reading = task.read(network, _run(Simulated(network), inputs, cancel), labels)
    with _reading:
        _readings[key] = reading
        while sum(array.size for each in _readings.values() for array in each.values()) > REMEMBERED:
            _readings.popitem(last=False)
    return reading
