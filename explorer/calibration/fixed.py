"""Ranges written down: `abs1.5` is ±1.5, `lo1.5hi6` is −1.5 to 6, for every row alike.

They are what dragging a clip line leaves in a link. An asymmetric grid under `abs` stops where
the data stops, so that one-sided data keeps its one-sided grid.
"""

import numpy as np

from explorer.calibration import method


@method(
    id="abs",
    title="Given threshold",
    pattern=r"abs(\d+(?:\.\d+)?)",
    description="abs1.5 is the range ±1.5, whatever the data",
    source="a range set by hand",
)
def absolute(rows, grid, a):
    if grid.symmetric:
        return np.full_like(rows.low, -a), np.full_like(rows.high, a)
    return np.maximum(rows.low, -a), np.minimum(rows.high, a)


@method(
    id="lo",
    title="Given ends",
    pattern=r"lo(\d+(?:\.\d+)?)hi(\d+(?:\.\d+)?)",
    description="lo1.5hi6 is the range −1.5 to 6, whatever the data",
    source="a range set by hand",
)
def ends(rows, grid, low, high):
    return np.full_like(rows.low, -low), np.full_like(rows.high, high)
