"""Cross-layer equalisation against its definition: widths √(r1·r2) on both sides, the same function."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from explorer.algorithms import cross_layer_equalize
from explorer.algorithms.cle import equalize
from explorer.algorithms.input_channels import absmax_by_input, absmax_by_output
from explorer.errors import DataError

DRAW = np.random.default_rng(0)


def uneven(*shape, axis=0):
    """Weights whose channels on `axis` differ a hundredfold."""
    widths = np.logspace(-1, 1, shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return (DRAW.standard_normal(shape) * widths).astype(np.float32)


CASES = {
    "dense to dense": (uneven(6, 4), uneven(5, 6, axis=1), 1, F.linear, F.linear),
    "conv to conv": (uneven(6, 3, 3, 3), uneven(5, 6, 1, 1, axis=1), 1, F.conv2d, F.conv2d),
    "conv to depthwise": (uneven(6, 3, 1, 1), uneven(6, 1, 3, 3), 6, F.conv2d, lambda x, w: F.conv2d(x, w, groups=6)),
    "conv to grouped": (uneven(6, 3, 1, 1), uneven(4, 3, 3, 3, axis=1), 2, F.conv2d, lambda x, w: F.conv2d(x, w, groups=2)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("slope", [0.0, 0.1, 1.0])  # ReLU, leaky ReLU, nothing
def test_same_function_and_equal_widths(case, slope):
    w1, w2, groups, f, g = CASES[case]
    b1 = DRAW.standard_normal(len(w1)).astype(np.float32)
    w1_new, b1_new, w2_new = cross_layer_equalize(w1, b1, w2)

    r1, r2 = absmax_by_output(w1), absmax_by_input(w2, groups)
    np.testing.assert_allclose(absmax_by_output(w1_new), np.sqrt(r1 * r2), rtol=1e-6)
    np.testing.assert_allclose(absmax_by_input(w2_new, groups), np.sqrt(r1 * r2), rtol=1e-6)

    x = torch.from_numpy(DRAW.standard_normal((8, w1.shape[1], *[7] * (w1.ndim - 2))))
    run = lambda w1, b1, w2: g(F.leaky_relu(f(x, *map(torch.from_numpy, (w1.astype(float),)), torch.from_numpy(b1.astype(float))), slope),  # noqa: E731
                               torch.from_numpy(w2.astype(float)))  # fmt: skip
    before, after = run(w1, b1, w2), run(w1_new, b1_new, w2_new)
    assert (before - after).abs().max() < 1e-6 * before.abs().max()


def test_relu6_would_change():
    """Why pairs around a ReLU6 are not touched."""
    w1, w2, *_ = CASES["dense to dense"]
    x = torch.from_numpy(DRAW.standard_normal((8, 4)).astype(np.float32))
    before, after = (F.linear(F.relu6(F.linear(x, torch.from_numpy(a))), torch.from_numpy(b))
                     for a, b in ((w1, w2), cross_layer_equalize(w1, None, w2)[::2]))  # fmt: skip
    assert (before - after).abs().max() > 0.1 * before.abs().max()


def test_dead_channels_stay():
    w1, w2 = uneven(4, 3), uneven(2, 4, axis=1)
    w1[1], w2[:, 2] = 0, 0
    w1_new, b1, w2_new = cross_layer_equalize(w1, None, w2)
    assert b1 is None
    np.testing.assert_array_equal(w1_new[[1, 2]], w1[[1, 2]])
    np.testing.assert_array_equal(w2_new[:, [1, 2]], w2[:, [1, 2]])


def test_three_layers_settle_at_one_width():
    """DFQ, appendix A: around a depthwise layer all three take ∛(r1·r2·r3), the middle one on both its sides."""
    weights = [uneven(8, 3, 1, 1), uneven(8, 1, 3, 3), uneven(5, 8, 1, 1, axis=1)]
    factors = equalize(weights, [(0, 1), (1, 2)])
    r1, r2, r3 = absmax_by_output(weights[0]), absmax_by_output(weights[1]), absmax_by_input(weights[2])
    width = np.cbrt(r1 * r2 * r3)
    np.testing.assert_allclose(r1 / factors[0], width, rtol=1e-3)
    np.testing.assert_allclose(r2 * factors[0] / factors[1], width, rtol=1e-3)
    np.testing.assert_allclose(r3 * factors[1], width, rtol=1e-3)


@pytest.mark.parametrize("w1, b1, w2, says", [
    (np.ones((4, 3)), None, np.ones((2, 5)), "4 channels"),
    (np.ones((4, 3)), np.ones(3), np.ones((2, 4)), "4 channels"),
    (np.full((4, 3), np.nan), None, np.ones((2, 4)), "12 of 12 values are NaN"),
])  # fmt: skip
def test_what_does_not_fit_is_said(w1, b1, w2, says):
    with pytest.raises(DataError, match=says):
        cross_layer_equalize(w1, b1, w2)
