"""Moving average: the ends of the batches, each new one weighing 1 %, so that one odd batch moves little.

The first batch sets the ends; every later one moves them by 1 % of the distance. The order of the
batches and their size tell: with a dozen batches it is nearly min–max of the first. Weights come in
one batch and get min–max.

Source: torch.ao MovingAverageMinMaxObserver with its averaging_constant 0.01, step by step in
float32 as there; Krishnamoorthi 2018, arXiv 1806.08342, section 3.1.
"""

import numpy as np

from explorer.calibration import method

SHARE = np.float32(0.01)  # of a new batch


@method(
    id="ema",
    title="Moving average",
    pattern="ema",
    description="moving average of each batch's smallest and largest value; weights have one batch: min–max",
    source="torch.ao MovingAverageMinMaxObserver; Krishnamoorthi 2018, arXiv 1806.08342",
    needs="batches",
)
def ema(rows, grid):
    if rows.batches is None:
        return rows.low, rows.high
    ends = rows.batches[0]
    for batch in rows.batches[1:]:
        ends = ends + SHARE * (batch - ends)
    low, high = ends.astype(np.float64)
    return np.array([low]), np.array([high])
