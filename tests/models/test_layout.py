"""Every kind of layer that can be quantized, in small networks: embeddings, transposed convolutions, the gate matrices of recurrent cells."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import explorer
from explorer.algorithms.bias_correction import correct, linear_part
from explorer.fake_quantize import ActivationQuantizer
from explorer.inputs import layer_inputs
from explorer.models import Network
from explorer.models.assemble import assemble
from explorer.models.layout import as_stored, out_first
from explorer.models.networks.gru import GruGates
from explorer.recipe import Recipe
from explorer.simulate import Simulated, output_sqnr_db, record

DRAW = np.random.default_rng(0)


def network(module: nn.Module, samples: np.ndarray):
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return assemble(module, calibration=samples, test=samples, labels=None, calibration_labels=None, prepare=torch.from_numpy,
                    answers=lambda outputs: outputs.flatten(1).argmax(1).numpy())  # fmt: skip


def reader() -> Network:
    """Tokens, looked up twice, a GRU, and an answer."""

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.cell, self.head = nn.Embedding(20, 6), GruGates(6, 5), nn.Linear(5, 3)

        def forward(self, tokens):
            return self.head(self.cell(self.embed(tokens))[:, -1])

    return network(Reader(), DRAW.integers(0, 20, (8, 7)))


UP = {"plain": {}, "groups": {"groups": 2}, "strides": {"stride": (2, 3), "padding": 1, "output_padding": (1, 2)}, "dilated": {"dilation": 2}}


def upscaler(how: dict) -> Network:
    return network(nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 6, 3, **how)), DRAW.normal(size=(5, 2, 8, 8)).astype(np.float32))


def test_layers_are_found_named_and_counted():
    layers = reader().layers
    assert [(each.name, each.kind, each.multiplies) for each in layers] == [
        ("embed", "embedding", False), ("cell.ih", "linear", True), ("cell.hh", "linear", True), ("head", "linear", True)]  # fmt: skip
    assert [each.macs for each in layers] == [0, 7 * 6 * 15, 7 * 5 * 15, 15]
    assert [(each.kind, each.macs) for each in upscaler({}).layers][1] == ("transposed", 4 * 6 * 6 * 6 * 9)


@pytest.mark.parametrize("how", UP)
def test_a_transposed_convolution_has_its_output_channels_first(how):
    net = upscaler(UP[how])
    module, weight = net.module[2], net.weight(1)
    groups = UP[how].get("groups", 1)
    assert weight.shape == (6, 4 // groups, 3, 3)
    for o in range(6):
        for i in range(4 // groups):
            group = o // (6 // groups)
            assert np.array_equal(weight[o, i], module.weight[group * (4 // groups) + i, o % (6 // groups)])
    assert torch.equal(as_stored(module, out_first(module)), module.weight)


@pytest.mark.parametrize("how", UP)
def test_its_weights_and_inputs_are_quantized_as_by_hand(how):
    net, x = upscaler(UP[how]), None
    x = torch.from_numpy(net.test)
    q = explorer.quantize(net.weight(1), "int4-sym-channel")
    inputs = ActivationQuantizer(Recipe.parse("uint8-asym-tensor"), 0.0, 3.0)
    simulated = Simulated(net, [None, q.tensor()], [None, inputs])
    groups, scale = UP[how].get("groups", 1), torch.from_numpy(q.scale.ravel())
    stored = net.module[2].weight.detach()
    per_output = scale.view(groups, 1, -1, 1, 1).expand(groups, 4 // groups, 6 // groups, 1, 1).reshape(4, 6 // groups, 1, 1)
    by_hand = (stored / per_output).round().clamp(-7, 7) * per_output
    given = inputs(F.relu(net.module[0](x)))
    torch.testing.assert_close(simulated(x), F.conv_transpose2d(given, by_hand, net.module[2].bias, **UP[how]))
    (_, alone) = output_sqnr_db(net, net.calibration, [None, q.tensor()], [None, None])
    y = net.module(x)
    noise = F.conv_transpose2d(F.relu(net.module[0](x)), by_hand, net.module[2].bias, **UP[how]) - y
    assert alone == pytest.approx(float(10 * torch.log10(y.square().sum() / noise.square().sum())), abs=1e-3)


@pytest.mark.parametrize("how", UP)
def test_its_moments_give_the_error_of_its_output(how):
    net = upscaler(UP[how])
    seen = layer_inputs(net, net.calibration, 5)[1]
    error = DRAW.normal(size=net.weight(1).shape).astype(np.float32)
    module, x = net.module[2], F.relu(net.module[0](torch.from_numpy(net.calibration)))
    lost = linear_part(module, x, as_stored(module, torch.from_numpy(error)))
    places = lost.shape[0] * lost.shape[2] * lost.shape[3]
    assert seen.rows == places
    assert seen.output_error(error) == pytest.approx(float(lost.double().square().sum()) / places, rel=1e-5)


def test_an_embedding_is_quantized_row_by_row_and_its_input_never():
    net = reader()
    assert record(net, net.calibration, 4)[0].count == 0 and record(net, net.calibration, 4)[1].count == 8 * 7 * 6
    assert layer_inputs(net, net.calibration, 4)[0] is None
    q = explorer.quantize(net.weight(0), "int4-sym-channel")
    assert q.scale.shape == (20, 1)
    tokens = torch.from_numpy(net.test)
    simulated = Simulated(net, [q.tensor(), None, None, None], [None] * 4)
    rows = torch.from_numpy(q.dequantize())[tokens]
    torch.testing.assert_close(simulated(tokens), net.module.head(net.module.cell(rows)[:, -1]))
    corrected = correct(net, [q.tensor(), None, None, None], [None] * 4, net.calibration)
    assert corrected == [None] * 4  # it has no bias to correct
    once = replace(net, calibration=net.calibration[:3])
    assert output_sqnr_db(once, once.calibration, [q.tensor(), None, None, None], [None] * 4)[0] == pytest.approx(
        explorer.sqnr_db(net.weight(0)[once.calibration], q.dequantize()[once.calibration]), abs=1e-3)  # fmt: skip


def test_gate_matrices_of_a_gru_are_layers_and_it_is_torchs_own():
    theirs, ours = nn.GRU(6, 5, batch_first=True), GruGates(6, 5)
    ours.load_state_dict({f"{which}.{part}": theirs.state_dict()[f"{part}_{which}_l0"] for which in ("ih", "hh") for part in ("weight", "bias")})
    x = torch.randn(4, 9, 6)
    torch.testing.assert_close(ours(x), theirs(x)[0])
    net, q = reader(), explorer.quantize(reader().weight(2), "int8-sym-channel")
    simulated = Simulated(net, [None, None, q.tensor(), None], [None] * 4)
    changed = GruGates(6, 5)
    changed.load_state_dict(net.module.cell.state_dict() | {"hh.weight": torch.from_numpy(q.dequantize())})
    tokens = torch.from_numpy(net.test)
    torch.testing.assert_close(simulated(tokens), net.module.head(changed(net.module.embed(tokens))[:, -1]))
