"""How uneven the channels of a layer are, in one number."""

import numpy as np

DEAD = 1e-12  # of the widest channel: narrower ones are dead


def spread(widths: np.ndarray) -> float | None:
    """The widest channel over the median one; None when half of them are dead."""
    median = float(np.median(widths))
    return float(widths.max()) / median if median > DEAD * widths.max() else None
