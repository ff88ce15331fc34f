"""AWQ against a brute-force search and against rounding to nearest."""

import numpy as np
import pytest

import explorer
from explorer.algorithms import awq
from explorer.algorithms.awq import RATIOS, awq_scales
from explorer.errors import DataError, SettingsError
from explorer.inputs import LayerInputs

DRAW = np.random.default_rng(0)
W = DRAW.standard_normal((32, 64)).astype(np.float32)
X = (DRAW.standard_normal((256, 64)) * np.exp(DRAW.standard_normal(64))).astype(np.float32)  # channels of many widths


def lost(w_q, w=W, x=X):
    return float(np.square(x.astype(np.float64) @ (w_q - w.astype(np.float64)).T).sum())


@pytest.mark.parametrize("recipe", ["int4-sym-channel-minmax", "int3-sym-g32-minmax", "uint4-asym-g16-minmax", "int4-sym-tensor-mse"])
def test_best_of_the_papers_search(recipe):
    """auto_scale.py of mit-han-lab/llm-awq, spelled out."""
    mean, found = np.abs(X).mean(axis=0).astype(np.float64), []
    for step in range(20):
        s = np.maximum(mean ** (step / 20), 1e-4)
        s = (s / np.sqrt(s.max() * s.min())).astype(np.float32)
        found.append(lost(explorer.quantize(W * s, recipe).dequantize() / s))
    ours = lost(awq(W, X, recipe))
    assert ours == pytest.approx(min(found), rel=1e-3)
    assert ours < 0.95 * lost(explorer.quantize(W, recipe).dequantize())  # the widths differ: there is something to gain
    assert RATIOS == tuple(k / 20 for k in range(20))


def test_a_range_judged_at_the_output_is_refused():
    with pytest.raises(SettingsError, match="choose another range than output"):
        explorer.Settings("digits", "int4-sym-channel-output", algorithms=("awq",))


def test_even_inputs_leave_rounding_to_nearest():
    x = np.sign(X)  # mean |x| = 1 everywhere: every r gives s = 1
    np.testing.assert_array_equal(awq(W, x, "int4-sym-channel-minmax"), explorer.quantize(W, "int4-sym-channel-minmax").dequantize())


def test_a_channel_that_is_never_used():
    x = X.copy()
    x[:, 5] = 0
    assert np.isfinite(awq(W, x, "int4-sym-channel-minmax")).all()
    assert lost(awq(W, x, "int4-sym-channel-minmax"), x=x) <= lost(explorer.quantize(W, "int4-sym-channel-minmax").dequantize(), x=x)


def test_depthwise_has_a_factor_for_each_filter():
    w = DRAW.standard_normal((6, 1, 3, 3)).astype(np.float32)
    seen = LayerInputs.of(DRAW.standard_normal((6, 40, 9)).astype(np.float32))
    # what LayerInputs.of takes for channels are columns: give it the channels of a depthwise layer
    seen = LayerInputs(seen.rows, seen.second, seen.mean, np.ones(6, np.float32), np.linspace(1, 4, 6, dtype=np.float32))
    assert awq_scales(w, seen, "int4-sym-tensor-minmax").shape == (6,)


def test_what_does_not_fit_is_said():
    with pytest.raises(DataError, match=r"w is \[out, in\]"):
        awq(W, X[:, :5], "int4-sym-channel-minmax")
