"""Settings: one value that describes an experiment completely.

It is the link, the key of the cache, the command line and the row of a sweep.
"""

import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from explorer.errors import SettingsError
from explorer.formats import FORMATS
from explorer.recipe import Recipe

__all__ = ["Recipe", "Settings"]

ACCUMULATE = ("exact", "avx2")  # in int32; pairs of u8 · s8 products in 16 bits, see saturation.py
BITS_OF_DIGIT = {str(bits): bits for bits in range(2, 10)} | {c: 10 + i for i, c in enumerate("abcdefg")}
LEAVE = "0"  # the digit of a layer that stays in FP32
MOST_LAYERS = 1000
LARGEST_SEED = 2**32 - 1
LARGEST_COUNT = 10**9


@dataclass(frozen=True)
class Settings:
    """An experiment. Frozen, hashable, valid once made; recipes may be given as text.

    model: a registered id. weights, activations: recipes of every layer; fp32 leaves them alone.
    calibration_samples, evaluation_samples: how many are used, at least 1; asking for more than
    the model has means all of them. seed: 0 to 2^32 - 1. accumulate: one of ACCUMULATE.
    target: id of the device whose latency and energy are predicted.
    algorithms: registered ids; kept in the order in which they run.
    layers: (index from 0, weight recipe) pairs or a mapping, for layers of their own.
    layer_bits: one digit a layer, 2-9 and a..g = 10..16 bits, 0 leaves the layer in FP32.
    Raises SettingsError.
    """

    model: str = "fashion"
    weights: Recipe = "int8-sym-tensor-minmax"
    activations: Recipe = "int8-asym-tensor-minmax"
    algorithms: tuple[str, ...] = ()
    calibration_samples: int = 256
    evaluation_samples: int = 1000
    seed: int = 0
    accumulate: str = "exact"
    target: str = "here"
    layers: tuple[tuple[int, Recipe], ...] = ()
    layer_bits: str = ""

    def __post_init__(self):
        model = _model(self.model)
        weights = _weight_recipe("weights", self.weights)
        self._set(
            weights=weights,
            activations=_activation_recipe(self.activations),
            algorithms=_algorithms(self.algorithms),
            calibration_samples=_count("calibration", self.calibration_samples, model.calibration_size),
            evaluation_samples=_count("evaluation", self.evaluation_samples, model.test_size),
            seed=_whole("seed", self.seed, 0, LARGEST_SEED),
            layers=_layers(self.layers),
        )
        _check_word("accumulate", self.accumulate, ACCUMULATE)
        _check_target(self.target)
        _check_layer_bits(self.layer_bits, weights)
        _check_algorithms(self)

    def _set(self, **values) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def replace(self, **changes) -> "Settings":
        """A copy with `changes`. Raises SettingsError."""
        unknown = set(changes) - {field.name for field in fields(self)}
        if unknown:
            raise SettingsError(f"settings have no {sorted(unknown)[0]!r}; they have "
                                + ", ".join(field.name for field in fields(self)))
        return replace(self, **changes)

    def weights_of(self, layer: int) -> Recipe:
        """The weight recipe of a layer, counted from 0: its own, else its digit's, else `weights`."""
        own = dict(self.layers)
        if layer in own:
            return own[layer]
        if layer >= len(self.layer_bits):
            return self.weights
        digit = self.layer_bits[layer]
        if digit == LEAVE:
            return Recipe("fp32")
        sign = "" if FORMATS[self.weights.format].signed else "u"
        return self.weights.replace(format=f"{sign}int{BITS_OF_DIGIT[digit]}")

    def check_layers(self, count: int) -> None:
        """Raises SettingsError when a layer is named that a network of `count` layers has not."""
        if len(self.layer_bits) > count:
            raise SettingsError(f"lw has {len(self.layer_bits)} digits, but {self.model} has {count} layers; "
                                "write at most one digit a layer")
        for layer, _ in self.layers:
            if layer >= count:
                raise SettingsError(f"there is no layer {layer}: {self.model} has {count}, counted from 0")

    def sentence(self) -> str:
        """The experiment in one line of plain English."""
        model = _model(self.model)
        return " · ".join(filter(None, (
            model.title,
            f"weights {self.weights.words}",
            _plural(len(self.layers), "layer with its own recipe", "layers with their own recipes"),
            f"bits layer by layer {self.layer_bits}" if self.layer_bits else "",
            f"activations {self.activations.words}",
            "pairs of products summed in 16 bits (AVX2)" if self.accumulate == "avx2" else "",
            " + ".join(map(_algorithm_title, self.algorithms)),
            _plural(self.calibration_samples, "calibration sample", "calibration samples"),
            _plural(self.evaluation_samples, "test sample", "test samples"),
            f"seed {self.seed}",
        )))


def _model(id: str):
    """The registry's entry. Imported late: a model module may read recipes."""
    from explorer.models import MODELS

    if not isinstance(id, str):
        raise SettingsError(f"a model is named by its id, not by {type(id).__name__}")
    return MODELS[id]


def _plural(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""


def _recipe(what: str, value) -> Recipe:
    if isinstance(value, Recipe):
        return value
    try:
        return Recipe.parse(value)
    except SettingsError as error:
        raise SettingsError(f"{what}: {error}") from None


def _weight_recipe(what: str, value) -> Recipe:
    recipe = _recipe(what, value)
    if recipe.kind == "token":
        raise SettingsError(f"{what}: token is for activations; weights take tensor, channel, "
                            "groups such as g64 or blocks such as b128")
    return recipe


def _activation_recipe(value) -> Recipe:
    recipe = _recipe("activations", value)
    if not FORMATS[recipe.format].activations:
        allowed = ", ".join(number.id for number in FORMATS if number.blocks and number.activations)
        raise SettingsError(f"activations: {recipe.format} is for weights; formats with blocks for both are {allowed}")
    if recipe.kind in ("channel", "block"):
        other = {"channel": "a matrix product cannot factor a scale that is each input channel's own",
                 "block": "square blocks would tie tokens that have nothing to do with each other"}[recipe.kind]
        raise SettingsError(f"activations: {recipe.granularity} is not possible, {other}; allowed: tensor, token, "
                            "and groups of a token's values such as g128")  # fmt: skip
    if recipe.kind == "group" and recipe.range != "minmax":
        raise SettingsError(f"activations: per group of a token the range is found while running and can only be minmax, not {recipe.range}")
    return recipe


def _algorithms(names) -> tuple[str, ...]:
    if not isinstance(names, (str, tuple, list)):
        raise SettingsError(f"algorithms are a tuple of ids, not {type(names).__name__}")
    names = (names,) if isinstance(names, str) else tuple(names)
    if not names:
        return ()
    from explorer.algorithms import in_order  # late: an algorithm reads recipes

    return in_order(str(name)[:40] for name in names)


def _algorithm_title(id: str) -> str:
    from explorer.algorithms import ALGORITHMS

    return ALGORITHMS[id].title


def _check_algorithms(settings: Settings) -> None:
    """Raises SettingsError when an algorithm could treat none of the layers."""
    if not settings.algorithms:
        return
    from explorer.algorithms import ALGORITHMS

    recipes = [settings.weights, *(recipe for _, recipe in settings.layers)]
    recipes += map(settings.weights_of, range(len(settings.layer_bits)))
    for id in settings.algorithms:
        reasons = [ALGORITHMS[id].refuses(recipe) for recipe in recipes]
        if all(reasons):
            raise SettingsError(reasons[0])


def _whole(what: str, value, least: int, most: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        digits = " in digits alone" if isinstance(value, str) else ""
        raise SettingsError(f"{what} is a whole number from {least} to {most:,}{digits}, not {str(value)[:40]!r}")
    return number


def _count(what: str, value, available: int) -> int:
    return min(_whole(f"the number of {what} samples", value, 1, LARGEST_COUNT), available)


def _check_word(what: str, word: str, allowed: tuple[str, ...]) -> None:
    if not isinstance(word, str) or word not in allowed:
        raise SettingsError(f"there is no {what} {str(word)[:40]!r}; allowed: {', '.join(allowed)}")


def _check_target(id) -> None:
    from explorer.cost.devices import DEVICES  # late: the engine's cost reads recipes

    if not isinstance(id, str):
        raise SettingsError(f"a target is named by its id, not by {type(id).__name__}; allowed: {', '.join(DEVICES.ids)}")
    DEVICES[id]


def _layers(layers) -> tuple[tuple[int, Recipe], ...]:
    try:
        pairs = [(index, recipe) for index, recipe in (layers.items() if isinstance(layers, Mapping) else layers)]
    except (TypeError, ValueError):
        raise SettingsError("layers are pairs of an index from 0 and a weight recipe, "
                            "such as ((7, 'int8-sym-channel-minmax'),)") from None
    own = {}
    for index, recipe in pairs:
        index = _whole("a layer's index", index, 0, MOST_LAYERS - 1)
        if index in own:
            raise SettingsError(f"layer {index} has two recipes; give it one")
        own[index] = _weight_recipe(f"layer {index}", recipe)
    return tuple(sorted(own.items()))


def _check_layer_bits(digits: str, weights: Recipe) -> None:
    if not isinstance(digits, str) or len(digits) > MOST_LAYERS:
        raise SettingsError(f"the bits of the layers are text of at most {MOST_LAYERS} digits, such as '4488'")
    wrong = next((digit for digit in digits if digit not in BITS_OF_DIGIT and digit != LEAVE), None)
    if wrong:
        raise SettingsError(f"{wrong!r} is no number of bits; write one digit a layer: "
                            "2 to 9, a to g for 10 to 16, 0 to leave it in fp32")
    if digits and FORMATS[weights.format].kind != "integer":
        raise SettingsError(f"bits layer by layer need an integer weight recipe such as int8, not {weights}")
