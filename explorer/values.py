"""What a person hands in, checked once: recipes as text, numbers as finite float32."""

import numpy as np

from explorer.errors import DataError
from explorer.recipe import Recipe


def as_recipe(recipe: Recipe | str) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe)


def as_values(x) -> np.ndarray:
    """x as a finite float32 array. Raises DataError that counts what is not finite, or too large."""
    x = x.detach().cpu().numpy() if hasattr(x, "detach") else np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise DataError(f"an array of {x.dtype} holds no real numbers; use floats or integers")
    if not x.size:
        raise DataError(f"the array of shape {list(x.shape)} is empty; it needs at least one number")
    if x.dtype == np.float32 and np.isfinite(x.sum(dtype=np.float64)):
        return x  # a finite sum has finite terms
    if lost := int(np.count_nonzero(~np.isfinite(x))):
        raise DataError(f"{lost:,} of {x.size:,} values are NaN or infinite; use finite ones")
    with np.errstate(over="ignore"):
        y = x.astype(np.float32)
    if lost := int(np.count_nonzero(~np.isfinite(y))):
        raise DataError(f"{lost:,} of {x.size:,} values are beyond float32's largest, 3.4e38; scale them down")
    return y
