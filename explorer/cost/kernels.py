"""Which kernel a layer gets on a device: in which arithmetic it computes, and how many bits are read.

What a device cannot compute natively gains nothing: it is turned into floating point first. A width
without a kernel is carried by the next wider one that has a kernel (INT6 by INT8), which is what it
then costs. Weight-only kernels multiply matrices: a convolution's weights are expanded beforehand
(by ONNX Runtime 1.32 at every call, as it was measured: see roofline.py).
"""

from dataclasses import dataclass
from functools import lru_cache

from explorer.cost.devices import DEVICES, Device
from explorer.cost.native import BOTH, NONE, STORAGE, WEIGHTS
from explorer.formats import FORMATS
from explorer.recipe import Recipe

GROUPED = ("avx2", "x86-vnni", "x86-amx")  # whose kernels unpack integers in such groups alone: see in_nbits_groups
FLOATS = ("fp32", "fp16", "bf16")
BITS = {"fp32": 32, "fp16": 16, "bf16": 16, "fp8": 8, "fp4": 4, "int16": 16, "int8": 8, "int4": 4}


@dataclass(frozen=True)
class Kernel:
    """arithmetic: of the products; None when the device cannot run the layer at all.

    weight_bits: of each weight as it is read, without scales; input_bits: of each activation;
    packed: whether scales are read beside the weights; how: one of native.USES; expands: whether weights are turned into
    floating point before use
    """

    arithmetic: str | None
    weight_bits: float
    input_bits: int
    packed: bool
    how: str
    expands: bool = False


@lru_cache(maxsize=4096)
def kernel(device_id: str, weights: Recipe, activations: Recipe, kind: str) -> Kernel:
    """The kernel of a layer of this kind ("conv", "depthwise", "linear")."""
    device = DEVICES[device_id]
    activation = _carrier(device, activations.format)
    pair = _pair(device, weights, activations, kind)
    if pair:
        packed_bits = _unpacked_bits(device, weights, kind, BITS[pair])
        return Kernel(pair, packed_bits, BITS[_arithmetic(activation)], weights.format not in FLOATS, BOTH)
    if device.float is None:
        return Kernel(None, weights.bits, activations.bits, True, NONE)
    computes = activation if activation in FLOATS and _can(device, activation) else device.float
    only = _narrow(device, weights)
    if only and kind == "linear":
        computes = "int8" if activation == "int8" and _can(device, "int8") else computes
        return Kernel(computes, FORMATS[only].bits, BITS[computes], True, WEIGHTS)
    as_they_are = weights.format == activations.format == computes
    how = BOTH if as_they_are else NONE if device.support(weights.format) == NONE else STORAGE
    return Kernel(computes, BITS[computes], BITS[computes], False, how, expands=weights.format not in FLOATS)


def in_nbits_groups(weights: Recipe) -> bool:
    """Whether its groups are those of ONNX Runtime's MatMulNBits: a power of two from 16 on."""
    return weights.kind == "group" and weights.size >= 16 and not weights.size & (weights.size - 1)


def _can(device: Device, arithmetic: str) -> bool:
    return device.peak(arithmetic) is not None


def _carrier(device: Device, format: str) -> str | None:
    """The format, sign left aside, that stands in for this one and is computed natively; None for none."""
    if FORMATS[format].kind != "integer":
        return format if device.support(format) == BOTH else None
    if device.support(format) == BOTH and _can(device, format.removeprefix("u")):
        return format.removeprefix("u")
    bits = FORMATS[format].bits
    return next((f"int{width}" for width in (4, 8, 16) if width >= bits and device.support(f"int{width}") == BOTH and _can(device, f"int{width}")), None)


def _arithmetic(format: str) -> str:
    """The peak under which a format that is computed natively goes."""
    if format in BITS:
        return format
    if FORMATS[format].kind == "block" and FORMATS[format].bits == 4:
        return "fp4"
    return "fp8"  # FP8, FP6, and FP4 without block scales run at the same rate (PTX kind::f8f6f4)


def _pair(device: Device, weights: Recipe, activations: Recipe, kind: str) -> str | None:
    """The arithmetic in which both are multiplied as they are; None for none."""
    weight, activation = _carrier(device, weights.format), _carrier(device, activations.format)
    if weight is None or activation is None:
        return None
    integers = weight.startswith("int"), activation.startswith("int")
    if integers[0] != integers[1]:
        return None
    if integers[0] and (weights.kind in ("group", "block") or activations.kind == "group"):
        return None  # sums of a row have several scales: no integer kernel goes through
    if integers[0] and (weight == "int16" or activations.kind == "token" and kind != "linear"):
        return None  # 16 bits are for activations alone, and a scale per token for matrix products
    names = _arithmetic(weight), _arithmetic(activation)
    if not integers[0] and names[0] != names[1] and set(names) & set(FLOATS):
        return None  # narrow weights beside activations of 16 or 32 bits are unpacked
    wider = max(names, key=BITS.get)
    return wider if _can(device, wider) else None


def _unpacked_bits(device: Device, weights: Recipe, kind: str, bits: int) -> int:
    """Bits of a weight as a kernel for both reads it: narrower ones stay packed in matrix products alone."""
    narrow = _narrow(device, weights)
    return min(bits, FORMATS[narrow].bits) if narrow and kind == "linear" else bits


def _narrow(device: Device, weights: Recipe) -> str | None:
    """The narrowest format that holds these weights and that a weight-only kernel unpacks."""
    if weights.format in FLOATS:
        return None
    uses = (BOTH, WEIGHTS)
    if weights.scheme and device.processor in GROUPED and not in_nbits_groups(weights):
        return None
    if device.support(weights.format) in uses:
        return weights.format
    if not weights.scheme:
        return None
    return next((f"int{width}" for width in (4, 8) if width >= weights.bits and device.support(f"int{width}") in uses), None)
