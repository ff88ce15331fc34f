"""A picker's tick on the networks that are played with: everything that the page shows of a new recipe, and W8A8 beside FP32."""

from collections.abc import Iterator

from explorer import pipeline
from explorer.settings import Settings
from explorer.simulate import Simulated
from tests.benchmarks.timing import Row, milliseconds, paired, seconds, times_as_long

MODELS = ("fashion-resnet", "voice", "silero-vad")
ROUNDS = 7


def rows() -> Iterator[Row]:
    for model in MODELS:
        start = Settings(model, "int8-sym-channel-minmax", "uint8-asym-tensor-minmax")
        pipeline.run(start)  # loaded, recorded, FP32's answers known
        fresh = [start.replace(weights=f"int8-sym-channel-p{99.9 - i / 100:g}") for i in range(ROUNDS)]
        yield milliseconds(f"{model}, a new recipe: weights' report, metric on all test samples, error of each layer's output",
                           [1000 * seconds(lambda: pipeline.run(settings)) for settings in fresh], 500)  # fmt: skip
        network, quantized = pipeline.network_of(start), pipeline.simulate(start)
        inputs, plain = network.prepare(network.test[:48]), Simulated(network)
        yield times_as_long(f"{model}, a pass with W8A8 against one in FP32",
                            paired(lambda: plain(inputs), lambda: quantized(inputs), ROUNDS), 3)  # fmt: skip
