"""Size: exact, from the codes' bits, the scales and zero points, and what stays in FP32."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.quantize import QuantizedTensor

FP32_BITS = 32


@dataclass(frozen=True)
class Cost:
    """Bytes of the weights and biases, and average bits per quantized weight.

    code_bytes: packed codes; scale_bytes: float32 scales and zero points; rest_bytes: biases and
    whatever else stays in FP32. A file adds its own overhead.
    """

    size_bytes: int
    fp32_bytes: int
    bits_per_weight: float
    code_bytes: int
    scale_bytes: int
    rest_bytes: int

    how = "exact"


def size(tensors: Sequence[QuantizedTensor], parameters: int) -> Cost:
    """The cost of a network of this many parameters, the weights of whose layers are `tensors`."""
    codes, scales = sum(q.code_bits for q in tensors), sum(q.scale_bits for q in tensors)
    weights = sum(q.codes.size for q in tensors)
    rest = (parameters - weights) * FP32_BITS
    total = codes + scales + rest
    return Cost(-(-total // 8), parameters * FP32_BITS // 8, (codes + scales) / weights,
                -(-codes // 8), -(-scales // 8), rest // 8)  # fmt: skip
