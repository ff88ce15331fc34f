"""How uneven the channels of a layer are, in one number."""

import numpy as np

DEAD = 1e-12  # of the widest channel: narrower ones are dead


def spread(widths: np.ndarray) -> float | None:
    """The widest channel over the median one; None when half of them are dead, or there are none."""
    if not widths.size:
        return None
    median = float(np.median(widths))
    return float(widths.max()) / median if median > DEAD * widths.max() else None


def ticks(*widths: np.ndarray) -> list[float]:
    """Round numbers for a logarithmic axis: powers of ten, with 2 and 5 between them where there is room."""
    drawn = np.concatenate([each[each > 0] for each in widths])
    if not drawn.size:
        return []
    low, high = np.floor(np.log10(drawn.min())), np.ceil(np.log10(drawn.max()))
    steps = (1, 2, 5) if high - low <= 2 else (1,)
    return [float(f"{step}e{decade:.0f}") for decade in np.arange(low, high + 1) for step in steps]
