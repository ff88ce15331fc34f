"""The command behind the README's table: what it calls right is right, and what has no number gets none."""

from dataclasses import replace

import pytest

from explorer.measure import Measured
from explorer.measure.timing import Ratio
from tests.speedups import cell, judged

FOUND = Measured(Ratio(2.0, 1.9, 2.1, 2e-3, 1e-3, 15), (), True, (), (), 2.0, "", "a machine", "a version", "2026")


@pytest.mark.parametrize(("expected", "verdict"), [(2.0, "right"), (1.6, "right"), (2.6, "right"), (1.5, "too low"), (2.7, "too high"), (None, "")])
def test_the_roofline_is_right_where_its_band_meets_the_interval(expected, verdict):
    found = replace(FOUND, predicted=expected)
    assert judged(found) == verdict and cell(found).startswith("×2.00 [1.90–2.10]; ") and cell(found).endswith(verdict or "none")


def test_noise_is_no_number_and_no_verdict():
    noisy = replace(FOUND, whole=Ratio(1.0, 0.5, 3.0, 1e-3, 1e-3, 31))
    assert judged(noisy) == "" and cell(noisy) == "too noisy; ×2.00"
    assert "no measurable difference" in cell(replace(FOUND, whole=Ratio(1.0, 0.95, 1.05, 1e-3, 1e-3, 15)))
