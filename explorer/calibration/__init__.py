"""Calibration: from a row of values to the range that its scale covers.

A method is one file here: a function from rows to (low, high), with the spelling it has in a
recipe. Whatever the method says, zero is inside the range, a symmetric range is ±a, and the
recipe's factor widens or narrows it. A method that judges a weight by what its layer computes
needs more than the values: it says so, and is given the layer's inputs too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from explorer.errors import DataError, SettingsError
from explorer.granularity import Tiling, matrix
from explorer.grid import Grid
from explorer.recipe import Recipe
from explorer.registry import Registry
from explorer.rows import Record, Rows
from explorer.values import as_recipe, as_values


@dataclass(frozen=True)
class Method:
    """A range method.

    pattern: regular expression of its spelling in a recipe, numbers as groups
    find: (rows, grid, *numbers) → (low, high), float64 [R] each; with needs "inputs"
        (weights [out, K], recipe, second moments [G, K, K], *numbers) → the same of the scales' shape
    granularities: kinds of granularity it works with; None for all
    uniform: whether it supposes equal steps, and so works for integers only
    needs: "values"; "batches" where it tells the batches of an activation apart; "inputs" where it
        judges by what the layer makes of its inputs
    source: the paper or tool it follows
    """

    id: str
    title: str
    pattern: str
    description: str
    source: str
    find: Callable[..., tuple[np.ndarray, np.ndarray]]
    granularities: tuple[str, ...] | None = None
    uniform: bool = False
    needs: str = "values"

    def takes(self, kind: str, uniform: bool) -> bool:
        """Whether it works for a granularity of this kind and a format with equal steps or without."""
        return (self.granularities is None or kind in self.granularities) and (uniform or not self.uniform)


METHODS: Registry[Method] = Registry("range method")


def method(**fields) -> Callable:
    """Register the function below as a range method: @method(id="minmax", title=…, …)."""

    def register(find: Callable) -> Callable:
        METHODS.register(Method(find=find, **fields))
        return find

    return register


def calibrate(x, recipe: Recipe | str, *, axis: int = 0, inputs=None) -> tuple[np.ndarray, np.ndarray]:
    """The range of every row of x that shares a scale.

    x: numbers of any shape; axis: the channel axis
    inputs: what flows into a layer with the weights x, for the methods that judge by its output
    (see `second_moments`); the others do not read it
    Returns (low, high), float64, low <= 0 <= high, one entry per scale: shape [1, 1] per tensor,
    [channels, 1] per channel, [channels, groups] for groups, [rows, columns] of blocks. A plain cast and
    a format with blocks of its own have no range to find: one entry, what the data reached.
    Raises DataError for NaN, infinity or nothing in x; SettingsError for a recipe that cannot be,
    or that needs inputs and has none.
    """
    recipe = as_recipe(recipe)
    m = matrix(as_values(x), axis)
    if not recipe.range:
        return np.minimum(np.float64([[m.min()]]), 0), np.maximum(np.float64([[m.max()]]), 0)
    chosen, numbers = _method_of(recipe.method)
    if chosen.needs == "inputs" and inputs is not None:
        return _finish(*chosen.find(m, recipe, second_moments(inputs, *m.shape), *numbers), recipe)
    tiling = Tiling.of(recipe, *m.shape)
    low, high = np.zeros(tiling.shape), np.zeros(tiling.shape)
    for where, values in tiling.parts(m):
        ends = range_of_rows(Rows.of(values), recipe)
        low[where], high[where] = (end.reshape(low[where].shape) for end in ends)
    return low, high


def calibrate_record(record: Record, recipe: Recipe | str) -> tuple[float, float]:
    """The range of one activation tensor from its record: (low, high), low <= 0 <= high; of a recipe
    without a range the ends of what was recorded.

    Raises SettingsError for a method that judges by the layer's output: a record does not hold it.
    """
    recipe = as_recipe(recipe)
    if not recipe.range:
        return min(record.low, 0.0), max(record.high, 0.0)
    low, high = range_of_rows(record.rows(), recipe)
    return float(low[0]), float(high[0])


def range_of_rows(rows: Rows, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of each row by the recipe's method, zero inside, symmetric if the recipe is."""
    chosen, numbers = _method_of(recipe.method)
    if chosen.needs == "inputs":
        raise SettingsError(f"the range {recipe.method} is judged at a layer's output and needs the layer's inputs, "
                            "which values alone do not tell; run a network, give `inputs`, or choose another range "
                            "such as mse")  # fmt: skip
    return _finish(*chosen.find(rows, Grid.of(recipe), *numbers), recipe)


def needs_inputs(recipe: Recipe) -> bool:
    """Whether the recipe's range is judged at the layer's output."""
    return bool(recipe.range) and _method_of(recipe.method)[0].needs == "inputs"


def second_moments(inputs, rows: int, columns: int) -> np.ndarray:
    """What a layer with weights [rows, columns] was given, as float32 [G, columns, columns].

    inputs: samples [n, columns], or their second moments: the mean of x xᵀ in each of the G groups
    of a convolution (1 without groups), whose rows follow each other. Raises DataError.
    """
    inputs = as_values(inputs)
    if inputs.ndim == 2 and inputs.shape[1] == columns:
        return (inputs.T @ inputs / len(inputs))[None]
    if inputs.ndim == 3 and inputs.shape[1:] == (columns, columns) and rows % len(inputs) == 0:
        return inputs
    raise DataError(f"weights of {rows} × {columns} take inputs [n, {columns}], or second moments "
                    f"[groups, {columns}, {columns}], not {list(inputs.shape)}")  # fmt: skip


def _finish(low: np.ndarray, high: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Zero inside, the recipe's factor, and ±a where the grid is symmetric."""
    low, high = np.minimum(low, 0.0) * recipe.factor, np.maximum(high, 0.0) * recipe.factor
    if Grid.of(recipe).symmetric:
        high = np.maximum(-low, high)
        low = -high
    return low, high


@lru_cache(maxsize=256)
def _method_of(spelling: str) -> tuple[Method, tuple[float, ...]]:
    for each in METHODS:
        if match := re.fullmatch(each.pattern, spelling, re.ASCII):
            return each, tuple(float(number) for number in match.groups())
    raise AssertionError(f"{spelling!r} passed the recipe's check and has no method")


METHODS.discover(__name__, __path__)
