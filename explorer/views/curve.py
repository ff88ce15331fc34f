"""The error curve of a layer: exact error against threshold, with every range method's choice on it."""

import re
from functools import partial

import numpy as np

from explorer.cache import CACHE
from explorer.calibrated import weight_range
from explorer.calibration import METHODS
from explorer.exact_error import MOST_VALUES, Errors, Sorted, errors_at
from explorer.formats import FORMATS
from explorer.grid import Grid
from explorer.models import Network
from explorer.pipeline import layer_tensor, network_of
from explorer.quantize import QuantizedTensor, clipped, quantize
from explorer.ranges import EXAMPLES, LITERAL, range_method
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.stages import range_reads
from explorer.views.shared_range import shared_range
from explorer.views.sorted_layer import sorted_layer

POINTS = 100
FEWEST = 12  # thresholds, however large the layer
FROM, TO = 0.03, 1.2  # of the largest magnitude
PASSED = 10_000_000  # weights gone over for one curve where look-ups do not serve
QUICK = 15  # steps of a grid whose every zero point can be tried in a moment
LARGEST = float(np.finfo(np.float32).max)


def curve(settings: Settings, i: int, points: int = POINTS) -> dict:
    """Mean squared rounding and clipping error of layer i for thresholds shared by the whole tensor.

    thresholds: geometric, of the range -T…T, and for an asymmetric recipe not beyond the data;
    fewer than `points` where every one takes a pass over a large layer; none without a range to
    choose (reason "cast" or "block") or for a constant tensor ("constant")
    marks: what each range method chooses per tensor; neighbours: other formats, by id and bits
    current: the error of the recipe in force; its threshold is None where rows have ranges of their
    own, and then rows_mse is the same error
    power: mean square of the weights, so that SQNR = 10 log10(power / mse)
    """
    network, q = network_of(settings), layer_tensor(settings, i)
    values, recipe = sorted_layer(network, i), q.recipe
    shared = shared_range(q)
    place = f"{network.digest} {i}"
    now = CACHE.get(f"error {place} {q.digest}", lambda: _now(network.weight(i), q))
    answer = {
        "thresholds": [], "rounding": [], "clipping": [], "marks": [], "neighbours": [],
        "format": recipe.format,
        "bits": recipe.bits,
        "current": {"threshold": max(-shared[0], shared[1]) or None if shared else None} | now,
        "rows_mse": None if shared or not recipe.range else now["mse"],
        "power": values.power / values.size,
        "reason": ("block" if recipe.blocks else "cast") if not recipe.range else
                  "constant" if values.low == values.high else None,
    }  # fmt: skip
    if not recipe.range or values.low == values.high:
        return answer
    tensor = recipe.replace(granularity="tensor", range="minmax")
    seed = settings.seed if recipe.rounding == "stochastic" else 0
    key, layer = f"curve {place} {tensor} {seed}", _Layer(settings, network, i, values, tensor, seed)
    marks = [CACHE.get(f"mark {name} {key}{range_reads(settings, recipe)}", partial(layer.mark, name))
             for name in marked(recipe, values.low, values.high)]  # fmt: skip
    return answer | {"marks": marks} | CACHE.get(f"{key} {points}", lambda: layer.picture(points))


class _Layer:
    """Errors of one layer's weights under ranges for the whole tensor."""

    def __init__(self, settings: Settings, network: Network, i: int, values: Sorted, recipe: Recipe, seed: int):
        self.settings, self.network, self.i = settings, network, i
        self.values, self.recipe, self.seed = values, recipe, seed

    def picture(self, points: int) -> dict:
        largest = max(-self.values.low, self.values.high)
        if not _by_look_up(self.recipe):
            points = max(min(points, PASSED // self.values.size), FEWEST)
        last = min(TO * largest, LARGEST)
        thresholds = np.geomspace(FROM * largest, last, points)
        parts = self.errors(self.recipe, thresholds)
        size = self.values.size
        return {
            "thresholds": thresholds.tolist(),
            "rounding": (parts.rounding / size).tolist(),
            "clipping": (parts.clipping / size).tolist(),
            "neighbours": [
                {"format": other.format, "bits": other.bits,
                 "mse": (self.errors(other, thresholds).total / size).tolist()}
                for other in neighbours(self.recipe)
            ],
        }  # fmt: skip

    def mark(self, name: str) -> dict:
        """What a range method chooses, and the exact error there."""
        recipe = self.recipe.replace(range=name, rounding="nearest")  # of which the choice is independent
        low, high = weight_range(self.network, self.settings, self.i, recipe)
        error = self.errors(self.recipe, np.concatenate([low, high], axis=1)).total[0]
        return {"name": name, "threshold": float(max(-low.item(), high.item())), "mse": float(error) / self.values.size}

    def errors(self, recipe: Recipe, thresholds: np.ndarray) -> Errors:
        """As exact_error.errors_at, which rounds to nearest, where either side of a tie is as far; other roundings are done, then measured."""
        if recipe.is_nearest:
            return errors_at(self.values, recipe, thresholds)
        weight = self.network.weight(self.i)
        ends = thresholds if thresholds.ndim == 2 else self._ends(thresholds)
        done = [_parts(weight, quantize(weight, recipe, seed=self.seed, ranges=np.reshape(pair, (2, 1, 1)))) for pair in ends]
        return Errors(*np.array(done).T)

    def _ends(self, thresholds: np.ndarray) -> np.ndarray:
        low, high = -thresholds, thresholds
        if not Grid.of(self.recipe).symmetric:
            low = np.maximum(low, min(self.values.low, 0.0))
            high = np.minimum(high, max(self.values.high, 0.0))
        return np.stack([low, high], axis=1)


def marked(recipe: Recipe, low: float, high: float) -> list[str]:
    """The range methods that find a range for a whole tensor, as a recipe spells them; with the
    recipe's own where that has a number, such as p99.99.

    Left out, unless it is the recipe's own, is what needs more than the values (ema is min–max where
    there are no batches, output runs the layer), and mse on a fine asymmetric grid over data low…high
    on both sides of zero: trying every zero point takes seconds.
    """
    grid = Grid.of(recipe)
    spelled = {each: EXAMPLES.get(each.id, each.id) for each in METHODS
               if each.id not in LITERAL and each.needs == "values" and each.takes("tensor", grid.uniform)}  # fmt: skip
    names = [name for each, name in spelled.items() if re.fullmatch(each.pattern, name, re.ASCII)]
    if not grid.symmetric and grid.span > QUICK and low < 0 < high:
        names.remove("mse")
    own = () if range_method(recipe.method).id in LITERAL else (recipe.method,)
    return list(dict.fromkeys([*names, *own]))


def neighbours(recipe: Recipe) -> list[Recipe]:
    """The same grid with a bit fewer and more, and 4 and 8 bits; those that look-ups can serve."""
    number = FORMATS[recipe.format]
    sign = "" if not recipe.scheme or number.signed else "u"
    near = {4, 8} if not recipe.scheme else {recipe.bits - 1, recipe.bits + 1, 4, 8} - {recipe.bits}
    others = [recipe.replace(format=f"{sign}int{bits}", rounding="nearest") for bits in sorted(near) if 2 <= bits <= 16]
    return [other for other in others if _by_look_up(other)]


def _by_look_up(recipe: Recipe) -> bool:
    grid = Grid.of(recipe)
    return recipe.is_nearest and not (grid.uniform and grid.span >= MOST_VALUES)


def _now(weight: np.ndarray, q: QuantizedTensor) -> dict:
    rounding, clipping, _ = (part / weight.size for part in _parts(weight, q))
    return {"mse": rounding + clipping, "rounding": rounding, "clipping": clipping}


def _parts(weight: np.ndarray, q: QuantizedTensor) -> tuple[float, float, int]:
    """Σ of squared rounding errors, of squared clipping errors, and how many are clipped."""
    error = np.subtract(weight, q.tensor().numpy(), dtype=np.float64).reshape(-1)
    beyond = clipped(weight, q).reshape(-1)
    outside = error[beyond]
    lost = float(outside @ outside)
    return max(float(error @ error) - lost, 0.0), lost, int(beyond.sum())
