"""What a layer was given on the calibration samples, as the algorithms read it: its moments.

A layer computes y = W x + b for every row x: a sample of a linear layer, a patch under the kernel of
a convolution. Its squared output error is Σ δ M δᵀ with δ the rows of W − Ŵ and M the mean of x xᵀ, so
that M is all that GPTQ, AdaRound, AWQ and the `output` range need, however many rows there were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from explorer.errors import DataError
from explorer.models import Layer, Network
from explorer.simulate import own_copy, run_in_batches

MOST_ROWS = 1 << 16  # of a layer; of larger convolutions that many patches are drawn
STRIP = 1 << 22  # numbers in patches at a time: 16 MB


@dataclass(frozen=True, eq=False)
class LayerInputs:
    """G groups (1, or those of a grouped or depthwise convolution) of K columns, as a row of `weight.reshape(out, K)`.

    rows: how many x there were in each group
    second: mean of x xᵀ, float32 [G, K, K]; GPTQ's Hessian is twice this
    mean: mean of x, float32 [G, K]
    absmax, absmean: largest and mean |x| of each input channel over all positions, float32 [in]
    """

    rows: int
    second: np.ndarray
    mean: np.ndarray
    absmax: np.ndarray
    absmean: np.ndarray

    @classmethod
    def of(cls, x) -> LayerInputs:
        """The moments of rows x: [n, K], or [G, n, K] for groups. Raises DataError."""
        x = torch.as_tensor(np.asarray(x), dtype=torch.float32)
        if x.ndim not in (2, 3) or not x.numel():
            raise DataError(f"inputs are rows [n, columns], or [groups, n, columns], not {list(x.shape)}")
        if lost := int((~x.isfinite()).sum()):
            raise DataError(f"{lost:,} of {x.numel():,} inputs are NaN or infinite; use finite ones")
        sums = _Sums()
        sums.add((x if x.ndim == 3 else x[None]).transpose(1, 2))
        channels = x.abs().reshape(-1, x.shape[-2], x.shape[-1])
        sums.watch(channels.amax(1).reshape(-1), channels.mean(1).reshape(-1), 1)
        return sums.inputs()

    def output_error(self, error: np.ndarray) -> float:
        """Mean over rows of the squared output error Σ_o (δ_o x)², for δ = Ŵ − W of the weight's shape."""
        groups, columns, _ = self.second.shape
        delta = torch.as_tensor(np.asarray(error, np.float32)).reshape(groups, -1, columns)
        second = torch.from_numpy(self.second)
        return float(torch.einsum("gok,gok->", torch.bmm(delta, second).double(), delta.double()))


class _Sums:
    """Sums over the batches so far."""

    def __init__(self):
        self.second = self.first = self.absmax = self.absmean = None
        self.rows = self.weight = 0

    def add(self, x: torch.Tensor) -> None:
        """Columns [G, K, n]."""
        second, first = torch.bmm(x, x.transpose(1, 2)), x.sum(2)
        self.second = second if self.second is None else self.second.add_(second)
        self.first = first if self.first is None else self.first.add_(first)
        self.rows += x.shape[2]

    def watch(self, absmax: torch.Tensor, absmean: torch.Tensor, weight: float) -> None:
        """The largest and the mean magnitude of each channel over `weight` numbers."""
        absmean = absmean.double() * weight
        self.absmax = absmax if self.absmax is None else torch.maximum(self.absmax, absmax)
        self.absmean = absmean if self.absmean is None else self.absmean.add_(absmean)
        self.weight += weight

    def inputs(self) -> LayerInputs:
        return LayerInputs(
            self.rows,
            (self.second / self.rows).numpy(),
            (self.first / self.rows).numpy(),
            self.absmax.numpy(),
            (self.absmean / self.weight).float().numpy(),
        )


def layer_inputs(
    network: Network,
    samples: np.ndarray,
    batch: int,
    *,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    cancel=None,
) -> tuple[LayerInputs, ...]:
    """The inputs of every layer over all samples, in one pass of the FP32 network.

    samples: [n, ...] as stored; batch: samples per forward pass; seed: which patches are drawn where
    a convolution has more than MOST_ROWS. progress(share done) is called after each batch, cancel.is_set() asked
    before. Raises DataError that names the layer, or for no samples; Cancelled.
    """
    if len(samples) < 1:
        raise DataError("the inputs of layers need at least 1 calibration sample, not 0")
    sums = {layer.name: _Sums() for layer in network.layers}
    draw = np.random.Generator(np.random.Philox(seed))

    def watch(layer: Layer, module, inputs: tuple) -> None:
        x = inputs[0].detach()
        if lost := int((~x.isfinite()).sum()):
            raise DataError(f"the input of layer {layer.name} holds {lost:,} values that are NaN or infinite")
        for columns in _columns(module, x, max(1, MOST_ROWS // len(samples)), draw):
            sums[layer.name].add(columns)
        by_channel = x.abs().movedim(1 if hasattr(module, "groups") else -1, 0).flatten(1)
        sums[layer.name].watch(by_channel.amax(1), by_channel.mean(1), by_channel.shape[1])

    module = own_copy(network.module)
    for layer in network.layers:
        module.get_submodule(layer.name).register_forward_pre_hook(partial(watch, layer))
    run_in_batches(module, network, samples, batch, "reading the layers' inputs", progress=progress, cancel=cancel)
    return tuple(sums[layer.name].inputs() for layer in network.layers)


def _columns(module: torch.nn.Module, x: torch.Tensor, most: int, draw: np.random.Generator):
    """Columns [G, K, n] of a layer's input, at most `most` positions of each sample, in strips."""
    if not hasattr(module, "groups"):
        yield x.reshape(1, -1, x.shape[-1]).transpose(1, 2)
        return
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    x = torch.nn.functional.pad(x, _padding(module), mode=mode)
    for side, (kernel, stride, dilation) in enumerate(zip(module.kernel_size, module.stride, module.dilation)):
        x = x.unfold(2 + side, (kernel - 1) * dilation + 1, stride)[..., ::dilation]
    n, channels, height, width, *kernel = x.shape  # a view: nothing is copied yet
    groups, columns = module.groups, channels // module.groups * kernel[0] * kernel[1]
    x = x.reshape(n, groups, -1, height, width, *kernel).permute(1, 2, 5, 6, 0, 3, 4)  # positions last: copies run along them
    if height * width > most:
        positions = np.sort(draw.choice(height * width, most, replace=False))
        y, z = (torch.from_numpy(part) for part in np.divmod(positions, width))
        yield x[..., y, z].reshape(groups, columns, -1)
        return
    step = max(1, STRIP // (groups * columns * n * width))
    for top in range(0, height, step):
        yield x[..., top : top + step, :].reshape(groups, columns, -1)


def _padding(module: torch.nn.Module) -> list[int]:
    """How much to pad on each side, last axis first, as torch.nn.functional.pad wants them."""
    return list(module._reversed_padding_repeated_twice)  # known also where padding is "same"
