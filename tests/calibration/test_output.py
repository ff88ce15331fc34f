"""The range judged at the layer's output: against computing the outputs, layer by layer, range by range."""

from threading import Event

import numpy as np
import pytest
import torch
from torch import nn

from explorer.calibration import calibrate
from explorer.calibration.output import RATIO, STEPS
from explorer.errors import Cancelled, DataError
from explorer.inputs import layer_inputs
from explorer.models import Layer, Network
from explorer.output_range import output_ranges
from explorer.quantize import quantize
from explorer.recipe import Recipe
from explorer.simulate import ActivationQuantizer, record

DRAW = np.random.default_rng(0)
W = (DRAW.laplace(size=(12, 48)) / 7).astype(np.float32)
X = (DRAW.normal(size=(300, 48)) @ (np.eye(48) + DRAW.normal(size=(48, 48)) / 6) * np.geomspace(0.1, 3, 48) + 0.2).astype(np.float32)


def lost(w: np.ndarray, recipe, ranges, x: np.ndarray = X) -> np.ndarray:
    """Mean squared error of each output, by computing the outputs."""
    error = quantize(w, recipe, ranges=ranges).dequantize().astype(np.float64) - w
    return np.square(error @ x.T.astype(np.float64)).mean(axis=1)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("scheme", ["sym", "symfull", "asym"])
@pytest.mark.parametrize("granularity", ["tensor", "channel", "g16", "g20", "b8"])
def test_never_worse_at_the_output_than_min_max(granularity, scheme, bits):
    recipe = Recipe(f"int{bits}", scheme, granularity, "output")
    found = lost(W, recipe, calibrate(W, recipe, inputs=X))
    minmax = lost(W, recipe, calibrate(W, recipe.replace(range="minmax")))
    assert found.sum() <= minmax.sum() * (1 + 1e-4)
    if granularity in ("channel", "g16", "g20"):  # scales of their own: each output for itself
        assert (found <= minmax * (1 + 1e-4)).all()


@pytest.mark.parametrize("granularity", ["tensor", "channel"])
@pytest.mark.parametrize("recipe", ["int3-sym", "int4-asym", "fp8e4m3"])
def test_no_share_of_min_max_does_better(recipe, granularity):
    recipe = Recipe.parse(f"{recipe}-{granularity}-output")
    found = lost(W, recipe, calibrate(W, recipe, inputs=X))
    low, high = calibrate(W, recipe.replace(range="minmax"))
    for k in STEPS:
        other = lost(W, recipe, (low * RATIO**k, high * RATIO**k))
        if granularity == "channel":
            assert (found <= other * (1 + 1e-4)).all()
        assert found.sum() <= other.sum() * (1 + 1e-4)


def test_it_beats_the_least_weight_error_where_it_counts_and_loses_to_it_on_the_weights():
    for bits in (2, 3, 4):
        ranges = {name: calibrate(W, f"int{bits}-sym-channel-{name}", inputs=X) for name in ("mse", "output")}
        at_output = {name: lost(W, f"int{bits}-sym-channel", ends).sum() for name, ends in ranges.items()}
        at_weights = {name: lost(W, f"int{bits}-sym-channel", ends, np.eye(48)).sum() for name, ends in ranges.items()}
        assert at_output["output"] < at_output["mse"] and at_weights["mse"] < at_weights["output"]


def test_with_white_inputs_it_is_nearly_the_least_weight_error():
    white = np.eye(48, dtype=np.float32)[None]
    for recipe in ("int4-sym-channel", "int2-sym-tensor", "int3-sym-g16"):
        ends = [calibrate(W, f"{recipe}-{name}", inputs=white) for name in ("mse", "output")]
        least, found = (lost(W, recipe, each, np.eye(48)).sum() for each in ends)
        assert least <= found < 1.04 * least


def test_samples_and_their_second_moments_are_the_same():
    moments = (X.T.astype(np.float64) @ X / len(X))[None]
    for scheme in ("sym", "asym"):
        assert np.array_equal(calibrate(W, f"int4-{scheme}-g16-output", inputs=X),
                              calibrate(W, f"int4-{scheme}-g16-output", inputs=moments))  # fmt: skip


def test_groups_have_moments_of_their_own():
    """A grouped layer is as many layers side by side."""
    halves = X[:, :24], X[:, 24:]
    moments = np.stack([half.T @ half / len(X) for half in halves])
    w = np.concatenate([W[:6, :24], W[6:, 24:]])
    for granularity in ("channel", "g8"):
        together = calibrate(w, f"int3-sym-{granularity}-output", inputs=moments)
        apart = [calibrate(part, f"int3-sym-{granularity}-output", inputs=half) for part, half in zip((w[:6], w[6:]), halves)]
        assert np.allclose(together, np.concatenate(apart, axis=1))


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, stride=2)
        self.dw = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = torch.relu(self.conv(x))
        return self.head(torch.relu_(self.dw(x)).mean(dim=(2, 3)) - 0.1)


@pytest.fixture(scope="module")
def net() -> Network:
    torch.manual_seed(3)
    layers = (Layer("conv", "conv", 1), Layer("dw", "depthwise", 1), Layer("head", "linear", 1))
    samples = (torch.randn(24, 3, 9, 8) ** 3 / 3).numpy()
    return Network(Small().eval().requires_grad_(False), layers, calibration=samples, test=samples, labels=None,
                   calibration_labels=None, prepare=torch.from_numpy, answers=lambda y: y.argmax(1).numpy(), digest="d")  # fmt: skip


def inputs_and_outputs(net: Network) -> list[tuple[torch.Tensor, torch.Tensor]]:
    kept = []
    hooks = [net.module.get_submodule(layer.name).register_forward_hook(
        lambda _module, x, y: kept.append((x[0].clone(), y.clone()))) for layer in net.layers]  # fmt: skip
    net.module(torch.from_numpy(net.calibration))
    for hook in hooks:
        hook.remove()
    return kept


def test_moments_of_convolutions_give_the_error_of_their_outputs(net):
    moments = layer_inputs(net, net.calibration, 7)
    for i, (x, y) in enumerate(inputs_and_outputs(net)):
        layer, weight = net.module.get_submodule(net.layers[i].name), net.weight(i)
        recipe, errors = "int3-sym-channel", {}
        for name in ("minmax", "mse", "output"):
            q = quantize(weight, recipe, ranges=calibrate(weight, f"{recipe}-{name}", inputs=moments[i].second))
            changed = torch.func.functional_call(layer, {"weight": q.tensor()}, (x,))
            errors[name] = float((changed - y).square().sum())
        assert errors["output"] <= errors["minmax"] * (1 + 1e-4) and errors["output"] <= errors["mse"] * 1.001


@pytest.mark.parametrize("recipe", ["uint8-asym", "uint4-asym", "int4-sym", "int3-symfull", "fp8e4m3"])
def test_activation_ranges_lose_least_at_the_output(net, recipe):
    seen = record(net, net.calibration, 7)
    plain = Recipe.parse(f"{recipe}-tensor-output")
    found = output_ranges(net, seen, plain, net.calibration)
    for i, (x, y) in enumerate(inputs_and_outputs(net)):
        layer = net.module.get_submodule(net.layers[i].name)

        def loss(low: float, high: float) -> float:
            return float((layer(ActivationQuantizer(plain, low, high)(x)) - y).double().square().sum())

        low, high = min(seen[i].low, 0.0), max(seen[i].high, 0.0)
        if plain.scheme != "asym":
            low, high = -max(-low, high), max(-low, high)
        others = [loss(low * RATIO**k, high * RATIO**k) for k in STEPS]
        assert loss(*found[i]) <= min(others) * (1 + 1e-4)
        assert found[i][0] <= 0 <= found[i][1]


def test_looking_for_activation_ranges_says_how_far_it_is_and_stops(net):
    seen, plain, said = record(net, net.calibration, 8), Recipe.parse("int4-output"), []
    output_ranges(net, seen, plain, net.calibration, progress=lambda *said_: said.append(said_))
    assert said == [("calibrate", pytest.approx((i + 1) / 3)) for i in range(3)]
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled):
        output_ranges(net, seen, plain, net.calibration, cancel=cancel)
    with pytest.raises(DataError, match="at least 1 sample"):
        output_ranges(net, seen, plain, net.calibration[:0])
