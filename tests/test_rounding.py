"""Roundings against exact arithmetic, torch and bitsandbytes, where steps are the hardest."""

import numpy as np
import pytest
import torch
from bitsandbytes.functional import int8_vectorwise_quant
from exact import multiplied_and_added

from explorer.fake_quantize import ActivationQuantizer
from explorer.parity import probes
from explorer.quantize import clipped, quantize
from explorer.recipe import Recipe
from explorer.rounding import fused


@pytest.mark.parametrize("bits", [2, 8, 16])
@pytest.mark.parametrize("by", [np.float32(1 / 3), np.float32(0.1), np.float32(37.123456), np.float32(2.0**20 + 1), np.float32(1e-4)])
def test_fused_is_rounded_once(bits, by):
    """Numbers whose product with `by` and a zero point lies at a half or beside one, each with its neighbours, and any others."""
    draw, codes = np.random.default_rng(bits), np.float32(2**bits)
    halves = np.floor(draw.uniform(-codes, codes, 400)) + 0.5
    shift = np.float32(np.floor(0.39 * codes))
    near = np.float32((halves - shift) / np.float64(by))
    x = np.concatenate([near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf)), draw.uniform(-codes, codes, 400).astype(np.float32) / by])
    assert np.array_equal(fused(x, by, shift, bits), np.rint([multiplied_and_added(each, by, shift) for each in x]))


def test_fused_takes_a_scale_and_a_zero_point_for_each_row():
    x = np.random.default_rng(0).standard_normal((5, 40)).astype(np.float32)
    by, shift = np.float32([[1], [2.5], [30.7], [100.1], [7]]), np.float32([[0], [3], [100], [255], [12]])
    rows = [fused(*each, 8) for each in zip(x, by, shift)]
    assert np.array_equal(fused(x, by, shift, 8), rows)


@pytest.mark.parametrize("size", [1.0, 1e-30, 4e-37, 3e-37, 1e-37, 1e-40])
def test_absmax_is_bitsandbytes_for_ranges_of_any_size(size):
    """Where 1/max is beyond float32 all codes are 0."""
    x = (np.float32([[1, -0.5, 0.26, 1e-3], [0.3, -0.7, 0.9, 1 / 3]]) * np.float32(size)).astype(np.float32)
    codes, *_ = int8_vectorwise_quant(torch.from_numpy(x))
    assert np.array_equal(quantize(x, "int8-sym-channel-minmax-absmax").codes, codes.numpy())


def test_a_range_that_float32_does_not_know_has_no_width():
    recipe, ends = Recipe.parse("int8-sym-tensor-minmax-absmax"), (np.array([[-1e-46]]), np.array([[1e-46]]))
    x = np.float32([[1, -0.5, 0]])
    assert quantize(x, recipe, ranges=ends).codes.tolist() == [[1, 0, 0]] == quantize(x, "int8-sym-tensor-minmax", ranges=ends).codes.tolist()
    assert ActivationQuantizer(recipe, -1e-46, 1e-46)(torch.from_numpy(x)).tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("rounding", ["fma", "muladd", "absmax"])
@pytest.mark.parametrize("granularity", ["tensor", "channel", "g16", "b4"])
def test_weights_and_what_flows_get_the_same_steps(rounding, granularity):
    recipe = Recipe("int8", "sym" if rounding == "absmax" else "asym", granularity, rounding=rounding)
    x = probes.blocks(16, 64, 16)
    q = quantize(x, recipe)
    assert not clipped(x, q).any()
    if granularity == "channel":  # a row is a token
        flows = ActivationQuantizer(recipe.replace(granularity="token"))(torch.from_numpy(x))
        assert np.array_equal(q.dequantize(), flows.numpy())
    if granularity == "tensor":
        flows = ActivationQuantizer(recipe, q.low.item(), q.high.item())(torch.from_numpy(x))
        assert np.array_equal(q.dequantize(), flows.numpy())
