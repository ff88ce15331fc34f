"""What layers are given: moments equal those of torch's unfolded patches, and give output errors."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from explorer import inputs
from explorer.errors import Cancelled, DataError
from explorer.inputs import LayerInputs, layer_inputs
from explorer.models.assemble import assemble, most_likely
from explorer.models.layout import channels_last

CONVOLUTIONS = {
    "plain": dict(out_channels=5, kernel_size=3, padding=1),
    "strided": dict(out_channels=5, kernel_size=(3, 5), stride=(2, 1), padding=(1, 2)),
    "dilated": dict(out_channels=5, kernel_size=3, dilation=2),
    "same": dict(out_channels=5, kernel_size=4, padding="same"),
    "pointwise": dict(out_channels=5, kernel_size=1),
    "grouped": dict(out_channels=6, kernel_size=3, groups=2, padding=1),
    "depthwise": dict(out_channels=4, kernel_size=3, groups=4, padding=1, stride=2),
    "wide depthwise": dict(out_channels=8, kernel_size=3, groups=4),
    "as many columns as channels": dict(out_channels=4, kernel_size=2, groups=4),
}
SAMPLES = np.random.default_rng(0).normal(0.3, 1, (7, 4, 9, 8)).astype(np.float32)


def network_of(layer: torch.nn.Module, samples: np.ndarray):
    module = torch.nn.Sequential(layer)
    return assemble(module, calibration=samples, test=samples, labels=None, calibration_labels=None,
                    prepare=torch.from_numpy, answers=most_likely)  # fmt: skip


def convolution(name: str) -> torch.nn.Conv2d:
    torch.manual_seed(1)
    return torch.nn.Conv2d(4, **CONVOLUTIONS[name])


def patches(layer: torch.nn.Conv2d, x: np.ndarray) -> np.ndarray:
    """[groups, n, columns] by torch's own unfold."""
    padded = F.pad(torch.from_numpy(x), layer._reversed_padding_repeated_twice)
    unfolded = F.unfold(padded, layer.kernel_size, layer.dilation, 0, layer.stride)  # [n, channels × kernel, positions]
    grouped = unfolded.reshape(len(x), layer.groups, -1, unfolded.shape[-1]).permute(1, 0, 3, 2)
    return grouped.reshape(layer.groups, -1, grouped.shape[-1]).double().numpy()


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize(("batch", "lie"), [(7, torch.from_numpy), (3, lambda x: channels_last(torch.from_numpy(x)))])
def test_moments_are_those_of_torchs_patches(name, batch, lie):
    layer = convolution(name)
    (seen,) = layer_inputs(replace(network_of(layer, SAMPLES), prepare=lie), SAMPLES, batch)
    rows = patches(layer, SAMPLES)
    np.testing.assert_allclose(seen.second, rows.transpose(0, 2, 1) @ rows / rows.shape[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen.mean, rows.mean(axis=1), rtol=1e-4, atol=1e-5)
    assert seen.rows == rows.shape[1] and seen.second.dtype == seen.mean.dtype == np.float32
    np.testing.assert_array_equal(seen.absmax, np.abs(SAMPLES).max(axis=(0, 2, 3)))
    np.testing.assert_allclose(seen.absmean, np.abs(SAMPLES).mean(axis=(0, 2, 3)), rtol=1e-5)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_output_error_is_that_of_the_layer(name):
    layer = convolution(name)
    (seen,) = layer_inputs(network_of(layer, SAMPLES), SAMPLES, 4)
    delta = 0.1 * torch.randn(layer.weight.shape)
    error = layer._conv_forward(torch.from_numpy(SAMPLES), delta, None).square().sum(1).mean()
    assert seen.output_error(delta.numpy()) == pytest.approx(float(error), rel=1e-4)


@pytest.mark.parametrize("shape", [(6, 5), (6, 3, 5)], ids=["rows", "tokens"])
def test_moments_of_a_linear_layer(shape):
    x = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    (seen,) = layer_inputs(network_of(torch.nn.Linear(5, 3), x), x, 2)
    rows = x.reshape(-1, 5).astype(np.float64)
    np.testing.assert_allclose(seen.second[0], rows.T @ rows / len(rows), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(seen.absmax, np.abs(rows).max(axis=0).astype(np.float32))
    again = LayerInputs.of(rows)
    for part in ("second", "mean", "absmax", "absmean"):
        np.testing.assert_allclose(getattr(seen, part), getattr(again, part), rtol=1e-4, atol=1e-6)


def test_of_many_positions_some_are_drawn_by_the_seed(monkeypatch):
    monkeypatch.setattr(inputs, "MOST_ROWS", 7 * 20)
    monkeypatch.setattr(inputs, "ROWS_A_COLUMN", 3)  # of 36 columns: no more
    network = network_of(convolution("plain"), SAMPLES)
    (some,), (same,), (others,) = (layer_inputs(network, SAMPLES, 7, seed=seed) for seed in (1, 1, 2))
    assert some.rows == 7 * 20
    assert np.array_equal(some.second, same.second) and not np.array_equal(some.second, others.second)
    monkeypatch.undo()
    (whole,) = layer_inputs(network, SAMPLES, 7)
    diagonal = [np.diagonal(each.second[0]) for each in (some, whole)]
    assert 0.6 < (diagonal[0] / diagonal[1]).min() and (diagonal[0] / diagonal[1]).max() < 1.6
    np.testing.assert_array_equal(some.absmax, whole.absmax)


def test_strips_add_up(monkeypatch):
    network = network_of(convolution("grouped"), SAMPLES)
    (whole,) = layer_inputs(network, SAMPLES, 7)
    monkeypatch.setattr(inputs, "STRIP", 1)
    (pieces,) = layer_inputs(network, SAMPLES, 7)
    np.testing.assert_allclose(pieces.second, whole.second, rtol=1e-4, atol=1e-5)


def test_bad_input_is_one_sentence():
    network = network_of(convolution("plain"), SAMPLES)
    with pytest.raises(DataError, match="at least 1 calibration sample"):
        layer_inputs(network, SAMPLES[:0], 4)
    broken = SAMPLES.copy()
    broken[2, 1, 3, 3] = np.nan
    with pytest.raises(DataError, match="input of layer 0 holds 1 values"):
        layer_inputs(network, broken, 4)
    for x, says in [(np.zeros(3), "not \\[3\\]"), (np.zeros((0, 3)), "empty"), (np.full((2, 2), np.inf), "4 of 4")]:
        with pytest.raises(DataError, match=says):
            LayerInputs.of(x)


def test_it_tells_how_far_it_is_and_can_be_stopped():
    network, cancel, told = network_of(convolution("plain"), SAMPLES), threading.Event(), []
    layer_inputs(network, SAMPLES, 3, progress=told.append)
    assert told == sorted(told) and told[-1] == 1
    cancel.set()
    with pytest.raises(Cancelled):
        layer_inputs(network, SAMPLES, 3, cancel=cancel)
