"""Energy of one sample: a model of arithmetic, memory traffic and static power, never a device's joules.

    E = MACs · e(arithmetic) + Σ bytes · e(level) + static power · time

with the energies per operation of Horowitz, ISSCC 2014 (45 nm), and Jouppi et al., ISCA 2021 (7 nm).
Weights are read once from the main memory (from the chip's own where it has no other), activations from a
megabyte of SRAM while they fit the cache. Real devices spend more, on control, and on what they convert:
LLM.int8() was measured to take 80 to 162 % more energy than FP16 on an RTX 4090D, and NF4 loses below 3 to
5 billion parameters: without a kernel there is no saving.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.cost.devices import Device
from explorer.cost.roofline import Latency, Work

PICO = 1e-12
OLD, NEW = "45 nm (Horowitz 2014)", "7 nm (Jouppi et al. 2021)"
# pJ of one multiply-accumulate: product and sum in the accumulator. What the tables lack takes the next
# wider format's: INT4 that of INT8, FP8 and FP4 that of FP16.
MAC = {
    OLD: {"fp32": 3.7 + 0.9, "fp16": 1.1 + 0.9, "int16": 3.1 + 0.1, "int8": 0.2 + 0.1},
    NEW: {"fp32": 1.31 + 0.38, "fp16": 0.34 + 0.38, "int16": 1.48 + 0.03, "int8": 0.07 + 0.03},
}
WIDER = {"bf16": "fp16", "fp8": "fp16", "fp4": "fp16", "int4": "int8"}
# pJ of a byte: 64 bits of the tables, shared by 8
SRAM = {OLD: 100 / 8, NEW: 14 / 8}  # of 1 MB
DRAM = {OLD: 1300 / 8, NEW: 1300 / 8}
HBM = 350 / 8  # the middle of 250 to 450
HBM_BANDWIDTH = 1500  # GB/s, from which on a memory is taken for HBM


@dataclass(frozen=True)
class Energy:
    """Joules of one sample; None where the network does not run. static: None where the device's idle power
    is not known, which then is left out of the total. table: whose energies per operation."""

    arithmetic: float | None
    weights: float | None
    activations: float | None
    static: float | None
    table: str

    how = "predicted"

    @property
    def joules(self) -> float | None:
        if self.arithmetic is None:
            return None
        return self.arithmetic + self.weights + self.activations + (self.static or 0.0)


def energy(device: Device, layers: Sequence[Work], time: Latency) -> Energy:
    """The energy of layers whose latency was predicted."""
    table = OLD if device.get("process", 7) > 20 else NEW
    if time.seconds is None:
        return Energy(None, None, None, None, table)
    arithmetic = sum(each.shape.macs * per_mac(each.kernel.arithmetic, table) for each in layers)
    weights = sum(each.weight_bytes for each in layers) * _far(device, table)
    activations = sum(each.activation_bytes * _near(device, each.activation_bytes, table) for each in layers)
    idle = device.get("idle_watts")
    return Energy(PICO * arithmetic, PICO * weights, PICO * activations, None if idle is None else idle * time.seconds, table)


def per_mac(arithmetic: str, table: str) -> float:
    """pJ of one multiply-accumulate."""
    return MAC[table][WIDER.get(arithmetic, arithmetic)]


def _far(device: Device, table: str) -> float:
    """pJ of a byte of the weights. Flash, of which the tables say nothing, is taken for SRAM."""
    if device.get("flash") or device.kind.startswith("microcontroller"):
        return SRAM[table]
    return HBM if device.get("bandwidth") >= HBM_BANDWIDTH else DRAM[table]


def _near(device: Device, size: float, table: str) -> float:
    """pJ of a byte of activations."""
    held = device.get("cache", device.get("memory") if device.kind.startswith("microcontroller") else 1e6)
    return SRAM[table] if size <= held else _far(device, table)
