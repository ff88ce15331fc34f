"""The weights' report of a network: every layer quantized, measured and advised upon, nothing known before."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from components.charts.pictures import worst_of
from explorer import pipeline
from explorer.cache import CACHE
from explorer.settings import Settings
from explorer.views.curve import curve
from explorer.views.histogram import histogram
from tests.benchmarks.timing import Row, milliseconds, paired, seconds, times_as_long

ROUNDS = 11
TOP = 127


def rows() -> Iterator[Row]:
    for model in ("efficientnet-lite0", "fashion"):
        for granularity in ("channel", "tensor"):
            settings = Settings(model, f"int8-sym-{granularity}-minmax", "fp32")
            pairs = paired(plain_pass(settings), lambda: report(settings), ROUNDS)
            yield times_as_long(f"weights' report of {model}, per {granularity}, against torch finding its scales and "
                                "fake-quantizing it", pairs, 3)  # fmt: skip
    fresh = [Settings("efficientnet-lite0", f"int8-sym-channel-p{99.9 - i / 100:g}") for i in range(ROUNDS)]
    yield milliseconds("efficientnet-lite0, a new recipe: weights' report and the numbers of the pictures",
                       [1000 * seconds(lambda: report_and_pictures(settings)) for settings in fresh][1:], 300)  # fmt: skip


def report(settings: Settings) -> None:
    CACHE.clear()
    pipeline.weigh(settings)


def report_and_pictures(settings: Settings) -> None:
    layer = worst_of(pipeline.weigh(settings).layers) or 0
    histogram(settings, layer)
    curve(settings, layer)


def plain_pass(settings: Settings) -> Callable[[], None]:
    """Finds the scales of all layers by their largest magnitudes and rounds all weights to them."""
    network = pipeline.network_of(settings)
    weights = [torch.from_numpy(np.array(network.weight(i))) for i in range(len(network.layers))]
    zeros = [torch.zeros(len(weight), dtype=torch.int32) for weight in weights]

    def per_channel() -> None:
        for weight, zero in zip(weights, zeros, strict=True):
            scale = weight.flatten(1).abs().amax(1) / TOP
            torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -TOP, TOP)

    def per_tensor() -> None:
        for weight in weights:
            torch.fake_quantize_per_tensor_affine(weight, weight.abs().max().item() / TOP, 0, -TOP, TOP)

    return per_channel if settings.weights.kind == "channel" else per_tensor
