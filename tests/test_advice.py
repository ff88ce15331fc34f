"""Advice: each sentence when it is due, with the number it names."""

import re

import numpy as np
import pytest

from explorer import pipeline
from explorer.advice import advise
from explorer.models import Layer
from explorer.quantize import quantize, sqnr_db
from explorer.report import layer_row
from explorer.settings import Settings


def advice(weights: str, model: str = "fashion") -> tuple[str, ...]:
    return pipeline.weigh(Settings(model, weights, "fp32")).advice


def number(pattern: str, sentence: str) -> float:
    return float(re.search(pattern, sentence)[1].replace(",", ""))


def layer(sentence: str, settings: Settings) -> int:
    network = pipeline.network_of(settings)
    name = re.search("`(.+?)`", sentence)[1]
    return next(i for i, layer in enumerate(network.layers) if layer.name == name)


def test_one_scale_for_unlike_channels():
    first = advice("int8-sym-tensor-minmax")[0]
    settings = Settings("fashion")
    i = layer(first, settings)
    weight = pipeline.network_of(settings).weight(i)
    widths = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    assert int(number(r"channel (\d+)", first)) == widths.argmax()
    assert number(r"is (\d+)×", first) == round(widths.max() / np.median(widths))
    extra = quantize(weight, "int8-sym-channel").nbytes - quantize(weight, "int8-sym-tensor").nbytes
    assert number(r"for ([\d,]+) bytes", first) == extra == 4 * (len(weight) - 1)


def test_heavy_clipping_names_its_gain():
    settings = Settings("fashion", "int4-sym-channel-abs0.3", "fp32")
    sentence = next(s for s in advice(str(settings.weights)) if "clipped" in s)
    i = layer(sentence, settings)
    weight = pipeline.network_of(settings).weight(i)
    gain = sqnr_db(weight, quantize(weight, "int4-sym-channel-mse").dequantize()) - sqnr_db(
        weight, quantize(weight, "int4-sym-channel-abs0.3").dequantize())
    assert number(r"gains ([\d.]+) dB", sentence) == pytest.approx(gain, abs=0.06)


def test_nothing_to_gain():
    assert "exactly" in advice("fp32")[0]
    assert "fewer bits" in advice("int8-sym-channel-minmax")[0]


@pytest.mark.parametrize("claim", ["always", "4× smaller", "faster"])
def test_no_claim_that_is_not_computed(claim):
    for recipe in ("int8-sym-tensor-minmax", "int2-sym-tensor-minmax", "int4-sym-g16-mse", "fp8e4m3"):
        assert not any(claim in sentence for sentence in advice(recipe))


@pytest.mark.parametrize("range", ["entropy", "minmax", "p99", "mse", "abs0.5", "lo0.1hi3"])
@pytest.mark.parametrize("format", ["int8-sym", "int4-asym", "fp8e4m3"])
def test_every_range_has_its_advice(format, range):
    """The other way that is tried may not exist: entropy is per tensor only."""
    sentences = advice(f"{format}-tensor-{range}", "digits")
    assert 1 <= len(sentences) <= 3 and all(s.endswith(".") for s in sentences)


def test_the_gain_of_a_scale_per_channel_is_that_of_the_median_channel():
    first = advice("int8-sym-tensor-minmax")[0]
    settings = Settings("fashion")
    weight = pipeline.network_of(settings).weight(layer(first, settings))

    def median(recipe):
        back = quantize(weight, recipe).dequantize()
        ratios = [np.sum(w.astype(float) ** 2) / np.sum((w.astype(float) - b) ** 2) for w, b in zip(weight, back) if (w != b).any() and w.any()]
        return 10 * np.log10(np.median(ratios)) if len(ratios) % 2 else np.mean(10 * np.log10(np.sort(ratios)[len(ratios) // 2 - 1 :][:2]))

    assert number(r"by (\d+) dB", first) == round(median("int8-sym-channel") - median("int8-sym-tensor"))


@pytest.mark.parametrize(("model", "recipe"), [("silero-vad", "int4-sym-channel-mse"), ("voice", "int4-sym-channel-minmax"),
                                               ("gpt-shakespeare", "int4-sym-channel-minmax"), ("digits", "int3-sym-channel-mse")])  # fmt: skip
def test_what_is_said_of_the_worst_layer_is_so_when_it_is_quantized_that_way(model, recipe):
    (sentence,) = advice(recipe, model)
    settings = Settings(model, recipe, "fp32")
    weight = pipeline.network_of(settings).weight(layer(sentence, settings))

    def gain(**parts) -> float:
        return sqnr_db(weight, quantize(weight, settings.weights.replace(**parts)).dequantize()) - sqnr_db(weight, quantize(weight, recipe).dequantize())

    best = max(gain(granularity="g32"), gain(range="mse"))
    if "would gain 3 dB" in sentence:
        assert best < 3
    else:
        assert number(r"would gain ([\d.]+) dB", sentence) == pytest.approx(best, abs=0.06) and best >= 3
        extra = quantize(weight, settings.weights.replace(granularity="g32")).nbytes - quantize(weight, recipe).nbytes
        assert "groups of 32" in sentence and number(r"for ([\d,]+) bytes", sentence) == extra


def test_what_an_algorithm_moved_is_no_gain_of_finer_groups():
    """GPTQ's weights lie further from the originals, for the output's sake; rows of 9 weights are one group of 64 as of 32."""
    settings = Settings("digits", "int4-asym-g64-minmax", "fp32", algorithms=("gptq",), calibration_samples=16)
    plain = pipeline.weigh(settings.replace(algorithms=())).advice
    for sentence in pipeline.weigh(settings).advice:
        assert "groups of 32 would gain" not in sentence or any("groups of 32 would gain" in each for each in plain)


@pytest.mark.parametrize(("range", "words"), [("minmax", "groups of 32 would"), ("mse", "groups of 32 with min–max ranges would")])
def test_a_large_layer_is_advised_by_what_is_quick_to_try(range, words):
    """No channel is wider than the others: half of them have an outlier, which one scale for all has to reach."""
    weight = np.random.default_rng(0).normal(size=(400, 500)).astype(np.float32)
    weight[::2, 0], weight[::2, 1] = 60, -60
    settings = Settings("fashion", f"int8-sym-tensor-{range}", "fp32")
    q = quantize(weight, settings.weights)
    (sentence,) = advise([layer_row(0, Layer("large", "linear", 0), weight, q)], settings, [weight])
    other = quantize(weight, "int8-sym-g32-minmax")
    gain = sqnr_db(weight, other.dequantize()) - sqnr_db(weight, q.dequantize())
    assert words in sentence
    assert number(r"would gain ([\d.]+) dB", sentence) == pytest.approx(gain, abs=0.06)
    assert number(r"for ([\d,]+) bytes", sentence) == other.nbytes - q.nbytes
