"""Run a network as if its weights and activations were quantized, and watch what flows in it.

Quantized integers are simulated by the real numbers they stand for: a layer on dequantized
weights and inputs gives what integer arithmetic gives, but for float32's rounding in the sums
(Jacob et al., CVPR 2018, arXiv 1712.05877; the test does the integer arithmetic). Activations are
quantized at the input of every layer that has a quantizer; biases stay in FP32.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import repeat

import numpy as np
import torch

from explorer.calibration import range_of_rows
from explorer.errors import Cancelled, DataError
from explorer.formats import FORMATS
from explorer.grid import grid_of
from explorer.models import Layer, Network
from explorer.quantize import decibels
from explorer.recipe import Recipe
from explorer.rows import Record, Rows

CHUNK = 2**18  # elements quantized at a time: a megabyte stays in the core's cache from step to step


@dataclass(frozen=True)
class ActivationQuantizer:
    """Fake-quantizes a layer's input: to the codes of `recipe` and back to float32.

    low, high: the range of a tensor's one scale, from calibration; None for a plain cast, and
    for `token`, whose ranges are the minimum and maximum of each vector, found while running
    seed: of stochastic rounding; every call draws the same numbers
    Raises DataError when a range is needed and is missing or not finite.
    """

    recipe: Recipe
    low: float | None = None
    high: float | None = None
    seed: int = 0

    def __post_init__(self):
        needed = not self.recipe.is_cast and self.recipe.kind != "token"
        if needed and (self.low is None or self.high is None or not math.isfinite(self.high - self.low)):
            raise DataError(f"{self.recipe} needs a finite range, not {self.low} to {self.high}; calibrate it first")

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Float32 of any shape to a new tensor of that shape; `token` scales along the last axis.

        Integers: (clip(round(x / scale) + zero_point) − zero_point) · scale, each step in float32.
        """
        if self.recipe.format == "fp32":
            return x
        x = x.contiguous()
        y = torch.empty_like(x)
        round_ = self._rounder()
        for source, target, scale, zero_point in self._parts(x, y):
            self._quantize(source, target, scale, zero_point, round_)
        return y

    @cached_property
    def _number(self):
        return FORMATS[self.recipe.format]

    @cached_property
    def _grid(self) -> tuple[float, int]:
        """Scale and zero point of the whole tensor."""
        if self.recipe.is_cast:
            return 1.0, 0
        scale, zero_point = grid_of(self.recipe, np.float64([self.low]), np.float64([self.high]))
        return float(scale.item()), int(zero_point.item())

    def _parts(self, x: torch.Tensor, y: torch.Tensor) -> Iterator[tuple]:
        """Pieces of x and y that fit the cache, with the scale and the zero point of each."""
        if self.recipe.kind != "token":
            yield from zip(x.view(-1).split(CHUNK), y.view(-1).split(CHUNK), *map(repeat, self._grid))
            return
        width = x.shape[-1]
        x, y = x.view(-1, width), y.view(-1, width)
        ends = (end.double().numpy() for end in torch.aminmax(x, dim=1))
        ends = range_of_rows(Rows(x.numpy(), *ends), self.recipe)
        grid = (torch.from_numpy(part.reshape(-1, 1)) for part in grid_of(self.recipe, *ends))
        yield from zip(*(tensor.split(max(1, CHUNK // width)) for tensor in (x, y, *grid)))

    def _quantize(self, x, y, scale, zero_point, round_) -> None:
        """Write the fake-quantized x into y, in place and in float32's order of steps."""
        if self._number.kind == "integer":
            lowest, highest = self._number.code_range(self.recipe.scheme)
            torch.div(x, scale, out=y)
            # clip(q + z, lowest, highest) − z, the same integers without adding z and taking it away
            round_(y).clamp_(lowest - zero_point, highest - zero_point).mul_(scale)
        else:
            torch.div(x, scale, out=y)
            rounded = self._number.round(y.numpy(), lambda a: round_(torch.from_numpy(a)).numpy())
            torch.mul(torch.from_numpy(rounded), scale, out=y)

    def _rounder(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Rounds a tensor of multiples of the step in place."""
        if self.recipe.rounding == "stochastic":
            draw = torch.Generator().manual_seed(self.seed)
            return lambda t: t.add_(torch.rand(t.shape, generator=draw)).floor_()
        return torch.floor_ if self.recipe.rounding == "floor" else torch.round_  # half to even


class Simulated:
    """The network with some weights replaced and some layer inputs fake-quantized.

    weights: one for each layer, [out, ...] as the layer's own; None leaves them in FP32
    activations: a quantizer for the input of each layer, or None. A convolution's `token` is a
    whole sample: a scale per position cannot be taken out of the sum over a k × k window.
    biases: float32 [out] for each layer, or None for its own

    Holds a module of its own, which shares what is not replaced with `network.module`; calls may
    come from many threads. Raises DataError that names the layer whose weights do not fit.
    """

    def __init__(
        self,
        network: Network,
        weights: Sequence[np.ndarray | torch.Tensor | None] | None = None,
        activations: Sequence[ActivationQuantizer | None] | None = None,
        biases: Sequence[np.ndarray | None] | None = None,
    ):
        self._layers = network.layers
        self._module = own_copy(network.module)
        for layer, weight in self._each("weights", weights):
            _replace_weight(self._module.get_submodule(layer.name), layer, weight)
        for layer, bias in self._each("biases", biases):
            replace_bias(self._module.get_submodule(layer.name), bias)
        for layer, quantizer in self._each("activations", activations):
            _quantize_input(self._module.get_submodule(layer.name), layer, quantizer)

    def _each(self, what: str, values: Sequence | None) -> list[tuple[Layer, object]]:
        """Layers with what they are given, without those that get None."""
        values = [None] * len(self._layers) if values is None else list(values)
        if len(values) != len(self._layers):
            raise DataError(f"there are {len(values)} {what} for {len(self._layers)} layers; give one or None for each")
        return [(layer, value) for layer, value in zip(self._layers, values) if value is not None]

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """The module's output. Raises DataError that names the first layer to give NaN or infinity."""
        with torch.inference_mode():
            outputs = self._module(inputs)
        if not outputs.isfinite().all():
            raise DataError(self._what_is_not_finite(inputs))
        return outputs

    def layer(self, i: int) -> torch.nn.Module:
        """Layer `i` alone, with its weights and the quantizer of its input."""
        return self._module.get_submodule(self._layers[i].name)

    def _what_is_not_finite(self, inputs: torch.Tensor) -> str:
        if lost := int((~inputs.isfinite()).sum()):
            return f"the samples hold {lost} values that are NaN or infinite; use finite ones"
        lost = {}

        def watch(layer: Layer, _module, _inputs, output: torch.Tensor) -> None:
            lost[layer.name] = int((~output.isfinite()).sum())

        module = own_copy(self._module)
        for layer in self._layers:
            module.get_submodule(layer.name).register_forward_hook(partial(watch, layer))
        with torch.inference_mode():
            module(inputs)
        name = next((name for name, count in lost.items() if count), None)
        if name is None:
            return "the network's output holds NaN or infinity though its layers do not; check the samples"
        return (f"layer {name} gives {lost[name]} values that are NaN or infinite; "
                "check its weights, or choose a wider range or format")  # fmt: skip


def record(
    network: Network,
    samples: np.ndarray,
    batch: int,
    *,
    progress: Callable[[str, float], None] | None = None,
    cancel=None,
) -> tuple[Record, ...]:
    """What the input of each layer showed over all samples, in one pass of the FP32 network.

    samples: [n, ...] as stored; batch: samples per forward pass; progress("record", 0…1) is
    called after each, cancel.is_set() asked before. Raises DataError that names the layer, or
    for no samples; Cancelled.
    """
    if len(samples) < 1 or batch < 1:
        raise DataError(f"calibration needs at least 1 sample and 1 per batch, not {len(samples)} and {batch}")
    records: dict[str, Record] = {}

    def watch(layer: Layer, _module, inputs: tuple) -> None:
        try:
            seen = Record.of(inputs[0])
        except DataError as error:
            raise DataError(f"the input of layer {layer.name}: {error}") from error
        records[layer.name] = records[layer.name].merge(seen) if layer.name in records else seen

    module = own_copy(network.module)
    for layer in network.layers:
        module.get_submodule(layer.name).register_forward_pre_hook(partial(watch, layer))
    for start in range(0, len(samples), batch):
        if cancel is not None and cancel.is_set():
            raise Cancelled("recording the activations was stopped; start it again to go on")
        chosen = samples[start : start + batch]
        with torch.inference_mode():
            module(network.prepare(chosen))
        if progress is not None:
            progress("record", (start + len(chosen)) / len(samples))
    return tuple(records[layer.name] for layer in network.layers)


def output_sqnr_db(
    network: Network,
    samples: np.ndarray,
    weights: Sequence[np.ndarray | torch.Tensor | None],
    activations: Sequence[ActivationQuantizer | None],
    biases: Sequence[np.ndarray | None] | None = None,
    *,
    batch: int = 16,
    cancel=None,
) -> list[float]:
    """Signal to quantization noise in dB at the output of each layer, quantized alone.

    Every layer gets what it gets in FP32, so that a number tells of this layer only:
    10 log10(Σ y² / Σ (ŷ − y)²) over all outputs y of `samples`, [n, ...] as stored (a few dozen
    do). +inf when nothing changes. Outputs are compared as they arise, so none is kept.
    Raises DataError for no samples or weights that do not fit; Cancelled.
    """
    if len(samples) < 1:
        raise DataError("the error of a layer's output needs at least 1 sample, not 0")
    simulated = Simulated(network, weights, activations, biases)
    signal, noise = np.zeros((2, len(network.layers)))

    def compare(i: int, _module, inputs: tuple, output: torch.Tensor) -> None:
        signal[i] += _energy(output)
        noise[i] += _energy(simulated.layer(i)(inputs[0]).sub_(output))

    module = own_copy(network.module)
    for i, layer in enumerate(network.layers):
        if weights[i] is not None or activations[i] is not None:
            module.get_submodule(layer.name).register_forward_hook(partial(compare, i))
    for start in range(0, len(samples), batch):
        if cancel is not None and cancel.is_set():
            raise Cancelled("measuring the layers' outputs was stopped; start it again to go on")
        with torch.inference_mode():
            module(network.prepare(samples[start : start + batch]))
    if broken := [layer.name for layer, n in zip(network.layers, signal + noise) if not math.isfinite(n)]:
        raise DataError(f"layer {broken[0]} gives NaN or infinity; check its weights and the samples")
    return decibels(signal, noise).tolist()


def _energy(x: torch.Tensor) -> float:
    """Σ x², summed in float64."""
    return float(torch.linalg.vector_norm(x, dtype=torch.float64)) ** 2


def own_copy(module: torch.nn.Module) -> torch.nn.Module:
    """The same module for hooks and weights of one's own; the tensors in it stay shared."""
    shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    return copy.deepcopy(module, shared)


def _replace_weight(module: torch.nn.Module, layer: Layer, weight: np.ndarray | torch.Tensor) -> None:
    if tuple(weight.shape) != tuple(module.weight.shape):
        raise DataError(f"the weights of layer {layer.name} have the shape {list(weight.shape)}; "
                        f"the layer needs {list(module.weight.shape)}")  # fmt: skip
    tensor = weight if isinstance(weight, torch.Tensor) else torch.tensor(weight)
    module.weight = torch.nn.Parameter(tensor.to(torch.float32), requires_grad=False)


def replace_bias(module: torch.nn.Module, bias: np.ndarray | torch.Tensor) -> None:
    """Give a layer this bias, also one that has none."""
    tensor = bias if isinstance(bias, torch.Tensor) else torch.tensor(bias)
    module.bias = torch.nn.Parameter(tensor.to(torch.float32), requires_grad=False)


def _quantize_input(module: torch.nn.Module, layer: Layer, quantizer: ActivationQuantizer) -> None:
    def quantize(_module, inputs: tuple) -> torch.Tensor:
        x = inputs[0]
        if quantizer.recipe.kind == "token" and layer.kind != "linear":
            return quantizer(x.flatten(1)).view_as(x)
        return quantizer(x)

    module.register_forward_pre_hook(quantize)
