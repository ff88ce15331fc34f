"""AdaRound: down or up, never worse than nearest, near the best of all roundings where those can be tried."""

import threading
from importlib import import_module
from itertools import product

import numpy as np
import pytest

from explorer import pipeline
from explorer.algorithms import adaround
from explorer.algorithms.adaround import budget, quantize_adaround
from explorer.errors import DataError, SettingsError
from explorer.formats import FORMATS
from explorer.inputs import LayerInputs
from explorer.quantize import quantize
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.stages import inputs_of


def layer(rows: int, columns: int, seed: int = 0, samples: int = 300):
    draw = np.random.default_rng(seed)
    x = draw.normal(0.2, 1, (samples, columns)) @ draw.normal(size=(columns, columns))
    w = draw.normal(size=(rows, columns)).astype(np.float32)
    return w, x.astype(np.float32), np.abs(w).max(axis=1, keepdims=True) / np.float32(7)


def errors(w, w_q, x) -> np.ndarray:
    """Of each output channel."""
    return np.square(x.astype(np.float64) @ (w_q.astype(np.float64) - w).T).mean(axis=0)


def nearest(w, scale, low=-7, high=7):
    return np.clip(np.rint(w / scale), low, high) * scale


@pytest.mark.parametrize(("low", "high"), [(-7, 7), (-3, 3), (0, 15)])
def test_each_weight_goes_down_or_up(low, high):
    w, x, scale = layer(6, 20)
    w_q = adaround(w, x, scale, low, high, iterations=200)
    steps = w_q / scale
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)
    y = np.clip(w / scale, low, high)
    assert (np.abs(steps - y) < 1).all() and (np.rint(steps) != np.rint(y)).any()
    assert np.rint(steps).min() >= low and np.rint(steps).max() <= high


@pytest.mark.parametrize("samples", [300, 3], ids=["enough", "fewer samples than dimensions"])
def test_it_never_errs_more_than_nearest(samples):
    w, x, scale = layer(16, 30, samples=samples)
    found, plain = errors(w, adaround(w, x, scale, -7, 7, iterations=300), x), errors(w, nearest(w, scale), x)
    assert (found <= plain * (1 + 1e-5)).all() and found.sum() < 0.7 * plain.sum()


def test_it_comes_near_the_best_of_all_roundings():
    """2^10 roundings of each row can all be tried."""
    got, best, plain = [], [], []
    for seed in range(4):
        w, x, scale = layer(3, 10, seed)
        for row in range(3):
            every = np.clip(np.floor(w[row] / scale[row]) + np.array(list(product([0, 1], repeat=10))), -7, 7) * scale[row]
            best.append(errors(w[row], every, x).min())
        got += errors(w, adaround(w, x, scale, -7, 7), x).tolist()
        plain += errors(w, nearest(w, scale), x).tolist()
    assert sum(best) <= sum(got) <= 1.25 * sum(best) < 0.6 * sum(plain)


def test_it_starts_at_nearest_and_at_the_fraction():
    w, x, scale = layer(6, 20)
    np.testing.assert_array_equal(adaround(w, x, scale, -7, 7, iterations=0), nearest(w, scale))
    # independent inputs of one size: the fraction already says which is nearest, and nearest is best
    np.testing.assert_array_equal(adaround(w, np.eye(20), scale, -7, 7), nearest(w, scale))


def test_stopped_it_gives_the_best_so_far():
    w, x, scale = layer(16, 30)
    cancel, told = threading.Event(), []

    def stop(done: float) -> None:
        told.append(done)
        if len(told) == 8:
            cancel.set()

    early = adaround(w, x, scale, -7, 7, progress=stop, cancel=cancel)
    assert told[8] == pytest.approx(told[7] + 0.001) and len(told) == 9  # one more iteration, looked at too
    whole = adaround(w, x, scale, -7, 7, progress=told.append)
    plain = errors(w, nearest(w, scale), x).sum()
    assert errors(w, whole, x).sum() <= errors(w, early, x).sum() < plain
    assert told[:8] == sorted(told[:8]) and told[-1] == 1 and told[7] < 1


def test_large_layers_get_fewer_iterations():
    sizes = [(96, 16), (1152, 25), (192, 480), (192, 672), (192, 1152), (1000, 1280)]  # of efficientnet-lite0
    given = [budget(*size) for size in sizes]
    assert given == sorted(given, reverse=True) and given[0] == 1000 > given[3] > 400 == given[-1]
    assert given[3] * 192 * 672**2 == pytest.approx(5e10, rel=0.01)


def test_rows_are_learnt_in_parts_that_do_not_depend_on_each_other(monkeypatch):
    w, x, scale = layer(6, 20)
    told = []
    whole = adaround(w, x, scale, -7, 7, iterations=200)
    monkeypatch.setattr(import_module("explorer.algorithms.adaround"), "PART", 45)
    parts = adaround(w, x, scale, -7, 7, iterations=200, progress=told.append)
    assert (whole == parts).mean() > 0.95  # batched products may differ in the last place
    assert len(told) == 3 * 4 and told == sorted(told) and told[-1] == 1


def test_the_same_codes_every_time():
    w, x, scale = layer(16, 30)
    np.testing.assert_array_equal(adaround(w, x, scale, -7, 7), adaround(w, x, scale, -7, 7))


def test_groups_are_independent():
    (w, x, scale), (w2, x2, scale2) = layer(4, 9, 1), layer(4, 9, 2)
    both = adaround(np.concatenate([w, w2]), np.stack([x, x2]), np.concatenate([scale, scale2]), -7, 7)
    apart = np.concatenate([adaround(w, x, scale, -7, 7), adaround(w2, x2, scale2, -7, 7)])
    assert (both == apart).mean() > 0.95  # batched products may differ in the last place
    np.testing.assert_allclose(errors(w, both[:4], x).sum(), errors(w, apart[:4], x).sum(), rtol=0.05)


@pytest.mark.parametrize("recipe", ["int3-sym-channel-mse", "uint4-asym-g16-minmax", "int4-symfull-b16-minmax", "fp8e4m3-tensor-minmax"])
def test_on_real_layers_each_code_is_a_neighbour_and_the_output_errs_less(few_iterations, recipe):
    settings = Settings("digits", recipe, "fp32", calibration_samples=32)
    network = pipeline.network_of(settings)
    plain, treated = (pipeline.quantized(settings.replace(algorithms=alg)) for alg in ((), "adaround"))
    for i, seen in enumerate(inputs_of(network, settings)):
        before, after = plain[i].dequantize(), treated[i].dequantize()
        w = network.weight(i)
        np.testing.assert_array_equal(treated[i].scale, plain[i].scale)
        between = (after - w) * (before - w) <= 0
        assert ((after == before) | between).all()  # the other one lies on the other side of the weight
        assert seen.output_error(after - w) <= seen.output_error(before - w) * (1 + 1e-5)


@pytest.mark.parametrize("format", [f.id for f in FORMATS if f.kind != "integer" and f.id != "fp32"])
def test_every_format_errs_no_more_at_the_output(format):
    w, x, _ = layer(4, 64)
    q = quantize_adaround(w, Recipe.parse(format), LayerInputs.of(x))
    assert errors(w, q.dequantize(), x).sum() < errors(w, quantize(w, format).dequantize(), x).sum() * (1 + 1e-5)


def test_what_it_cannot_treat():
    with pytest.raises(SettingsError, match="fp32 weights have none"):
        Settings(weights="fp32", algorithms="adaround")
    with pytest.raises(SettingsError, match="learns how to round"):
        Settings(weights="int4-floor", algorithms="adaround")
    w, x, scale = layer(4, 6)
    for arguments in [(w, x, 0 * scale, -7, 7), (w, x, scale, 1, 7), (w, x[:, :5], scale, -7, 7)]:
        with pytest.raises(DataError):
            adaround(*arguments)


def test_fp32_layer_among_others_is_left_alone(few_iterations):
    settings = Settings("digits", "int4", "fp32", algorithms="adaround", layer_bits="0", calibration_samples=16)
    tensors, said = pipeline.quantized(settings), pipeline.weigh(settings).layers["untreated"]
    assert tensors[0].recipe.format == "fp32" and "fp32 weights have none" in said[0]
    assert not any(said[1:])
