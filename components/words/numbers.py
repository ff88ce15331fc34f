"""How numbers are written: the engine's values as short text. Nothing is computed but the unit."""

import math

MINUS = "−"


def whole(value: int) -> str:
    return f"{value:,}"


def percent(share: float, digits: int = 1) -> str:
    """0.8735 is "87.4 %"."""
    return f"{100 * share:.{digits}f} %".replace("-", MINUS)


def points(difference: float) -> str:
    """A difference of two shares in percentage points, always signed: "−42.1 pp"."""
    text = f"{100 * difference:+.1f} pp"
    return text.replace("-", MINUS) if text != "-0.0 pp" else "+0.0 pp"


def decibel(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "—"
    return "exact" if math.isinf(value) else f"{value:.1f} dB".replace("-", MINUS)


def size(count: float) -> str:
    """Bytes in units of 1,000: "19.7 kB"."""
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"


def short(value: float | None) -> str:
    """Four significant digits, no exponent where it can be avoided."""
    if value is None or math.isnan(value):
        return "—"
    return f"{value:.4g}".replace("-", MINUS)
