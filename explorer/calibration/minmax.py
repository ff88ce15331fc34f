"""Min–max: the range is what the data reached. Nothing is clipped; one outlier sets every step."""

from explorer.calibration import method


@method(
    id="minmax",
    title="Min–max",
    pattern="minmax",
    description="smallest and largest value: nothing is clipped",
    source="torch.ao MinMaxObserver; ONNX Runtime CalibrationMethod.MinMax",
)
def minmax(rows, grid):
    return rows.low, rows.high
