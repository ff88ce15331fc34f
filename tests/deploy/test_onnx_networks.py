"""The graphs of networks that are fetched on request, and of parts that no shipped one has, built of small random ones: in ONNX
Runtime they compute what torch does, for any number of samples and any length."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from explorer.deploy.content import Content, Plan, PlannedLayer
from explorer.deploy.onnx_graph import build
from explorer.errors import ModelError
from explorer.measure.runtime import kernels, session
from explorer.models.assemble import assemble
from explorer.models.networks.bert import SentenceEncoder
from explorer.models.networks.llama import Llama
from explorer.models.networks.silero import Gates
from explorer.quantize import quantize
from explorer.recipe import Recipe
from explorer.settings import Settings


class Averaged(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.last(nn.functional.gelu(self.first(x)).mean(1)) * 1.0


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.last = Gates(6, 8), nn.Linear(8, 2)

    def forward(self, x):
        return torch.sigmoid(self.last(self.cell(x)))


NETWORKS = {
    "encoder": (lambda: SentenceEncoder(50, 16, 24, 2, 4, 48), torch.int64),
    "shared heads, tied": (lambda: Llama(50, 24, 2, 6, 40, shared=2, positions=16, tied=True), torch.int64),
    "heads of their own": (lambda: Llama(50, 24, 1, 2, 40, positions=16), torch.int64),
    "mean over places": (Averaged, torch.float32),
    "recurrent": (Recurrent, torch.float32),
}


def planned(module: nn.Module, inputs: torch.Tensor, weights: str = "fp32") -> Content:
    prepare = lambda x: torch.from_numpy(x)  # noqa: E731
    network = assemble(module.eval().requires_grad_(False), calibration=inputs.numpy(), test=inputs.numpy(), labels=np.zeros(len(inputs), np.int64),
                       calibration_labels=None, prepare=prepare, answers=lambda y: y.numpy())  # fmt: skip
    recipe, layers, biases = Recipe.parse(weights), [], []
    for layer in network.layers:
        part = network.module.get_submodule(layer.name)
        bias = getattr(part, "bias", None)
        biases.append(None if bias is None else bias.numpy())
        layers.append(PlannedLayer(layer.name, layer.kind, tuple(part.weight.shape), recipe, bias is not None))
    tensors = tuple(quantize(network.weight(i), recipe) for i in range(len(layers)))
    plan = Plan(Settings("digits", weights, "fp32"), network, tuple(layers))
    return Content(plan, tensors, (None,) * len(layers), tuple(biases))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("weights", ["fp32", "int8-sym-channel", "int4-asym-g8", "int8-asym-tensor"])
def test_what_torch_computes_for_any_length(name, weights):
    make, kind = NETWORKS[name]
    torch.manual_seed(3)
    shape = (3, 12) if kind == torch.int64 else (3, 12, 6)
    inputs = torch.randint(1, 50, shape) if kind == torch.int64 else torch.randn(shape)
    if name == "encoder":
        inputs[1, 7:] = 0  # filled up
    elif kind == torch.float32 and "g8" in weights:
        weights = "int4-asym-g2"  # divides 6
    content = planned(make(), inputs, weights)
    model, graph = build(content)
    onnx.checker.check_model(model, full_check=True)
    opened = session(model.SerializeToString(), {"session.qdq_matmulnbits_accuracy_level": "1"})
    for x in (inputs, inputs[:1], inputs[:, :5].contiguous()):
        right = content.simulated()(x).numpy()
        (found,) = opened.run(None, {"x": x.numpy()})
        assert found.shape == right.shape and np.abs(found - right).max() <= 2e-5 * max(np.abs(right).max(), 1)
    assert sum(graph.data) == graph.size.quantized + graph.size.scales + graph.size.rest + graph.size.overhead


def test_a_cell_that_loops_is_an_lstm_where_what_it_remembers_is_exact():
    """torch's own LSTM with the same weights agrees with both."""
    module, x = Recurrent(), torch.randn(2, 9, 6)
    content = planned(module, x)
    ran = [each.name for each in kernels(build(content)[0].SerializeToString(), x.numpy())]
    assert "LSTM" in ran and "Scan" not in ran
    own = nn.LSTM(6, 8, batch_first=True)
    own.load_state_dict({f"{part}_{which}_l0": getattr(getattr(module.cell, which), part) for which in ("ih", "hh") for part in ("weight", "bias")})
    with torch.inference_mode():
        torch.testing.assert_close(module.cell(x), own(x)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("function", [lambda x: x.cumsum(1), lambda x: torch.relu(nn.functional.pad(x, (0, 0, 1, 1)))])
def test_what_is_not_known_is_a_sentence_that_says_what_is(function):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(6, 4)

        def forward(self, x):
            return function(self.first(x))

    with pytest.raises(ModelError, match="ONNX export (knows no|pads)"):
        build(planned(Odd(), torch.randn(2, 5, 6)))
