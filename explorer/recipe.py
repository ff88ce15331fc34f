"""A recipe says in one hyphened word how a tensor becomes a few bits: "int4-sym-g64-mse".

    recipe := format ["-" scheme] ["-" granularity] ["-" range] ["-" rounding]

The format comes first; the other parts are told apart by their spelling, so their order does
not matter when a person types them. `str(recipe)` is the one canonical spelling.

There are three ways to a scale, of which a recipe has one: none (a plain cast, "fp16", "fp8e4m3"),
blocks with scales of the format's own ("mxfp4", "q4_0", "nf4"), or a range that a calibration method
finds for whatever shares a scale ("int4-sym-g64-mse", "fp8e4m3-channel-minmax", "nf4-g128-minmax").
"""

import re
from dataclasses import dataclass, fields
from difflib import get_close_matches

from explorer.errors import SettingsError
from explorer.formats import FORMATS
from explorer.ranges import canonical_range, is_range, range_words

SCHEMES = {"sym": "symmetric", "symfull": "full-range symmetric", "asym": "asymmetric"}
ROUNDINGS = {
    "nearest": "", "away": "nearest, halves away from zero", "floor": "rounded down", "stochastic": "stochastic rounding",
    "reciprocal": "nearest by the reciprocal, as torch does it", "shifted": "nearest after the zero point, as compressed-tensors does it",
    "fma": "nearest of product and zero point in one step, as torch.quantize_per_tensor does it on x86",
    "muladd": "nearest of product and zero point in two steps, as torch.quantize_per_channel does it",
    "absmax": "nearest by the largest magnitude, as bitsandbytes does it",
}  # fmt: skip
BY_INVERSE = {"reciprocal", "fma", "muladd"}  # numbers are multiplied by 1/scale, and scales are those of torch's observers
BEFORE = {"shifted", "muladd", "fma"}  # the zero point is added before rounding
OF_INTEGERS = {*BY_INVERSE, *BEFORE, "absmax"}  # roundings that are about scales and zero points
NEAREST = {"nearest", "away", *OF_INTEGERS}
KINDS = {
    "tensor": re.compile("tensor"),
    "channel": re.compile("channel"),
    "group": re.compile("g([0-9]+)"),
    "block": re.compile("b([0-9]+)"),
    "token": re.compile("token"),
}
SIZES = range(2, 4097)  # elements along the side of a group or block


@dataclass(frozen=True)
class Recipe:
    """How one tensor is quantized: frozen, hashable, valid once made.

    format: a registered id. scheme: of integers only. granularity: which elements share a scale.
    range: how that scale's range is found, optionally "@FACTOR" to widen or narrow it.
    Parts left empty take their defaults (sym, tensor, minmax). A floating-point format without
    granularity and range is a plain cast: scale 1, both parts empty; a block format finds its own
    scales and takes neither; nf4 alone is in blocks of 64. Raises SettingsError.
    """

    format: str
    scheme: str = ""
    granularity: str = ""
    range: str = ""
    rounding: str = "nearest"

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, str):
                raise SettingsError(f"a recipe's {field.name} is text, not {type(value).__name__}")
        _check_format(self.format)
        _check_word("rounding", self.rounding, ROUNDINGS)
        number = FORMATS[self.format]
        if number.kind == "integer":
            self._set(scheme=self.scheme or "sym")
            _check_word("scheme", self.scheme, SCHEMES)
            if self.rounding == "absmax" and self.scheme == "asym":
                raise SettingsError("absmax rounds by the largest magnitude, which an asymmetric range has not; write sym or symfull, or leave absmax out")
        else:
            self._check_parts(number)
        if number.kind == "integer" or self.granularity or self.range:
            self._set(granularity=_canonical_granularity(self.granularity or "tensor"))
            self._set(range=canonical_range(self.range or "minmax", self.kind, uniform=number.kind == "integer"))

    def _set(self, **parts: str) -> None:
        for name, value in parts.items():
            object.__setattr__(self, name, value)

    def _check_parts(self, number) -> None:
        """Refuse the parts that a format other than an integer cannot have."""
        if self.scheme:
            raise SettingsError(f"{self.format} takes no scheme: {self.scheme[:40]!r} is for integers")
        if not number.scalable and (self.granularity or self.range):
            part = "granularity" if self.granularity else "range"
            why = f"has blocks of {number.blocks.size} with scales of their own" if number.blocks else "is a plain cast"
            raise SettingsError(f"{self.format} {why} and takes no {part}; write {self.format} alone")
        if self.rounding not in roundings(self.format):
            own = "is the reference and is not rounded" if number.bits == 32 else "rounds to nearest by a rule of its own"
            why = "is no integer" if number.rounds else own
            raise SettingsError(f"{self.format} {why}; leave {self.rounding} out")

    @classmethod
    def parse(cls, text: str) -> "Recipe":
        """The recipe that `text` spells. Raises SettingsError."""
        if not isinstance(text, str):
            raise SettingsError(f"a recipe is text such as int8-sym-channel-minmax, not {type(text).__name__}")
        if len(text) > 200:
            raise SettingsError("a recipe has at most 200 characters; write one such as int8-sym-channel-minmax")
        format, *words = text.strip().lower().split("-")
        parts: dict[str, str] = {}
        for word in words:
            part = _part_of(word)
            if part in parts:
                raise SettingsError(f"{text[:60]!r} has two words for its {part}, "
                                    f"{parts[part][:20]!r} and {word[:20]!r}; write one")
            parts[part] = word
        return cls(format, **parts)

    def __str__(self) -> str:
        rounding = "" if self.rounding == "nearest" else self.rounding
        return "-".join(filter(None, (self.format, self.scheme, self.granularity, self.range, rounding)))

    def replace(self, **changes: str) -> "Recipe":
        """A copy with `changes`. Parts that are not named and that the new format cannot have
        are dropped; what is named is kept or refused. Raises SettingsError."""
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        if changes.get("format") in FORMATS.ids:
            number = FORMATS[changes["format"]]
            if number.kind != "integer":
                del kept["scheme"]
            if not number.scalable or number.blocks and changes["format"] != self.format:
                del kept["granularity"], kept["range"]  # nf4 is meant in its own blocks, unless it is said otherwise
        made = {**kept, **changes}
        if "rounding" not in changes and made["format"] in FORMATS.ids and self.rounding not in roundings(made["format"], made.get("scheme", "")):
            del made["rounding"]
        return Recipe(**made)

    @property
    def element(self):
        """What a code stands for, in units of the scale: a value of explorer.formats."""
        return FORMATS[self.format].element

    @property
    def blocks(self):
        """The blocks with scales of their own (formats.scaling.Blocks), None for a cast or a range."""
        return None if self.range else FORMATS[self.format].blocks

    @property
    def bits(self) -> int:
        """Bits of one code, without its share of the scale."""
        return FORMATS[self.format].bits

    @property
    def is_cast(self) -> bool:
        """Whether there is no scale: numbers are rounded to the format as they are."""
        return not self.range and self.blocks is None

    @property
    def is_nearest(self) -> bool:
        """Whether every number gets the nearest code, whatever happens beside a tie."""
        return self.rounding in NEAREST

    @property
    def is_live(self) -> bool:
        """Whether the ranges of activations are found while the network runs: per token, or per group of each token."""
        return self.kind in ("token", "group")

    @property
    def is_recorded(self) -> bool:
        """Whether activations need to have been recorded: a range, or a scale of the whole tensor."""
        return bool(self.range) and not self.is_live or self.blocks is not None and self.blocks.rule.of_tensor

    @property
    def kind(self) -> str:
        """tensor, channel, group, block or token; empty for a plain cast and for a format's own blocks."""
        return next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(self.granularity)), "")

    @property
    def size(self) -> int | None:
        """Elements along a group or a block's side; None for the other granularities."""
        return int(self.granularity[1:]) if self.kind in ("group", "block") else None

    @property
    def method(self) -> str:
        """The range without its factor: "minmax" of "minmax@0.85"."""
        return self.range.partition("@")[0]

    @property
    def factor(self) -> float:
        """What the method's range is multiplied by: 0.85 of "minmax@0.85", else 1."""
        return float(self.range.partition("@")[2] or 1)

    @property
    def words(self) -> str:
        """Plain English: "INT4 symmetric, groups of 64, MSE range"."""
        name = f"{FORMATS[self.format].title} {SCHEMES.get(self.scheme, '')}".strip()
        if not self.range:
            own = f"blocks of {self.blocks.size}" if self.blocks else ""
            return ", ".join(filter(None, (name, own, ROUNDINGS[self.rounding])))
        shared = {"group": f"groups of {self.size}", "block": f"blocks of {self.size} × {self.size}"}
        parts = (name, shared.get(self.kind, f"per {self.kind}"), range_words(self.range), ROUNDINGS[self.rounding])
        return ", ".join(filter(None, parts))


def roundings(format: str, scheme: str = "") -> tuple[str, ...]:
    """How a registered format may be rounded, words of a recipe."""
    number = FORMATS[format]
    if not number.rounds:
        return ("nearest",)
    if number.kind != "integer":
        return tuple(word for word in ROUNDINGS if word not in OF_INTEGERS)
    return tuple(word for word in ROUNDINGS if word != "absmax" or scheme != "asym")


def _part_of(word: str) -> str:
    """Which part of a recipe a word spells; what is nothing else must be a range."""
    if word in SCHEMES:
        return "scheme"
    if word in ROUNDINGS:
        return "rounding"
    if any(pattern.fullmatch(word) for pattern in KINDS.values()):
        return "granularity"
    if not word:
        raise SettingsError("a recipe has one hyphen between its words and none at its ends, "
                            "such as int8-sym-channel-minmax")
    if word[0] in ".0123456789":
        raise SettingsError(f"{word[:20]!r} stands alone; a number is written right behind the name of "
                            "its range, without sign or exponent, such as abs1.5")
    if is_range(word):
        return "range"
    near = get_close_matches(word, (*SCHEMES, *ROUNDINGS, *KINDS), n=1, cutoff=0.75)
    if near:
        raise SettingsError(f"{word[:40]!r} is no part of a recipe; did you mean {near[0]!r}?")
    return "range"


def _check_format(name: str) -> None:
    if re.fullmatch("u?int-?[0-9]+", name) and name not in FORMATS:
        raise SettingsError(f"{name[:20]} does not exist here: integers have 2 to 16 bits, "
                            "int2 to int16 or uint2 to uint16")
    FORMATS[name]  # says which ids are near


def _check_word(part: str, word: str, allowed: dict[str, str]) -> None:
    if word not in allowed:
        raise SettingsError(f"there is no {part} {word[:40]!r}; allowed: {', '.join(allowed)}")


def _canonical_granularity(word: str) -> str:
    """g064 is g64. Raises SettingsError for an unknown word and for sizes that cannot be."""
    for kind, pattern in KINDS.items():
        match = pattern.fullmatch(word)
        if match and not match.groups():
            return word
        if match:
            digits = match[1].lstrip("0")
            if len(digits) > 4 or int(digits or 0) not in SIZES:
                raise SettingsError(f"a {kind} has {SIZES[0]} to {SIZES[-1]} elements along its side, "
                                    f"such as {word[0]}64, not {(digits or '0')[:20]}")
            return word[0] + digits
    raise SettingsError(f"there is no granularity {word[:40]!r}; allowed: tensor, channel, token, "
                        "or a size such as g64 (groups of 64) or b128 (blocks of 128 × 128)")
