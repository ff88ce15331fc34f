"""What a person hands in, checked once: recipes as text, numbers as finite float32."""

import numpy as np

from explorer.errors import DataError
from explorer.recipe import Recipe


def as_recipe(recipe: Recipe | str) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe)


def as_values(x) -> np.ndarray:
    """x as a finite float32 array. Raises DataError that counts what is not finite, or too large."""
    x = as_array(x)
    if x.dtype.kind not in "fiub":
        raise DataError(f"an array of {x.dtype} holds no real numbers; use floats or integers")
    if not x.size:
        raise DataError(f"the array of shape {list(x.shape)} is empty; it needs at least one number")
    if x.dtype == np.float32 and _is_finite(x):
        return x
    if lost := int(np.count_nonzero(~np.isfinite(x))):
        raise DataError(f"{lost:,} of {x.size:,} values are NaN or infinite, the first at {first(~np.isfinite(x))}; use finite ones")
    with np.errstate(over="ignore"):
        y = x.astype(np.float32)
    if lost := int(np.count_nonzero(~np.isfinite(y))):
        raise DataError(f"{lost:,} of {x.size:,} values are beyond float32's largest, 3.4e38, the first at {first(~np.isfinite(y))}; scale them down")
    return y


def _is_finite(x: np.ndarray) -> bool:
    """Of float32 numbers, at least one. Their squares add up to something finite only if all are; if not, the ends tell."""
    with np.errstate(invalid="ignore", over="ignore"):
        if x.flags.forc:
            together = x.ravel("K")  # as they lie, not copied
            if np.isfinite(np.dot(together, together)):
                return True
        return bool(np.isfinite(x.max()) and np.isfinite(x.min()))  # a NaN would be both


def as_float32(x) -> np.ndarray:
    """x as a float32 array, of which float32 may still hold what is not finite: for whoever looks at every number anyway."""
    x = as_array(x)
    return x if x.dtype == np.float32 and x.size else as_values(x)


def first(wrong: np.ndarray) -> list[int]:
    """Where the first of them is, as an index."""
    return [int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape)]


def as_array(x) -> np.ndarray:
    """x as a NumPy array; of a torch tensor, or of a type of ml_dtypes, that NumPy lacks as float32."""
    try:
        if hasattr(x, "detach"):
            x = x.detach().cpu().to_dense()
            return (x.float() if x.is_floating_point() and x.element_size() < 4 else x).numpy()
        x = np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists; quantized, conjugate or meta tensors
        what = "a nested list" if isinstance(x, (list, tuple)) else f"this {type(x).__name__}"
        raise DataError(f"{what} is no array of numbers: every row needs the same length, every value a number") from error
    foreign = x.dtype.kind == "V" and np.can_cast(x.dtype, np.float32)
    return x.astype(np.float32) if foreign else x
