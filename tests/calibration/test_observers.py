"""Against torch's observers: min–max and the moving average code for code but for ties, its histogram beaten."""

import numpy as np
import pytest
import torch
from torch.ao.quantization.observer import HistogramObserver, MinMaxObserver, MovingAverageMinMaxObserver

from explorer.calibration import calibrate, calibrate_record
from explorer.exact_error import error_curve
from explorer.quantize import quantize
from explorer.rows import Record

SCHEMES = {"asym": (torch.quint8, torch.per_tensor_affine, "uint8"), "sym": (torch.qint8, torch.per_tensor_symmetric, "int8")}


def batches(seed: int = 0, relu: bool = False) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    made = [(draw.normal(size=(8, 50)) * draw.uniform(0.5, 3)).astype(np.float32) for _ in range(12)]
    return [np.maximum(x, 0) for x in made] if relu else made


def recorded(parts: list[np.ndarray]) -> Record:
    record = Record.of(parts[0])
    for part in parts[1:]:
        record = record.merge(Record.of(part))
    return record


@pytest.mark.filterwarnings("ignore")  # quantize_per_tensor is deprecated, and the reference all the same
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("method", "observer"), [("minmax", MinMaxObserver), ("ema", MovingAverageMinMaxObserver)])
def test_codes_are_those_of_torchs_observer(method, observer, scheme, relu):
    dtype, qscheme, format = SCHEMES[scheme]
    for seed in range(5):
        parts, theirs = batches(seed, relu), observer(dtype=dtype, qscheme=qscheme)
        for part in parts:
            theirs(torch.from_numpy(part))
        # torch's symmetric int8 covers −128…127 with the scale 2a/255: that is our symfull
        recipe = f"{format}-{scheme}{'full' * (scheme == 'sym')}-tensor-{method}"
        low, high = calibrate_record(recorded(parts), recipe)
        if scheme == "asym":
            assert (low, high) == (min(theirs.min_val.item(), 0), max(theirs.max_val.item(), 0))
        else:
            assert high == max(-theirs.min_val.item(), theirs.max_val.item())
        scale, zero_point = theirs.calculate_qparams()
        x = np.concatenate(parts)
        codes = torch.quantize_per_tensor(torch.from_numpy(x), scale.item(), int(zero_point), dtype).int_repr().numpy()
        ours = quantize(x, recipe, ranges=(np.array([[low]]), np.array([[high]])))
        differ = ours.codes != codes
        tie = np.abs(np.abs(x / scale.item()) % 1 - 0.5) < 1e-4  # torch multiplies by 1/scale where we divide
        assert not (differ & ~tie).any() and (np.abs(ours.codes.astype(int) - codes) <= 1).all()
        assert ours.scale.item() == pytest.approx(scale.item(), rel=2e-7)


def test_a_moving_average_knows_the_order_of_the_batches():
    parts = batches()
    recipe = "uint8-asym-tensor-ema"
    forward, backward = calibrate_record(recorded(parts), recipe), calibrate_record(recorded(parts[::-1]), recipe)
    assert forward != backward
    ahead, behind = recorded(parts[:5]), recorded(parts[5:])
    assert calibrate_record(ahead.merge(behind), recipe) == forward


def test_one_batch_and_weights_have_min_max_for_a_moving_average():
    x = batches()[0]
    for recipe in ("int4-asym-tensor-", "int4-sym-channel-"):
        assert np.array_equal(calibrate(x, recipe + "ema"), calibrate(x, recipe + "minmax"))
    assert calibrate_record(Record.of(x), "int8-asym-tensor-ema") == calibrate_record(Record.of(x), "int8-asym-tensor-minmax")


@pytest.mark.parametrize("kind", ["normal", "laplace", "standard_t"])
def test_the_mse_range_errs_less_than_torchs_histogram_observer(kind):
    draw = np.random.default_rng(1)
    x = (draw.standard_t(3, 100_000) if kind == "standard_t" else getattr(draw, kind)(size=100_000)).astype(np.float32)
    theirs = HistogramObserver(dtype=torch.qint8, qscheme=torch.per_tensor_symmetric)
    theirs(torch.from_numpy(x))
    a = theirs.calculate_qparams()[0].item() * 255 / 2
    _, ours = calibrate_record(Record.of(x), "int8-symfull-tensor-mse")
    mine, his = error_curve(x, "int8-symfull-tensor", [ours, a])
    assert mine <= his
