"""Energy: the published tables, what a network saves by them, and parts that add up."""

import dataclasses

import pytest

from explorer.cost.devices import DEVICES, Device, Figure
from explorer.cost.energy import DRAM, NEW, OLD, SRAM, energy, per_mac
from explorer.cost.roofline import Work, latency, work
from explorer.cost.shapes import shapes
from explorer.models import load
from explorer.recipe import Recipe

FP32 = Recipe("fp32")
INT8 = Recipe.parse("int8-sym-channel-minmax"), Recipe.parse("uint8-asym-tensor-minmax")


def spent(id: str, weights: Recipe, activations: Recipe, device: Device | None = None):
    traced = shapes(load("efficientnet-lite0"))
    works = work(id, traced, [weights] * len(traced), [0] * len(traced), activations)
    device = device or DEVICES[id]
    return energy(device, works, latency(device, works))


def test_published_energies():
    """Horowitz 2014: an FP32 multiplication and addition take 15 times an INT8's; Jouppi 2021: 17 times."""
    assert per_mac("fp32", OLD) / per_mac("int8", OLD) == pytest.approx(4.6 / 0.3)
    assert per_mac("fp32", NEW) / per_mac("int8", NEW) == pytest.approx(1.69 / 0.1)
    assert 8 * DRAM[OLD] / per_mac("int8", OLD) > 4000 and DRAM[OLD] > 10 * SRAM[OLD]
    for table in (OLD, NEW):
        assert per_mac("int8", table) < per_mac("fp16", table) < per_mac("fp32", table)


def test_a_mobile_network_saves_five_times_not_fifteen():
    """45 nm, weights once from DRAM: INT8 about 5 times less, weights of 4 bits with INT8 about 9 times."""
    pi = DEVICES["raspberry-pi-5"]
    old = Device(pi.id, pi.title, pi.kind, pi.processor,
                 {**pi.figures, "process": dataclasses.replace(pi.figures["process"], value=45.0),
                  "cache": dataclasses.replace(pi.figures["process"], value=1e8)})  # fmt: skip
    before, int8 = spent(pi.id, FP32, FP32, old), spent(pi.id, *INT8, old)
    assert before.table == OLD and before.joules / int8.joules == pytest.approx(5, rel=0.1)
    traced = shapes(load("efficientnet-lite0"))  # 4-bit weights in every layer: what no listed device has for convolutions
    works = [Work(w.shape, dataclasses.replace(w.kernel, weight_bits=4), w.weight_bytes / 2, w.activation_bytes, w.held_bytes / 2)
             for w in work(pi.id, traced, [INT8[0]] * len(traced), [0] * len(traced), INT8[1])]  # fmt: skip
    w4a8 = energy(old, works, latency(old, works))
    assert before.joules / w4a8.joules == pytest.approx(9, rel=0.15)
    assert before.arithmetic / int8.arithmetic == pytest.approx(15.3, rel=0.01)


@pytest.mark.parametrize("id", DEVICES.ids)
def test_parts_add_up(id):
    seen = spent(id, *INT8)
    if seen.joules is None:
        assert seen.arithmetic is None
        return
    assert seen.joules == pytest.approx(seen.arithmetic + seen.weights + seen.activations + (seen.static or 0), rel=1e-12)
    assert (seen.static is None) == ("idle_watts" not in DEVICES[id].figures)


def test_static_power_is_power_times_time():
    h100 = DEVICES["h100"]
    idle, bare = (Device(h100.id, h100.title, h100.kind, h100.processor, figures) for figures in (
        {**h100.figures, "idle_watts": Figure(70.0, "", "unverified", "2026", "a test", "")},
        {name: figure for name, figure in h100.figures.items() if name != "idle_watts"}))  # fmt: skip
    seen, without = spent("h100", *INT8, idle), spent("h100", *INT8, bare)
    traced = shapes(load("efficientnet-lite0"))
    time = latency(h100, work("h100", traced, [INT8[0]] * len(traced), [0] * len(traced), INT8[1])).seconds
    assert seen.static == pytest.approx(70 * time) and without.static is None
    assert seen.joules - without.joules == pytest.approx(seen.static)


@pytest.mark.parametrize(("id", "format"), [("here", "fp8e4m3"), ("a100", "fp8e5m2"), ("here", "fp16"), ("h100", "mxint8")])
def test_no_saving_without_a_kernel(id, format):
    assert spent(id, Recipe(format), FP32).joules == spent(id, FP32, FP32).joules
