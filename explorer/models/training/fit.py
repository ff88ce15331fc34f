"""Training that can be repeated."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def make_deterministic(seed: int) -> None:
    """One thread and deterministic kernels: sums are then always in the same order."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def fit(
    module: nn.Module,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    epochs: int,
    batch: int,
    peak_rate: float,
    weight_decay: float,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = F.cross_entropy,
) -> nn.Module:
    """Train in place with Adam and a one-cycle learning rate (Smith and Topin 2017, arXiv
    1708.07120); returns `module`.

    inputs: float32 [n, ...]; labels: int64 [n]
    """
    module.to(memory_format=torch.channels_last)  # depthwise layers train half again as fast
    steps = -(-len(inputs) // batch)
    optimizer = torch.optim.Adam(module.parameters(), peak_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak_rate, epochs * steps)
    module.train()
    for epoch in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(inputs)).split(batch):
            optimizer.zero_grad()
            error = loss(module(inputs[chosen]), labels[chosen])
            error.backward()
            optimizer.step()
            schedule.step()
            total += error.item() * len(chosen)
        print(f"epoch {epoch + 1}/{epochs}: training loss {total / len(inputs):.4f}", flush=True)
    return module.eval()


def state(module: nn.Module) -> dict[str, np.ndarray]:
    """Name to float32 array of every weight."""
    return {name: w.detach().numpy() for name, w in module.state_dict().items()}


def half(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same in float16, half the bytes to ship; the network that is loaded is the rounded one."""
    return {name: w.astype(np.float16) for name, w in weights.items()}
