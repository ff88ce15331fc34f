"""High-bias absorption: exact above c, refused where it would not be."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from explorer.algorithms.absorb import absorb_bias, absorbed, preactivation
from explorer.errors import DataError
from explorer.inputs import LayerInputs
from explorer.models import load
from explorer.settings import Settings
from explorer.stages import network_of, untreated


def test_three_deviations():
    np.testing.assert_array_equal(absorbed([5.0, 2.0, -1.0], [1.0, 1.0, 0.1]), [2.0, 0.0, 0.0])
    with pytest.raises(DataError, match="one number a channel"):
        absorbed([1.0], [-1.0])


@pytest.mark.parametrize("groups", [1, 4])
def test_exact_where_nothing_is_cut(groups):
    draw = np.random.default_rng(0)
    x = draw.uniform(2, 3, (5, 4, 3, 3))  # what comes out of the first layer: above c
    w2, b1, b2, c = draw.standard_normal((8, 4 // groups, 2, 2)), draw.standard_normal(4), draw.standard_normal(8), np.float64([1, 0, 2, 0.5])
    b1_new, b2_new = absorb_bias(b1, w2, b2, c)
    np.testing.assert_allclose(b1_new, b1 - c)
    run = lambda x, b: F.conv2d(F.relu(torch.from_numpy(x)), torch.from_numpy(w2), torch.from_numpy(b), groups=groups)  # noqa: E731
    assert torch.allclose(run(x, b2), run(x - c.reshape(1, 4, 1, 1), b2_new), atol=1e-12)


def test_moments_of_the_preactivation():
    draw = np.random.default_rng(1)
    x, w, b = draw.standard_normal((3, 200, 5)) + 1, draw.standard_normal((6, 5)), draw.standard_normal(6)
    mean, deviation = preactivation(w, b, LayerInputs.of(x))
    y = np.concatenate([x[g] @ w[2 * g : 2 * g + 2].T for g in range(3)], axis=1) + b
    np.testing.assert_allclose(mean, y.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(deviation, y.std(axis=0), rtol=1e-3)


def test_fashion_keeps_nearly_all_answers():
    chosen = Settings("fashion", algorithms=("cle", "absorb"), calibration_samples=64)
    equalized, network = network_of(chosen.replace(algorithms=("cle",))), network_of(chosen)
    biases = [any(not torch.equal(n.module.get_submodule(layer.name).bias, equalized.module.get_submodule(layer.name).bias)
                  for n in (network,)) for layer in network.layers]  # fmt: skip
    assert any(biases)
    with torch.inference_mode():
        before, after = (n.module(n.prepare(n.test[:500])) for n in (equalized, network))
    agreement = (before.argmax(1) == after.argmax(1)).double().mean()
    assert agreement >= 0.98, float(agreement)
    for i, sentence in enumerate(untreated(chosen)):
        if load("fashion").layers[i].kind == "depthwise":  # 3 × 3 with zeros around
            assert "pads its input" in sentence
