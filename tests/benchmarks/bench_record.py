"""Recording the activations for all range methods at once, and the layers' inputs for all algorithms, against the
plain forward pass they ride on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from explorer.inputs import layer_inputs
from explorer.models import MODELS, load
from explorer.simulate import record
from tests.benchmarks.timing import Row, paired, times_as_long

ROOT = Path(__file__).parents[2]
MODEL, SAMPLES, ROUNDS = "efficientnet-lite0", 50, 3
TIMES, INPUTS, MEGABYTES = 2, 3, 1000
# What a process has used at its most once it has recorded.
PEAK = """
from tests.benchmarks.timing import peak_memory
from explorer.process import prepare
prepare()
from explorer.models import MODELS, load
from explorer.simulate import record
network, batch = load({model!r}), MODELS[{model!r}].batch
record(network, network.calibration[:{samples}], batch)
print(peak_memory())
"""


def rows() -> Iterator[Row]:
    network, batch = load(MODEL), MODELS[MODEL].batch
    samples = network.calibration[:SAMPLES]

    def forward() -> None:
        for start in range(0, len(samples), batch):
            with torch.inference_mode():
                network.module(network.prepare(samples[start : start + batch]))

    pairs = paired(forward, lambda: record(network, samples, batch), ROUNDS)
    yield times_as_long(f"recording {len(samples)} samples of {MODEL}, against a plain forward pass", pairs, TIMES)
    pairs = paired(forward, lambda: layer_inputs(network, samples, batch), ROUNDS)
    yield times_as_long(f"the layers' inputs for the algorithms, {len(samples)} samples of {MODEL}, against a plain forward pass",
                        pairs, INPUTS)  # fmt: skip
    command = [sys.executable, "-c", PEAK.format(model=MODEL, samples=SAMPLES)]
    peak = int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout) / 2**20
    yield Row(f"most memory of a process that records {len(samples)} samples of {MODEL}, with torch and the network",
              f"{peak:.0f} MB", f"≤ {MEGABYTES} MB", peak <= MEGABYTES)  # fmt: skip
