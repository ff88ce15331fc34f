"""With and without: against the pipeline's own answers, sample by sample."""

import json

import numpy as np
import pytest

from explorer import pipeline
from explorer.errors import DataError
from explorer.tasks import paired
from explorer.tasks.intervals import agresti_min
from explorer.models import load
from explorer.settings import Settings
from explorer.views import before_after
from explorer.views.folding import folding
from explorer.views.spread import spread, ticks

SETTINGS = Settings("digits", "int3-sym-channel-minmax", "fp32", algorithms=("cle", "biascorr"), calibration_samples=32)


def test_the_difference_is_paired_sample_by_sample():
    found = before_after.metric(SETTINGS)
    network = load("digits")
    inputs, right = network.prepare(network.test), {}
    for when, settings in (("before", before_after.without(SETTINGS)), ("after", SETTINGS)):
        right[when] = network.answers(pipeline.simulate(settings)(inputs)) == network.labels
        assert found[when]["value"] == pytest.approx(right[when].mean())
    gained, lost = ((right[a] & ~right[b]).sum() for a, b in (("after", "before"), ("before", "after")))
    n = len(network.test)
    assert found["difference"]["value"] == pytest.approx((gained - lost) / n)
    assert (found["difference"]["low"], found["difference"]["high"]) == pytest.approx(agresti_min(gained, lost, n))
    json.dumps(found, allow_nan=False)


def test_different_samples_are_not_paired():
    seen = [list(pipeline.stream(Settings("digits", evaluation_samples=n)))[-1] for n in (100, 200)]
    with pytest.raises(DataError, match="100 and 200"):
        paired(*seen)


def test_ranges_are_those_of_the_two_networks():
    seen = before_after.ranges(SETTINGS, 1)
    for when, settings in (("before", before_after.without(SETTINGS)), ("after", SETTINGS)):
        weight = pipeline.network_of(settings).weight(1)
        np.testing.assert_allclose(seen["weights"][when], np.abs(weight).reshape(len(weight), -1).max(axis=1))
        assert seen["weights_spread"][when] == spread(np.array(seen["weights"][when]))
    # equalisation divides what flows from the stem into the depthwise layer, and multiplies its weights
    factor = np.array(seen["weights"]["after"]) / seen["weights"]["before"]
    assert len(seen["inputs"]["before"]) == len(seen["inputs"]["after"]) and not np.allclose(factor, 1)
    json.dumps(seen, allow_nan=False)


def test_stochastic_rounding_is_one_of_them():
    settings = Settings("digits", "int3-sym-channel-minmax-stochastic", "fp32", calibration_samples=32)
    plain = Settings("digits", "int3-sym-channel-minmax", "fp32", calibration_samples=32)
    assert before_after.without(settings) == plain and before_after.without(plain) == plain
    table = before_after.layers(settings)
    assert (table["before"] > table["after"]).all()  # it errs more, and 0 on average


def test_layers_before_and_after_are_the_reports():
    table = before_after.layers(SETTINGS)
    assert table["before"].tolist() == pipeline.output_sqnr(before_after.without(SETTINGS))
    assert table["after"].tolist() == pipeline.output_sqnr(SETTINGS)


def test_folding_multiplies_each_channel_by_its_factor():
    seen, weight = folding(Settings("efficientnet-lite0"), 1), load("efficientnet-lite0").weight(1)
    np.testing.assert_allclose(seen["after"], np.abs(weight).reshape(len(weight), -1).max(axis=1), rtol=1e-5)
    assert seen["spread_after"] > 3 * seen["spread_before"]  # what per-tensor scales suffer from
    assert folding(Settings("gpt-shakespeare"), 1) is None


def test_folding_is_what_makes_fashions_depthwise_layers_wide():
    """A few channels whose inputs hardly vary: the factor is large, as where σ² is 0."""
    names = [layer.name for layer in load("fashion").layers]
    seen = folding(Settings("fashion"), names.index("blocks.3.dw"))
    assert seen["spread_before"] < 2 and seen["spread_after"] > 30 and "second run" in seen["run"]
    assert max(np.abs(seen["factor"])) > 0.5 * np.sqrt(1e5) * np.median(seen["before"]) and len(seen["before"]) == 64
    assert folding(Settings("fashion"), names.index("classifier")) is None
    json.dumps(seen, allow_nan=False)


def test_spread_and_ticks():
    assert spread(np.array([1.0, 2.0, 8.0])) == 4
    assert spread(np.array([0.0, 0.0, 1.0])) is None
    assert ticks(np.array([0.0, 0.3, 4.0])) == [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    assert ticks(np.array([0.001, 1000.0])) == [0.001, 0.01, 0.1, 1, 10, 100, 1000]
    assert ticks(np.zeros(3)) == []
