"""Divide each layer's input by a factor per channel and multiply its weights by it: the same function."""

from collections.abc import Callable

import numpy as np

from explorer.algorithms.input_channels import groups_of, scale_inputs, scale_outputs
from explorer.algorithms.pairs import pairs
from explorer.algorithms.rebuild import Multiply, OnInput, bias_of, channel_axis, rebuild
from explorer.models import Network
from explorer.recipe import Recipe


def rescale(network: Network, settings, scales: Callable[[int, np.ndarray], np.ndarray], name: str) -> Network:
    """The network with s = scales(i, weight) on the weights of each layer, and 1/s on its input.

    1/s goes into the layer before, weights and bias, where a factor passes what stands between
    (see pairs) and a row of that layer's weights can take a factor (see takes); elsewhere the input
    is multiplied while the network runs. Layers are asked in order of execution, with the weights
    that they have by then; where all s are 1 nothing is done.
    """
    known = pairs(network)
    weights: dict[int, np.ndarray] = {}
    biases: dict[int, np.ndarray] = {}
    hooks: dict[int, OnInput] = {}
    for i, layer in enumerate(network.layers):
        if not layer.multiplies:
            continue
        weight = weights.get(i, network.weight(i).astype(np.float64))
        s = scales(i, weight)
        if (s == 1).all():
            continue
        weights[i] = scale_inputs(weight, s, groups_of(weight, len(s)))
        pair = known.before(i)
        if pair is None or not takes(settings.weights_of(pair.first)):
            axis = channel_axis(network, i)
            hooks[i] = Multiply(1 / s, axis)
            continue
        before = pair.first
        weights[before] = scale_outputs(weights.get(before, network.weight(before).astype(np.float64)), 1 / s)
        if (bias := bias_of(network, before)) is not None:
            biases[before] = biases.get(before, bias) / s
    return rebuild(network, weights, biases, hooks, name) if weights else network


def takes(recipe: Recipe) -> bool:
    """Whether rows of weights may be multiplied without making their rounding worse.

    Each row must have scales of its own, or be rounded relatively, as by a cast. One scale for a
    tensor would pay for the widest row: the papers fold into a norm, which is not quantized at all.
    """
    return recipe.is_cast or recipe.kind in ("channel", "group")
