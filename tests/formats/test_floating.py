"""Number formats against ml_dtypes, value for value, and against the tables of the specifications."""

import ml_dtypes
import numpy as np
import pytest

from explorer.formats import FORMATS
from explorer.formats.floating import MANY

PEERS = {
    "fp16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "fp8e4m3": ml_dtypes.float8_e4m3fn,
    "fp8e5m2": ml_dtypes.float8_e5m2,
}
FLOATING = [each.id for each in FORMATS if each.kind == "floating"]


def probes(number) -> np.ndarray:
    """Every bfloat16 value, random values of all magnitudes, ties between neighbours, and theirs."""
    patterns = (np.arange(65536, dtype=np.uint32) << 16).view(np.float32)
    draw = np.random.default_rng(0)
    some = np.ldexp(draw.standard_normal(50_000), draw.integers(-150, 120, 50_000)).astype(np.float32)
    x = np.concatenate([patterns[np.isfinite(patterns)], some, [0.0, -0.0]])
    if number.bits <= 16:
        values = number.values()
        x = np.concatenate([x, ((values[1:] + values[:-1]) / 2).astype(np.float32)])
    beside = np.nextafter(x, np.float32(np.inf)), np.nextafter(x, np.float32(-np.inf))
    x = np.concatenate([x, *beside]).astype(np.float32)
    return x[np.isfinite(x)]


@pytest.mark.parametrize("id", PEERS)
def test_every_value_and_code_is_ml_dtypes(id):
    number = FORMATS[id]
    x = probes(number)
    theirs = np.clip(x, -number.max, number.max).astype(np.float32).astype(PEERS[id])
    assert np.array_equal(number.round(x), theirs.astype(np.float32))
    codes = number.encode(x)
    assert np.array_equal(codes, theirs.view(codes.dtype))
    assert np.array_equal(number.decode(codes), theirs.astype(np.float32))


@pytest.mark.parametrize(
    ("id", "largest", "least_normal", "least", "finite"),
    [
        ("fp16", 65504, 2**-14, 2**-24, 63487),
        ("bf16", 3.3895e38, 2**-126, 2**-133, 65279),
        ("fp8e4m3", 448, 2**-6, 2**-9, 253),
        ("fp8e5m2", 57344, 2**-14, 2**-16, 247),
    ],
)
def test_tables_of_the_specifications(id, largest, least_normal, least, finite):
    number = FORMATS[id]
    values = number.values()
    assert len(values) == finite and values[-1] == number.max == pytest.approx(largest, rel=1e-4)
    assert values[values > 0][0] == least and 2.0**number.least_exponent == least_normal


@pytest.mark.parametrize("id", FLOATING)
def test_rounding_twice_is_rounding_once(id):
    x = probes(FORMATS[id])[::7]
    once = FORMATS[id].round(x)
    assert np.array_equal(FORMATS[id].round(once), once) and np.array_equal(FORMATS[id].round(-x), -once)


def test_fp32_keeps_every_bit():
    x = probes(FORMATS["fp32"])
    assert np.array_equal(FORMATS["fp32"].encode(x), x.view(np.uint32))


@pytest.mark.parametrize("bits", range(2, 17))
def test_integer_schemes(bits):
    half = 2 ** (bits - 1)
    signed, unsigned = FORMATS[f"int{bits}"], FORMATS[f"uint{bits}"]
    assert signed.code_range("sym") == (1 - half, half - 1)
    assert signed.code_range("symfull") == signed.code_range("asym") == (-half, half - 1)
    assert unsigned.code_range("asym") == (0, 2 * half - 1) and unsigned.middle == half
    assert signed.limits("sym") == unsigned.limits("sym") == (half - 1, half - 1)


@pytest.mark.parametrize("id", ["fp8e4m3", "fp8e5m2"])
def test_many_at_once_get_the_codes_that_few_get(id):
    """Many are torch's cast, few are looked up: every upper half of a float32 with lower halves around the tie, NaN too."""
    upper = np.arange(1 << 16, dtype=np.uint32)[:, None] << 16
    x = (upper | np.uint32([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF, 0x1234])).view(np.float32)
    assert x.size >= MANY
    x.flags.writeable = False
    many, few = FORMATS[id].encode(x), np.concatenate([FORMATS[id].encode(part) for part in np.split(x, 64)])
    assert np.array_equal(many, few)
