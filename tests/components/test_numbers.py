"""How metrics are written on the page."""

import math

import pytest

from components.words.numbers import change, value


@pytest.mark.parametrize(("number", "written", "changed"), [
    (36.504, "36.5", "+36.5"), (999.4, "999.4", "+999.4"), (580677.7, "580,678", "+580,678"), (-1234.4, "−1,234", "−1,234"),
    (1e9 * 5.84, "5.8 · 10⁹", "+5.8 · 10⁹"), (math.e**690, "4.6 · 10²⁹⁹", "+4.6 · 10²⁹⁹"), (math.inf, "∞", "+∞"), (-math.inf, "−∞", "−∞"),
])  # fmt: skip
def test_a_perplexity_in_the_thousands_is_written_out(number, written, changed):
    assert (value(number, "perplexity"), change(number, "perplexity")) == (written, changed)
