"""Pairs in 16 bits: against integers added pair by pair, and bit for bit against ONNX Runtime's own kernels on such a processor."""

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from streamlit.testing.v1 import AppTest
from torch import nn

import explorer.saturation
from components.words import en_cost
from explorer.__main__ import main
from explorer.console import SUMS
from explorer.deploy import onnx_joints
from explorer.deploy.content import Content, Plan
from explorer.deploy.onnx import session_options
from explorer.deploy.onnx_graph import build
from explorer.fake_quantize import ActivationQuantizer
from explorer.measure.runtime import machine, session
from explorer.link import encode_link
from explorer.pipeline import output_sqnr, stream, weigh
from explorer.quantize import quantize, sqnr_db
from explorer.recipe import Recipe
from explorer.saturation import PairSums, lost_in_pairs, saturates
from explorer.settings import ACCUMULATE, Settings
from explorer.views.sums import WAYS, affected, effect

DIGITS = Settings("digits", "int8-sym-tensor", "uint8-asym-tensor", calibration_samples=16, evaluation_samples=100, accumulate="avx2")
CUTS = "avx2" in machine() and "vnni" not in machine()  # this processor has the instruction, and nothing better


def pair_by_pair(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """vpmaddubsw and vpmaddwd, one product after another: int64 [M, N] of a [M, K] and b [N, K]."""
    total = np.zeros((len(a), len(b)), np.int64)
    for k in range(0, a.shape[1], 2):
        pair = sum(np.outer(a[:, i].astype(np.int64), b[:, i].astype(np.int64)) for i in range(k, min(k + 2, a.shape[1])))
        total += np.clip(pair, -(2**15), 2**15 - 1)
    return total


def codes(seed: int, m: int, k: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.Generator(np.random.Philox(seed))
    return draw.integers(0, 256, (m, k), np.uint8), np.clip(np.rint(draw.normal(0, 60, (n, k))), -128, 127).astype(np.int8)


def lost(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return lost_in_pairs(torch.from_numpy(a.astype(np.float32)), b).numpy()


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (3, 2, 5), (7, 63, 4), (16, 256, 33)])
def test_against_integers_added_pair_by_pair(m, k, n):
    a, b = codes(k, m, k, n)
    exact = a.astype(np.int64) @ b.T.astype(np.int64)
    assert np.array_equal(lost(a, b), pair_by_pair(a, b) - exact) and (k < 60 or lost(a, b).any())


def test_an_all_maximum_sum_is_half_of_what_it_should_be():
    """255 · 127 + 255 · 127 = 64,770 is cut to 32,767: 49 % are missing."""
    a, b = np.full((1, 64), 255, np.uint8), np.full((1, 64), 127, np.int8)
    assert lost(a, b)[0, 0] / (64 * 255 * 127) == pytest.approx(-0.494, abs=5e-4)


def test_long_sums_are_whole_numbers_beyond_what_float32_holds():
    a, b = np.full((1, 1202), 255, np.uint8), np.full((1, 1202), 127, np.int8)
    assert lost(a, b)[0, 0] == 601 * (32_767 - 64_770) and np.float32(lost(a, b)[0, 0]) != lost(a, b)[0, 0]


@pytest.mark.parametrize(("a", "b"), [(255, 64), (255, -64), (128, 127), (128, -128)])
def test_what_fits_is_left_alone(a, b):
    """7-bit weights with any input, and 8-bit weights with 7-bit inputs."""
    assert not lost(np.full((2, 8), a, np.uint8), np.full((3, 8), b, np.int8)).any()


def test_the_chunks_are_one(monkeypatch):
    a, b = codes(9, 20, 128, 16)
    whole = lost(a, b)
    monkeypatch.setattr(explorer.saturation, "CHUNK", 64)
    assert np.array_equal(lost(a, b), whole)


def test_onnx_runtime_adds_so_on_this_processor():
    """MatMulInteger gives its int32 sums: equal to the last bit."""
    a, b = codes(5, 16, 300, 48)
    b = np.ascontiguousarray(b.T)
    value = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)  # noqa: E731
    graph = helper.make_graph([helper.make_node("MatMulInteger", ["a", "b"], ["y"])], "g", [value("a", TensorProto.UINT8, a.shape)],
                              [value("y", TensorProto.INT32, (16, 48))], [numpy_helper.from_array(b, "b")])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    (theirs,) = session(model.SerializeToString()).run(None, {"a": a})
    assert np.array_equal(theirs, pair_by_pair(a, b.T) if CUTS else a.astype(np.int64) @ b.astype(np.int64))


LAYERS = {
    "linear": lambda: nn.Linear(37, 16),
    "conv 3×3 padded": lambda: nn.Conv2d(8, 16, 3, padding=1),
    "conv 3×3 of 3 channels": lambda: nn.Conv2d(3, 16, 3, stride=2, padding=1),
    "conv 1×1": lambda: nn.Conv2d(12, 32, 1),
    "conv grouped, dilated": lambda: nn.Conv2d(8, 16, 3, groups=2, dilation=2),
}


@pytest.mark.parametrize("activations", ["uint8-asym", "int8-asym"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_onnx_runtime_gives_the_same_codes(name, activations):
    """QLinearConv and QGemm's codes are those of the simulated sums, requantized as they do it."""
    torch.manual_seed(len(name))
    layer = LAYERS[name]().requires_grad_(False)
    linear, recipe = isinstance(layer, nn.Linear), Recipe.parse(activations)
    x = torch.randn(3, *((37,) if linear else (layer.in_channels, 9, 9))) + 1
    q = quantize(layer.weight.numpy(), "int8-sym-tensor-p90")  # many at the ends
    given = ActivationQuantizer(recipe, -0.5, 1.5)
    scale, zero = given.grid
    layer.weight = nn.Parameter(q.tensor(), requires_grad=False)
    layer.bias.zero_()
    seen = given(x)
    exact = layer(seen)
    ours = PairSums(q, scale, zero, -128 if activations == "int8-asym" else 0)(layer, seen, exact).numpy()
    assert sqnr_db(exact.numpy(), ours) < 40  # something was lost
    kind = np.uint8 if recipe.format == "uint8" else np.int8
    out = np.float32(np.abs(ours).max() / 127)
    parts = {"xs": np.float32(scale), "xz": kind(zero), "w": q.codes, "ws": np.float32(q.scale.item()), "wz": np.int8(0),
             "os": out, "oz": kind(128 if kind is np.uint8 else 0)}  # fmt: skip
    nodes = [helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]), helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xf"]),
             helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wf"])]  # fmt: skip
    if linear:
        nodes.append(helper.make_node("Gemm", ["xf", "wf"], ["yf"], transB=1))
    else:
        padding = [*layer.padding, *layer.padding]
        nodes.append(helper.make_node("Conv", ["xf", "wf"], ["yf"], pads=padding, strides=layer.stride, group=layer.groups, dilations=layer.dilation))
    nodes += [helper.make_node("QuantizeLinear", ["yf", "os", "oz"], ["yq"]), helper.make_node("DequantizeLinear", ["yq", "os", "oz"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ours.shape)],
                              [numpy_helper.from_array(np.asarray(part), each) for each, part in parts.items()])  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    (theirs,) = session(model.SerializeToString()).run(None, {"x": x.numpy()})
    values = ours if CUTS else exact.numpy()
    mine = np.clip(np.rint(values / out) + parts["oz"], np.iinfo(kind).min, np.iinfo(kind).max)
    differ = np.abs(mine - (np.rint(theirs / out) + parts["oz"]))
    assert differ.max() <= 1 and (differ > 0).mean() < 0.002  # a tie of the requantization, rounded the other way


def test_a_whole_network_is_what_onnx_runtime_computes():
    """With the session as people open it: without x64quantprecision."""
    content = Content.unproven(Plan.of(DIGITS))
    assert "session.x64quantprecision" not in session_options(content.plan)
    model = build(content, joined=True)[0]
    x = content.plan.network.prepare(content.plan.network.test[:64])
    (theirs,) = session(model.SerializeToString(), session_options(content.plan)).run(None, {"x": x.numpy()})
    stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    biases = [(stored[f"{layer.name}.bias.codes"] * stored[f"{layer.name}.bias.scale"]).astype(np.float32) for layer in content.plan.layers]
    joined = onnx_joints.quantizers(content)
    ours = onnx_joints.simulated(content, joined, biases)(x).numpy()
    exact = Content.unproven(Plan.of(DIGITS.replace(accumulate="exact")))
    others = onnx_joints.simulated(exact, onnx_joints.quantizers(exact), biases)(x).numpy()
    right, wrong = (ours, others) if CUTS else (others, ours)
    assert sqnr_db(right, theirs) > 60 and sqnr_db(wrong, theirs) < 50


def test_only_where_such_kernels_run():
    asked = {("int8-sym-channel", "uint8-asym", "conv"): True, ("int8-asym-tensor", "int8-sym", "linear"): True,
             ("int7-sym-channel", "uint8-asym", "conv"): False, ("uint8-asym-channel", "uint8-asym", "conv"): False,
             ("int8-sym-channel", "uint8-asym", "depthwise"): False, ("int8-sym-channel", "fp32", "conv"): False,
             ("int8-sym-channel", "int8-sym-token", "linear"): False, ("int8-sym-g16", "uint8-asym", "linear"): False,
             ("fp8e4m3-channel", "uint8-asym", "conv"): False}  # fmt: skip
    for (weights, activations, kind), answer in asked.items():
        assert saturates(Recipe.parse(weights), Recipe.parse(activations), kind) == answer


def test_codes_stay_outputs_do_not():
    """Codes do not depend on how they are summed; 7 bits lose nothing."""
    narrow = DIGITS.replace(weights="int8-sym-channel-p90")
    exact = narrow.replace(accumulate="exact")
    assert weigh(narrow).digest == weigh(exact).digest
    assert np.less(output_sqnr(narrow), np.float64(output_sqnr(exact)) - 1).any()
    seven = DIGITS.replace(weights="int7-sym-channel")
    assert output_sqnr(seven) == output_sqnr(seven.replace(accumulate="exact"))
    assert "16 bits" in narrow.sentence() and "16 bits" not in exact.sentence()


def test_its_effect_stands_beside_exact_sums_and_the_remedies(capsys):
    found = list(effect(DIGITS))[-1]
    assert [way for way, _, _ in found] == list(WAYS) and affected(DIGITS) == 4  # of six, two are depthwise
    for (_, recipe, metric), there in zip(found, (DIGITS, DIGITS.replace(accumulate="exact"), DIGITS.replace(weights="int7-sym-tensor"))):
        *_, seen = stream(there)
        assert metric == seen.metric and recipe == str(there.weights)
    assert [way for way, _, _ in list(effect(DIGITS.replace(layer_bits="8")))[-1]] == ["pairs", "exact"]
    assert not affected(DIGITS.replace(activations="fp32"))
    assert main(["run", encode_link(DIGITS)]) == 0
    assert "exact with 7-bit weights" in capsys.readouterr().out and set(SUMS) == set(WAYS) == set(en_cost.SUMS_LINE)
    assert set(en_cost.SUMS_WAYS) == set(ACCUMULATE)


def page(weights: str):
    from components.controls.experiment import answers
    from components.controls.job import job
    from components.controls.state import state
    from components.controls.sums import sums
    from explorer.settings import Settings

    settings = Settings("digits", weights, "uint8-asym-tensor", calibration_samples=16, evaluation_samples=100, accumulate="avx2")
    state().settings = settings
    running = job("experiment", settings, answers(settings))
    running.wait(60)
    sums(running.latest)
    job("sums", state().jobs["sums"].key if "sums" in state().jobs else None, None).wait(30) if "sums" in state().jobs else None


def test_the_page_says_so():
    app = AppTest.from_function(page, args=("int8-sym-tensor",), default_timeout=60).run().run()
    assert not app.exception and app.subheader[0].value == en_cost.SUMS_TITLE
    said = app.markdown[0].value
    assert "4 of 6 layers" in said and "x64quantprecision" in said and "7 bits" in said and "u8 · u8" in said
    app = AppTest.from_function(page, args=("int7-sym-tensor",), default_timeout=60).run()
    assert not app.exception and en_cost.SUMS_NONE in [each.value for each in app.caption]
