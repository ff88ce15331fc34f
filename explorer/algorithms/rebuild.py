"""A network with other weights and the same function: what every equivalent transform gives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.models import Network
from explorer.models.assemble import digest
from explorer.models.layout import as_stored

if TYPE_CHECKING:
    import torch


class OnInput:
    """Runs before a layer, and before whatever quantizes its input: x → x', of the same shape.

    It holds no state that changes: copies of a module share it.
    """

    def __call__(self, _module: torch.nn.Module, inputs: tuple) -> torch.Tensor:
        return self.apply(inputs[0])

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """What it holds, by name, in alphabetical order."""
        import torch

        return {name: each for name, each in sorted(vars(self).items()) if isinstance(each, torch.Tensor)}


class Multiply(OnInput):
    """x times one factor for each input channel; axis: of the channels, 1 or −1."""

    def __init__(self, factors: np.ndarray, axis: int):
        import torch

        self.axis, self.factors = axis, torch.from_numpy(factors.astype(np.float32))

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        behind = 0 if self.axis == -1 else x.ndim - 1 - self.axis
        return x * self.factors.reshape(-1, *[1] * behind)


class Rotate(OnInput):
    """x·R over its channels, R block-diagonal [blocks, side, side]."""

    def __init__(self, rotation: np.ndarray, axis: int):
        import torch

        self.axis, self.rotation = axis, torch.from_numpy(rotation.astype(np.float32))

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        blocks, side, _ = self.rotation.shape
        last = x.movedim(self.axis, -1)
        y = last.reshape(-1, blocks, side).transpose(0, 1) @ self.rotation
        return y.transpose(0, 1).reshape(last.shape).movedim(-1, self.axis)


def rebuild(
    network: Network,
    weights: Mapping[int, np.ndarray],
    biases: Mapping[int, np.ndarray] | None = None,
    inputs: Mapping[int, OnInput] | None = None,
    name: str = "",
) -> Network:
    """The network with some layers' weights and biases replaced, and some inputs transformed first.

    Keys are indices of layers; name: of the transform, for the digest. The module is a copy that
    shares every tensor that stays.
    """
    import torch

    from explorer.simulate import own_copy  # late: it imports torch, and settings import this package

    biases, inputs = biases or {}, inputs or {}
    module = own_copy(network.module)
    for values, kind in ((weights, "weight"), (biases, "bias")):
        for i, value in values.items():
            layer = module.get_submodule(network.layers[i].name)
            tensor = torch.from_numpy(np.ascontiguousarray(value, np.float32))
            tensor = as_stored(layer, tensor) if kind == "weight" else tensor
            setattr(layer, kind, torch.nn.Parameter(tensor, requires_grad=False))
    sha = hashlib.sha256(f"{name} {network.digest} ".encode())
    sha.update(digest({key: w.numpy() for key, w in module.state_dict().items()}).encode())
    for i in sorted(inputs):
        layer = module.get_submodule(network.layers[i].name)
        layer.register_forward_pre_hook(inputs[i])
        for key, tensor in inputs[i].tensors.items():
            sha.update(f"{i} {key}".encode())
            sha.update(tensor.numpy().tobytes())
    return replace(network, module=module, digest=sha.hexdigest())


def added_numbers(network: Network, i: int, bias: bool) -> tuple[int, int]:
    """FP32 numbers that layer i of a rewritten network has beside its weights: in its bias, and in what runs on its input.
    bias: whether the bias stage gives it one, where it has none."""
    layer = network.module.get_submodule(network.layers[i].name)
    own = getattr(layer, "bias", None)
    transforms = [hook for hook in layer._forward_pre_hooks.values() if isinstance(hook, OnInput)]
    held = sum(tensor.numel() for each in transforms for tensor in each.tensors.values())
    return (len(network.weight(i)) if own is not None or bias else 0), held


def channel_axis(network: Network, i: int) -> int:
    """Where the input channels of layer i are: behind the samples for a convolution, last for a dense layer."""
    return -1 if network.layers[i].kind == "linear" else 1


def bias_of(network: Network, i: int) -> np.ndarray | None:
    """The float32 bias of layer i, or None."""
    bias = network.module.get_submodule(network.layers[i].name).bias
    return None if bias is None else bias.detach().numpy()
