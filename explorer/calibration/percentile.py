"""Percentile: leave out the outermost share of the values, so that a few outliers do not set the step.

A symmetric range takes the quantile of |x|; an asymmetric one leaves half of the share at each end.
With 20,000 values two lie above p99.99: on small tensors it is min–max.
"""

from explorer.calibration import method


@method(
    id="p",
    title="Percentile",
    pattern=r"p(\d+(?:\.\d+)?)",
    description="p99.9 covers 99.9 % of the values and clips the rest",
    source="Wu et al. 2020, arXiv 2004.09602, section 4; ONNX Runtime CalibrationMethod.Percentile",
)
def percentile(rows, grid, percent):
    share = percent / 100
    if grid.symmetric:
        a = rows.quantile(share, magnitude=True)
        return -a, a
    return rows.quantile((1 - share) / 2), rows.quantile((1 + share) / 2)
