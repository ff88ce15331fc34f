"""Weights only, activations only, both: against networks put together by hand."""

import numpy as np
import pytest
import torch

from explorer import Settings, pipeline
from explorer.models import load
from explorer.simulate import Simulated
from explorer.views import parts

LOW = Settings("digits", "int4-sym-tensor-minmax", "int5-asym-tensor-minmax", calibration_samples=32, evaluation_samples=200,
               layers={1: "int6-sym-tensor-minmax"})  # fmt: skip


def test_each_part_quantizes_only_itself():
    network = load("digits")
    inputs = network.prepare(network.test[:50])
    weights, activations = pipeline.replaced(pipeline.quantized(LOW)), pipeline.quantizers(LOW)
    by_hand = {"weights": (weights, None), "activations": (None, activations), "both": (weights, activations)}
    outputs = {part: pipeline.simulate(parts.part_of(LOW, part))(inputs) for part in parts.PARTS}
    for part, given in by_hand.items():
        assert torch.equal(outputs[part], Simulated(network, *given)(inputs)), part
    assert not torch.equal(outputs["weights"], outputs["both"]) and not torch.equal(outputs["activations"], outputs["both"])


def test_layers_have_the_error_of_their_output():
    table = parts.layers(LOW)
    for part in parts.PARTS:
        assert table[part].tolist() == pipeline.output_sqnr(parts.part_of(LOW, part))
    noise = {part: 10 ** (-table[part] / 10) for part in parts.PARTS}
    # two small errors that know nothing of each other add up, about
    np.testing.assert_allclose(noise["both"], noise["weights"] + noise["activations"], rtol=0.3)


def test_the_metric_of_a_part_is_that_of_its_experiment():
    found = parts.metric(LOW, "weights")
    alone = pipeline.run(LOW.replace(activations="fp32"))
    assert (found["value"], found["n"]) == (alone.metric.value, 200)
    assert (found["difference"], found["low"], found["high"]) == (alone.difference.value, alone.difference.low, alone.difference.high)


def test_without_a_part_there_is_no_error():
    table = parts.layers(LOW.replace(activations="fp32"))
    assert table["activations"].isna().all() and table["both"].tolist() == table["weights"].tolist()


@pytest.mark.parametrize("algorithms", [("cle", "biascorr"), ("gptq",), ("smoothquant",), ("hqq",), ("hadamard",)])
def test_algorithms_go_where_they_can(algorithms):
    weights = "int4-asym-channel-minmax" if "hqq" in algorithms else "int4-sym-channel-minmax"
    settings = Settings("digits", weights, "int8-asym-tensor-minmax", algorithms=algorithms)
    alone = parts.part_of(settings, "activations")
    assert str(alone.weights) == "fp32" and set(alone.algorithms) <= set(algorithms)
    assert parts.part_of(settings, "weights").algorithms == settings.algorithms
    if algorithms == ("smoothquant",):
        assert alone.algorithms == algorithms  # it changes what flows
