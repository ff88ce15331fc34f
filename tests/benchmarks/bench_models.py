"""A picker's tick on the networks that are played with: everything that the page shows of a new recipe, W8A8 beside FP32, and memory."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from explorer import pipeline
from explorer.cache import CACHE
from explorer.models import MODELS, here
from explorer.settings import Settings
from explorer.simulate import Simulated
from tests.benchmarks.timing import Row, milliseconds, paired, seconds, times_as_long

WHOLE = {"fashion-resnet": 500, "gpt-shakespeare": 500, "silero-vad": 500, "voice": 500}  # milliseconds for the whole result
FIRST = {"efficientnet-lite0": (300, 1000), "minilm": (None, 1000), "whisper-base": (None, 10000), "smollm2-135m": (5000, 10000)}  # for the weights' report; the first estimate
ROUNDS = 7
MEMORY = 2e9  # bytes of a process, but of smollm2 and whisper
TIMES = 4  # the FP32 weights, of what a process grows by over what it has once another network was through
LEAST = 100e6  # bytes of growth that are told from chance
GROWTH = """
import sys
from tests.benchmarks.timing import peak_memory
from explorer.process import prepare
prepare()
from explorer import pipeline
from explorer.settings import Settings
pipeline.run(Settings("digits", "int8-sym-channel-minmax", "uint8-asym-tensor-minmax"))
before = peak_memory()
pipeline.run(Settings(sys.argv[1], "int8-sym-channel-minmax", "uint8-asym-tensor-minmax"))
print(before, peak_memory())
"""


def rows() -> Iterator[Row]:
    for model, allowed in WHOLE.items():
        start = Settings(model, "int8-sym-channel-minmax", "uint8-asym-tensor-minmax")
        pipeline.run(start)  # loaded, recorded, FP32's answers known
        yield milliseconds(f"{model}, a new recipe: weights' report, metric on all test samples, error of each layer's output",
                           [1000 * seconds(lambda: pipeline.run(settings)) for settings in fresh(start)], allowed)  # fmt: skip
        yield slowdown(model, start)
    for model, (report, estimate) in FIRST.items():
        if model in here():
            yield from first(model, report, estimate)
    for model in here():
        yield from memory(model)


def fresh(start: Settings) -> list[Settings]:
    return [start.replace(weights=f"int8-sym-channel-p{99.9 - i / 100:g}") for i in range(ROUNDS)]


def first(model: str, report: float | None, estimate: float) -> Iterator[Row]:
    """Of a model that is loaded and recorded, in memory or on disk as users have it."""
    start = Settings(model, "int8-sym-channel-minmax", "uint8-asym-tensor-minmax", calibration_samples=16)
    with TemporaryDirectory() as folder:
        CACHE.folder = Path(folder)
        yield from _first(start, report, estimate)
    CACHE.folder = None
    yield slowdown(model, start)


def _first(start: Settings, report: float | None, estimate: float) -> Iterator[Row]:
    model = start.model
    next(pipeline.stream(start))
    weighed, estimated = [], []
    for settings in fresh(start):
        weighed.append(1000 * seconds(lambda: pipeline.weigh(settings)))
        evaluations = pipeline.stream(settings)
        estimated.append(weighed[-1] + 1000 * seconds(partial(next, evaluations)))
        evaluations.close()  # waits for what was begun
        CACHE.clear()
        next(pipeline.stream(start))
    yield milliseconds(f"{model}, a new recipe: weights' report", weighed, report)
    yield milliseconds(f"{model}, a new recipe: first estimate of the metric, with the weights' report", estimated, estimate)


def slowdown(model: str, start: Settings) -> Row:
    network, quantized = pipeline.network_of(start), pipeline.simulate(start)
    inputs, plain = network.prepare(network.test[: min(48, MODELS[model].batch)]), Simulated(network)
    return times_as_long(f"{model}, a pass with W8A8 against one in FP32", paired(lambda: plain(inputs), lambda: quantized(inputs), ROUNDS), 3)


def memory(model: str) -> Iterator[Row]:
    """In a process of its own."""
    run = subprocess.run([sys.executable, "-c", GROWTH, model], capture_output=True, text=True, check=True, env=os.environ)
    before, after = map(int, run.stdout.split())
    grown, weights = after - before, 4 * MODELS[model].parameters
    if weights >= LEAST / TIMES:  # a smaller network's growth is torch's own first use of a kernel
        yield Row(f"{model}, what a whole W8A8 experiment adds to a process's peak memory", f"{grown / 1e6:,.0f} MB, {grown / weights:.1f}× its FP32 weights",
                  f"≤ {TIMES}×", grown <= TIMES * weights)  # fmt: skip
    if model not in ("smollm2-135m", "whisper-base"):
        yield Row(f"{model}, peak memory of the whole process", f"{after / 1e6:,.0f} MB", f"≤ {MEMORY / 1e6:,.0f} MB", after <= MEMORY)
