"""Quantization against ONNX Runtime, torch and the worked example of the article."""

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import explorer
from explorer import DataError, SettingsError
from explorer.calibration import calibrate
from explorer.formats import FORMATS
from explorer.quantize import clipped, quantize, sqnr_db

RECIPES = ["int8-sym-tensor", "int2-sym-channel", "int4-symfull-g16", "uint8-asym-channel", "int3-asym-b5-p99",
           "uint6-sym-g7-mse", "int16-asym-tensor", "fp8e4m3-channel", "fp8e5m2", "bf16", "fp16", "fp32"]


def weights(shape=(12, 5, 3, 3), seed=0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    wide = np.exp(draw.standard_normal((shape[0],) + (1,) * (len(shape) - 1)))
    return (draw.standard_normal(shape) * wide).astype(np.float32)


def onnx_codes(x, scale, zero_point, axis):
    node = onnx.helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], axis=axis)
    kind = onnx.helper.np_dtype_to_tensor_dtype(zero_point.dtype)
    graph = onnx.helper.make_graph(
        [node], "g", [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [onnx.helper.make_tensor_value_info("y", kind, x.shape)],
        [onnx.numpy_helper.from_array(scale, "s"), onnx.numpy_helper.from_array(zero_point, "z")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


@pytest.mark.parametrize("recipe", ["int8-asym-tensor", "uint8-asym-channel", "int8-symfull-channel", "uint16-asym-tensor", "int16-asym-channel"])
def test_codes_are_onnx_runtimes(recipe):
    x = weights((40, 64))
    q = quantize(x, recipe)
    ties = (np.arange(-40, 40, dtype=np.float32)[:, None] + 0.5)[:40] * q.scale  # exact halves
    x = np.concatenate([x, np.broadcast_to(ties, (40, 64)).astype(np.float32)], axis=1)
    q = quantize(x, recipe, ranges=(q.low, q.high))
    kind = q.codes.dtype
    scale, zero_point = q.scale.ravel(), q.zero_point.ravel().astype(kind)
    if len(scale) == 1:
        scale, zero_point = scale[0], zero_point[0]
    assert np.array_equal(q.codes, onnx_codes(x, np.asarray(scale), np.asarray(zero_point, kind), axis=0))


@pytest.mark.parametrize(("scheme", "qscheme"), [("symfull", torch.per_tensor_symmetric), ("asym", torch.per_tensor_affine)])
def test_scale_and_zero_point_are_torchs_observers(scheme, qscheme):
    """An asymmetric scale may differ in the last place: torch subtracts the ends in float32."""
    for seed in range(40):
        x = weights((7, 9), seed) + np.float32(seed % 3 - 1)
        observer = torch.ao.quantization.MinMaxObserver(dtype=torch.qint8, qscheme=qscheme, quant_min=-128, quant_max=127)
        observer(torch.from_numpy(x))
        scale, zero_point = observer.calculate_qparams()
        q = quantize(x, f"int8-{scheme}-tensor-minmax")
        assert abs(q.scale.item() - scale.item()) <= (np.spacing(np.float32(scale)) if scheme == "asym" else 0)
        assert q.zero_point.item() == zero_point.item()


@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_scale_and_zero_point_are_onnx_runtimes(kind):
    from onnxruntime.quantization.quant_utils import compute_scale_zp

    lowest, highest = np.array([np.iinfo(kind).min, np.iinfo(kind).max], dtype=kind)
    draw = np.random.default_rng(0)
    ends = [np.float32(draw.normal(size=2) * scale) for scale in np.geomspace(1e-20, 1e20, 400)]
    for low, high in [*ends, np.float32([-10, 10]), np.float32([-3e38, 3e38]), np.float32([0, 0])]:
        low, high = min(low, np.float32(0)), max(high, np.float32(0))
        zero_point, scale = compute_scale_zp(low, high, lowest, highest)
        q = quantize(np.stack([low, high]), f"{kind}-asym-tensor-minmax")
        assert q.scale.item() == scale
        assert q.zero_point.item() == (zero_point if high > low else q.zero_point.item())


def test_clipped_is_torchs_mask():
    x = weights((64, 32))
    q = quantize(x, "int4-sym-tensor-abs1.3")
    scale, zero = torch.tensor([q.scale.item()]), torch.zeros(1, dtype=torch.int32)
    _, kept = torch._fake_quantize_per_tensor_affine_cachemask_tensor_qparams(
        torch.from_numpy(x), scale, zero, torch.ones(1), -7, 7)
    assert np.array_equal(clipped(x, q), ~kept.numpy()) and clipped(x, q).any()


@pytest.mark.parametrize(
    ("recipe", "code", "value"),
    [("int8-asym-tensor", 70, 5.490196), ("uint8-asym-tensor", 198, 5.490196),
     ("int8-sym-tensor", 70, 5.511811), ("int8-symfull-tensor", 70, 5.490196)],
)  # fmt: skip
def test_the_articles_example(recipe, code, value):
    """Range [-10, 10], 8 bits, w = 5.5. Where the zero point is an exact tie, ONNX Runtime's rule."""
    q = quantize([5.5, -10.0, 10.0], recipe)
    assert q.dequantize()[0] == pytest.approx(value, abs=2e-6) and q.codes[0] in (code, code - 1, code + 1)
    assert abs(q.dequantize()[0] - 5.5) < q.scale.item() / 2


@pytest.mark.parametrize("recipe", RECIPES)
@settings(max_examples=25, deadline=None)
@given(x=arrays(np.float32, st.tuples(st.integers(1, 7), st.integers(1, 40)), elements=st.floats(-(2.0**99), 2.0**99, width=32)))
def test_error_is_at_most_half_a_step_inside_the_range(recipe, x):
    q = quantize(x, recipe)
    back = q.dequantize()
    assert np.isfinite(back).all() and back.shape == x.shape
    assert np.array_equal(back[x == 0], x[x == 0])  # zero is exact
    number = FORMATS[q.recipe.format]
    if number.kind == "integer":
        lowest, highest = number.code_range(q.recipe.scheme)
        assert q.codes.min() >= lowest and q.codes.max() <= highest
        step = np.broadcast_to(q.tiling.spread(q.scale), x.shape)
        inside = ~clipped(x, q)
        assert (np.abs(back.astype(np.float64) - x)[inside] <= 0.501 * step[inside] + 1e-6 * np.abs(x)[inside]).all()


@pytest.mark.parametrize("recipe", RECIPES)
def test_digest_and_codes_do_not_depend_on_memory_order(recipe):
    x = weights()
    assert quantize(np.asfortranarray(x), recipe).digest == quantize(x, recipe).digest
    assert quantize(torch.from_numpy(x), recipe).digest == quantize(x.astype(np.float64), recipe).digest


def test_last_group_is_shorter():
    x = weights((3, 10))
    q = quantize(x, "int4-sym-g4-minmax")
    assert q.scale.shape == (3, 3)
    alone = quantize(x[:, 8:], "int4-sym-channel-minmax")
    assert np.array_equal(q.codes[:, 8:], alone.codes) and np.array_equal(q.scale[:, 2:], alone.scale)
    assert q.bits_per_weight == 4 + 9 * 32 / 30


def test_channel_axis():
    x = weights((4, 6, 5))
    q = quantize(x, "int8-sym-channel", axis=1)
    other = quantize(np.moveaxis(x, 1, 0), "int8-sym-channel")
    assert np.array_equal(np.moveaxis(q.codes, 1, 0), other.codes)
    assert np.array_equal(q.dequantize(), np.moveaxis(other.dequantize(), 0, 1))


def test_one_more_bit_is_six_decibels():
    x = np.random.default_rng(0).uniform(0, 1, 400_000).astype(np.float32)
    db = [sqnr_db(x, quantize(x, f"uint{bits}-asym-tensor-lo0hi1").dequantize()) for bits in (8, 9, 10, 11)]
    assert np.diff(db) == pytest.approx(6.0206, abs=0.05)


def test_stochastic_rounding_leaves_what_is_on_the_grid():
    """Far from 0, where x + u would be rounded in float32."""
    x = np.arange(-32767, 32768, dtype=np.float32)
    assert np.array_equal(quantize(x, "int16-sym-tensor-abs32767-stochastic").dequantize(), x)


def test_stochastic_rounding_is_unbiased_and_seeded():
    x = np.full(200_000, 0.3, np.float32)
    ends = (np.float64([[-7]]), np.float64([[7]]))
    q = quantize(x, "int4-sym-tensor-minmax-stochastic", ranges=ends, seed=3)
    assert q.dequantize().mean() == pytest.approx(0.3, abs=0.005)
    assert q.digest == quantize(x, "int4-sym-tensor-minmax-stochastic", ranges=ends, seed=3).digest
    assert q.digest != quantize(x, "int4-sym-tensor-minmax-stochastic", ranges=ends, seed=4).digest
    floor = quantize(x, "int4-sym-tensor-minmax-floor", ranges=ends)
    assert (floor.codes == 0).all()


@pytest.mark.parametrize("x", [np.zeros(5), [7.0], np.full((3, 4), -2.5), np.float32([1e-42, -1e-42]), np.int8([1, -3]), 4.0])
@pytest.mark.parametrize("recipe", RECIPES)
def test_degenerate_tensors(x, recipe):
    back = quantize(x, recipe).dequantize()
    assert back.shape == np.shape(x) and np.isfinite(back).all()


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        ([1.0, np.nan, np.inf], DataError, "2 of 3 values are NaN or infinite"),
        ([], DataError, "empty"),
        (["a"], DataError, "no real numbers"),
        (np.array([1e300]), DataError, "beyond float32"),
        (np.zeros((2, 2), complex), DataError, "no real numbers"),
    ],
)
def test_what_cannot_be_quantized(x, error, says):
    with pytest.raises(error, match=says):
        quantize(x, "int8")


@pytest.mark.parametrize("recipe", ["int1", "int99", "int8-sym-g0", "int8-sym-tensor-abs0", "int8-sym-tensor-abs-1",
                                    "int8-sym-tensor-absnan", "int4-sym-g64-entropy", "", "x" * 500])
def test_recipes_that_cannot_be(recipe):
    with pytest.raises(SettingsError):
        quantize([1.0], recipe)


def test_public_names():
    x = weights((8, 16))
    q = explorer.quantize(x, "int4-sym-channel-mse")
    low, high = explorer.calibrate(x, "int4-sym-channel-mse")
    assert np.array_equal(q.low, low) and np.array_equal(q.high, high) and low.dtype == np.float64
    assert explorer.sqnr_db(x, x) == np.inf and explorer.sqnr_db(x, q.dequantize()) > 10
    assert np.array_equal(quantize(x, "int4-sym-channel-mse", ranges=calibrate(x, "int4-sym-channel-mse")).codes, q.codes)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn, torch.int16, torch.bool])
def test_torch_tensors_of_every_type_are_their_float32_values(kind):
    x = torch.tensor([[-2.0, 0.5, 3.0], [1.0, 0.0, -0.25]]).to(kind).requires_grad_(kind == torch.bfloat16)
    plain = x.detach().float().numpy()
    for y in (x, x.t().t(), x.detach().t()):
        expected = quantize(plain if y.shape == x.shape else plain.T, "int8-sym-channel")
        assert np.array_equal(quantize(y, "int8-sym-channel").codes, expected.codes)
    assert explorer.error_curve(x, "int4", [1.0]) == explorer.error_curve(plain, "int4", [1.0])
    assert explorer.sqnr_db(x, plain) == np.inf


@pytest.mark.parametrize("kind", ["float16", "float64", ">f4", "int64", "uint8", "bool", "longdouble", ml_dtypes.bfloat16, ml_dtypes.float8_e5m2])
def test_arrays_of_every_type_and_order_are_their_float32_values(kind):
    x = np.abs(weights((6, 8))).astype(kind)
    expected = quantize(np.ascontiguousarray(x.astype(np.float32)), "int4-sym-channel-mse").codes
    for y in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1][::-1]):
        assert np.array_equal(quantize(y, "int4-sym-channel-mse").codes, expected)


@pytest.mark.parametrize("x", [
    [[1.0], [2.0, 3.0]], None, "abc", {}, np.array([1, None], object), np.array(["2020"], "M8"), np.zeros(2, "V4"),
    torch.empty(3, device="meta"), torch.zeros(2, dtype=torch.complex64), torch.zeros(2, dtype=torch.complex64).conj(),
], ids=repr)  # fmt: skip
@pytest.mark.parametrize("function", [
    lambda x: quantize(x, "int8"), lambda x: calibrate(x, "int8"), lambda x: explorer.error_curve(x, "int8", [1.0]),
    lambda x: sqnr_db(x, x)])  # fmt: skip
def test_what_holds_no_numbers_is_one_sentence(function, x):
    with pytest.raises(DataError) as caught:
        function(x)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("axis", [9, -9, 1.5, "a", None, [0]])
@pytest.mark.parametrize("x", [np.ones((2, 3)), np.ones(3), 3.0], ids=["matrix", "vector", "scalar"])
def test_an_axis_that_is_not_there(x, axis):
    for function in (quantize, calibrate, lambda x, recipe, axis: explorer.error_curve(x, recipe, [1.0], axis=axis)):
        with pytest.raises(DataError, match="there is no axis"):
            function(x, "int8-channel", axis=axis)


@pytest.mark.parametrize("ranges", [3, (1,), (-1, 1), ("a", "b"), ([[np.nan]], [[1]]), ([[1.0]], [[2.0]]), ([[-1]], [[np.inf]]),
                                    ([[-1]], [[1, 1]])])
def test_ranges_that_do_not_fit(ranges):
    with pytest.raises(DataError, match="ranges"):
        quantize([1.0, 2.0], "int8-asym", ranges=ranges)


@pytest.mark.parametrize("seed", [-1, "x", 1.5, None])
def test_a_seed_that_cannot_be(seed):
    with pytest.raises(SettingsError, match="a seed is a whole number"):
        quantize([1.0], "int8-stochastic", seed=seed)


@pytest.mark.parametrize("recipe", ["int8-sym-tensor-abs1", "fp8e4m3-tensor-abs1", "fp8e5m2-channel-abs0.001", "uint4-asym-tensor-lo0hi2",
                                    "int3-symfull-tensor-abs0.5-stochastic"])
def test_what_is_far_beyond_the_range_saturates(recipe):
    """The number of steps overflows float32: still the last code, never NaN."""
    back = quantize([3e38, -3e38, 0.0], recipe).dequantize()
    inside = quantize([1e6, -1e6, 0.0], recipe).dequantize()
    assert np.array_equal(back, inside)
