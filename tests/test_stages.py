"""Where algorithms take part: each answer depends on what was read, and on nothing else."""

import threading

import numpy as np
import pytest

from explorer import pipeline, stages
from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.cache import CACHE
from explorer.errors import Cancelled
from explorer.settings import Settings
from explorer.stamp import compare_stamps

DIGITS = Settings("digits", "int4-sym-channel-minmax", "uint8-asym-tensor-minmax", calibration_samples=16)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setattr(CACHE, "folder", None)
    CACHE.clear()


def codes(settings: Settings, i: int = 2) -> np.ndarray:
    return pipeline.layer_tensor(settings, i).codes


def test_plain_weights_do_not_depend_on_calibration():
    plain = pipeline.layer_tensor(DIGITS, 2)
    assert pipeline.layer_tensor(DIGITS.replace(calibration_samples=64, seed=5, activations="fp32"), 2) is plain
    assert pipeline.weigh(DIGITS).layers is pipeline.weigh(DIGITS.replace(calibration_samples=64)).layers


@pytest.mark.parametrize("change", [{"calibration_samples": 17}, {"seed": 1}])
@pytest.mark.parametrize("id", ["gptq", "adaround"])
def test_weights_of_an_algorithm_depend_on_the_calibration_that_it_reads(few_iterations, id, change):
    one, other = DIGITS.replace(algorithms=id), DIGITS.replace(algorithms=id, **change)
    assert (codes(one) != codes(other)).any()
    assert pipeline.weigh(one).digest != pipeline.weigh(other).digest


def test_what_it_does_not_read_changes_nothing():
    one = DIGITS.replace(algorithms="gptq")
    assert pipeline.layer_tensor(one, 2) is pipeline.layer_tensor(one.replace(activations="fp32", layers={0: "int8"}), 2)
    free = DIGITS.replace(algorithms="hqq", weights="uint4-asym-channel-minmax")
    assert pipeline.layer_tensor(free, 2) is pipeline.layer_tensor(free.replace(calibration_samples=40, seed=3), 2)
    assert pipeline.weigh(DIGITS) .digest == pipeline.weigh(DIGITS.replace(algorithms="biascorr")).digest


def test_biases_depend_on_calibration_and_recipes():
    base = DIGITS.replace(algorithms="biascorr")
    found = [pipeline.biases(settings)[2] for settings in (base, base.replace(calibration_samples=20), base.replace(weights="int3"),
                                                           base.replace(activations="fp32"))]  # fmt: skip
    assert all((found[0] != other).any() for other in found[1:])
    assert pipeline.biases(DIGITS) == (None,) * 6
    assert pipeline.biases(base) is pipeline.biases(base.replace(evaluation_samples=3))


def test_a_rewritten_network_is_what_every_stage_sees_but_fp32s_answers(monkeypatch):
    """An algorithm of the network stage that doubles the first layer and halves nothing: not equivalent, so one can tell."""
    from dataclasses import replace

    from explorer.simulate import own_copy

    calls = []

    def double(network, settings, inputs, *, progress, cancel):
        calls.append(len(inputs()))
        module = own_copy(network.module)
        layer = module.get_submodule(network.layers[0].name)
        layer.weight = type(layer.weight)(layer.weight * 2, requires_grad=False)
        return replace(network, module=module, digest=network.digest + " doubled"), {3: "left alone for once"}

    monkeypatch.setitem(ALGORITHMS._values, "double",
                        Algorithm("double", "", "network", 1, "", "", double, reads=("calibration",)))  # fmt: skip
    settings = DIGITS.replace(algorithms="double", weights="fp32", activations="fp32")
    network, plain = pipeline.network_of(settings), pipeline.network_of(DIGITS)
    np.testing.assert_array_equal(network.weight(0), 2 * plain.weight(0))
    assert pipeline.weigh(settings).layers["untreated"].tolist() == ["", "", "", "left alone for once", "", ""]
    assert pipeline.records(settings)[1].high > 1.5 * pipeline.records(DIGITS)[1].high
    result = pipeline.run(settings)
    assert result.fp32_metric == pipeline.run(DIGITS).fp32_metric
    assert pipeline.network_of(settings) is network and calls == [6]  # rewritten once
    pipeline.network_of(settings.replace(calibration_samples=17))
    assert calls == [6, 6]
    stages._networks.clear()


def test_a_slow_tensor_is_kept_on_disk_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(CACHE, "folder", tmp_path)
    settings = DIGITS.replace(algorithms="hqq", weights="uint4-asym-g16-mse")
    q = pipeline.layer_tensor(settings, 2)
    again = stages.TENSOR.unpack(stages.TENSOR.pack(q))
    assert again.digest == q.digest and again.recipe == q.recipe and again.zero_point.dtype == np.float32
    assert (again.dequantize() == q.dequantize()).all()


def test_what_is_stopped_half_way_is_not_kept():
    cancel, settings = threading.Event(), DIGITS.replace(algorithms="adaround")

    def stop(stage: str, done: float) -> None:
        if stage == "adaround":
            cancel.set()

    with pytest.raises(Cancelled):
        pipeline.layer_tensor(settings, 2, progress=stop, cancel=cancel)
    stopped = []
    whole = pipeline.layer_tensor(settings, 2, progress=lambda stage, done: stopped.append(done))
    assert stopped[-1] == 1 and whole.digest == pipeline.layer_tensor(settings, 2).digest


def test_stages_say_how_far_they_are():
    told = []
    pipeline.run(DIGITS.replace(algorithms=("gptq", "biascorr")), progress=lambda stage, done: told.append((stage, done)))
    assert {"inputs", "gptq", "record", "biascorr", "evaluate"} <= {stage for stage, _ in told}
    assert all(0 <= done <= 1 for _, done in told)


def test_other_codes_of_an_algorithm_are_no_broken_promise():
    given, found = "ffffffffffffffff-0.973-600", "0123456789abcdef-0.975-600"
    verdict, sentence = compare_stamps(given, found, algorithms=("gptq",))
    assert verdict == "close" and "as gptq may give on another processor" in sentence
    assert compare_stamps(given, found)[0] == "different"
    assert compare_stamps("ffffffffffffffff-0.9-600", found, algorithms=("gptq",))[0] == "different"
