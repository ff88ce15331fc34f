"""Bias correction: afterwards the mean error is 0, layer after layer, as integers would run it."""

import threading

import numpy as np
import pytest
import torch

from explorer import pipeline
from explorer.algorithms import ALGORITHMS, bias_correct, bias_correction
from explorer.errors import Cancelled, DataError
from explorer.models.assemble import assemble, most_likely
from explorer.quantize import quantize
from explorer.settings import Settings
from explorer.simulate import ActivationQuantizer, Simulated

SETTINGS = Settings("digits", "int3-sym-channel-mse", "uint8-asym-tensor-minmax", algorithms="biascorr", calibration_samples=64)
correct = ALGORITHMS["biascorr"].apply


def test_by_hand():
    w, w_q = np.float32([[1, 2], [3, 4]]), np.float32([[1.5, 2], [3, 3]])
    x = np.float32([[1, 0], [3, 4]])  # mean 2, 2
    np.testing.assert_allclose(bias_correct(w, [10, 20], w_q, x), [9, 22])
    np.testing.assert_allclose(bias_correct(w, None, w_q, x), [-1, 2])


@pytest.mark.parametrize("groups", [1, 3])
def test_the_mean_error_is_zero(groups):
    draw = np.random.default_rng(0)
    w, b = draw.normal(size=(6, 5)).astype(np.float32), draw.normal(size=6).astype(np.float32)
    x = draw.gamma(2, 1, size=(groups, 200, 5)).astype(np.float32)
    w_q = quantize(w, "int3-sym-tensor-minmax").dequantize()
    new = bias_correct(w, b, w_q, x if groups > 1 else x[0])
    rows = x.repeat(6 // groups, axis=0)  # what each output sees
    errors = np.einsum("onk,ok->on", rows, w_q - w) + (new - b)[:, None]
    assert np.abs(errors.mean(axis=1)).max() < 1e-5 < np.abs(np.einsum("onk,ok->on", rows, w_q - w).mean(axis=1)).min()


def mean_errors(network, weights, activations, biases, samples) -> list[np.ndarray]:
    """Of each layer: mean of what it gives minus what FP32 weights would make of the same input."""
    simulated, errors = Simulated(network, weights, activations, biases), []

    def watch(layer):
        def hook(module, inputs, output):
            channel = 1 if output.ndim == 4 else -1
            difference = (output - layer(inputs[0])).double().movedim(channel, 0).flatten(1)
            errors.append(np.abs(difference.mean(1).numpy()))

        return hook

    for i, layer in enumerate(network.layers):
        simulated.layer(i).register_forward_hook(watch(network.module.get_submodule(layer.name)))
    simulated(network.prepare(samples))
    return errors


@pytest.mark.parametrize("model", ["digits", "fashion", "article-mlp"])
def test_in_a_network_every_layers_mean_error_is_zero(model):
    settings = SETTINGS.replace(model=model)
    network = pipeline.network_of(settings)
    samples = network.calibration[pipeline.calibration_order(network, settings)]
    weights, activations = pipeline.replaced(pipeline.quantized(settings)), pipeline.quantizers(settings)
    before = mean_errors(network, weights, activations, None, samples)
    after = mean_errors(network, weights, activations, pipeline.biases(settings), samples)
    for was, is_ in zip(before, after, strict=True):
        assert is_.max() < 1e-4 * max(1, was.max()) and was.max() > 1e-3


def test_a_layer_without_a_bias_gets_one_and_an_fp32_layer_keeps_its_own():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3, bias=False), torch.nn.ReLU(), torch.nn.Conv2d(4, 4, 1, groups=2),
                                 torch.nn.Flatten(), torch.nn.Linear(36, 3, bias=False))  # fmt: skip
    x = np.random.default_rng(1).normal(0.5, 1, (20, 2, 5, 5)).astype(np.float32)
    network = assemble(module, calibration=x, test=x, labels=None, calibration_labels=None, prepare=torch.from_numpy,
                       answers=most_likely)  # fmt: skip
    weights = [quantize(network.weight(0), "int2-sym-tensor-minmax").dequantize(), None,
               quantize(network.weight(2), "int2-sym-tensor-minmax").dequantize()]  # fmt: skip
    quantizer = ActivationQuantizer(SETTINGS.activations, 0.0, 3.0)
    biases = correct(network, weights, [None, quantizer, None], x)
    assert [None if b is None else b.shape for b in biases] == [(4,), None, (3,)]
    errors = mean_errors(network, weights, [None, quantizer, None], biases, x)
    assert max(each.max() for each in errors) < 1e-5
    assert module[0].bias is None  # the network itself is not touched


def test_as_many_samples_as_fit_go_through_together(monkeypatch):
    network = pipeline.network_of(SETTINGS)
    largest = 16 * 64 + 32 * 64  # the first pointwise layer
    assert bias_correction.how_many(network, 10**9) == bias_correction.TOGETHER // largest
    assert bias_correction.how_many(network, 7) == 7
    monkeypatch.setattr(bias_correction, "TOGETHER", 1)
    assert bias_correction.how_many(network, 7) == 1
    assert bias_correction.note(network, 7).startswith("Bias correction is computed on 1 of the 7 calibration samples")
    assert pipeline._notes(SETTINGS.replace(calibration_samples=5)) == [bias_correction.note(network, 5)]
    monkeypatch.undo()
    assert pipeline._notes(SETTINGS.replace(calibration_samples=6)) == []


def test_it_helps_where_rounding_moved_the_means():
    """fashion at INT8 per tensor: whole channels of the depthwise layers are rounded away."""
    broken = Settings("fashion", "int8-sym-tensor-minmax", "fp32", calibration_samples=128)
    before, after = (pipeline.run(broken.replace(algorithms=alg)) for alg in ((), "biascorr"))
    assert after.metric.low > before.metric.high
    # the codes and scales are the same: the digest speaks of weights, the metric for the biases
    assert after.stamp.split("-")[0] == before.stamp.split("-")[0]
    assert (after.layers["sqnr_db"] == before.layers["sqnr_db"]).all()


def test_it_can_hurt_at_two_bits():
    """The means are right, and the answers are not: the error is larger than its mean."""
    coarse = Settings("article-mlp", "int2-sym-tensor-mse", "fp32")
    before, after = (pipeline.run(coarse.replace(algorithms=alg)).metric for alg in ((), "biascorr"))
    assert after.value < before.value - 0.02


def test_stopped_it_gives_nothing():
    cancel = threading.Event()
    cancel.set()
    network = pipeline.network_of(SETTINGS)
    weights = pipeline.replaced(pipeline.quantized(SETTINGS))
    with pytest.raises(Cancelled):
        correct(network, weights, [None] * len(weights), network.calibration[:4], cancel=cancel)


def test_shapes_that_do_not_fit():
    with pytest.raises(DataError, match="do not fit together"):
        bias_correct(np.ones((2, 3)), None, np.ones((2, 3)), np.ones((5, 4)))
