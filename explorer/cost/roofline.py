"""Latency, predicted: each layer takes as long as its arithmetic or its bytes, whichever is more.

    t = start + Σ max(2 · MACs / peak(arithmetic), bytes / bandwidth(level)) + runs · launch + expanded weights / rate

(Williams, Waterman and Patterson 2009, doi 10.1145/1498765.1498785.) On 23 layer shapes that were
measured on two Zen 3 cores the roof is off by 13 % on average, and 84 % of them are within 25 %. A whole network has
more: attention, sums, functions and conversions between layers are left out. Of 27 that were measured there (nine networks
in FP32, W8A8 and with 8-bit weights alone: python -m tests.speedups) 25 lie within ÷2.5 to ×2.5 (most of all the loop of a recurrent one takes longer). On a machine
that was not measured the peaks of a data sheet are, and the truth lies within ÷3 to ×3 of it.

Weights that no kernel takes are expanded: at every call where a device's figures say how fast (ONNX Runtime does so here:
DequantizeLinear is not folded), elsewhere once, when they are loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.cost.devices import Device
from explorer.cost.kernels import Kernel, kernel
from explorer.cost.shapes import Shape
from explorer.process import processor
from explorer.recipe import Recipe

BAND = 3.0
KERNELS = {"transposed": "conv", "embedding": "linear"}  # kinds that go by another's kernel
BAND_HERE = 2.5  # 25 of 27 whole networks that were measured
SHAPES_HERE = 1.25  # 84 % of the shapes that were measured


@dataclass(frozen=True)
class Work:
    """A layer as a device runs it: its Shape, its kernel, and the bytes that are read and written; held_bytes: of all its weights,
    of which an embedding reads some rows."""

    shape: Shape
    kernel: Kernel
    weight_bytes: float
    activation_bytes: float
    held_bytes: float

    @property
    def bytes(self) -> float:
        return self.weight_bytes + self.activation_bytes

    @property
    def intensity(self) -> float:
        """Operations per byte."""
        return 2 * self.shape.macs / self.bytes


@dataclass(frozen=True)
class Roof:
    """Seconds of one layer: its arithmetic, its bytes, the launches, and expanding its weights; bound says which of them it waits for."""

    compute: float
    memory: float
    launch: float
    expand: float = 0.0

    @property
    def seconds(self) -> float:
        return max(self.compute, self.memory) + self.launch + self.expand

    @property
    def bound(self) -> str:
        parts = {"compute": self.compute, "memory": self.memory, "launch": self.launch, "expand": self.expand}
        return max(parts, key=parts.get)


@dataclass(frozen=True)
class Latency:
    """Of one sample. seconds: None when there is no answer, and `why` says so in a word: "does not run" or
    "does not fit". low, high: the band. peak_bytes: of activations held at once; memory_bytes: with weights."""

    seconds: float | None
    low: float | None
    high: float | None
    why: str
    layers: tuple[Roof, ...]
    peak_bytes: float
    memory_bytes: float

    how = "predicted"


def work(device_id: str, shapes: Sequence[Shape], weights: Sequence[Recipe], scale_bits: Sequence[int], activations: Recipe) -> tuple[Work, ...]:
    """What each layer costs on the device. scale_bits: of its scales and zero points."""
    made = []
    for shape, recipe, scales in zip(shapes, weights, scale_bits, strict=True):
        chosen = kernel(device_id, recipe, activations, KERNELS.get(shape.kind, shape.kind))
        held = shape.weights * chosen.weight_bits / 8 + (scales / 8 if chosen.packed else 0)
        read = held if shape.looked_up is None else held * shape.looked_up / shape.weights
        made.append(Work(shape, chosen, read, (shape.inputs + shape.outputs) * chosen.input_bits / 8, held))
    return tuple(made)


def latency(device: Device, layers: Sequence[Work], band: float = BAND) -> Latency:
    """The prediction for one sample, batch 1, weights and activations kept where they fit."""
    weights = sum(each.held_bytes for each in layers)
    peak = max(each.shape.alive * each.kernel.input_bits / 8 for each in layers)
    if any(each.kernel.arithmetic is None or _peak(device, each) is None for each in layers):
        return Latency(None, None, None, "does not run", (), peak, weights + peak)
    if not fits(device, weights, peak):
        return Latency(None, None, None, "does not fit", (), peak, weights + peak)
    roofs = tuple(_roof(device, each, weights) for each in layers)
    seconds = 1e-6 * device.get("start", 0) + sum(roof.seconds for roof in roofs)
    return Latency(seconds, seconds / band, seconds * band, "", roofs, peak, weights + peak)


def fits(device: Device, weight_bytes: float, peak_bytes: float) -> bool:
    """Whether weights lie in flash where there is some, else beside the activations in memory."""
    memory, flash = device.get("memory"), device.get("flash")
    if flash is not None:
        return weight_bytes <= flash and peak_bytes <= memory
    return weight_bytes + peak_bytes <= memory


def bandwidth(device: Device, size: float) -> float:
    """Bytes per second of the level that holds what is so large."""
    cached = device.get("cache", 0) >= size
    return 1e9 * device.get("cache_bandwidth" if cached else "bandwidth")


def _peak(device: Device, each: Work) -> float | None:
    return device.peak(each.kernel.arithmetic, each.shape.kind)


def _roof(device: Device, each: Work, all_weights: float) -> Roof:
    """All weights stay in the cache from one sample to the next, or none do."""
    memory = each.weight_bytes / bandwidth(device, all_weights) + each.activation_bytes / bandwidth(device, each.activation_bytes)
    launch, rate = 1e-6 * device.get("launch"), device.get("expand")
    expanded = each.kernel.expands and rate is not None
    weights = each.shape.weights if each.shape.looked_up is None else each.shape.looked_up  # of a table the rows that are read
    return Roof(2 * each.shape.macs / _peak(device, each), memory, launch * (each.shape.runs + expanded), weights / (1e9 * rate) if expanded else 0.0)


def band(device_id: str) -> float:
    """By how much the truth may be off: less on the kind of processor that was measured."""
    return BAND_HERE if device_id == "here" and _is_the_measured_kind() else BAND


def _is_the_measured_kind() -> bool:
    """Zen 3 (family 25) with AVX2 and without VNNI, as far as the system tells."""
    facts = processor()
    return "AuthenticAMD" in facts and "cpu family: 25" in facts and " avx2 " in facts and "vnni" not in facts

