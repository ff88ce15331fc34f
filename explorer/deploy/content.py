"""What is exported: the plan, known from settings and shapes alone, and the content, once it is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from explorer.algorithms import ALGORITHMS, of_stage
from explorer.algorithms.rebuild import Multiply, OnInput
from explorer.grid import grid_of
from explorer.link import link_or_none
from explorer.models import Network
from explorer.pipeline import biases, quantized, quantizers, replaced, stream, sums
from explorer.quantize import QuantizedTensor
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.simulate import ActivationQuantizer, Simulated
from explorer.stages import network_of
from explorer.stamp import digest_of, stamp_of
from explorer.tasks import Evaluation


@dataclass(frozen=True)
class PlannedLayer:
    """A layer as its file will hold it: shape of its weight [out, ...], the weights' recipe, whether it has a bias,
    and what an algorithm does to its input before it is quantized, if anything."""

    name: str
    kind: str
    shape: tuple[int, ...]
    recipe: Recipe
    bias: bool
    before: OnInput | None = None

    @property
    def multiplies(self) -> bool:
        """As of a Layer."""
        return self.kind != "embedding"

    @property
    def weights(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def columns(self) -> int:
        """Weights of one output channel."""
        return int(np.prod(self.shape[1:], dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Plan:
    """What a file's size and a target's refusal depend on; nothing has been quantized yet."""

    settings: Settings
    network: Network
    layers: tuple[PlannedLayer, ...]

    @classmethod
    def of(cls, settings: Settings, *, progress=None, cancel=None) -> Plan:
        """Raises SettingsError for settings that do not fit the model, ModelError."""
        network = network_of(settings, progress=progress, cancel=cancel)
        corrected = bool(of_stage(settings.algorithms, "bias"))
        layers = []
        for i, layer in enumerate(network.layers):
            module = network.module.get_submodule(layer.name)
            bias = layer.multiplies and (module.bias is not None or corrected)
            before = next((hook for hook in module._forward_pre_hooks.values() if isinstance(hook, OnInput)), None)
            layers.append(PlannedLayer(layer.name, layer.kind, network.weight(i).shape, settings.weights_of(i), bias, before))
        return cls(settings, network, tuple(layers))

    @property
    def activations(self) -> Recipe:
        return self.settings.activations

    @property
    def input_grids(self) -> bool:
        """Whether each layer's input has a scale that is known beforehand."""
        return bool(self.activations.range) and not self.activations.is_live

    def float_zero_points(self, recipe: Recipe) -> bool:
        """Whether an algorithm chooses zero points between the codes."""
        return "hqq" in self.settings.algorithms and not ALGORITHMS["hqq"].refuses(recipe)

    @property
    def link(self) -> str:
        """The link, without its stamp."""
        return link_or_none(self.settings) or "only a settings file holds that many fields"


    @property
    def proofs(self) -> tuple[str, str]:
        """A link and a stamp as long as they will be, about: the metric may take a few digits more or less."""
        n = self.settings.evaluation_samples
        stamp = f"{'0' * 16}-{round(0.95 * n) / n:.6f}".rstrip("0").rstrip(".") + f"-{n}"
        return f"{self.link}&r={stamp}", stamp


@dataclass(frozen=True, eq=False)
class Content:
    """Everything that a file can hold. One entry a layer in `tensors`, `activations` (None for FP32) and
    `biases` (None for no bias); `evaluation` and `stamp` are those of the simulation."""

    plan: Plan
    tensors: tuple[QuantizedTensor, ...]
    activations: tuple[ActivationQuantizer | None, ...]
    biases: tuple[np.ndarray | None, ...]
    evaluation: Evaluation | None = None
    stamp: str = ""

    @classmethod
    def unproven(cls, plan: Plan, *, progress=None, cancel=None) -> Content:
        """Without the evaluation: what a size depends on."""
        settings, network, how = plan.settings, plan.network, {"progress": progress, "cancel": cancel}
        tensors = quantized(settings, **how)
        own = (getattr(network.module.get_submodule(layer.name), "bias", None) for layer in network.layers)
        own = [None if bias is None else bias.numpy() for bias in own]
        found = tuple(mine if new is None else new for mine, new in zip(own, biases(settings, **how), strict=True))
        return cls(plan, tensors, quantizers(settings, **how), found)

    @classmethod
    def of(cls, plan: Plan, *, progress=None, cancel=None) -> Content:
        """Runs whatever of the experiment is not known yet."""
        how = {"progress": progress, "cancel": cancel}
        *_, evaluation = stream(plan.settings, **how)
        content = cls.unproven(plan, **how)
        return replace(content, evaluation=evaluation, stamp=stamp_of(digest_of(content.tensors), evaluation.metric))

    @property
    def link(self) -> str:
        """The link with its stamp."""
        return link_or_none(self.plan.settings, self.stamp) or self.plan.link

    @cached_property
    def input_grids(self) -> tuple[tuple[np.float32, int] | None, ...]:
        """Scale and zero point of each layer's input, where one of the whole tensor is known beforehand."""
        return tuple(map(grid_of_input, self.activations))

    def simulated(self, weights=None, biases=None) -> Simulated:
        """The network as simulated, or with weights and biases that were read from a file."""
        weights = replaced(self.tensors) if weights is None else weights
        adding = sums(self.plan.settings, self.tensors, self.activations)
        return Simulated(self.plan.network, weights, self.activations, self.biases if biases is None else biases, adding)


def grid_of_input(quantizer: ActivationQuantizer | None) -> tuple[np.float32, int] | None:
    """Scale and zero point, None where there is none of the whole tensor."""
    if quantizer is None or not quantizer.recipe.range or quantizer.low is None:
        return None
    scale, zero_point = grid_of(quantizer.recipe, np.float64([quantizer.low]), np.float64([quantizer.high]))
    return np.float32(scale.item()), int(zero_point.item())


def unchanged_inputs(plan: Plan) -> str:
    """Refuses a plan whose layers' inputs are scaled or rotated while the network runs."""
    doing = " + ".join(plan.settings.algorithms)
    return first(plan, lambda layer: layer.before and f"{doing} changes its input while the network runs, which has no place in the file; "
                 "leave it out, or export to onnx or numpy")  # fmt: skip


def on_input(layer: PlannedLayer) -> tuple[str, np.ndarray] | None:
    """("factors", [channels]) or ("rotation", [blocks, side, side]) of what an algorithm does to a layer's input."""
    if layer.before is None:
        return None
    if isinstance(layer.before, Multiply):
        return "factors", layer.before.factors.numpy()
    return "rotation", layer.before.rotation.numpy()


def first(plan: Plan, why) -> str:
    """The first reason that `why`(layer) gives why a layer's weights cannot be held, naming it; "" for none."""
    for layer in plan.layers:
        if reason := why(layer):
            return f"layer {layer.name}: {reason}"
    return ""


def only(plan: Plan, allowed, what: str) -> str:
    """Refuses layers whose recipe is not `allowed`(recipe); `what` says what is held instead."""
    return first(plan, partial(_unless, allowed, what))


def _unless(allowed, what: str, layer: PlannedLayer) -> str:
    return "" if layer.recipe.format == "fp32" or allowed(layer.recipe) else f"{layer.recipe} cannot be held; {what}"
