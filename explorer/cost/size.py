"""Size: exact, from the codes' bits, the scales and zero points, and what stays in FP32."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from explorer.cost.energy import Energy
from explorer.cost.predict import Predicted
from explorer.cost.roofline import Latency
from explorer.quantize import QuantizedTensor

FP32_BITS = 32


@dataclass(frozen=True)
class Cost:
    """Bytes of the weights and biases, and average bits per quantized weight.

    code_bytes: packed codes; scale_bytes: float32 scales and zero points; rest_bytes: biases and
    whatever else stays in FP32, with what algorithms add. A file adds its own overhead.
    predicted: latency and energy on the target of the settings, None where only the size was asked for.
    How each was obtained is its `how`: "exact" of the size, "predicted" of latency and energy.
    """

    size_bytes: int
    fp32_bytes: int
    bits_per_weight: float
    code_bytes: int
    scale_bytes: int
    rest_bytes: int
    predicted: Predicted | None = None

    how = "exact"

    @property
    def latency(self) -> Latency | None:
        """Of one sample on the target, with its band."""
        return self.predicted and self.predicted.latency

    @property
    def energy(self) -> Energy | None:
        """Of one sample on the target, split into parts."""
        return self.predicted and self.predicted.energy

    def as_dict(self) -> dict:
        """JSON-ready; "how" says how the bytes and bits were obtained, "predicted" holds the rest."""
        plain = asdict(replace(self, predicted=None))
        return plain | {"how": self.how, "predicted": self.predicted and self.predicted.as_dict()}


def size(tensors: Sequence[QuantizedTensor], parameters: int, added: int = 0) -> Cost:
    """The cost of a network of this many parameters, the weights of whose layers are `tensors`.

    added: FP32 numbers that algorithms put beside them: new biases, factors and rotations of inputs
    """
    codes, scales = sum(q.code_bits for q in tensors), sum(q.scale_bits for q in tensors)
    weights = sum(q.codes.size for q in tensors)
    rest = (parameters - weights + added) * FP32_BITS
    total = codes + scales + rest
    return Cost(-(-total // 8), parameters * FP32_BITS // 8, (codes + scales) / weights,
                -(-codes // 8), -(-scales // 8), rest // 8)  # fmt: skip
