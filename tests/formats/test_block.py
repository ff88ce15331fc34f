"""MX and NVFP4 against the rules of the specifications, ml_dtypes' E8M0, and torchao."""

import ml_dtypes
import numpy as np
import pytest
import torch

from explorer.formats import FORMATS
from explorer.quantize import quantize

MX = [each.id for each in FORMATS if each.family == "MX"]


def blocks(seed: int = 0, count: int = 3000, size: int = 32) -> np.ndarray:
    """Blocks of many magnitudes, their largest value often a power of two or beside one, or at the element's end."""
    draw = np.random.default_rng(seed)
    x = draw.uniform(-1, 1, (count, size)) * np.exp2(draw.integers(-60, 60, (count, 1)))
    peaks = np.float32(np.exp2(draw.integers(-60, 60, count)) * draw.choice([1, 1.5, 1.75, 1.875, 1.75001, 448 / 256], count))
    beside = draw.choice([-1, 0, 1], count)
    peaks = np.where(beside == 0, peaks, np.nextafter(peaks, np.where(beside > 0, np.inf, -np.inf).astype(np.float32)))
    x[np.arange(count), draw.integers(0, size, count)] = peaks * draw.choice([-1, 1], count)
    return x.astype(np.float32)


@pytest.mark.parametrize("id", MX)
def test_scales_are_e8m0_of_the_rule(id):
    x, number = blocks(), FORMATS[id]
    q = quantize(x, id)
    codes = q.stored["scale"]
    assert np.array_equal(codes.view(ml_dtypes.float8_e8m0fnu).astype(np.float32), q.scale) and codes.dtype == np.uint8
    for absmax, scale in zip(np.abs(x).max(axis=1).astype(float), q.scale[:, 0].astype(float)):
        if id.endswith("up"):  # the least power of two that clips nothing, but for float32's rounding of amax / max
            ratio = float(np.float32(absmax) / np.float32(number.max))
            assert scale >= ratio > scale / 2
        elif id.endswith("upao"):  # the same, and the power just below what is an ulp or two of the logarithm above it
            ratio = float(np.float32(absmax) / np.float32(number.max))
            assert scale * (1 + 1e-5) >= ratio > scale / 2
        elif id.endswith("even"):  # the same of amax rounded to the element's mantissa, halves up
            steps = 2.0 ** (number.element.mantissa_bits - np.floor(np.log2(absmax)))
            rounded = np.floor(absmax * steps + 0.5) / steps
            assert 2.0 ** np.floor(np.log2(number.max)) <= rounded / scale < 2.0 ** (np.floor(np.log2(number.max)) + 1)
        else:  # the largest value lies in the binade of the element's largest
            assert 2.0 ** np.floor(np.log2(number.max)) <= absmax / scale < 2.0 ** (np.floor(np.log2(number.max)) + 1)


def test_the_floor_rule_clips_and_the_other_does_not():
    x = np.float32([[7.9, 1, -0.26] + [0] * 29])
    assert quantize(x, "mxfp4").dequantize()[0, :3].tolist() == [6, 1, -0.5]
    assert quantize(x, "mxfp4up").dequantize()[0, :3].tolist() == [8, 1, 0]
    assert quantize(x, "mxfp4even").scale.item() == 2 and quantize(np.float32([[6.9] * 32]), "mxfp4even").scale.item() == 1
    assert quantize(np.float32([[6.0] * 32]), "mxfp4up").scale.item() == 1
    assert quantize(np.float32([[1.99]]), "mxint8").dequantize().item() == 127 / 64
    assert quantize(np.float32([[1.99]]), "mxint8up").dequantize().item() == 2


@pytest.mark.parametrize("id", MX)
def test_the_ends_of_e8m0(id):
    """A block of zeros has the least scale, and so has one too small for it; the largest is kept finite."""
    for size in (0.0, 1e-45, 2.0**-140):
        assert quantize(np.full((1, 32), size, np.float32), id).stored["scale"].item() == 0
    assert np.isfinite(quantize(np.full((1, 32), 3.4e38, np.float32), id).dequantize()).all()


@pytest.mark.parametrize("id", [id for id in MX if "int8" not in id])
def test_codes_and_scales_are_torchaos(id):
    """At 2^-126 and below torchao's scale is float32's least normal number: not in these blocks."""
    from torchao.prototype.mx_formats.config import ScaleCalculationMode
    from torchao.prototype.mx_formats.constants import DTYPE_FP6_E2M3, DTYPE_FP6_E3M2
    from torchao.prototype.mx_formats.mx_tensor import to_mx

    kind = {"mxfp8e4m3": torch.float8_e4m3fn, "mxfp8e5m2": torch.float8_e5m2, "mxfp6e2m3": DTYPE_FP6_E2M3,
            "mxfp6e3m2": DTYPE_FP6_E3M2, "mxfp4": torch.float4_e2m1fn_x2}[id.removesuffix("ao").removesuffix("up").removesuffix("even")]  # fmt: skip
    mode = ScaleCalculationMode["RCEIL" if "up" in id else "EVEN" if id.endswith("even") else "FLOOR"]
    x = blocks(count=4000)
    if id.endswith("up"):  # torchao is one off where amax / max is a power of two, or nearly: upao is too
        ratio = np.log2(np.abs(x).max(axis=1).astype(np.float64) / FORMATS[id].max)
        x = x[np.abs(ratio - np.rint(ratio)) > 1e-5]
    scale, codes = to_mx(torch.from_numpy(x), kind, 32, mode)
    q = quantize(x, id)
    assert np.array_equal(scale.view(torch.uint8).numpy().ravel(), q.stored["scale"].ravel())
    theirs = codes.view(torch.uint8).numpy().reshape(len(x), -1)
    if "fp4" in id:
        theirs = np.stack([theirs & 15, theirs >> 4], axis=-1).reshape(len(x), -1)
    assert np.array_equal(q.codes, theirs)


def test_a_logarithm_good_to_half_an_ulp_gives_these_scales():
    """Of the numbers above 2^k none has a logarithm nearer to the middle of k and the next float32 than 0.4 % of their distance."""
    above = np.arange(1, 3000) * 2.0**-23
    for k in {*range(-127, 128)} - {0}:
        step = float(np.nextafter(np.float32(k), np.float32(np.inf))) - k
        steps = np.log1p(above) / np.log(2) / step
        assert np.abs(steps - 0.5).min() > 0.004 and steps[-1] > 2
        ratio = np.float32((1 + above) * 2.0**k)
        assert np.array_equal(np.ceil(torch.log2(torch.from_numpy(ratio)).numpy()) > k, steps > 0.5)


def test_nvfp4_by_hand():
    x = np.float32([[6.0, 3, -1.4] + [0] * 13 + [0.3, -0.05] + [0] * 14])
    q = quantize(x, "nvfp4")
    assert q.stored["tensor_scale"] == np.float32(6 / (448 * 6))
    scales = q.stored["scale"].view(ml_dtypes.float8_e4m3fn).astype(np.float32)
    assert scales.tolist() == [[448, 22]]  # 0.3 / 6 · 448 = 22.4, between 22 and 24
    assert q.dequantize()[0, :3] == pytest.approx([6, 3, -1.5], rel=1e-6)
    assert q.dequantize()[0, 16:18] == pytest.approx(22 / 448 * np.array([6, -1]), rel=1e-6)
    assert q.bits_per_weight == 4.5 + 32 / 32


def test_nvfp4_is_torchaos_where_block_scales_are_normal():
    """torchao bounds block scales by 2^-6 and multiplies by a reciprocal: a value within an ulp of a tie may move."""
    from torchao.prototype.mx_formats.nvfp4_tensor import nvfp4_quantize, per_tensor_amax_to_scale

    draw = np.random.default_rng(0)
    x = (draw.standard_normal((256, 1024)) * np.exp2(draw.integers(-3, 3, (256, 1)))).astype(np.float32)
    scales, codes = nvfp4_quantize(torch.from_numpy(x), 16, per_tensor_amax_to_scale(torch.tensor(np.abs(x).max())))
    q = quantize(x, "nvfp4")
    assert np.array_equal(scales.view(torch.uint8).numpy().ravel(), q.stored["scale"].ravel())
    theirs = codes.numpy().reshape(256, 512)
    theirs = np.stack([theirs & 15, theirs >> 4], axis=-1).reshape(256, 1024)
    assert (q.codes != theirs).sum() <= 3


def test_a_block_too_small_for_its_scale_is_zeros():
    x = np.float32([[1e6] * 16 + [1e-6] * 16])
    q = quantize(x, "nvfp4")
    assert q.stored["scale"][0, 1] == 0 and (q.dequantize()[0, 16:] == 0).all() and (q.codes[0, 16:] == 0).all()


@pytest.mark.parametrize("id", ["mxfp4", "mxfp8e4m3", "nvfp4"])
def test_a_power_of_two_scale_costs_about_a_decibel(id):
    """Against the same element with a free scale for each block."""
    from explorer.quantize import sqnr_db

    x = np.random.default_rng(0).standard_normal((256, 1024)).astype(np.float32)
    free = {"mxfp4": "fp4e2m1-g32-minmax", "mxfp8e4m3": "fp8e4m3-g32-minmax", "nvfp4": "fp4e2m1-g16-minmax"}[id]
    lost = sqnr_db(x, quantize(x, free).dequantize()) - sqnr_db(x, quantize(x, id).dequantize())
    assert {"mxfp4": 0.5 < lost < 2, "mxfp8e4m3": 0.5 < lost < 2, "nvfp4": abs(lost) < 0.3}[id], lost
