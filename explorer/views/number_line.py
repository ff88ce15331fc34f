"""The numbers that a format has: on a line, and how many there are in each binade, from x to 2x."""

import numpy as np
import pandas as pd

from explorer.formats import FORMATS
from explorer.formats.floating import Floating

MOST = 600  # values that can be told apart on a line


def places(format: str) -> np.ndarray | None:
    """All representable numbers in units of the largest magnitude, ascending; None when they are too many to draw."""
    element = FORMATS[format].element
    if element.bits > 16 or element.distinct > MOST:
        return None
    values = element.values()
    return values / np.abs(values).max()


def binades(format: str) -> pd.DataFrame:
    """The positive numbers by power of two, from the largest down.

    below: how many binades under that of the largest number; exponent: the binade holds 2^exponent up
    to 2^(exponent+1); count: how many numbers it has; step: the least distance of two neighbours in it,
    in units of the scale, None for a lone one
    """
    element = FORMATS[format].element
    if element.bits > 16:
        return _of_fields(element)
    values = element.values()
    positive = values[values > 0]
    exponents = np.frexp(positive)[1] - 1
    rows = []
    for exponent in range(int(exponents[-1]), int(exponents[0]) - 1, -1):
        inside = positive[exponents == exponent]
        rows.append((int(exponents[-1]) - exponent, exponent, len(inside), float(np.diff(inside).min()) if len(inside) > 1 else None))
    return pd.DataFrame(rows, columns=["below", "exponent", "count", "step"])


def step_at_one(format: str) -> float | None:
    """Distance from 1 to the next larger number, or to the next smaller one where 1 is the largest;
    None where 1 is beyond the numbers."""
    element = FORMATS[format].element
    if element.bits > 16:
        return float(np.spacing(np.float32(1)))
    values = element.values()
    place = np.searchsorted(values, 1.0)
    if place == len(values):
        return None
    return float(values[place + 1] - values[place] if place + 1 < len(values) else values[place] - values[place - 1])


def _of_fields(element: Floating) -> pd.DataFrame:
    """Of a format with too many numbers to list: normal binades are full, subnormal ones halve."""
    most, top = 2**element.mantissa_bits, int(np.frexp(element.max)[1]) - 1
    normal = [(top - e, e, most, 2.0 ** (e - element.mantissa_bits)) for e in range(top, element.least_exponent - 1, -1)]
    step = 2.0 ** (element.least_exponent - element.mantissa_bits)
    small = [(top - element.least_exponent + k, element.least_exponent - k, most >> k, step if most >> k > 1 else None)
             for k in range(1, element.mantissa_bits + 1)]  # fmt: skip
    return pd.DataFrame(normal + small, columns=["below", "exponent", "count", "step"])
