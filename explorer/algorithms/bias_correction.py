"""Bias correction: take out of each bias the mean error that quantized weights make of the layer's output.

Rounding moves the mean of an output by (Ŵ − W) E[x]; that is subtracted from its bias, for each output
channel, for a convolution over all positions. Layers go in order of execution, so that x is what
the layers before, quantized and corrected, hand on; afterwards the mean error is 0 on the samples.
Source: Nagel, van Baalen, Blankevoort and Welling, ICCV 2019, arXiv 1906.04721, section 4.2 and appendix D
(E[x] from data).

It moves means only. Where the error is far larger than its mean, at 2 bits, it may well do harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.errors import DataError
from explorer.granularity import matrix
from explorer.progress import stop_if
from explorer.values import as_values

if TYPE_CHECKING:
    import torch

    from explorer.models import Network

TOGETHER = 1 << 26  # numbers in the largest layer's inputs and outputs: the samples of one pass, 256 MB


def bias_correct(w, b, w_q, x) -> np.ndarray:
    """The corrected bias b − (w_q − w) E[x], float32 [out].

    w, w_q: the weights before and after, [out, …]; b: [out], or None for a layer without one
    x: rows [n, columns] that the layer is given, or [groups, n, columns] for a grouped convolution
    Raises DataError for shapes that do not fit.
    """
    w, w_q, x = matrix(as_values(w)), matrix(as_values(w_q)), as_values(x)
    if x.ndim not in (2, 3):
        raise DataError(f"inputs are rows [n, columns], or [groups, n, columns], not {list(x.shape)}")
    mean = x.reshape(-1, *x.shape[-2:]).mean(axis=1, dtype=np.float64)  # [groups, columns]
    b = np.zeros(len(w), np.float32) if b is None else as_values(b)
    if w.shape != w_q.shape or b.shape != (len(w),) or w.shape[1] != mean.shape[1] or len(w) % len(mean):
        raise DataError(f"weights {list(w.shape)} and {list(w_q.shape)}, a bias {list(b.shape)} and inputs of "
                        f"{len(mean)} × {mean.shape[1]} columns do not fit together")  # fmt: skip
    error = (w_q.astype(np.float64) - w).reshape(len(mean), -1, mean.shape[1])
    return (b - np.einsum("gok,gk->go", error, mean).reshape(-1)).astype(np.float32)


def correct(network: Network, weights, activations, samples, *, progress=None, cancel=None) -> list[np.ndarray | None]:
    """The corrected bias of each layer, None where the weights stay as they are.

    weights, activations: as Simulated takes them; samples: [n, …] as stored. All go through the
    network together, layer by layer: of large networks the first that fit TOGETHER.
    """
    import torch

    from explorer.simulate import Simulated

    simulated = Simulated(network, weights, activations)
    corrected: list[np.ndarray | None] = [None] * len(network.layers)

    def watch(i: int):
        layer = network.module.get_submodule(network.layers[i].name)

        def hook(module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
            stop_if(cancel, "the correction of biases was stopped; start it again to go on")
            channel = 1 if hasattr(module, "groups") else output.ndim - 1
            error = mean_of(linear_part(module, inputs[0], module.weight - layer.weight), channel)
            bias = -error if layer.bias is None else layer.bias.double() - error
            corrected[i] = bias.float().numpy()
            shift = torch.from_numpy(corrected[i])
            if layer.bias is not None:
                shift = shift - layer.bias
            if progress is not None:
                progress((i + 1) / len(network.layers))
            return output + shift.reshape([-1 if side == channel else 1 for side in range(output.ndim)])

        return hook

    for i, weight in enumerate(weights):
        if weight is not None and network.layers[i].multiplies:
            simulated.layer(i).register_forward_hook(watch(i))
    samples = samples[: how_many(network, len(samples))]
    simulated(network.prepare(samples))
    return corrected


def note(network: Network, samples: int) -> str:
    used = how_many(network, samples)
    if used == samples:
        return ""
    return (f"Bias correction is computed on {used} of the {samples} calibration samples: they go through the network together, "
            "and more do not fit the memory that it allows itself.")  # fmt: skip


def linear_part(module: torch.nn.Module, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The layer's output for x with these weights and no bias."""
    import torch

    if getattr(module, "transposed", False):
        how = module.stride, module.padding, module.output_padding, module.groups, module.dilation
        return torch.nn.functional.conv_transpose2d(x, weight, None, *how)
    if hasattr(module, "groups"):
        return module._conv_forward(x, weight, None)
    return torch.nn.functional.linear(x, weight)


def mean_of(output: torch.Tensor, channel: int) -> torch.Tensor:
    """Mean of each channel, float64."""
    import torch

    return output.mean([side for side in range(output.ndim) if side != channel], dtype=torch.float64)


def how_many(network: Network, most: int) -> int:
    """How many samples go through the network at once: `most`, or what TOGETHER allows."""
    import torch

    from explorer.simulate import own_copy

    largest = [1]

    def watch(_module, inputs: tuple, output: torch.Tensor) -> None:
        largest.append(inputs[0].numel() + output.numel())

    module = own_copy(network.module)
    for layer in network.layers:
        module.get_submodule(layer.name).register_forward_hook(watch)
    with torch.inference_mode():
        module(network.prepare(network.calibration[:1]))
    return max(1, min(most, TOGETHER // max(largest)))


ALGORITHMS.register(
    Algorithm(
        id="biascorr",
        title="Bias correction",
        stage="bias",
        place=1,
        description="Takes the mean error of each layer's outputs on the calibration samples out of its bias, in order, "
        "with the layers before it quantized. It can help or hurt: compare. Of a large network it takes as many samples as fit 256 MB.",
        source="Nagel et al., ICCV 2019, arXiv 1906.04721",
        apply=correct,
        function=bias_correct,
        reads=("calibration", "weights", "activations"),
        note=note,
        exact=True,  # it leaves the codes alone
    )
)
