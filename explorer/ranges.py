"""How the range of a recipe is spelled: a method of calibration, its numbers, and a factor.

"minmax", "p99.9", "lo1.5hi6", "mse@0.85" (the method's range times 0.85). Numbers are written
positional, without sign or exponent, and as short as float64 allows, so that one range has one
spelling: recipes are keys of caches and parts of links.
"""

import re
from decimal import Decimal
from difflib import get_close_matches

from explorer.errors import SettingsError

NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
LARGEST, SMALLEST = 1e30, 1e-30  # inside float32 with room for a factor and a division by 65,535
FACTORS = (0.001, 1000.0)
EXAMPLES = {"p": "p99.9", "abs": "abs1.5", "lo": "lo1.5hi6"}
LITERAL = ("abs", "lo")
WORDS = {
    "minmax": "min–max range",
    "mse": "MSE range",
    "p": "percentile {0} range",
    "aciq": "ACIQ range",
    "octav": "OCTAV range",
    "ema": "moving-average range",
    "output": "range of least output error",
    "abs": "range ±{0}",
    "lo": "range −{0} to {1}",
}


def canonical_range(text: str, kind: str = "tensor", *, uniform: bool = True) -> str:
    """The one spelling of a range for a granularity of this kind: "p99.90@.5" gives "p99.9@0.5".

    uniform: whether the format has equal steps. A literal range takes its factor in: "abs2@0.5"
    is "abs1". Raises SettingsError.
    """
    word, at, factor = text.partition("@")
    word = NUMBER.sub(lambda number: positional(_value(number[0])), word)
    method = range_method(word)
    _check_numbers(method.id, word)
    if kind == "token" and text != "minmax":
        raise SettingsError(f"per token the range is found while running and can only be minmax, not {text[:40]!r}")
    if method.granularities is not None and kind not in method.granularities:
        raise SettingsError(
            f"the range {word} works per {' or '.join(method.granularities)}, not per {kind}; "
            "choose that granularity or another range such as minmax"
        )
    if not method.takes(kind, uniform):
        raise SettingsError(f"the range {word} supposes equal steps, as integers have; choose minmax or mse for this format")
    return _with_factor(method.id, word, factor) if at else word


def range_method(word: str):
    """The calibration method whose pattern `word` matches. Raises SettingsError that names some."""
    methods = calibration_methods()
    for method in methods:
        if re.fullmatch(method.pattern, word, re.ASCII):
            return method
    spelled = [EXAMPLES.get(method.id, method.id) for method in methods]
    for method in sorted(methods, key=lambda method: -len(method.id)):
        if method.id in EXAMPLES and word.startswith(method.id):
            raise SettingsError(
                f"the range {word[:40]!r} needs its number right behind the name, positive and without "
                f"sign or exponent, such as {EXAMPLES[method.id]}"
            )
    near = get_close_matches(word, spelled, n=2)
    others = f"near it: {', '.join(near)}" if near else f"there are {', '.join(spelled)}"
    raise SettingsError(f"there is no range {word[:40]!r}; {others}")


def is_range(text: str) -> bool:
    """Whether a method has this spelling, whatever its factor."""
    word = text.partition("@")[0]
    return any(re.fullmatch(method.pattern, word, re.ASCII) for method in calibration_methods())


def calibration_methods():
    """The registry of range methods, imported late: calibration reads recipes."""
    from explorer.calibration import METHODS

    return METHODS


def positional(value: float) -> str:
    """The shortest decimal that reads back as this finite value >= 0, without an exponent."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def range_words(text: str) -> str:
    """Plain English of a canonical range: "percentile 99.9 range × 0.85"."""
    word, _, factor = text.partition("@")
    spoken = WORDS.get(range_method(word).id, f"{word} range").format(*NUMBER.findall(word))
    return f"{spoken} × {factor}" if factor else spoken.replace("−0 ", "0 ")


def _value(number: str) -> float:
    value = float(number)
    if value and not SMALLEST <= value <= LARGEST:
        extreme = "small" if value < 1 else "large"
        raise SettingsError(f"the number {number[:20]} in a range is too {extreme}; "
                            "write one between 10^-30 and 10^30")
    return value


def _check_numbers(method: str, word: str) -> None:
    numbers = [float(number) for number in NUMBER.findall(word)]
    if method == "p" and not 0 < numbers[0] <= 100:
        raise SettingsError(f"a percentile lies above 0 and at most at 100, not at {positional(numbers[0])}")
    if method in LITERAL and not any(numbers):
        raise SettingsError(f"the range {word} has no width; write a number above 0, such as {EXAMPLES[method]}")


def _with_factor(method: str, word: str, factor: str) -> str:
    if not NUMBER.fullmatch(factor) or not FACTORS[0] <= float(factor) <= FACTORS[1]:
        raise SettingsError(
            f"the factor behind @ is a number from 0.001 to 1000 without sign or exponent, such as "
            f"{word}@0.85, not {factor[:40]!r}"
        )
    if method in LITERAL:
        scaled = NUMBER.sub(lambda number: positional(float(Decimal(number[0]) * Decimal(factor))), word)
        return canonical_range(scaled)
    return word if float(factor) == 1 else f"{word}@{positional(float(factor))}"
