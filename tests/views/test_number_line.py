"""Numbers on a line and by binade, against closed forms."""

import numpy as np
import pytest

from explorer.formats import FORMATS
from explorer.views.number_line import MOST, binades, places, step_at_one

EVERY = pytest.mark.parametrize("format", FORMATS.ids)


@EVERY
def test_places_are_all_numbers_with_the_largest_magnitude_at_1(format):
    element, found = FORMATS[format].element, places(format)
    if element.distinct > MOST:
        assert found is None
        return
    assert len(found) == element.distinct and np.abs(found).max() == 1 and (np.diff(found) > 0).all()


@EVERY
def test_binades_hold_every_positive_number_once(format):
    element, table = FORMATS[format].element, binades(format)
    assert table["below"].tolist() == list(range(len(table)))
    if element.bits <= 16:
        assert table["count"].sum() == (element.values() > 0).sum()
    else:
        assert table["count"].sum() == 2**31 - 2**23 - 1  # float32's positive finite numbers


@pytest.mark.parametrize(("format", "normal", "subnormal"), [("fp16", 30, 10), ("bf16", 254, 7), ("fp32", 254, 23), ("fp8e5m2", 30, 2)])
def test_a_float_has_as_many_numbers_in_each_normal_binade_and_halves_below(format, normal, subnormal):
    counts = binades(format)["count"].tolist()
    most = 2 ** FORMATS[format].mantissa_bits
    assert counts[:normal] == [most] * normal
    assert counts[normal:] == [most >> k for k in range(1, subnormal + 1)]


def test_an_integer_halves_with_every_binade():
    assert binades("int8")["count"].tolist() == [64, 32, 16, 8, 4, 2, 1]
    assert binades("int8")["step"].dropna().eq(1).all()


@pytest.mark.parametrize(
    ("format", "step"),
    [("fp32", 2**-23), ("fp16", 2**-10), ("bf16", 2**-7), ("fp8e4m3", 1 / 8), ("fp8e5m2", 1 / 4), ("fp4e2m1", 0.5),
     ("int8", 1), ("mxint8", 1 / 64), ("nf4", 1 - 0.7229568362236023)],
)  # fmt: skip
def test_step_at_one(format, step):
    assert step_at_one(format) == pytest.approx(step, rel=1e-6)
