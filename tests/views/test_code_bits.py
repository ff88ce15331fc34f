"""Codes taken apart: against ml_dtypes' own decoding, the published tables, and back again."""

import math

import ml_dtypes
import numpy as np
import pytest

from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.views.code_bits import fields, nearest, taken_apart

PEERS = {
    "fp16": np.float16, "bf16": ml_dtypes.bfloat16, "fp8e4m3": ml_dtypes.float8_e4m3fn, "fp8e5m2": ml_dtypes.float8_e5m2,
    "fp6e2m3": ml_dtypes.float6_e2m3fn, "fp6e3m2": ml_dtypes.float6_e3m2fn, "fp4e2m1": ml_dtypes.float4_e2m1fn,
}  # fmt: skip
EVERY = pytest.mark.parametrize("format", FORMATS.ids)


def patterns(bits: int) -> list[int]:
    """All of them, or of wide formats the first and last and some between."""
    return list(range(2**bits)) if bits <= 8 else sorted({*range(40), *range(2**bits - 40, 2**bits), *range(0, 2**bits, 2**bits // 97)})


@pytest.mark.parametrize("format", PEERS)
def test_a_code_stands_for_what_ml_dtypes_decodes(format):
    bits = FORMATS[format].bits
    kind = np.uint8 if bits <= 8 else np.uint16
    for pattern in patterns(bits):
        theirs = float(np.array([pattern], kind).view(PEERS[format])[0])
        ours = taken_apart(format, pattern)
        if math.isfinite(theirs):
            assert ours["value"] == theirs, pattern
        else:
            assert ours["value"] is None and ours["kind"] == ("infinity" if math.isinf(theirs) else "nan"), pattern


@pytest.mark.parametrize("format", ["fp32", *PEERS])
def test_the_formula_of_a_float_gives_its_value(format):
    for pattern in patterns(FORMATS[format].bits):
        code = taken_apart(format, pattern)
        if code["kind"] in ("normal", "subnormal", "zero"):
            whole = 1 if code["kind"] == "normal" else 0
            assert math.ldexp(code["sign"] * (whole + code["fraction"] / code["steps"]), code["exponent"]) == code["value"]


@EVERY
def test_fields_hold_all_bits_and_a_representable_number_keeps_its_code(format):
    element = FORMATS[format].element
    assert sum(width for _, width in fields(format)) == element.bits
    for pattern in patterns(element.bits):
        code = taken_apart(format, pattern)
        assert "".join(part["bits"] for part in code["fields"]) == f"{pattern:0{element.bits}b}"
        if code["value"] is None:
            continue
        found = nearest(format, code["value"])
        assert taken_apart(format, found["pattern"])["value"] == found["value"]
        if abs(code["value"]) <= element.max:  # a most negative integer may have no code of its own
            assert found["value"] == code["value"] and found["error"] == 0 and not found["saturated"]


@EVERY
def test_no_representable_number_is_nearer(format):
    element = FORMATS[format].element
    if element.bits > 16:
        return
    values = element.values()
    for value in np.random.default_rng(0).uniform(-1.2, 1.2, 60) * min(element.max, 2.5e38):
        found = nearest(format, float(value))
        least = np.abs(values - np.float32(value)).min()
        assert abs(found["value"] - float(np.float32(value))) <= least * (1 + 1e-6)
        inside = values[0] <= np.float32(value) <= values[-1]
        assert found["saturated"] == (not inside)
        if inside:
            assert found["below"] <= np.float32(value) <= found["above"]
            assert not ((values > found["below"]) & (values < found["above"])).any()


def test_published_codes():
    assert taken_apart("fp8e4m3", 0x7E)["value"] == 448 and taken_apart("fp8e4m3", 0x7F)["kind"] == "nan"  # OCP OFP8, table 1
    assert taken_apart("fp8e5m2", 0x7B)["value"] == 57344 and taken_apart("fp8e5m2", 0x7C)["kind"] == "infinity"
    assert taken_apart("fp4e2m1", 0b0001)["kind"] == "subnormal" and taken_apart("fp4e2m1", 0b0001)["value"] == 0.5
    assert [taken_apart("int8", pattern)["value"] for pattern in (0x7F, 0x80, 0xFF)] == [127, -128, -1]
    assert taken_apart("nf4", 7)["value"] == 0 and taken_apart("nf4", 15)["value"] == 1  # QLoRA, appendix E


@pytest.mark.parametrize("pattern", [-1, 16, 10**6])
def test_a_pattern_of_other_bits_is_refused(pattern):
    with pytest.raises(DataError, match="codes of 4 bits, from 0 to 15"):
        taken_apart("fp4e2m1", pattern)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e39])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(DataError, match="finite number"):
        nearest("fp8e4m3", value)
