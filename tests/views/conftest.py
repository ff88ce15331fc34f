"""Layers with weights of one's own: what a picture does with tensors that no trained network has."""

import numpy as np
import pytest
import torch

from explorer import stages
from explorer.cache import CACHE
from explorer.models import Layer, Network, assemble


@pytest.fixture(autouse=True)
def nothing_on_disk(monkeypatch):
    monkeypatch.setattr(CACHE, "folder", None)


@pytest.fixture
def layer_of(monkeypatch):
    """layer_of(weights): from now on the first layer of every model has these weights."""

    def replace(weights) -> np.ndarray:
        weights = np.float32(weights)
        module = torch.nn.Module()
        module.only = torch.nn.Linear(*weights.shape[::-1], bias=False).requires_grad_(False)
        module.only.weight.copy_(torch.from_numpy(weights))
        network = Network(module, (Layer("only", "linear", weights.size),), calibration=np.zeros((1, 1)),
                          calibration_labels=None, test=np.zeros((1, 1)), labels=None, prepare=torch.from_numpy,
                          answers=lambda y: y, digest=assemble.digest({"only": weights}))  # fmt: skip
        monkeypatch.setattr(stages, "load", lambda id: network)
        return weights

    return replace


DEGENERATE = {
    "zeros": np.zeros((3, 4)),
    "constant": np.full((3, 4), 0.7),
    "single value": [[-0.25]],
    "two values": [[0.5, 0.5, -1.5]],
    "one side": np.linspace(1, 2, 40).reshape(4, 10),
    "tiny": np.linspace(-1e-30, 1e-30, 12).reshape(3, 4),
    "huge": np.linspace(-3e38, 3e38, 12).reshape(3, 4),
    "neighbours": [[1.0, np.nextafter(np.float32(1), np.float32(2))]],
}


@pytest.fixture(params=DEGENERATE)
def degenerate(request, layer_of) -> np.ndarray:
    return layer_of(DEGENERATE[request.param])
