"""How numbers are written: the engine's values as short text. Nothing is computed but the unit."""

import math
from numbers import Integral

MINUS = "−"


def whole(value: int) -> str:
    return f"{value:,}"


def percent(share: float, digits: int = 1) -> str:
    """0.8735 is "87.4 %"."""
    return f"{100 * share:.{digits}f} %".replace("-", MINUS)


VALUES = {"share": (100, "{:.1f} %"), "bits": (1, "{:.3f} bits"), "perplexity": (1, "{:.4g}"), "cosine": (1, "{:.4f}")}
CHANGES = {"share": (100, "{:+.1f} pp"), "bits": (1, "{:+.3f} bits"), "perplexity": (1, "{:+.4g}"), "cosine": (1, "{:+.4f}")}


THOUSANDS, TOO_LONG = 1e3, 1e7  # from here a perplexity is written out; and from here it is a power of ten
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def value(number: float, unit: str) -> str:
    """A metric's value in its unit: "87.4 %", "2.379 bits"; an end of an interval may be endless."""
    factor, text = VALUES[unit]
    if unit == "perplexity" and abs(number) >= THOUSANDS:
        return _endless(_large(number))
    return _endless(text.format(factor * number))


def change(number: float, unit: str) -> str:
    """A difference of two such values, always signed: "−42.1 pp", "+0.024 bits"."""
    factor, text = CHANGES[unit]
    if unit == "perplexity" and abs(number) >= THOUSANDS:
        return _endless(_large(number, "+"))
    written = text.format(factor * number)
    nothing = text.format(0.0)
    return _endless(nothing if written == nothing.replace("+", "-") else written)


def _large(number: float, sign: str = "") -> str:
    """"580,678", "5.8 · 10⁹"."""
    if abs(number) < TOO_LONG or math.isinf(number):
        return f"{number:{sign},.0f}"
    mantissa, _, exponent = f"{number:{sign}.1e}".partition("e")
    return f"{mantissa} · 10{str(int(exponent)).translate(RAISED)}"


def _endless(text: str) -> str:
    return text.replace("-", MINUS).replace("inf", "∞")


def axis(unit: str) -> tuple[float, str]:
    """(what values are multiplied by on an axis, how its title names the unit)."""
    return VALUES[unit][0], {"share": ", %", "bits": ", bits"}.get(unit, "")


def decibel(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "—"
    return "exact" if math.isinf(value) else f"{value:.1f} dB".replace("-", MINUS)


ROUND = 0.9995  # of a unit: from here on three digits round up to it
UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1))


def size(count: float) -> str:
    """Bytes in units of 1,000: "19.7 kB"."""
    unit, (value,) = in_one_unit([count])
    return f"{value:.0f} B" if unit == "B" else f"{value:.3g} {unit}"


PREFIXES = (("", 1.0), ("m", 1e-3), ("µ", 1e-6), ("n", 1e-9), ("p", 1e-12))


def metric(value: float | None, unit: str) -> str:
    """Seconds, joules: "1.23 ms"."""
    if value is None:
        return "—"
    prefixed, (number,) = in_one_prefix([value], unit)
    return f"{number:.3g} {prefixed}"


LARGE = (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0))


def prefixed(value: float) -> str:
    """A number on an axis whose title has the unit: "0.5", "20 G"."""
    prefix, factor = _suited(value, LARGE)
    return f"{value / factor:.3g} {prefix}".rstrip()


def in_one_prefix(values: list[float], unit: str) -> tuple[str, list[float]]:
    """Values in the unit that suits the largest of them: ("ms", [0.1, 9.3])."""
    prefix, factor = _suited(max(values), PREFIXES)
    return f"{prefix}{unit}", [value / factor for value in values]


def in_one_unit(counts: list[float]) -> tuple[str, list[float]]:
    """Bytes in the unit that suits the largest of them: ("kB", [7.06, 78.9])."""
    unit, factor = _suited(max(counts), UNITS)
    return unit, [count / factor for count in counts]


def _suited(value: float, units: tuple) -> tuple[str, float]:
    """The largest unit, with its factor, that a value reaches; the last one for less."""
    return next((each for each in units if value >= ROUND * each[1]), units[-1])


def ratio(value: float | None) -> str:
    """How many times: "109×"."""
    return "—" if value is None else f"{value:.0f}×" if value >= 10 else f"{value:.1f}×"


def short(value: float | None) -> str:
    """Four significant digits, no exponent where it can be avoided."""
    if value is None or math.isnan(value):
        return "—"
    return f"{value:.4g}".replace("-", MINUS)


def cell(value: float | int) -> str:
    """A number as a table writes it: whole with commas, else five significant digits."""
    return (whole(value) if isinstance(value, Integral) else f"{value:.5g}").replace("-", MINUS)


def exactly(value: float) -> str:
    """A number with all its digits when they are few, else seven significant ones: "0.1015625", "3.389531e+38"."""
    text = f"{value:.10g}"
    return (text if float(text) == value and len(text) <= 14 else f"{value:.7g}").replace("-", MINUS)
