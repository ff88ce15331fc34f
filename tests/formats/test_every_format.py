"""What every registered format must be: one test a property, over the whole registry.

The reference is the format's own table of values and a search through it; that the tables are right
is for the tests of each family, which compare them with other people's implementations.
"""

import numpy as np
import pytest

from explorer.errors import DataError, SettingsError
from explorer.formats import FORMATS
from explorer.quantize import clipped, quantize
from explorer.recipe import Recipe

NARROW = [each for each in FORMATS if each.bits <= 16]
BLOCKS = [each for each in FORMATS if each.blocks]
every = pytest.mark.parametrize("number", NARROW, ids=lambda number: number.id)
in_blocks = pytest.mark.parametrize("number", BLOCKS, ids=lambda number: number.id)


def probes(number) -> np.ndarray:
    """Every value, every tie, their neighbours in float32, all bfloat16 values, and random ones in between."""
    values = number.values()
    x = np.float32(np.concatenate([values, (values[1:] + values[:-1]) / 2]))
    draw = np.random.default_rng(1)
    bfloat16 = (np.arange(65536, dtype=np.uint32) << 16).view(np.float32)
    x = np.concatenate([x, np.nextafter(x, np.float32(9e9)), np.nextafter(x, np.float32(-9e9)), bfloat16[np.isfinite(bfloat16)],
                        np.float32(draw.uniform(values[0], values[-1], 20_000)), np.float32([0.0, -0.0])])  # fmt: skip
    return x[np.isfinite(x)]


def rows(seed: int = 0, shape=(40, 100)) -> np.ndarray:
    """Rows of many magnitudes, the last block shorter for every block size, with outliers, zeros and one-sided ones."""
    draw = np.random.default_rng(seed)
    x = draw.standard_normal(shape) * np.exp2(draw.integers(-14, 14, (shape[0], 1)))
    x[::7, ::9] *= 30
    x[3], x[4], x[5, :64], x[6] = 0, np.abs(x[4]), 0, -np.abs(x[6])
    return x.astype(np.float32)


@pytest.mark.parametrize("number", FORMATS, ids=lambda number: number.id)
def test_fields_say_what_it_is(number):
    assert FORMATS[number.id] is number and number.title and number.description and number.source and number.family
    assert number.kind in ("integer", "floating", "codebook", "block")
    assert (number.block_size is None) == (number.scale == "") == (number.bits_per_weight == number.bits)
    assert number.distinct <= number.code_count <= 2**number.bits
    if number.min_subnormal is not None:
        assert number.min_subnormal < number.min_normal < number.max and number.bias == number.element.bias


@every
def test_the_table_is_the_fields(number):
    values = number.values()
    assert values.dtype == np.float64 and (np.diff(values) > 0).all() and 0 in values
    assert (len(values), values[-1]) == (number.distinct, number.max)
    if number.min_subnormal is not None:
        assert values[values > 0][0] == number.min_subnormal and number.min_normal in values


@every
def test_decoding_and_encoding_gives_the_code_back(number):
    codes = number.encode(np.float32(number.values()))
    assert codes.dtype == number.code_type and len(np.unique(codes)) == number.distinct
    assert np.array_equal(number.decode(codes), np.float32(number.values()))
    assert np.array_equal(number.encode(number.decode(codes)), codes)


@every
def test_every_number_goes_to_its_nearest_value_or_the_nearest_end(number):
    x, values = probes(number), number.values()
    found = number.round(x).astype(np.float64)
    place = np.clip(np.searchsorted(values, x.astype(np.float64)), 1, len(values) - 1)
    nearest = np.minimum(np.abs(x - values[place - 1]), np.abs(x - values[place]))
    inside = (x >= values[0]) & (x <= values[-1])
    # codebooks and ggml compare with float32 middles
    assert (np.abs(x - found)[inside] <= nearest[inside] + 1e-6 * np.abs(x[inside])).all()
    assert (found[x > values[-1]] == values[-1]).all() and (found[x < values[0]] == values[0]).all()
    assert np.isin(found, values).all()
    assert np.array_equal(number.decode(number.encode(x)), number.round(x))


@every
def test_rounding_keeps_order_and_sign_and_is_done_once(number):
    x = np.sort(probes(number))
    found = number.round(x)
    assert (np.diff(found) >= 0).all() and np.array_equal(number.round(found), found)
    assert (found[x > 0] >= 0).all() and (found[x < 0] <= 0).all()
    if number.symmetric and number.rounds:  # the nearest even is as far on both sides
        assert np.array_equal(number.round(-x), -found)


@pytest.mark.parametrize("number", [each for each in NARROW if each.rounds], ids=lambda number: number.id)
def test_rounding_down_and_at_random(number):
    x, values = probes(number), number.values()
    x = x[(x >= values[0]) & (x <= values[-1])]
    below = values[np.searchsorted(values, x.astype(np.float64), side="right") - 1]
    assert np.array_equal(number.round(x, np.floor), np.float32(below))
    draw = np.random.default_rng(0)
    some = np.float32(np.full(40_000, 0.7 * values[-1] + 0.3 * values[-2]))
    mean = number.round(some, lambda y: np.floor(y + draw.random(y.shape, np.float32))).mean(dtype=np.float64)
    assert mean == pytest.approx(some[0], abs=0.02 * (values[-1] - values[-2]) + 1e-6 * values[-1])


@in_blocks
def test_a_blocks_name_says_everything(number):
    recipe = Recipe.parse(number.id)
    assert str(recipe) == number.id and (recipe.scheme, recipe.granularity, recipe.range) == ("", "", "")
    assert recipe.blocks is number.blocks and not recipe.is_cast
    for word in ("sym", "tensor", "g64", "minmax", "mse"):
        if not (number.scalable and word != "sym"):
            with pytest.raises(SettingsError, match="takes no"):
                Recipe.parse(f"{number.id}-{word}")
    for word in ("floor", "stochastic"):
        if number.rounds:
            assert str(Recipe.parse(f"{number.id}-{word}")) == f"{number.id}-{word}"
        else:
            with pytest.raises(SettingsError, match="rule of its own"):
                Recipe.parse(f"{number.id}-{word}")


@in_blocks
def test_codes_scales_and_offsets_are_the_tensor(number):
    x = rows()
    q, size = quantize(x, number.id), number.blocks.size
    values = np.empty_like(x)
    for row in range(len(x)):
        for block, start in enumerate(range(0, x.shape[1], size)):
            part = slice(start, start + size)
            values[row, part] = number.decode(q.codes[row, part]) * q.scale[row, block]
            if q.offset is not None:
                values[row, part] += q.offset[row, block]
    assert np.array_equal(q.dequantize(), values) and np.isfinite(values).all()
    assert q.scale.shape == q.low.shape == (len(x), -(-x.shape[1] // size)) and q.scale.dtype == np.float32
    low, high = (np.repeat(end, size, axis=1)[:, : x.shape[1]] for end in (q.low, q.high))
    slack = 1e-6 * np.maximum(np.abs(low), np.abs(high))
    assert ((low - slack <= values) & (values <= high + slack)).all()
    assert (values[3] == 0).all()  # a row of zeros


@in_blocks
def test_a_matrix_may_lie_in_memory_as_it_likes(number):
    x = rows()
    packed = np.zeros(x.shape, np.dtype([("odd", "u1"), ("x", "f4")]))
    packed["x"] = x
    locked = x.copy()
    locked.flags.writeable = False
    for y in (x[::-1].copy()[::-1], x[:, ::-1].copy()[:, ::-1], np.asfortranarray(x), packed["x"], locked):
        q, expected = quantize(y, number.id), quantize(x, number.id)
        assert q.digest == expected.digest and np.array_equal(q.dequantize(), expected.dequantize())


@in_blocks
def test_a_block_depends_on_itself_alone(number):
    if number.blocks.rule.of_tensor or number.blocks.rule.of_scales:
        return  # a scale, or a mean of scales, of the whole tensor is part of those
    x, size = rows(), number.blocks.size
    whole, alone = quantize(x, number.id), quantize(x[:, size : 2 * size], number.id)
    assert np.array_equal(whole.codes[:, size : 2 * size], alone.codes)
    assert np.array_equal(whole.scale[:, 1:2], alone.scale)


@pytest.mark.parametrize("number", [each for each in BLOCKS if not each.blocks.rule.of_scales], ids=lambda number: number.id)
def test_errors_are_at_most_half_a_step_unless_clipped(number):
    x = rows()
    q, values = quantize(x, number.id), number.values()
    scale = np.abs(np.repeat(q.scale, number.blocks.size, axis=1)[:, : x.shape[1]].astype(np.float64))
    offset = 0 if q.offset is None else np.repeat(q.offset, number.blocks.size, axis=1)[:, : x.shape[1]]
    signed = np.repeat(q.scale, number.blocks.size, axis=1)[:, : x.shape[1]].astype(np.float64)
    y = np.divide(x - offset, signed, out=np.zeros(x.shape), where=signed != 0)
    place = np.clip(np.searchsorted(values, y), 1, len(values) - 1)
    gap = (values[place] - values[place - 1]) * scale
    error = np.abs(x - q.dequantize().astype(np.float64))
    # ggml's codes come from the scale before it was rounded to FP16
    slack = (5e-4 if number.family == "GGUF" else 1e-6) * (np.abs(x) + 2 * np.abs(offset)) + 127 * 2.0**-24 * (number.family == "GGUF")
    assert ((error <= gap / 2 + slack) | clipped(x, q) | (scale == 0)).all()


@in_blocks
def test_bits_are_those_of_what_is_stored(number):
    x = rows(shape=(64, 4 * 64)) / np.float32(64)  # an FP16 minimum holds it
    q = quantize(x, number.id)
    blocks = q.scale.size
    once = 32 * (number.blocks.rule.of_tensor or number.blocks.rule.of_scales)  # a scale of the tensor, a mean of the scales
    assert q.scale_bits == blocks * number.blocks.rule.bits + once
    assert q.bits_per_weight == pytest.approx(number.bits_per_weight + once / x.size, rel=1e-12)
    assert q.nbytes == -(-(q.codes.size * number.bits + q.scale_bits) // 8)


@pytest.mark.parametrize("number", [each for each in BLOCKS if not each.blocks.rule.of_scales], ids=lambda number: number.id)
def test_what_is_quantized_once_stays(number):
    """The largest value of a block is a value of its grid, so that the scale stays (not so a mean of scales)."""
    x = np.random.default_rng(5).standard_normal((30, 192)).astype(np.float32)
    once = quantize(x, number.id).dequantize()
    np.testing.assert_allclose(quantize(once, number.id).dequantize(), once, rtol=1e-6, atol=1e-7)


@in_blocks
def test_zeros_subnormals_and_extremes(number):
    for size in (0.0, 1e-45, 1e-40, 1.2e-38, 1e-20, 3.4e38):
        x = np.float32([[size, -size, size / 3] + [0] * 70, [size] * 73, [0] * 73])
        if size > 1e30 and number.family == "GGUF":
            with pytest.raises(DataError, match="FP16's largest"):
                quantize(x, number.id)
            continue
        back = quantize(x, number.id).dequantize()
        assert np.isfinite(back).all() and (back[2] == 0).all()
        assert (np.abs(back, dtype=np.float64) <= 1.5 * size + 1e-30).all()


@in_blocks
def test_digest_tells_every_part(number):
    x = rows()
    q, other = quantize(x, number.id), x.copy()
    assert quantize(np.asfortranarray(x), number.id).digest == q.digest
    other[0] *= 2
    assert quantize(other, number.id).digest != q.digest
    if q.offset is not None:
        assert quantize(x[4:5] + 64, number.id).digest != quantize(x[4:5] + 128, number.id).digest


def test_names_round_trip_through_replace():
    for number in FORMATS:
        there = Recipe.parse("int8-asym-channel-mse-floor").replace(format=number.id)
        assert there.format == number.id and str(Recipe.parse(str(there))) == str(there)
        assert there.replace(format="int8").format == "int8"
