"""Where a network of integers needs a grid beyond those of its layers' inputs: before a sum and before a mean over pixels.

The simulation quantizes what goes into layers, and nothing else. Integer kernels hand integers on: a
convolution whose result goes into a sum stays in floating point unless that result has a grid too, and so does the sum.
A value that layers read as well has their grid, quantized once for all of them; any other gets one by the recipe of the activations,
from what the same calibration samples show there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from explorer.cache import CACHE
from explorer.calibration import calibrate_record, needs_inputs
from explorer.deploy.content import Content, Plan
from explorer.fake_quantize import ActivationQuantizer
from explorer.models import MODELS
from explorer.rows import Record
from explorer.simulate import own_copy, run_in_batches
from explorer.stages import calibration_order
from explorer.tracing import traced_graph

SUMS, MEANS = (operator.add, torch.add), ("mean", torch.mean)
BENDS = (F.relu, torch.relu, "relu", F.relu6)  # at the ends of their grid, which are part of QuantizeLinear
CARRIES = ("flatten", torch.flatten)
NETWORKS = {nn.ReLU: F.relu, nn.ReLU6: F.relu6, nn.Sigmoid: torch.sigmoid, nn.Flatten: torch.flatten}


@dataclass(frozen=True)
class Joints:
    """shared: node of the traced graph → layer whose input grid its value has; own: nodes with a grid of their own;
    means: means that only layers read, on their grid → that layer; several: other values that several layers and
    nobody else read, which are quantized once for all → the first of them."""

    shared: dict[str, int]
    own: tuple[str, ...]
    means: dict[str, int]
    several: dict[str, int]


NOWHERE = Joints({}, (), {}, {})


def possible(plan: Plan) -> bool:
    """Whether all layers can run as integers of 8 bits from end to end."""
    recipe = plan.activations
    if not plan.input_grids or recipe.bits != 8 or recipe.scheme not in ("asym", "symfull") or recipe.rounding != "nearest":
        return False
    return all(layer.recipe.scheme and layer.recipe.bits <= 8 and layer.recipe.kind in ("tensor", "channel") for layer in plan.layers)


def joints(plan: Plan, traced: torch.fx.Graph) -> Joints:
    """The values that get a grid so that sums and means run as integers."""
    if not possible(plan):
        return NOWHERE
    places = {layer.name: i for i, layer in enumerate(plan.layers)}
    operation = {node: _operation(plan, node) for node in traced.nodes}

    def readers(node) -> list:
        """Who reads the value, through what only carries it."""
        found = []
        for user in node.users:
            found += readers(user) if operation[user] == "carries" else [user]
        return found

    def whole(node) -> bool:
        """Whether the value comes out of a layer or a sum of such, through an activation function at most."""
        node = arisen(node)
        if operation[node] == "bends":
            node = arisen(node.args[0])
        return operation[node] == "layer" or operation[node] == "sum" and all(map(whole, node.args))

    def arisen(node):
        return arisen(node.args[0]) if operation[node] == "carries" else node

    shared, own, means, several = {}, [], {}, {}
    for node in traced.nodes:
        if operation[node] == "mean" and whole(node.args[0]):
            if all(operation[user] == "layer" and not plan.layers[places[user.target]].before for user in node.users):
                means[node.name] = places[next(iter(node.users)).target]
        read = readers(node) if operation[node] != "carries" else []
        joining = [user for user in read if operation[user] == "mean" or operation[user] == "sum" and all(map(whole, user.args))]
        layers = [places[user.target] for user in read if operation[user] == "layer" and not plan.layers[places[user.target]].before]
        if not joining and 1 < len(layers) == len(read):
            several[node.name] = min(layers)
        if not joining or not whole(node):
            continue
        if layers:
            shared[node.name] = min(layers)
        else:
            own.append(node.name)
    return Joints(shared, tuple(own), means, several)


def _operation(plan: Plan, node) -> str:
    what = node.target
    if node.op == "call_module":
        if any(layer.name == node.target and layer.multiplies for layer in plan.layers):
            return "layer"
        module = plan.network.module.get_submodule(node.target)
        if isinstance(module, (nn.Identity, nn.Dropout, nn.ZeroPad2d)):
            return "carries"
        what = NETWORKS.get(type(module))
    kinds = {"sum": SUMS, "mean": MEANS, "bends": BENDS, "carries": CARRIES}
    return next((kind for kind, names in kinds.items() if what in names), node.op)


def quantizers(content: Content, *, progress=None, cancel=None) -> dict[str, ActivationQuantizer]:
    """Node → how its value is quantized; those of grids of their own take a pass over the calibration samples."""
    plan = content.plan
    traced = traced_graph(plan.network.module)
    found = joints(plan, traced)
    made = {name: content.activations[i] for name, i in found.shared.items()}
    if found.own:
        settings, recipe = plan.settings, plan.activations
        recipe = recipe.replace(range="minmax") if needs_inputs(recipe) else recipe
        key = f"joints {plan.network.digest} {settings.calibration_samples} {settings.seed} {' '.join(found.own)}"
        seen = CACHE.get(key, lambda: _record(plan, traced, found.own, progress, cancel))
        made |= {name: ActivationQuantizer(recipe, *calibrate_record(record, recipe)) for name, record in seen.items()}
    return made


def simulated(content: Content, joined: dict[str, ActivationQuantizer], biases=None) -> Callable[[torch.Tensor], torch.Tensor]:
    """The simulation with these values quantized too: what the file computes, but for its integer biases, unless given."""
    plain = content.simulated(biases=biases)
    if not joined:
        return plain

    class Quantizing(torch.fx.Interpreter):
        def run_node(self, node):
            value = super().run_node(node)
            return joined[node.name](value) if node.name in joined else value

    run = Quantizing(plain.module, graph=traced_graph(content.plan.network.module)).run
    return torch.inference_mode()(run)


def _record(plan: Plan, traced: torch.fx.Graph, names: tuple[str, ...], progress, cancel) -> dict[str, Record]:
    network, records = plan.network, {}

    class Watching(torch.fx.Interpreter):
        def run_node(self, node):
            value = super().run_node(node)
            if node.name in names:
                seen = Record.of(value)
                records[node.name] = records[node.name].merge(seen) if node.name in records else seen
            return value

    samples = network.calibration[calibration_order(network, plan.settings)]
    said = None if progress is None else lambda share: progress("record", share)
    run_in_batches(Watching(own_copy(network.module), graph=traced).run, network, samples, MODELS[plan.settings.model].batch,
                   "recording sums", progress=said, cancel=cancel)  # fmt: skip
    return {name: records[name] for name in names}
