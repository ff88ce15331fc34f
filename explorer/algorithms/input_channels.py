"""Weights seen by input channel: what an equivalent transform multiplies when it divides the input.

A dense layer's weights are [out, in]; a convolution's are [out, in / groups, k, k], group g of the
output channels reading group g of the input channels. A depthwise convolution has as many groups
as channels, and its weights [out, 1, k, k] belong to one input channel each.
"""

import numpy as np

from explorer.errors import DataError
from explorer.values import as_array, first


def as_floats(x, what: str) -> np.ndarray:
    """x as a finite float array; float64 stays, everything else becomes float32. Raises DataError."""
    x = as_array(x)
    if x.dtype.kind not in "fiub":
        raise DataError(f"{what}: an array of {x.dtype} holds no real numbers; use floats")
    x = x if x.dtype in (np.float32, np.float64) else x.astype(np.float32)
    if not x.size:
        raise DataError(f"{what}: the array of shape {list(x.shape)} is empty; it needs at least one number")
    if lost := int(np.count_nonzero(~np.isfinite(x))):
        raise DataError(f"{what}: {lost:,} of {x.size:,} values are NaN or infinite, the first at {first(~np.isfinite(x))}; use finite ones")
    return x


def groups_of(w: np.ndarray, inputs: int, what: str = "the weights") -> int:
    """How many groups a layer of weights [out, in / groups, …] has that reads `inputs` channels. Raises DataError."""
    if w.ndim < 2 or inputs % w.shape[1] or w.shape[0] % (inputs // w.shape[1]):
        raise DataError(f"{what} of the shape {list(w.shape)} do not read {inputs} channels; "
                        f"they need {inputs} on axis 1, or a divisor of it where channels are grouped")  # fmt: skip
    return inputs // w.shape[1]


def by_input(w: np.ndarray, groups: int = 1) -> np.ndarray:
    """All weights of each input channel: [in, …] as a matrix."""
    grouped = w.reshape(groups, w.shape[0] // groups, w.shape[1], -1)
    return grouped.swapaxes(1, 2).reshape(groups * w.shape[1], -1)


def scale_inputs(w: np.ndarray, s: np.ndarray, groups: int = 1) -> np.ndarray:
    """The weights of input channel j times s[j]."""
    grouped = w.reshape(groups, w.shape[0] // groups, w.shape[1], -1)
    return (grouped * s.reshape(groups, 1, w.shape[1], 1)).reshape(w.shape)


def scale_outputs(w: np.ndarray, s: np.ndarray) -> np.ndarray:
    """The weights of output channel i times s[i]."""
    return w * s.reshape(-1, *[1] * (w.ndim - 1))


def absmax_by_input(w: np.ndarray, groups: int = 1) -> np.ndarray:
    """max |w| of each input channel, float64 [in]."""
    return np.abs(by_input(w, groups)).max(axis=1).astype(np.float64)


def absmax_by_output(w: np.ndarray) -> np.ndarray:
    """max |w| of each output channel, float64 [out]."""
    return np.abs(w.reshape(len(w), -1)).max(axis=1).astype(np.float64)
