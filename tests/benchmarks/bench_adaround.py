"""AdaRound of a 768 × 768 layer, against its equations in plain torch; and of a whole network."""

import time
from collections.abc import Iterator

import numpy as np
import torch

from explorer import pipeline
from explorer.algorithms import adaround
from explorer.settings import Settings
from tests.benchmarks.timing import Row, paired, times_as_long

SIDE, SAMPLES, ITERATIONS, ROUNDS = 768, 2048, 100, 5
MODEL, SECONDS = "efficientnet-lite0", 60


def reference(w: torch.Tensor, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Equations 21 to 24 of arXiv 2004.10568 with autograd and Adam, on the second moments of the inputs."""
    moments, low = x.T @ x / len(x), torch.floor(w / scale)
    least = ((nearest(w, scale) - w) @ moments * (nearest(w, scale) - w)).sum(1)
    v = torch.logit((w / scale - low + 0.1) / 1.2).requires_grad_()
    adam = torch.optim.Adam([v], 0.1)
    for i in range(ITERATIONS):
        h = (1.2 * torch.sigmoid(v) - 0.1).clamp(0, 1)
        delta = (low + h).clamp(-7, 7) * scale - w
        loss = ((delta @ moments * delta).sum(1) / least).sum()
        if i >= ITERATIONS // 5:
            beta = 20 - 18 * (i / ITERATIONS - 0.2) / 0.8
            loss = loss + 10 / SIDE * (1 - (2 * h - 1).abs().pow(beta)).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return (low + (v > 0)).clamp(-7, 7) * scale


def nearest(w: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return (w / scale).round().clamp(-7, 7) * scale


def rows() -> Iterator[Row]:
    draw = np.random.Generator(np.random.Philox(0))
    w = draw.normal(size=(SIDE, SIDE)).astype(np.float32)
    x = np.maximum(draw.normal(size=(SAMPLES, SIDE)) @ draw.normal(size=(SIDE, SIDE)) / SIDE**0.5, 0).astype(np.float32)
    scale = np.abs(w).max(axis=1, keepdims=True) / np.float32(7)
    same, rows_, scales = (torch.from_numpy(each) for each in (w, x, scale))
    ours = lambda: adaround(w, x, scale, -7, 7, iterations=ITERATIONS)  # noqa: E731
    left = [float(np.square(x @ (np.asarray(values) - w).T).mean())
            for values in (ours(), reference(same, rows_, scales).detach(), nearest(same, scales))]  # fmt: skip
    assert left[0] < 1.05 * left[1] < left[2], left
    pairs = paired(lambda: reference(same, rows_, scales), ours, ROUNDS)
    yield times_as_long(f"AdaRound, {SIDE} × {SIDE}, {ITERATIONS} iterations, against plain torch", pairs, 1)
    settings = Settings(MODEL, "int4-sym-channel-mse", "fp32", algorithms="adaround", calibration_samples=64)
    inputs = settings.replace(algorithms="gptq")
    pipeline.layer_tensor(inputs, 0)  # what the layers are given, and the network: learnt from by both
    started, worked = time.perf_counter(), time.process_time()
    pipeline.quantized(settings)
    took, worked = time.perf_counter() - started, time.process_time() - worked
    yield Row(f"AdaRound of all layers of {MODEL}", f"{took:.0f} s ({worked:.0f} s of one core)", f"≤ {SECONDS} s", took <= SECONDS)
