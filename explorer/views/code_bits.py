"""A code taken apart: its bits by field and the number it stands for; and back, from a number to its code.

Numbers are in units of the scale. A code is handled as its bit pattern, a whole number from 0 on.
"""

import math

import numpy as np

from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.formats.floating import Floating


def fields(format: str) -> tuple[tuple[str, int], ...]:
    """The fields of a code, from the most significant bit: (name, bits).

    Names: sign, exponent, mantissa of a floating-point format; integer, in two's complement where it
    is signed; index into the table of a codebook.
    """
    element = FORMATS[format].element
    if isinstance(element, Floating):
        return ("sign", 1), ("exponent", element.exponent_bits), ("mantissa", element.mantissa_bits)
    return ((element.kind if element.kind == "integer" else "index", element.bits),)


def taken_apart(format: str, pattern: int) -> dict:
    """What the bit pattern of a code stands for.

    bits: 0 or 1 each, the most significant first. fields: name and bits as text of each field.
    value: None where the pattern is no finite number.
    kind: zero, normal, subnormal, infinity or nan of a floating-point format; integer; entry
    sign, exponent, fraction, steps: of a finite floating-point number, sign · 2^exponent · (1 + fraction / steps),
    of a subnormal sign · 2^exponent · fraction / steps
    Raises DataError for a pattern that has more bits than the format.
    """
    element = FORMATS[format].element
    if not 0 <= pattern < 2**element.bits:
        raise DataError(f"{format} has codes of {element.bits} bits, from 0 to {2**element.bits - 1}, not {pattern}")
    text = f"{pattern:0{element.bits}b}"
    parts, start = [], 0
    for name, width in fields(format):
        parts.append({"name": name, "bits": text[start : start + width]})
        start += width
    value = float(element.decode(_code(element, pattern)).item())
    found = {"bits": [int(bit) for bit in text], "fields": parts, "pattern": pattern}
    if isinstance(element, Floating):
        return found | _floating(element, pattern, value)
    return found | {"kind": "integer" if element.kind == "integer" else "entry", "value": value}


def nearest(format: str, value: float) -> dict:
    """The code of the representable number nearest to a value: what is stored, and what is lost.

    pattern: its bits as a whole number; value: the number; error: that minus what was asked for
    below, above: the representable numbers around the value, None beyond the ends
    saturated: whether the value lies beyond the largest number
    Raises DataError for what is not finite or beyond float32.
    """
    if not math.isfinite(value) or abs(value) > float(np.finfo(np.float32).max):
        raise DataError("give a finite number, at most 3.4e38 either way")
    element = FORMATS[format].element
    asked = np.float32([value])
    code = element.encode(asked.copy())
    stored = float(element.decode(code).item())
    below, above = _around(element, value)
    return {
        "pattern": int(code.item()) % 2**element.bits,
        "value": stored,
        "error": stored - value,
        "below": below,
        "above": above,
        "saturated": below is None or above is None,
    }


def _code(element, pattern: int) -> np.ndarray:
    """The pattern as the code that the format's decoder reads: signed where its codes are."""
    kind = np.dtype(element.code_type)
    if kind.kind == "i" and pattern >= 2 ** (element.bits - 1):
        pattern -= 2**element.bits
    return np.array([pattern], kind)


def _floating(element: Floating, pattern: int, value: float) -> dict:
    steps = 2**element.mantissa_bits
    power, fraction = divmod(pattern % 2 ** (element.bits - 1), steps)
    if not math.isfinite(value):  # of E4M3 only all bits set, which is NaN
        return {"kind": "nan" if fraction else "infinity", "value": None}
    kind = "normal" if power else "subnormal" if fraction else "zero"
    sign = -1 if pattern >> (element.bits - 1) else 1
    exponent = max(power, 1) - element.bias
    return {"kind": kind, "value": value, "sign": sign, "exponent": exponent, "fraction": fraction, "steps": steps}


def _around(element, value: float) -> tuple[float | None, float | None]:
    """The nearest representable numbers at most and at least as large; None beyond the ends."""
    if element.bits > 16:
        near = np.float32(value)
        other = near if near == value else np.nextafter(near, np.float32(np.copysign(np.inf, value - float(near))))
        return min(float(near), float(other)), max(float(near), float(other))
    values = element.values()
    first, last = np.searchsorted(values, value, "right") - 1, np.searchsorted(values, value)
    return tuple(float(values[i]) + 0.0 if 0 <= i < len(values) else None for i in (first, last))  # + 0: zero has no sign here
