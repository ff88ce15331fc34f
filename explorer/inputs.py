"""What a layer was given on the calibration samples, as the algorithms read it: its moments.

A layer computes y = W x + b for every row x: a sample of a linear layer, a patch under the kernel of
a convolution. Its squared output error is Σ δ M δᵀ with δ the rows of W − Ŵ and M the mean of x xᵀ, so
that M is all that GPTQ, AdaRound, AWQ and the `output` range need, however many rows there were.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from explorer.errors import DataError
from explorer.models import Layer, Network
from explorer.models.layout import out_first
from explorer.simulate import own_copy, run_in_batches
from explorer.values import as_values

MOST_ROWS, ROWS_A_COLUMN = 1 << 13, 32  # of a layer, whichever is more; of larger convolutions that many patches are drawn
STRIP = 1 << 22  # numbers in patches at a time: 16 MB
MAGNITUDES = 1 << 18  # numbers whose magnitudes are taken at a time: their sums are the same on any number of threads


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
        x = torch.from_numpy(as_values(x))
        if x.ndim not in (2, 3) or not x.numel():
            raise DataError(f"inputs are rows [n, columns], or [groups, n, columns], not {list(x.shape)}")
        sums = _Sums()
        sums.add((x if x.ndim == 3 else x[None]).transpose(1, 2))
        channels = x.abs().reshape(-1, x.shape[-2], x.shape[-1])
        sums.watch(channels.amax(1).reshape(-1), channels.sum(1).reshape(-1), x.shape[-2])
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
        self.second = self.first = self.absmax = self.abssum = None
        self.rows = self.numbers = 0

    def add(self, x: torch.Tensor) -> None:
        """Columns [G, K, n]."""
        second, first = torch.bmm(x, x.transpose(1, 2)), x.sum(2)
        self.second = second if self.second is None else self.second.add_(second)
        self.first = first if self.first is None else self.first.add_(first)
        self.rows += x.shape[2]

    def watch(self, absmax: torch.Tensor, abssum: torch.Tensor, numbers: int) -> None:
        """The largest magnitude of each channel and the sum of `numbers` of them."""
        self.absmax = absmax if self.absmax is None else torch.maximum(self.absmax, absmax)
        self.abssum = abssum.double() if self.abssum is None else self.abssum.add_(abssum)
        self.numbers += numbers

    def inputs(self) -> LayerInputs:
        """Raises DataError for inputs whose squares float32 cannot hold."""
        if not self.second.isfinite().all():
            raise DataError(f"inputs reach {self.absmax.max():.3g}, whose squares are beyond float32; scale them down")
        if self.absmax.any() and not self.second.diagonal(dim1=1, dim2=2).any():
            raise DataError(f"inputs reach {self.absmax.max():.3g} only, whose squares are 0 in float32; scale them up")
        return LayerInputs(
            self.rows,
            (self.second / self.rows).numpy(),
            (self.first / self.rows).numpy(),
            self.absmax.numpy(),
            (self.abssum / self.numbers).float().numpy(),
        )


def layer_inputs(
    network: Network,
    samples: np.ndarray,
    batch: int,
    *,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    cancel=None,
) -> tuple[LayerInputs | None, ...]:
    """The inputs of every layer over all samples, in one pass of the FP32 network; None for an embedding, which is given numbers of rows.

    samples: [n, ...] as stored; batch: samples per forward pass; seed: where the patches begin
    of a convolution that has too many. progress(share done) is called after each batch, cancel.is_set() asked
    before. Raises DataError that names the layer, or for no samples; Cancelled.
    """
    if len(samples) < 1:
        raise DataError("the inputs of layers need at least 1 calibration sample, not 0")
    sums = {layer.name: _Sums() for layer in network.layers}
    draw = np.random.Generator(np.random.Philox(seed))

    def watch(layer: Layer, module, inputs: tuple) -> None:
        x = inputs[0].detach()
        absmax, abssum = _magnitudes(x if hasattr(module, "groups") else x.reshape(-1, x.shape[-1], 1))
        if not absmax.isfinite().all():
            lost = int((~x.isfinite()).sum())
            raise DataError(f"the input of layer {layer.name} holds {lost:,} values that are NaN or infinite")
        sums[layer.name].watch(absmax, abssum, x.numel() // len(absmax))
        most = max(MOST_ROWS, ROWS_A_COLUMN * out_first(module)[0].numel())
        for columns in _columns(module, x, max(1, most // len(samples)), draw):
            sums[layer.name].add(columns)

    module = own_copy(network.module)
    for layer in network.layers:
        if layer.multiplies:
            module.get_submodule(layer.name).register_forward_pre_hook(partial(watch, layer))
    run_in_batches(module, network, samples, batch, "reading the layers' inputs", progress=progress, cancel=cancel)
    return tuple(_named(layer, sums[layer.name]) if layer.multiplies else None for layer in network.layers)


def _named(layer: Layer, sums: _Sums) -> LayerInputs:
    try:
        return sums.inputs()
    except DataError as error:
        raise DataError(f"layer {layer.name}: {error}") from error


def _magnitudes(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Largest |x| and Σ|x| of each channel of [n, channels, …], a few samples at a time."""
    found = [(part.amax((0, *range(2, x.ndim))), part.sum((0, *range(2, x.ndim)))) for part in
             (piece.abs() for piece in x.split(max(1, MAGNITUDES // x[0].numel())))]  # fmt: skip
    largest, total = zip(*found)
    return torch.stack(largest).amax(0), torch.stack(total).sum(0)


def _columns(module: torch.nn.Module, x: torch.Tensor, most: int, draw: np.random.Generator):
    """Columns [G, K, n] of a layer's input, in strips: of about `most` positions of each sample where it has more,
    those of a convolution with longer strides that begins anywhere."""
    if not hasattr(module, "groups"):
        yield x.reshape(1, -1, x.shape[-1]).transpose(1, 2)
        return
    if module.transposed:
        yield from _columns_transposed(module, x)
        return
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    x = torch.nn.functional.pad(x, _padding(module), mode=mode)
    spans = [(kernel - 1) * dilation + 1 for kernel, dilation in zip(module.kernel_size, module.dilation)]
    sides = [(x.shape[2 + i] - spans[i]) // module.stride[i] + 1 for i in (0, 1)]  # of the output
    down = min(sides[0], max(1, round(math.sqrt(sides[0] * sides[1] / most))))
    steps = down, math.ceil(sides[0] * sides[1] / most / down)
    for i, (step, stride) in enumerate(zip(steps, module.stride)):
        first = stride * int(draw.integers(min(step, sides[i]))) if step > 1 else 0
        x = x.narrow(2 + i, first, x.shape[2 + i] - first)
        x = x.unfold(2 + i, spans[i], stride * step)[..., :: module.dilation[i]]
    n, channels, height, width, *kernel = x.shape  # a view: nothing is copied yet
    groups, columns = module.groups, channels // module.groups * kernel[0] * kernel[1]
    if groups == 1 and columns == channels and x.stride(1) == 1:  # single pixels, their channels side by side: nothing to turn
        yield x[..., 0, 0].movedim(1, -1).reshape(1, -1, channels).transpose(1, 2)
        return
    x = x.reshape(n, groups, -1, height, width, *kernel).permute(1, 2, 5, 6, 0, 3, 4)  # positions last: copies run along them
    strip = max(1, STRIP // (groups * columns * n * width))
    for top in range(0, height, strip):
        yield x[..., top : top + strip, :].reshape(groups, columns, -1)


def _columns_transposed(module: torch.nn.Module, x: torch.Tensor):
    """Columns [G, K, n] of a transposed convolution, which is a convolution of the input with zeros in between, its kernel turned round
    (Dumoulin and Visin 2016, arXiv 1603.07285, chapter 4)."""
    n, channels, *sides = x.shape
    apart = x.new_zeros(n, channels, *((side - 1) * stride + 1 for side, stride in zip(sides, module.stride)))
    apart[:, :, :: module.stride[0], :: module.stride[1]] = x
    spans = [(kernel - 1) * dilation for kernel, dilation in zip(module.kernel_size, module.dilation)]
    before = [span - padding for span, padding in zip(spans, module.padding)]
    after = [room + more for room, more in zip(before, module.output_padding)]
    apart = torch.nn.functional.pad(apart, (before[1], after[1], before[0], after[0]))
    for i in (0, 1):
        apart = apart.unfold(2 + i, spans[i] + 1, 1)[..., :: module.dilation[i]].flip(-1)
    groups = module.groups
    apart = apart.reshape(n, groups, channels // groups, *apart.shape[2:]).permute(1, 2, 5, 6, 0, 3, 4)
    yield apart.reshape(groups, channels // groups * math.prod(module.kernel_size), -1)


def _padding(module: torch.nn.Module) -> list[int]:
    """How much to pad on each side, last axis first, as torch.nn.functional.pad wants them."""
    return list(module._reversed_padding_repeated_twice)  # known also where padding is "same"
