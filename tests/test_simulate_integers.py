"""The simulation is what integer hardware computes: the same codes, multiplied as integers.

Every layer is computed a second time from its codes alone: int32 products and sums, the
zero-point correction, padding with the code of zero, an int32 bias at scale s_x·s_w. Two things
differ from the simulation, and both have a bound:

- float32's rounding: |ŷ − y| ≤ γ (Σ|x̂||ŵ| + |b|), γ = ku / (1 − ku), u = 2⁻²⁴, for K products in
  any order and the roundings of x̂ = s·q, ŵ = s·q and the bias, k = K + 3 (Higham, Accuracy and
  Stability of Numerical Algorithms, 2002, §3.1);
- the bias: the simulation keeps it in FP32, integers round it to multiples of s_x·s_w, so at most
  s_x·s_w / 2 more.
"""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper
from torch import nn

from explorer.formats import FORMATS
from explorer.grid import grid_of
from explorer.models import Layer, Network, load
from explorer.quantize import quantize
from explorer.recipe import Recipe
from explorer.simulate import ActivationQuantizer, Simulated

LAYERS = {
    "linear": lambda: nn.Linear(37, 11),
    "conv 3×3 padded": lambda: nn.Conv2d(5, 7, 3, padding=1),
    "conv 1×1": lambda: nn.Conv2d(5, 7, 1),
    "conv strided, oblong": lambda: nn.Conv2d(5, 7, (3, 5), stride=(2, 3), padding=(1, 2)),
    "conv dilated": lambda: nn.Conv2d(5, 7, 3, padding=2, dilation=2),
    "conv grouped": lambda: nn.Conv2d(6, 9, 3, padding=1, groups=3),
    "depthwise": lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6),
    "depthwise strided": lambda: nn.Conv2d(6, 6, 5, stride=2, padding=2, groups=6, bias=False),
}
WEIGHTS = ("int8-sym-tensor", "int8-sym-channel", "int8-asym-channel", "uint8-asym-tensor",
           "int4-symfull-channel", "int2-sym-channel", "uint5-sym-tensor-p99.9")  # fmt: skip
ACTIVATIONS = ("uint8-asym", "int8-asym", "int8-sym", "uint8-sym", "int8-symfull", "int3-asym", "int8-asym-token")


def layer_and_input(name: str, positive: bool) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(sum(map(ord, name)))
    layer = LAYERS[name]().eval().requires_grad_(False)
    layer.weight *= torch.logspace(-1, 0.5, len(layer.weight)).reshape(-1, *[1] * (layer.weight.dim() - 1))
    shape = (4, layer.in_features) if isinstance(layer, nn.Linear) else (4, layer.in_channels, 9, 11)
    x = torch.randn(shape) * 1.7 + 0.6
    return layer, x.relu() if positive else x


def alone(layer: nn.Module) -> Network:
    """A network of one layer."""
    kind = "linear" if isinstance(layer, nn.Linear) else "depthwise" if layer.groups > 1 else "conv"
    return Network(
        nn.Sequential(layer), (Layer("0", kind, 1),), calibration=None, test=None, labels=None,
        calibration_labels=None, prepare=None, answers=None, digest="",
    )  # fmt: skip


def activation_codes(x: np.ndarray, recipe: Recipe, low, high) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes by ONNX QuantizeLinear's rule, with their scale and zero point, one each per sample."""
    if recipe.kind == "token":
        rows = x.reshape(len(x), -1).astype(np.float64)
        low, high = np.minimum(rows.min(axis=1), 0), np.maximum(rows.max(axis=1), 0)
    scale, zero_point = (
        np.broadcast_to(part.reshape(-1), len(x)) for part in grid_of(recipe, np.atleast_1d(low), np.atleast_1d(high))
    )
    spread = (len(x), *[1] * (x.ndim - 1))
    codes = np.rint(x / scale.reshape(spread)) + zero_point.reshape(spread)
    return np.clip(codes, *FORMATS[recipe.format].code_range(recipe.scheme)).astype(np.int32), scale, zero_point


def windows(codes: np.ndarray, layer: nn.Module, zero_point: np.ndarray) -> np.ndarray:
    """What each output's weights meet: [n, groups, positions…, products], padded with zero's code."""
    if isinstance(layer, nn.Linear):
        return codes[:, None]
    (top, left), (down, across) = layer.padding, layer.stride
    n, channels, height, width = codes.shape
    padded = np.empty((n, channels, height + 2 * top, width + 2 * left), np.int32)
    padded[:] = zero_point.reshape(-1, 1, 1, 1)
    padded[:, :, top : top + height, left : left + width] = codes
    reach = [d * (k - 1) + 1 for d, k in zip(layer.dilation, layer.kernel_size)]
    seen = sliding_window_view(padded, reach, axis=(2, 3))
    seen = seen[:, :, ::down, ::across, :: layer.dilation[0], :: layer.dilation[1]]
    seen = seen.reshape(n, layer.groups, channels // layer.groups, *seen.shape[2:])
    return np.moveaxis(seen, 2, 4).reshape(n, layer.groups, *seen.shape[3:5], -1)


def accumulate(layer: nn.Module, codes: np.ndarray, zero_point: np.ndarray, w: np.ndarray, w_zero: np.ndarray):
    """Σ (q_x − z_x)(q_w − z_w) as int32, from sums of products of codes and their correction.

    w: weight codes [out, …]; w_zero: [out]. Returns [n, out, positions…].
    """
    groups = getattr(layer, "groups", 1)
    seen = windows(codes, layer, zero_point)
    out = []
    for group, (kernel, z_w) in enumerate(zip(np.split(w.reshape(len(w), -1), groups), np.split(w_zero, groups))):
        x, z_x = seen[:, group], zero_point.reshape(-1, *[1] * (seen.ndim - 2)).astype(np.int32)
        products = x @ kernel.T
        corrections = z_x * kernel.sum(axis=1, dtype=np.int32) + x.sum(axis=-1, keepdims=True, dtype=np.int32) * z_w
        out.append(products - corrections + np.int32(x.shape[-1]) * z_x * z_w)
    total = np.moveaxis(np.concatenate(out, axis=-1), -1, 1)
    assert total.dtype == np.int32
    return total


def per_output(values, dims: int) -> np.ndarray:
    return np.asarray(values, np.float64).reshape(1, -1, *[1] * (dims - 2))


def check(layer: nn.Module, x: torch.Tensor, weights: Recipe, activations: Recipe) -> None:
    """Assert that the simulated layer and the integer one agree within the bounds above."""
    outputs = len(layer.weight)
    w = quantize(layer.weight.numpy(), weights)
    w_scale, w_zero = (np.broadcast_to(np.asarray(part).reshape(-1), outputs) for part in (w.scale, w.zero_point))
    low, high = min(float(x.min()), 0.0) * 0.9, max(float(x.max()), 0.0) * 0.9  # something clips, too
    if activations.scheme != "asym":
        low, high = -max(-low, high), max(-low, high)
    quantizer = ActivationQuantizer(activations, *((None, None) if activations.kind == "token" else (low, high)))
    simulated = Simulated(alone(layer), [w.dequantize()], [quantizer])(x).numpy()

    codes, x_scale, x_zero = activation_codes(x.numpy(), activations, low, high)
    total = accumulate(layer, codes, x_zero, np.asarray(w.codes, np.int32).reshape(layer.weight.shape),
                       w_zero.astype(np.int32))  # fmt: skip
    bias = np.zeros(outputs) if layer.bias is None else layer.bias.double().numpy()
    scale = x_scale.astype(np.float64).reshape(-1, 1, *[1] * (x.dim() - 2)) * per_output(w_scale, x.dim())
    integer_bias = np.rint(per_output(bias, x.dim()) / scale)
    assert np.abs(integer_bias).max(initial=0) < 2**31

    products = layer.weight[0].numel()
    k_u = (products + 3) * 2.0**-24
    magnitudes = copy_of(layer, np.abs(w.dequantize()), np.abs(bias))(quantized(quantizer, layer, x).abs().double())
    rounding = k_u / (1 - k_u) * magnitudes.numpy()
    with_fp32_bias = scale * total + per_output(bias, x.dim())
    assert (np.abs(simulated - with_fp32_bias) <= rounding).all()
    in_integers = scale * (total + integer_bias)
    assert (np.abs(simulated - in_integers) <= rounding + scale / 2).all()


def quantized(quantizer: ActivationQuantizer, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return quantizer(x) if isinstance(layer, nn.Linear) else quantizer(x.flatten(1)).view_as(x)


def copy_of(layer: nn.Module, weight: np.ndarray, bias: np.ndarray) -> nn.Module:
    """The layer in float64 with other weights."""
    if isinstance(layer, nn.Linear):
        return lambda x: nn.functional.linear(x, torch.from_numpy(weight).double(), torch.from_numpy(bias))
    return lambda x: nn.functional.conv2d(
        x, torch.from_numpy(weight).double(), torch.from_numpy(bias),
        layer.stride, layer.padding, layer.dilation, layer.groups,
    )  # fmt: skip


@pytest.mark.parametrize("activations", ACTIVATIONS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", LAYERS)
def test_a_simulated_layer_is_the_integer_layer(name, weights, activations):
    layer, x = layer_and_input(name, positive=len(weights) % 2 == 0)
    check(layer, x, Recipe.parse(weights), Recipe.parse(activations))


@pytest.mark.parametrize("weights", ["int8-sym-tensor", "int4-asym-channel-mse"])
def test_every_layer_of_a_real_network_is_the_integer_layer(weights):
    net, inputs = load("digits"), {}
    module = Simulated(net)._module  # a private copy, to listen in
    for layer in net.layers:
        module.get_submodule(layer.name).register_forward_pre_hook(
            lambda _module, x, name=layer.name: inputs.update({name: x[0].clone()})
        )
    with torch.inference_mode():
        module(net.prepare(net.test[:8]))
    for layer in net.layers:
        with torch.inference_mode():
            check(net.module.get_submodule(layer.name), inputs[layer.name], Recipe.parse(weights),
                  Recipe.parse("uint8-asym"))  # fmt: skip


def onnx_session(node, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """One ONNX node on codes x, w with their zero points, run by ONNX Runtime: int32 sums."""
    names = ("x", "w", "x_zero", "w_zero")
    inputs = [helper.make_tensor_value_info(name, TensorProto.UINT8, None) for name in names]
    y = helper.make_tensor_value_info("y", TensorProto.INT32, None)
    model = helper.make_model(helper.make_graph([node], "one", inputs, [y]),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)  # fmt: skip
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda *values: session.run(None, dict(zip(names, values)))[0]


@pytest.mark.parametrize("name", LAYERS)
def test_the_integer_sums_are_onnx_runtimes(name):
    layer, x = layer_and_input(name, positive=False)
    # u8·u8: ONNX Runtime's u8·s8 saturates at 16 bits on processors without VNNI
    activations, weights = Recipe.parse("uint8-asym"), Recipe.parse("uint8-asym-tensor")
    codes, _, x_zero = activation_codes(x.numpy(), activations, -1.5, 4.0)
    w = quantize(layer.weight.numpy(), weights)
    w_codes, w_zero = np.asarray(w.codes).reshape(layer.weight.shape), np.asarray(w.zero_point).reshape(-1)
    ours = accumulate(layer, codes, x_zero, w_codes.astype(np.int32), np.repeat(w_zero, len(w_codes)).astype(np.int32))
    arguments = ["x", "w", "x_zero", "w_zero"]
    if isinstance(layer, nn.Linear):
        node, w_codes = helper.make_node("MatMulInteger", arguments, ["y"]), w_codes.T
    else:
        node = helper.make_node("ConvInteger", arguments, ["y"], group=layer.groups, strides=layer.stride,
                                pads=layer.padding * 2, dilations=layer.dilation)  # fmt: skip
    theirs = onnx_session(node, codes, w_codes)(
        codes.astype(np.uint8), np.ascontiguousarray(w_codes, np.uint8), np.array(x_zero[0], np.uint8), np.array(w_zero[0], np.uint8)
    )
    assert np.array_equal(ours, theirs)
