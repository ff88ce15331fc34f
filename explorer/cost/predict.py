"""What a network costs on a target: latency and energy, beside those of the same network in FP32."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from explorer.cost.devices import DEVICES
from explorer.cost.energy import Energy, energy
from explorer.cost.roofline import Latency, Work, band, latency, work
from explorer.cost.shapes import Shape, shapes
from explorer.models import Network
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe

FP32 = Recipe("fp32")


@dataclass(frozen=True)
class Predicted:
    """On one target. works: each layer as it runs there; fp32_latency, fp32_energy: of the unquantized network."""

    target: str
    works: tuple[Work, ...]
    latency: Latency
    energy: Energy
    fp32_works: tuple[Work, ...]
    fp32_latency: Latency
    fp32_energy: Energy

    how = "predicted"

    @property
    def speedup(self) -> float | None:
        """How many times faster than FP32; None where one of them has no answer."""
        now, before = self.latency.seconds, self.fp32_latency.seconds
        return None if now is None or before is None else before / now

    @property
    def energy_saving(self) -> float | None:
        """How many times less energy than FP32; None where one of them has no answer."""
        now, before = self.energy.joules, self.fp32_energy.joules
        return None if now is None or before is None else before / now

    def as_dict(self) -> dict:
        """JSON-ready: seconds and joules, None where there is no answer."""
        time, spent = self.latency, self.energy
        return {
            "target": self.target, "how": self.how,
            "latency_s": time.seconds, "latency_low_s": time.low, "latency_high_s": time.high, "why": time.why,
            "fp32_latency_s": self.fp32_latency.seconds, "activation_peak_bytes": time.peak_bytes, "activation_how": "exact", "memory_bytes": time.memory_bytes,
            "energy_j": spent.joules, "energy_arithmetic_j": spent.arithmetic, "energy_weights_j": spent.weights,
            "energy_activations_j": spent.activations, "energy_static_j": spent.static, "energy_table": spent.table,
            "fp32_energy_j": self.fp32_energy.joules,
        }  # fmt: skip


def predict(network: Network, tensors: Sequence[QuantizedTensor], activations: Recipe, target: str) -> Predicted:
    """The cost of a network with these weights, its activations by one recipe, on a target. Raises SettingsError."""
    recipes, scales = tuple(q.recipe for q in tensors), tuple(q.scale_bits for q in tensors)
    return _predict(shapes(network), recipes, scales, activations, DEVICES[target].id)


@lru_cache(maxsize=1024)
def _predict(traced: tuple[Shape, ...], recipes: tuple, scales: tuple, activations: Recipe, target: str) -> Predicted:
    return Predicted(target, *_cost(traced, recipes, scales, activations, target),
                     *_cost(traced, (FP32,) * len(traced), (0,) * len(traced), FP32, target))  # fmt: skip


def _cost(traced, recipes, scales, activations, target: str) -> tuple[tuple[Work, ...], Latency, Energy]:
    device, works = DEVICES[target], work(target, traced, recipes, scales, activations)
    time = latency(device, works, band(target))
    return works, time, energy(device, works, time)
