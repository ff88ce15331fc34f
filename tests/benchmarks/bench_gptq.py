"""GPTQ of a 768 × 768 layer, against its authors' procedure in plain torch."""

from collections.abc import Iterator

import numpy as np
import torch

from explorer.algorithms import gptq
from tests.benchmarks.timing import Row, paired, times_as_long

SIDE, SAMPLES, ROUNDS = 768, 2048, 7


def reference(w: torch.Tensor, x: torch.Tensor, block: int = 128) -> torch.Tensor:
    """fasterquant of gptq.py (arXiv 2210.17323), INT4 symmetric per channel, act-order, static scales."""
    scale = w.abs().amax(1) / 7
    h = 2 / len(x) * x.T @ x
    order = torch.argsort(torch.diag(h), descending=True)
    w, h = w[:, order].clone(), h[order][:, order]
    h[range(SIDE), range(SIDE)] += 0.01 * torch.diag(h).mean()
    u = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(h)), upper=True)
    q = torch.zeros_like(w)
    for start in range(0, SIDE, block):
        stop = min(start + block, SIDE)
        part, inner = w[:, start:stop].clone(), u[start:stop, start:stop]
        errors = torch.zeros_like(part)
        for i in range(stop - start):
            column = part[:, i]
            rounded = torch.clamp(torch.round(column / scale), -7, 7) * scale
            q[:, start + i] = rounded
            error = (column - rounded) / inner[i, i]
            part[:, i:] -= error.unsqueeze(1).matmul(inner[i, i:].unsqueeze(0))
            errors[:, i] = error
        w[:, stop:] -= errors.matmul(u[start:stop, stop:])
    return q[:, torch.argsort(order)]


def rows() -> Iterator[Row]:
    draw = np.random.Generator(np.random.Philox(0))
    w = draw.normal(size=(SIDE, SIDE)).astype(np.float32)
    x = np.maximum(draw.normal(size=(SAMPLES, SIDE)) @ draw.normal(size=(SIDE, SIDE)) / SIDE**0.5, 0).astype(np.float32)
    same, rows_ = torch.from_numpy(w), torch.from_numpy(x)
    error = lambda values: float(np.square(x @ (values - w).T).mean())  # noqa: E731
    assert np.isclose(error(gptq(w, x, "int4-sym-channel-minmax")), error(reference(same, rows_).numpy()), rtol=0.01)
    pairs = paired(lambda: reference(same, rows_), lambda: gptq(w, x, "int4-sym-channel-minmax"), ROUNDS)
    yield times_as_long(f"GPTQ, {SIDE} × {SIDE}, {SAMPLES} rows of inputs, INT4 per channel, against plain torch", pairs, 2)
