"""Result.cost: latency and energy on the target, each with how it was obtained, and nothing else moves."""

import json
import math

import pytest

from explorer import pipeline
from explorer.cost.devices import DEVICES
from explorer.cost.predict import _predict
from explorer.deploy import TARGETS
from explorer.deploy.content import Plan
from explorer.settings import Settings
from explorer.views.sizes import parts

npz = TARGETS["numpy"]
SETTINGS = Settings("digits", "int8-sym-channel-minmax", "uint8-asym-tensor-minmax", calibration_samples=16, evaluation_samples=50)


@pytest.mark.parametrize("id", DEVICES.ids)
def test_each_figure_says_how_it_was_obtained(id):
    cost = pipeline.weigh(SETTINGS.replace(target=id)).cost
    assert (cost.how, cost.latency.how, cost.energy.how, cost.predicted.target) == ("exact", "predicted", "predicted", id)
    assert cost.latency.low < cost.latency.seconds < cost.latency.high
    if cost.predicted.speedup is None:  # no FP32 to compare with
        assert cost.predicted.fp32_latency.why == "does not run" and DEVICES[id].float is None
    else:
        assert cost.predicted.speedup >= 1 / 1.05 and cost.predicted.energy_saving > 1
    assert math.isclose(cost.latency.memory_bytes - cost.latency.peak_bytes, sum(work.weight_bytes for work in cost.predicted.works))


def test_the_target_moves_only_the_prediction():
    here, there = (pipeline.run(SETTINGS.replace(target=id)) for id in ("here", "h100"))
    assert here.stamp == there.stamp and here.metric == there.metric
    assert here.cost.latency != there.cost.latency and here.cost.size_bytes == there.cost.size_bytes


@pytest.mark.parametrize("algorithms", [("biascorr",), ("smoothquant",), ("hadamard",), ("cle",), ("gptq", "biascorr")])
def test_what_algorithms_add_counts_in_the_size(algorithms):
    """The factors, rotations and biases that a file holds beside codes and scales, byte for byte."""
    settings = Settings("gpt-shakespeare", "int4-sym-channel-minmax", "fp32", algorithms=algorithms, calibration_samples=4)
    plain, cost = (pipeline.weigh(each).cost for each in (settings.replace(algorithms=()), settings))
    file = npz.predict(Plan.of(settings))
    assert cost.rest_bytes - plain.rest_bytes == file.rest - npz.predict(Plan.of(settings.replace(algorithms=()))).rest
    assert (cost.rest_bytes > plain.rest_bytes) == (algorithms != ("cle",)) and sum(parts(settings).values()) == cost.size_bytes


def test_what_does_not_run_has_no_number():
    result = pipeline.run(SETTINGS.replace(weights="fp32", activations="fp32", target="coral-edge-tpu"))
    said = json.loads(json.dumps(result.as_dict(), allow_nan=False))["cost"]["predicted"]
    assert (said["why"], said["latency_s"], said["energy_j"]) == ("does not run", None, None)
    assert said["activation_peak_bytes"] == 4 * 3072 and said["activation_how"] == "exact"  # what it would take all the same


def test_the_same_shapes_are_predicted_once():
    pipeline.weigh(SETTINGS)
    before = _predict.cache_info()
    pipeline.weigh(SETTINGS.replace(seed=3))
    after = _predict.cache_info()
    assert after.misses == before.misses and after.hits > before.hits


def test_activation_memory_is_the_widest_moment():
    cost = pipeline.weigh(SETTINGS).cost
    assert cost.latency.peak_bytes == 3072  # 1,024 values in and 2,048 out of the first pointwise layer, a byte each
    assert pipeline.weigh(SETTINGS.replace(activations="fp32")).cost.latency.peak_bytes == 4 * 3072
