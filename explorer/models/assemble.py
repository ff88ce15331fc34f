"""From a torch module and its data to a Network: folded, frozen, its layers found and counted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError
from explorer.models import Layer, Network, Text
from explorer.models.assets import read_arrays, read_weights
from explorer.models.layout import kind_of

if TYPE_CHECKING:
    import torch


def assemble(
    module: torch.nn.Module,
    *,
    calibration: np.ndarray,
    test: np.ndarray,
    labels: np.ndarray | None,
    calibration_labels: np.ndarray | None,
    prepare: Callable[[np.ndarray], torch.Tensor],
    answers: Callable[[torch.Tensor], np.ndarray],
    features: Callable[[torch.Tensor], np.ndarray] | None = None,
    text: Text | None = None,
    tokenizer: bytes = b"",
) -> Network:
    """A Network around `module`, which must hold its final weights. See Network for the fields.

    tokenizer: of a model that is fetched, the file that its samples or answers are read with, which may be another one while
    the weights are the same: the digest, and so every key of a cache, names it too
    """
    module.eval().requires_grad_(False)
    return Network(
        module=module,
        layers=trace(module, prepare(test[:1])),
        calibration=calibration,
        test=test,
        labels=labels,
        calibration_labels=calibration_labels,
        prepare=prepare,
        answers=answers,
        digest=digest({name: w.numpy() for name, w in module.state_dict().items()}, tokenizer),
        features=features,
        text=text,
    )


def classifier(module: torch.nn.Module, file: str, data: str, prepare: Callable[[np.ndarray], torch.Tensor]) -> Network:
    """A network that ships and answers with the class of its largest output: weights from `file`, samples and labels from `data`.

    Raises ModelError.
    """
    test, labels, calibration, calibration_labels = read_arrays(data, "test", "labels", "calibration", "calibration_labels")
    return assemble(
        fill(module, read_weights(file), file),
        calibration=calibration,
        test=test,
        labels=labels,
        calibration_labels=calibration_labels,
        prepare=prepare,
        answers=most_likely,
    )


def fill(module: torch.nn.Module, weights: Mapping[str, np.ndarray], file: str) -> torch.nn.Module:
    """Put weights from `file` into `module`. Raises ModelError when they do not fit."""
    import torch

    tensors = {name: torch.from_numpy(w) for name, w in weights.items()}
    try:
        module.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise ModelError(
            f"the weights in {file} are not those of this network; "
            "restore the file from the repository"
        ) from error
    return module


def trace(module: torch.nn.Module, sample: torch.Tensor) -> tuple[Layer, ...]:
    """The convolutions, linear layers and embeddings of `module` in the order in which one sample first runs them; one that runs
    again, as a gate matrix of a recurrent layer does in every step, counts the operations of all its runs."""
    import torch

    samples = len(sample)
    macs: dict[str, int] = {}
    kinds: dict[str, str] = {}

    def watch(name: str, layer: torch.nn.Module) -> torch.utils.hooks.RemovableHandle:
        def on_output(_module, inputs, output):
            # each output is one dot product with as many terms as an output channel has weights; of a transposed convolution
            # each input meets all weights of its channel; a look-up multiplies nothing
            kinds[name] = kind_of(layer)
            many = {"embedding": 0, "transposed": inputs[0].numel()}.get(kinds[name], output.numel())
            macs[name] = macs.get(name, 0) + many // samples * layer.weight[0].numel()

        return layer.register_forward_hook(on_output)

    hooks = [
        watch(name, layer)
        for name, layer in module.named_modules()
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.Linear, torch.nn.Embedding))
    ]
    with torch.inference_mode():
        module(sample)
    for hook in hooks:
        hook.remove()
    return tuple(Layer(name, kinds[name], count) for name, count in macs.items())


def digest(weights: Mapping[str, np.ndarray], tokenizer: bytes = b"") -> str:
    """SHA-256 over a tokenizer's file, where there is one, names, shapes and little-endian float32 bytes, whatever the order."""
    sha = hashlib.sha256(tokenizer)
    for name in sorted(weights):
        weight = np.ascontiguousarray(weights[name], dtype="<f4")
        sha.update(f"{name}{weight.shape}".encode())
        sha.update(weight)
    return sha.hexdigest()


def most_likely(outputs: torch.Tensor) -> np.ndarray:
    """Logits [k, classes] to the class of the largest, int64 [k]."""
    return outputs.argmax(dim=1).numpy()
