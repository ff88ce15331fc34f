"""Calibration: from a row of values to the range that its scale covers.

A method is one file here: a function from rows to (low, high), with the spelling it has in a
recipe. Whatever the method says, zero is inside the range, a symmetric range is ±a, and the
recipe's factor widens or narrows it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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
    find: (rows, grid, *numbers) → (low, high), float64 [R] each
    granularities: kinds of granularity it works with; None for all
    source: the paper or tool it follows
    """

    id: str
    title: str
    pattern: str
    description: str
    source: str
    find: Callable[..., tuple[np.ndarray, np.ndarray]]
    granularities: tuple[str, ...] | None = None


METHODS: Registry[Method] = Registry("range method")


def method(**fields) -> Callable:
    """Register the function below as a range method: @method(id="minmax", title=…, …)."""

    def register(find: Callable) -> Callable:
        METHODS.register(Method(find=find, **fields))
        return find

    return register


def calibrate(x, recipe: Recipe | str, *, axis: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The range of every row of x that shares a scale.

    x: numbers of any shape; axis: the channel axis
    Returns (low, high), float64, low <= 0 <= high, one entry per scale: shape [1, 1] per tensor,
    [channels, 1] per channel, [channels, groups] for groups, [rows, columns] of blocks. A plain cast and
    a format with blocks of its own have no range to find: one entry, the ends of the data.
    Raises DataError for NaN, infinity or nothing in x; SettingsError for a recipe that cannot be.
    """
    recipe = as_recipe(recipe)
    m = matrix(as_values(x), axis)
    if not recipe.range:
        return np.array([[float(m.min())]]), np.array([[float(m.max())]])
    tiling = Tiling.of(recipe, *m.shape)
    low, high = np.zeros(tiling.shape), np.zeros(tiling.shape)
    for where, values in tiling.parts(m):
        ends = range_of_rows(Rows.of(values), recipe)
        low[where], high[where] = (end.reshape(low[where].shape) for end in ends)
    return low, high


def calibrate_record(record: Record, recipe: Recipe | str) -> tuple[float, float]:
    """The range of one activation tensor from its record: (low, high), low <= 0 <= high; of a recipe
    without a range the ends of what was recorded."""
    recipe = as_recipe(recipe)
    if not recipe.range:
        return min(record.low, 0.0), max(record.high, 0.0)
    low, high = range_of_rows(record.rows(), recipe)
    return float(low[0]), float(high[0])


def range_of_rows(rows: Rows, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of each row by the recipe's method, zero inside, symmetric if the recipe is."""
    chosen, numbers = _method_of(recipe.method)
    grid = Grid.of(recipe)
    low, high = chosen.find(rows, grid, *numbers)
    low, high = np.minimum(low, 0.0) * recipe.factor, np.maximum(high, 0.0) * recipe.factor
    if grid.symmetric:
        high = np.maximum(-low, high)
        low = -high
    return low, high


def _method_of(spelling: str) -> tuple[Method, list[float]]:
    for each in METHODS:
        if match := re.fullmatch(each.pattern, spelling, re.ASCII):
            return each, [float(number) for number in match.groups()]
    raise AssertionError(f"{spelling!r} passed the recipe's check and has no method")


METHODS.discover(__name__, __path__)
