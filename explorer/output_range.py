"""The `output` range of an activation: what is left of the layer's output with each candidate.

Every layer is run by itself on what it gets in FP32 for a batch of calibration samples, with its
input quantized to each candidate range, and with its own FP32 weights; the candidate with the least
squared error of the outputs wins (see calibration/output.py for the candidates, which start from the
exact ends of all calibration samples). This is the error itself, with everything that cancels in the
layer's sums, on as many samples as hold a million input values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from explorer.calibration.output import search
from explorer.errors import DataError
from explorer.grid import Grid
from explorer.models import Network
from explorer.progress import stop_if
from explorer.recipe import Recipe
from explorer.rows import Record
from explorer.simulate import ActivationQuantizer, own_copy

VALUES = 1 << 20  # of a layer's input that it is judged on
FEWEST = 2  # samples, however large the layer


def output_ranges(
    network: Network,
    records: Sequence[Record],
    recipe: Recipe,
    samples: np.ndarray,
    *,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
    cancel=None,
) -> tuple[tuple[float, float], ...]:
    """(low, high) for the input of each layer, before the recipe's factor.

    records: what all calibration samples showed; samples: [n, ...] as stored, run in one pass;
    seed: of stochastic rounding. progress("calibrate", 0…1); Raises DataError for no samples, Cancelled.
    """
    if len(samples) < 1:
        raise DataError("a range judged at the output needs at least 1 sample, not 0")
    found: list[tuple[float, float]] = [(0.0, 0.0)] * len(network.layers)

    def judge(i: int, layer: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        stop_if(cancel, "looking for ranges was stopped; start it again to go on")
        x = inputs[0]
        few = max(FEWEST, VALUES // max(1, x[0].numel()))
        found[i] = _best(layer, x[:few], output[:few], recipe, records[i], seed)
        if progress is not None:
            progress("calibrate", (i + 1) / len(network.layers))

    module = own_copy(network.module)
    for i, layer in enumerate(network.layers):
        if not layer.multiplies:
            continue
        module.get_submodule(layer.name).register_forward_hook(partial(judge, i))
    with torch.inference_mode():
        module(network.prepare(samples))
    return tuple(found)


def _best(layer: torch.nn.Module, x: torch.Tensor, output: torch.Tensor, recipe: Recipe, seen: Record, seed: int):
    symmetric = Grid.of(recipe).symmetric

    def loss(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        ends = (-max(-low[0], high[0]), max(-low[0], high[0])) if symmetric else (low[0], high[0])
        quantized = ActivationQuantizer(recipe, *map(float, ends), seed=seed)(x)
        error = layer.forward(quantized).sub_(output)  # forward: without the hooks
        return np.array([float(torch.linalg.vector_norm(error, dtype=torch.float64)) ** 2])

    low, high = search(loss, np.array([min(seen.low, 0.0)]), np.array([max(seen.high, 0.0)]), symmetric)
    if symmetric:
        high = np.maximum(-low, high)
        low = -high
    return float(low[0]), float(high[0])
