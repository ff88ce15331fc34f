"""simulate: fake quantization against other implementations, and a network that nobody changes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
import torch
from exact import multiplied_and_added
from onnx import TensorProto, helper
from torch import nn

from explorer import fake_quantize
from explorer.calibration import calibrate
from explorer.errors import Cancelled, DataError
from explorer.formats import FORMATS
from explorer.grid import Grid, grid_of
from explorer.models import MODELS, Layer, Network, load
from explorer.quantize import quantize
from explorer.recipe import ROUNDINGS, Recipe, roundings
from explorer.rows import Record
from explorer.simulate import ActivationQuantizer, Simulated, _quantized, output_sqnr_db, record

INT8 = Recipe.parse("int8-asym")
TOKEN = Recipe.parse("int8-asym-token")


class Residual(nn.Module):
    """A convolution, a depthwise one whose input is also added to its output, a linear head."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 6, 3, padding=1)
        self.dw = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        return self.head((x + torch.relu_(self.dw(x))).mean(dim=(2, 3)))


@pytest.fixture
def net() -> Network:
    torch.manual_seed(1)
    module = Residual().eval().requires_grad_(False)
    layers = (Layer("stem", "conv", 1), Layer("dw", "depthwise", 1), Layer("head", "linear", 1))
    samples = torch.randn(40, 2, 5, 7).numpy()
    return Network(
        module, layers, calibration=samples, test=samples, labels=None, calibration_labels=None,
        prepare=torch.from_numpy, answers=lambda y: y.argmax(1).numpy(), digest="digest",
    )  # fmt: skip


@pytest.fixture
def x() -> torch.Tensor:
    torch.manual_seed(2)
    return torch.randn(3, 50, 41) * 2 + 0.3


def rounded(net: Network, i: int) -> np.ndarray:
    return np.round(net.weight(i) * 8) / 8


def quantizers(net: Network, recipe: Recipe = INT8) -> list[ActivationQuantizer]:
    return [ActivationQuantizer(recipe, record.low, record.high) for record in record(net, net.calibration, 16)]


def half_away(y: np.ndarray) -> np.ndarray:
    return np.copysign(np.floor(np.abs(y.astype(np.float64)) + 0.5), y).astype(np.float32)


def step_by_step(x: np.ndarray, recipe: Recipe, low: float, high: float) -> np.ndarray:
    """The contract, in NumPy: x/scale, round, + zero_point, clip, − zero_point, · scale, in float32."""
    scale, zero_point = (part.item() for part in grid_of(recipe, np.float64([low]), np.float64([high])))
    scale, zero_point = np.float32(scale), np.float32(zero_point)
    by = np.float32(1) / scale
    if recipe.rounding == "absmax":
        by = np.float32(Grid.of(recipe).span / 2) * (np.float32(1) / np.float32(high))
    steps = x * by if recipe.rounding in ("reciprocal", "muladd", "absmax") else x / scale
    if recipe.rounding in ("shifted", "muladd"):
        codes = np.rint(steps + zero_point)
    elif recipe.rounding == "fma":
        codes = np.rint([multiplied_and_added(each, by, zero_point) for each in x.ravel()]).reshape(x.shape)
    else:
        codes = {"floor": np.floor, "away": half_away}.get(recipe.rounding, np.rint)(steps) + zero_point
    codes = np.clip(codes, *map(np.float32, FORMATS[recipe.format].code_range(recipe.scheme)))
    return (codes - zero_point) * scale


@pytest.mark.parametrize("rounding", [each for each in ROUNDINGS if each != "stochastic"])
@pytest.mark.parametrize("scheme", ["sym", "symfull", "asym"])
@pytest.mark.parametrize("format", ["int2", "int8", "uint8", "int4", "uint3", "int16", "uint16"])
def test_integers_take_the_same_steps_in_the_same_order(x, format, scheme, rounding, monkeypatch):
    if rounding not in roundings(format, scheme):
        pytest.skip("an asymmetric range has no largest magnitude")
    monkeypatch.setattr(fake_quantize, "CHUNK", 1000)  # pieces that do not divide the tensor
    recipe = Recipe(format, scheme, rounding=rounding)
    low, high = (-1.7, 3.1) if scheme == "asym" else (-2.9, 2.9)
    got = ActivationQuantizer(recipe, low, high)(x)
    assert got.dtype == torch.float32 and got.shape == x.shape
    assert np.array_equal(got.numpy(), step_by_step(x.numpy(), recipe, low, high))


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_what_is_beyond_all_steps_is_the_end_of_the_range(rounding):
    """Of a layer that was nearly dead on the calibration samples: x / scale is beyond float32."""
    quantizer = ActivationQuantizer(Recipe("int8", "sym", "tensor", "minmax", rounding), -1e-37, 1e-37)
    end = 127 * quantizer.grid[0]  # by the reciprocal no scale is below 2⁻²³
    assert quantizer(torch.tensor([1e3, -1e3, 0.0])).tolist() == pytest.approx([end, -end, 0], rel=1e-5)


@pytest.mark.parametrize("kind", ["tensor", "token"])
@pytest.mark.parametrize("format", ["int4-sym", "int8-asym", "uint8-asym"])
def test_by_the_reciprocal_activations_are_torchs(x, format, kind):
    """Its observers' scales and zero points, its fake_quantize, with values on ties."""
    recipe = Recipe.parse(f"{format}-{kind}-reciprocal")
    x = torch.cat([x.view(150, 41), (torch.arange(41) - 20.5)[None] * 0.125])
    low, high = (part.numpy() for part in torch.aminmax(x, dim=1, keepdim=True)) if kind == "token" else (x.min().numpy(), x.max().numpy())
    lowest, highest = FORMATS[recipe.format].code_range(recipe.scheme)
    scheme = torch.per_channel_symmetric if recipe.scheme == "sym" else torch.per_channel_affine
    observer = torch.ao.quantization.PerChannelMinMaxObserver(dtype=torch.quint8 if format[0] == "u" else torch.qint8, qscheme=scheme,
                                                              quant_min=lowest, quant_max=highest)  # fmt: skip
    observer(x if kind == "token" else x.view(1, -1))
    scale, zero_point = observer.calculate_qparams()
    rows = torch.fake_quantize_per_channel_affine(x if kind == "token" else x.view(1, -1), scale, zero_point.int(), 0, lowest, highest)
    ends = (None, None) if kind == "token" else (float(low), float(high))
    if recipe.scheme == "sym" and kind == "tensor":
        ends = -max(-ends[0], ends[1]), max(-ends[0], ends[1])
    assert torch.equal(ActivationQuantizer(recipe, *ends)(x), rows.view(x.shape))


@pytest.mark.parametrize("format", ["int8", "uint8"])
def test_integers_are_onnx_runtimes(x, format):
    """QuantizeLinear then DequantizeLinear, with values on ties and far outside."""
    recipe = Recipe(format, "asym")
    scale, zero_point = (part.reshape(()) for part in grid_of(recipe, np.float64([-1.7]), np.float64([3.1])))
    ties = np.arange(-300, 300, dtype=np.float32) * scale + scale / 2
    x = torch.cat([x.flatten(), torch.from_numpy(ties), torch.tensor([-1e30, 1e30, 0.0, -1e-40])])
    code = TensorProto.INT8 if format == "int8" else TensorProto.UINT8
    inputs = [helper.make_tensor_value_info(name, kind, None)
              for name, kind in (("x", TensorProto.FLOAT), ("scale", TensorProto.FLOAT), ("zero", code))]  # fmt: skip
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["codes"]),
             helper.make_node("DequantizeLinear", ["codes", "scale", "zero"], ["y"])]  # fmt: skip
    graph = helper.make_graph(nodes, "qdq", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    zero = zero_point.astype(np.int8 if format == "int8" else np.uint8)
    (theirs,) = session.run(None, {"x": x.numpy(), "scale": scale, "zero": zero})
    assert np.array_equal(ActivationQuantizer(recipe, -1.7, 3.1)(x).numpy(), theirs)


@pytest.mark.parametrize(
    ("format", "theirs"),
    [
        ("fp16", np.float16),
        ("bf16", ml_dtypes.bfloat16),
        ("fp8e4m3", ml_dtypes.float8_e4m3fn),
        ("fp8e5m2", ml_dtypes.float8_e5m2),
    ],
)
def test_plain_casts_are_those_of_numpy_and_ml_dtypes(x, format, theirs):
    got = ActivationQuantizer(Recipe(format))(x)
    assert np.array_equal(got.numpy(), x.numpy().astype(theirs).astype(np.float32))


def test_a_scaled_float_is_a_cast_in_units_of_the_scale(x):
    recipe = Recipe.parse("fp8e4m3-tensor-minmax")
    scale = np.float32(6.0 / 448)
    theirs = (x.numpy() / scale).clip(-448, 448).astype(ml_dtypes.float8_e4m3fn).astype(np.float32) * scale
    assert np.array_equal(ActivationQuantizer(recipe, -6.0, 6.0)(x).numpy(), theirs)


def test_fp32_leaves_everything_alone(x):
    assert torch.equal(ActivationQuantizer(Recipe("fp32"))(x), x)


@pytest.mark.parametrize("recipe", ["int8-asym-token", "int4-sym-token", "int8-symfull-token", "fp8e4m3-token"])
def test_token_gives_each_vector_its_own_range(x, recipe, monkeypatch):
    monkeypatch.setattr(fake_quantize, "CHUNK", 500)
    recipe = Recipe.parse(recipe)
    x[1, 2], x[0, 7], x[2, 3] = 0.0, x[0, 7].abs() + 1, -1e-3  # nothing, one-sided, constant
    got = ActivationQuantizer(recipe)(x)
    one = recipe.replace(granularity="tensor")
    for vector, row in zip(x.reshape(-1, x.shape[-1]), got.reshape(-1, x.shape[-1])):
        low, high = (float(end.item()) for end in calibrate(vector, one))
        assert torch.equal(row, ActivationQuantizer(one, low, high)(vector))


def test_stochastic_rounding_is_right_on_average_and_the_same_each_time():
    recipe = Recipe.parse("int8-sym-tensor-abs127-stochastic")  # scale 1
    quantizer = ActivationQuantizer(recipe, -127.0, 127.0, seed=4)
    x = torch.full((100_000,), 3.3)
    got = quantizer(x)
    assert set(got.tolist()) == {3.0, 4.0}
    assert float(got.mean()) == pytest.approx(3.3, abs=5 * (0.21 / 100_000) ** 0.5)  # five sigma
    assert torch.equal(got, quantizer(x))
    assert not torch.equal(got, ActivationQuantizer(recipe, -127.0, 127.0, seed=5)(x))


LIVE = [each.id for each in FORMATS if each.blocks and each.activations]


@pytest.mark.parametrize("id", LIVE)
def test_blocks_lie_along_the_last_axis_and_are_those_of_quantize(x, id):
    largest = x.abs().max().item()
    got = ActivationQuantizer(Recipe(id), -largest, 0.5)(x)
    assert np.array_equal(got.numpy(), quantize(x.flatten(0, 1), id).dequantize().reshape(x.shape))


@pytest.mark.parametrize("id", LIVE)
def test_blocks_of_a_convolution_lie_along_its_channels(net, id):
    quantizer, inputs = ActivationQuantizer(Recipe(id), -5.0, 5.0), torch.randn(3, 6, 5, 7)
    got = Simulated(net, None, [None, quantizer, None]).layer(1)(inputs)
    by_position = torch.stack([quantizer(image.reshape(6, -1).T.contiguous()).T.reshape(6, 5, 7) for image in inputs])
    by_position = by_position.to(memory_format=torch.channels_last)  # as it lies, so that the sums round alike
    assert torch.equal(got, net.module.dw(by_position))


def test_nvfp4s_scale_of_the_tensor_comes_from_calibration(x):
    """Each batch would else have one of its own; what lies beyond saturates."""
    recipe = Recipe("nvfp4")
    one = ActivationQuantizer(recipe, -2.0, 1.0)
    assert torch.equal(one(x), torch.cat([one(part) for part in x.split(1)]))
    assert one(x * 1e4).abs().max().item() == pytest.approx(2)
    with pytest.raises(DataError, match="needs a finite range"):
        ActivationQuantizer(recipe)


@pytest.mark.parametrize("recipe", ["fp8e4m3-g128", "int8-symfull-g32", "uint4-asym-g48", "fp6e2m3-g4096", "int8-asym-g7"])
def test_groups_of_a_token_are_the_groups_of_its_row(recipe):
    """The codes of weights with this recipe, whatever the size leaves over; DeepSeek-V3's 1 × 128 tiles among them."""
    x = np.random.default_rng(8).normal(0, np.exp(np.random.default_rng(9).normal(size=(2, 5, 1))), (2, 5, 300)).astype(np.float32)
    expected = quantize(x.reshape(10, 300), recipe).dequantize().reshape(x.shape)
    np.testing.assert_array_equal(ActivationQuantizer(Recipe.parse(recipe))(torch.from_numpy(x)).numpy(), expected)


def test_groups_lie_along_the_channels_of_a_convolution(net):
    quantizer = ActivationQuantizer(Recipe.parse("int4-sym-g2"))
    x = torch.randn(2, net.module.dw.in_channels, 5, 5, generator=torch.Generator().manual_seed(1))
    there = Simulated(net, None, [None, quantizer, None]).layer(1)(x)
    assert torch.equal(there, net.module.dw(quantizer(x.movedim(1, -1)).movedim(-1, 1)))


@pytest.mark.parametrize("recipe", ["int8-asym", "int8-sym-token", "fp16", "fp8e4m3-tensor-minmax", "mxfp4", "nvfp4"])
def test_the_input_is_never_changed_and_may_lie_in_any_order(x, recipe):
    quantizer, before = ActivationQuantizer(Recipe.parse(recipe), -3.0, 3.0), x.clone()
    straight = quantizer(x)
    assert torch.equal(x, before) and straight.data_ptr() != x.data_ptr()
    crosswise = x.transpose(0, 1).contiguous().transpose(0, 1)
    assert not crosswise.is_contiguous() and torch.equal(quantizer(crosswise), straight)


@pytest.mark.parametrize("ends", [(None, None), (0.0, None), (float("nan"), 1.0), (0.0, float("inf"))])
def test_a_quantizer_without_a_range_is_refused(ends):
    with pytest.raises(DataError, match="needs a finite range"):
        ActivationQuantizer(INT8, *ends)


def test_with_nothing_replaced_it_is_the_network(net):
    inputs = net.prepare(net.test)
    assert torch.equal(Simulated(net)(inputs), net.module(inputs))
    assert torch.equal(Simulated(net, [None] * 3, [None] * 3)(inputs), net.module(inputs))


def test_weights_and_inputs_are_replaced_where_asked(net):
    inputs, quantizer = net.prepare(net.test), ActivationQuantizer(INT8, 0.0, 1.5)
    got = Simulated(net, [rounded(net, 0), None, torch.from_numpy(rounded(net, 2))], [None, quantizer, None])(inputs)

    m, f = net.module, nn.functional
    x = torch.relu(f.conv2d(inputs, torch.from_numpy(rounded(net, 0)), m.stem.bias, padding=1))
    y = x + torch.relu(f.conv2d(quantizer(x), m.dw.weight, m.dw.bias, padding=1, groups=6))  # x itself stays
    by_hand = f.linear(y.mean(dim=(2, 3)), torch.from_numpy(rounded(net, 2)), m.head.bias)
    assert torch.equal(got, by_hand)
    assert not torch.equal(got, m(inputs))


def test_token_is_a_vector_of_a_linear_layer_and_a_sample_of_a_convolution(net):
    token = ActivationQuantizer(TOKEN)
    inputs = net.prepare(net.test) * torch.logspace(-1, 1, len(net.test)).reshape(-1, 1, 1, 1)
    one = Recipe.parse("int8-asym")
    by_sample = torch.cat([ActivationQuantizer(one, float(x.min()), float(x.max()))(x)[None] for x in inputs])
    stem = Simulated(net, None, [token, None, None]).layer(0)
    assert torch.equal(stem(inputs), net.module.stem(by_sample))
    vectors = torch.randn(5, 3, 6)
    head = Simulated(net, None, [None, None, token]).layer(2)
    assert torch.equal(head(vectors), net.module.head(token(vectors)))


class Fan(nn.Module):
    """Three linear layers on one input, and a fourth on their sum."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(sum(part(x) for part in self.parts))


@pytest.mark.parametrize(("odd", "times"), [(None, 2), (1, 4)])
def test_an_input_that_layers_share_is_quantized_once_for_each_way(net, odd, times, monkeypatch):
    ways = [ActivationQuantizer(INT8, -2, 2 + (i == odd)) for i in range(4)]
    names = ("parts.0", "parts.1", "parts.2", "last")
    fan = Fan().eval().requires_grad_(False)
    net = replace(net, module=fan, layers=tuple(Layer(name, "linear", 0) for name in names))
    x, calls = torch.randn(3, 4), []
    quantizer = ActivationQuantizer.__call__
    monkeypatch.setattr(ActivationQuantizer, "__call__", lambda self, x: calls.append(self) or quantizer(self, x))
    simulated = Simulated(net, activations=ways)
    answers = simulated(x), simulated(2 * x)
    assert len(calls) == 2 * times
    for seen, y in zip((x, 2 * x), answers):
        parts = sum(part(ways[i](seen)) for i, part in enumerate(fan.parts))
        assert torch.equal(y, fan.last(ways[3](parts)))


def test_what_was_quantized_is_forgotten_when_the_network_stops(net):
    """A tensor may be filled anew, also after a run that was stopped, and between two calls of a layer alone."""
    stop, ways = Event(), quantizers(net)
    simulated = Simulated(net, activations=ways)
    net_input = torch.from_numpy(net.test[:4].copy())
    simulated.module.get_submodule("dw").register_forward_pre_hook(lambda *_: stop.set(), prepend=True)
    with pytest.raises(Cancelled):
        simulated(net_input, cancel=stop)
    again = torch.from_numpy(net.test[4:8])
    net_input.copy_(again)
    assert torch.equal(simulated(net_input), Simulated(net, activations=ways)(again))
    first = simulated.layer(0)
    before = first(net_input)
    assert not torch.equal(first(net_input.mul_(0.5)), before)


def test_linear_layers_and_convolutions_take_vectors_of_one_input_differently():
    x = torch.randn(2, 3, 4, 4)
    ways = [_quantized(x, ActivationQuantizer(TOKEN), is_linear) for is_linear in (True, False)]
    assert not torch.equal(*ways)


@pytest.mark.parametrize("id", [id for id in MODELS.ids if MODELS[id].is_here])
def test_no_network_writes_into_what_layers_share(id, monkeypatch):
    net = load(id)
    ways = [ActivationQuantizer(TOKEN) if layer.multiplies else None for layer in net.layers]
    seen = net.prepare(net.test[:1])
    shared = Simulated(net, activations=ways)(seen)
    monkeypatch.setattr(Simulated, "_quantize", lambda self, layer, how, _, x: _quantized(x[0], how, layer.kind == "linear"))
    assert torch.equal(Simulated(net, activations=ways)(seen), shared)


def test_the_shared_network_is_not_touched_and_its_tensors_are_not_copied(net):
    before = {name: tensor.clone() for name, tensor in net.module.state_dict().items()}
    simulated = Simulated(net, [rounded(net, 0), None, None], quantizers(net))
    simulated(net.prepare(net.test))
    output_sqnr_db(net, net.test, [rounded(net, i) for i in range(3)], quantizers(net))
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.module.state_dict().items())
    for module in net.module.modules():
        assert not module._forward_pre_hooks and not module._forward_hooks
    assert simulated.layer(1).weight.data_ptr() == net.module.dw.weight.data_ptr()
    assert simulated.layer(0).bias.data_ptr() == net.module.stem.bias.data_ptr()


def test_weights_given_as_an_array_may_change_afterwards(net):
    weight = rounded(net, 0)
    simulated = Simulated(net, [weight, None, None])
    before = simulated(net.prepare(net.test))
    weight[:] = 0
    assert torch.equal(simulated(net.prepare(net.test)), before)


def test_many_threads_may_use_one_network(net):
    scales = np.linspace(0.5, 1.5, 12, dtype=np.float32)
    inputs = net.prepare(net.test)

    def run(scale):
        return Simulated(net, [net.weight(0) * scale, None, None], quantizers(net))(inputs)

    alone = [run(scale) for scale in scales]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, scales))
    assert all(torch.equal(a, b) for a, b in zip(alone, together))


@pytest.mark.parametrize("what", ["weights", "activations"])
def test_one_entry_for_each_layer(net, what):
    with pytest.raises(DataError, match=f"2 {what} for 3 layers"):
        Simulated(net, **{what: [None, None]})


def test_weights_of_the_wrong_shape_name_their_layer(net):
    with pytest.raises(DataError, match=r"layer dw .*\[6, 1, 3\].* needs \[6, 1, 3, 3\]"):
        Simulated(net, [None, np.zeros((6, 1, 3), np.float32), None])


@pytest.mark.parametrize(("i", "name"), [(0, "stem"), (1, "dw"), (2, "head")])
def test_a_layer_that_gives_nan_is_named(net, i, name):
    weight = net.weight(i).copy()
    weight.flat[3] = np.nan
    weights = [weight if k == i else None for k in range(3)]
    with pytest.raises(DataError, match=f"layer {name} gives [0-9]+ values that are NaN or infinite"):
        Simulated(net, weights, quantizers(net))(net.prepare(net.test))
    with pytest.raises(DataError, match=f"layer {name} gives [0-9,]+ values that are NaN or infinite"):
        output_sqnr_db(net, net.test, weights, [None] * 3)


def test_samples_that_are_nan_are_named(net):
    broken = net.test.copy()
    broken[5, 0, 0, 0] = np.nan
    with pytest.raises(DataError, match="samples hold 1 values that are NaN"):
        Simulated(net)(net.prepare(broken))
    with pytest.raises(DataError, match="input of layer stem: 1 of"):
        record(net, broken, 40)


@pytest.mark.parametrize("batch", [1, 7, 16, 40, 1000])
def test_a_record_holds_what_each_layer_was_given(net, batch):
    inputs = net.prepare(net.calibration)
    x = torch.relu(net.module.stem(inputs))
    y = (x + torch.relu(net.module.dw(x))).mean(dim=(2, 3))
    got = record(net, net.calibration, batch)
    for seen, given in zip(got, (inputs, x, y), strict=True):
        whole = Record.of(given)
        assert seen.count == given.numel()
        assert (seen.low, seen.high) == pytest.approx((whole.low, whole.high), rel=1e-6)
    assert np.array_equal(got[0].counts, Record.of(inputs).counts)


def test_recording_tells_how_far_it_is_and_stops_when_asked_to(net):
    told, cancel = [], Event()
    record(net, net.calibration, 16, progress=lambda *now: told.append(now))
    assert told == [("record", 0.4), ("record", 0.8), ("record", 1.0)]

    def stop(_stage, done):
        told.append(done)
        cancel.set()

    told.clear()
    with pytest.raises(Cancelled):
        record(net, net.calibration, 16, progress=stop, cancel=cancel)
    assert told == [0.4]


def test_the_error_of_each_layer_is_its_own_on_unquantized_inputs(net):
    weights, acts = [rounded(net, 0), None, rounded(net, 2)], [None, *quantizers(net)[1:]]
    inputs, m = net.prepare(net.test), net.module
    x = torch.relu(m.stem(inputs))
    y = (x + torch.relu(m.dw(x))).mean(dim=(2, 3))
    f = nn.functional
    pairs = [
        (m.stem(inputs), f.conv2d(inputs, torch.from_numpy(weights[0]), m.stem.bias, padding=1)),
        (m.dw(x), m.dw(acts[1](x))),
        (m.head(y), f.linear(acts[2](y), torch.from_numpy(weights[2]), m.head.bias)),
    ]
    expected = [10 * torch.log10((a.double() ** 2).sum() / ((b.double() - a.double()) ** 2).sum()) for a, b in pairs]
    for batch in (3, 16, 100):
        got = output_sqnr_db(net, net.test, weights, acts, batch=batch)
        assert got == pytest.approx([float(e) for e in expected], abs=1e-3)


def test_no_error_is_infinitely_good_and_no_answer_infinitely_bad(net):
    zero = [np.zeros_like(net.weight(0)), net.weight(1), None]
    net.module.stem.bias.zero_()
    got = output_sqnr_db(net, net.test, zero, [None] * 3)
    assert got[0] == pytest.approx(0, abs=1e-9)  # everything is lost: noise as strong as the signal
    assert got[1] == got[2] == np.inf
    net.module.stem.weight.zero_()
    noise = [np.ones_like(net.weight(0)), None, None]
    assert output_sqnr_db(net, net.test, noise, [None] * 3)[0] == -np.inf


def test_measuring_the_layers_stops_when_asked_to(net):
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled):
        output_sqnr_db(net, net.test, [None] * 3, [None] * 3, cancel=cancel)


@pytest.mark.parametrize("batch", [0, -1])
def test_nothing_to_look_at_is_refused(net, batch):
    with pytest.raises(DataError, match="at least 1 sample"):
        record(net, net.calibration[:0], 16)
    with pytest.raises(DataError, match="1 per batch"):
        record(net, net.calibration, batch)
    with pytest.raises(DataError, match="at least 1 sample"):
        output_sqnr_db(net, net.calibration[:0], [None] * 3, [None] * 3)
