"""Arithmetic without rounding, to hold float32 against."""

from fractions import Fraction

import numpy as np


def multiplied_and_added(x, by, shift) -> np.float32:
    """The float32 nearest to x · by + shift, half to even."""
    exact = Fraction(float(x)) * Fraction(float(by)) + Fraction(float(shift))
    near = np.float32(float(exact))
    those = (near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf)))
    return min(those, key=lambda each: (abs(Fraction(float(each)) - exact), each.view(np.uint32) & 1))
