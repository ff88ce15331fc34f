"""Every registered range method, spelled for a recipe and given what it needs."""

import numpy as np

from explorer.calibration import METHODS, calibrate
from explorer.ranges import EXAMPLES, LITERAL, canonical_range
from explorer.recipe import Recipe

ALL = METHODS.ids
FOUND = tuple(id for id in ALL if id not in LITERAL)  # those that look at the data
FROM_VALUES = tuple(id for id in ALL if METHODS[id].needs != "inputs")
FROM_INPUTS = tuple(id for id in ALL if METHODS[id].needs == "inputs")


def spelled(id: str) -> str:
    return canonical_range(EXAMPLES.get(id, id))


def recipe_of(id: str, format: str, scheme: str = "", granularity: str = "tensor") -> Recipe:
    return Recipe(format, scheme, granularity, spelled(id))


def kind_of(id: str) -> str:
    """The finest granularity of two that the method takes."""
    return "channel" if METHODS[id].takes("channel", True) else "tensor"


def inputs_for(x: np.ndarray, seed: int = 7) -> np.ndarray:
    """Correlated inputs [200, columns] of a layer with the weights x."""
    columns = x.shape[1] if x.ndim > 1 else x.size
    draw = np.random.default_rng(seed)
    mix = draw.normal(size=(columns, columns)) / np.sqrt(columns) + np.eye(columns)
    return (draw.normal(size=(200, columns)) @ mix + 0.3).astype(np.float32)


def ends_of(x: np.ndarray, recipe, inputs: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """calibrate, with inputs for the methods that need them."""
    recipe = Recipe.parse(str(recipe))
    given = inputs_for(x) if inputs is None else inputs
    return calibrate(x, recipe, inputs=given)
