"""How metrics are written on the page."""

import math

import pytest

from components.words.numbers import change, metric, prefixed, size, value


@pytest.mark.parametrize(("number", "written", "changed"), [
    (36.504, "36.5", "+36.5"), (999.4, "999.4", "+999.4"), (580677.7, "580,678", "+580,678"), (-1234.4, "−1,234", "−1,234"),
    (1e9 * 5.84, "5.8 · 10⁹", "+5.8 · 10⁹"), (math.e**690, "4.6 · 10²⁹⁹", "+4.6 · 10²⁹⁹"), (math.inf, "∞", "+∞"), (-math.inf, "−∞", "−∞"),
])  # fmt: skip
def test_a_perplexity_in_the_thousands_is_written_out(number, written, changed):
    assert (value(number, "perplexity"), change(number, "perplexity")) == (written, changed)


@pytest.mark.parametrize(("number", "written"), [(0.9994e15, "999 T"), (0.9996e15, "1 P"), (2.5e15, "2.5 P"), (999.6, "1 k"), (12.0, "12")])
def test_three_digits_never_round_up_to_a_thousand(number, written):
    assert prefixed(number) == written
    assert size(999.6e3) == "1 MB" and size(999.4e3) == "999 kB" and size(0) == "0 B"
    assert metric(999.6e-6, "s") == "1 ms" and metric(999.4e-6, "s") == "999 µs"
