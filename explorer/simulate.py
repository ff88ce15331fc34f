"""Run a network as if its weights and activations were quantized, and watch what flows in it.

Quantized integers are simulated by the real numbers they stand for: a layer on dequantized
weights and inputs gives what integer arithmetic gives, but for float32's rounding in the sums
(Jacob et al., CVPR 2018, arXiv 1712.05877; the test does the integer arithmetic). Activations are
quantized at the input of every layer that has a quantizer; biases stay in FP32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from threading import local

import numpy as np
import torch

from explorer.errors import DataError
from explorer.fake_quantize import ActivationQuantizer
from explorer.models import Layer, Network
from explorer.models.layout import as_stored, out_first
from explorer.progress import stop_if
from explorer.quantize import decibels
from explorer.rows import Record

NOTHING = (None, None, None)
PIECE = 2**18  # numbers whose squares are summed in float32


class Run(local):
    """What a thread that runs a network has: `cancel`, and while it runs `last`, what was last quantized, how, and to what."""

    cancel = last = None


class Simulated:
    """The network with some weights replaced and some layer inputs fake-quantized.

    A layer's input is quantized once for all layers that are given it, so a network must not write into it in between.

    weights: one for each layer, [out, ...] as the layer's own; None leaves them in FP32
    activations: a quantizer for the input of each layer, or None. A convolution's `token` is a
    whole sample: a scale per position cannot be taken out of the sum over a k × k window. Blocks and
    groups lie along the axis that is summed over: the last of a linear layer, the channels of a convolution.
    biases: float32 [out] for each layer, or None for its own
    sums: how each layer adds, (module, input, output) → output (see saturation.py), or None for exactly

    Holds a module of its own, which shares what is not replaced with `network.module`; calls may
    come from many threads. Raises DataError that names the layer whose weights do not fit.
    """

    def __init__(
        self,
        network: Network,
        weights: Sequence[np.ndarray | torch.Tensor | None] | None = None,
        activations: Sequence[ActivationQuantizer | None] | None = None,
        biases: Sequence[np.ndarray | None] | None = None,
        sums: Sequence[Callable | None] | None = None,
    ):
        self._layers = network.layers
        self._module = own_copy(network.module)
        self._run = Run()
        for layer in network.layers:
            self._module.get_submodule(layer.name).register_forward_pre_hook(self._stop_if)
        for layer, weight in self._each("weights", weights):
            _replace_weight(self._module.get_submodule(layer.name), layer, weight)
        for layer, bias in self._each("biases", biases):
            replace_bias(self._module.get_submodule(layer.name), bias)
        for layer, quantizer in self._each("activations", activations):
            self._module.get_submodule(layer.name).register_forward_pre_hook(partial(self._quantize, layer, quantizer))
        for layer, add in self._each("sums", sums):
            self._module.get_submodule(layer.name).register_forward_hook(lambda module, x, y, add=add: add(module, x[0], y))

    def _each(self, what: str, values: Sequence | None) -> list[tuple[Layer, object]]:
        """Layers with what they are given, without those that get None."""
        values = [None] * len(self._layers) if values is None else list(values)
        if len(values) != len(self._layers):
            raise DataError(f"there are {len(values)} {what} for {len(self._layers)} layers; give one or None for each")
        return [(layer, value) for layer, value in zip(self._layers, values) if value is not None]

    def __call__(self, inputs: torch.Tensor, cancel=None, cache: dict | None = None) -> torch.Tensor:
        """The module's output. cancel.is_set() is asked before every layer: some samples take seconds. cache: of a language
        model, what it keeps of the tokens that it was given before.

        Raises DataError that names the first layer to give NaN or infinity; Cancelled.
        """
        self._run.cancel, self._run.last = cancel, NOTHING
        try:
            with torch.inference_mode():
                outputs = self._module(inputs) if cache is None else self._module(inputs, cache)
        finally:
            self._run.last = None
        if outputs.isfinite().all():
            return outputs
        raise DataError(self._what_is_not_finite(inputs))

    def _stop_if(self, _module, _inputs) -> None:
        stop_if(self._run.cancel, "stopped in the middle of a sample; start it again to go on")

    def _quantize(self, layer: Layer, quantizer: ActivationQuantizer, _module, inputs: tuple) -> torch.Tensor:
        """The layer's input fake-quantized; once for layers that share it, as queries, keys and values do."""
        x, how = inputs[0], (quantizer, layer.kind == "linear")
        last = self._run.last
        if last is None:  # a layer that runs alone
            return _quantized(x, *how)
        if last[0] is not x or last[1] != how:
            self._run.last = last = x, how, _quantized(x, *how)
        return last[2]

    @property
    def module(self) -> torch.nn.Module:
        """The network with all that, to be looked at."""
        return self._module

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
        return f"layer {name} gives {lost[name]} values that are NaN or infinite; check its weights, or widen the range or format"


def record(
    network: Network,
    samples: np.ndarray,
    batch: int,
    *,
    progress: Callable[[str, float], None] | None = None,
    cancel=None,
) -> tuple[Record, ...]:
    """What the input of each layer showed over all samples, in one pass of the FP32 network; nothing of an embedding.

    samples: [n, ...] as stored; batch: samples per forward pass; progress("record", 0…1) is
    called after each, cancel.is_set() asked before. Raises DataError that names the layer, or
    for no samples; Cancelled.
    """
    if len(samples) < 1 or batch < 1:
        raise DataError(f"calibration needs at least 1 sample and 1 per batch, not {len(samples)} and {batch}")
    records: dict[str, Record] = {}
    ran: set[str] = set()  # in this pass: a recurrent layer runs in every step

    def watch(layer: Layer, _module, inputs: tuple) -> None:
        try:
            seen = Record.of(inputs[0])
        except DataError as error:
            raise DataError(f"the input of layer {layer.name}: {error}") from error
        if layer.name in records:
            seen = records[layer.name].merge(seen, same_batch=layer.name in ran)
        records[layer.name] = seen
        ran.add(layer.name)

    module = own_copy(network.module)
    for layer in network.layers:
        if layer.multiplies:
            module.get_submodule(layer.name).register_forward_pre_hook(partial(watch, layer))

    def passed(share: float) -> None:
        ran.clear()
        if progress is not None:
            progress("record", share)

    run_in_batches(module, network, samples, batch, "recording the activations", progress=passed, cancel=cancel)
    batches = -(-len(samples) // batch)
    return tuple(records[layer.name] if layer.multiplies else Record.nothing(batches) for layer in network.layers)


def output_sqnr_db(
    network: Network,
    samples: np.ndarray,
    weights: Sequence[np.ndarray | torch.Tensor | None],
    activations: Sequence[ActivationQuantizer | None],
    biases: Sequence[np.ndarray | None] | None = None,
    sums: Sequence[Callable | None] | None = None,
    *,
    batch: int = 16,
    cancel=None,
    each: Callable[[Callable, Iterable], Iterator] = map,
) -> list[float]:
    """Signal to quantization noise in dB at the output of each layer, quantized alone.

    Every layer gets what it gets in FP32, so that a number tells of this layer only:
    10 log10(Σ y² / Σ (ŷ − y)²) over all outputs y of `samples`, [n, ...] as stored (a few dozen
    do). +inf when nothing changes. Outputs are compared as they arise, so none is kept. each: map, or what does the
    same side by side.
    Raises DataError for no samples or weights that do not fit; Cancelled.
    """
    if len(samples) < 1:
        raise DataError("the error of a layer's output needs at least 1 sample, not 0")
    simulated = Simulated(network, weights, activations, biases, sums)

    def compared(chosen: np.ndarray) -> np.ndarray:
        """Of each layer Σ y², Σ (ŷ − y)² and the number of outputs that are not finite."""
        seen = np.zeros((3, len(network.layers)))
        given: dict[int, torch.Tensor] = {}  # before an algorithm transforms it: the simulated layer does that itself

        def keep(i: int, _module, inputs: tuple) -> None:
            given[i] = inputs[0]

        def compare(i: int, _module, _inputs, output: torch.Tensor) -> None:
            difference = simulated.layer(i)(given.pop(i)).sub_(output)
            noise = _energy(difference)
            seen[:, i] += _energy(output), noise, 0 if math.isfinite(noise) else int((~difference.isfinite()).sum())

        module = own_copy(network.module)
        for i, layer in enumerate(network.layers):
            if weights[i] is not None or activations[i] is not None:
                module.get_submodule(layer.name).register_forward_pre_hook(partial(keep, i), prepend=True)
                module.get_submodule(layer.name).register_forward_hook(partial(compare, i))
        run_in_batches(module, network, chosen, batch, "measuring the layers' outputs", cancel=cancel)
        return seen

    batches = [samples[start : start + batch] for start in range(0, len(samples), batch)]
    signal, noise, lost = sum(each(compared, batches))
    if lost.any():
        first = int(np.flatnonzero(lost)[0])
        raise DataError(f"layer {network.layers[first].name} gives {int(lost[first]):,} values that are NaN or infinite; "
                        "check its weights and the samples")  # fmt: skip
    return decibels(signal, noise).tolist()


def run_in_batches(
    module: torch.nn.Module, network: Network, samples: np.ndarray, batch: int, what: str, *,
    progress: Callable[[float], None] | None = None, cancel=None,
) -> None:  # fmt: skip
    """Run a network's module, with whatever hooks watch it, over all samples; the outputs are dropped.

    progress(share done) is called after each batch, cancel.is_set() asked before: then Cancelled says that
    `what` was stopped.
    """
    for start in range(0, len(samples), batch):
        stop_if(cancel, f"{what} was stopped; start it again to go on")
        chosen = samples[start : start + batch]
        with torch.inference_mode():
            module(network.prepare(chosen))
        if progress is not None:
            progress((start + len(chosen)) / len(samples))


def _energy(x: torch.Tensor) -> float:
    """Σ x²: of parts in float32, of their sums in float64."""
    energy = sum(float(torch.dot(part, part)) for part in torch.from_numpy(x.numpy().ravel("K")).split(PIECE))  # as it lies
    return energy if math.isfinite(energy) else float(torch.linalg.vector_norm(x, dtype=torch.float64)) ** 2  # beyond float32


def own_copy(module: torch.nn.Module) -> torch.nn.Module:
    """The same module for hooks and weights of one's own; the tensors in it stay shared."""
    copies: dict[int, torch.nn.Module] = {}

    def copied(module: torch.nn.Module) -> torch.nn.Module:
        if id(module) not in copies:
            copy = copies[id(module)] = module.__new__(type(module))
            # parameters, buffers, hooks and parts are dicts of the module; copy.deepcopy takes ten times as long
            copy.__dict__ = {name: own.copy() if isinstance(own, dict) else own for name, own in vars(module).items()}
            copy._modules = {name: copied(part) if part is not None else None for name, part in module._modules.items()}
        return copies[id(module)]

    return copied(module)


def _replace_weight(module: torch.nn.Module, layer: Layer, weight: np.ndarray | torch.Tensor) -> None:
    shape = tuple(out_first(module).shape)
    if tuple(weight.shape) != shape:
        raise DataError(f"the weights of layer {layer.name} have the shape {list(weight.shape)}; the layer needs {list(shape)}")
    tensor = weight if isinstance(weight, torch.Tensor) else torch.tensor(weight)
    module.weight = torch.nn.Parameter(as_stored(module, tensor.to(torch.float32)), requires_grad=False)


def replace_bias(module: torch.nn.Module, bias: np.ndarray) -> None:
    """Give a layer this bias, also one that has none."""
    module.bias = torch.nn.Parameter(torch.tensor(bias, dtype=torch.float32), requires_grad=False)


def _quantized(x: torch.Tensor, quantizer: ActivationQuantizer, is_linear: bool) -> torch.Tensor:
    if is_linear:
        return quantizer(x)
    last = x.movedim(1, -1)  # the channels of a convolution, where they lie in most networks
    moved = bool(quantizer.recipe.blocks) or quantizer.recipe.kind == "group" or last.is_contiguous()
    x = last if moved else x
    y = quantizer(x.flatten(1)).view(x.shape) if quantizer.recipe.kind == "token" else quantizer(x)
    return y.movedim(-1, 1) if moved else y
