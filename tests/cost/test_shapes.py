"""Sizes of what flows: closed forms of known architectures, and tensors that are alive at the same time."""

import pytest
import torch

from explorer.cost.shapes import shapes
from explorer.models import here, load


@pytest.mark.parametrize("model", here())
def test_every_layer_is_traced(model):
    network = load(model)
    traced = shapes(network)
    for layer, shape, i in zip(network.layers, traced, range(len(traced)), strict=True):
        weight = network.weight(i)
        assert (shape.kind, shape.macs, shape.weights) == (layer.kind, layer.macs, weight.size)
        if layer.multiplies:
            assert shape.macs == shape.outputs * weight[0].size and shape.looked_up is None  # every output is one dot product
        else:  # every output is a weight, and rows are read whole
            assert shape.macs == shape.inputs == 0 < shape.outputs == shape.looked_up and shape.looked_up % weight.shape[1] == 0
        assert shape.alive >= shape.inputs + shape.outputs


def test_by_hand():
    gpt = shapes(load("gpt-shakespeare"))[0]
    assert (gpt.weights, gpt.looked_up) == (84 * 96, 128 * 96)
    mlp = shapes(load("article-mlp"))
    assert [(s.inputs, s.outputs, s.alive) for s in mlp] == [(30, 10, 40), (10, 1, 11)]
    stem = shapes(load("fashion"))[0]
    assert (stem.inputs, stem.outputs) == (28 * 28, 16 * 28 * 28)


def test_a_skip_connection_is_held():
    """efficientnet-lite0: 224 × 224 × 3 in; the peak is the first expanded tensor with what the depthwise layer makes of it."""
    network = load("efficientnet-lite0")
    traced = dict(zip([layer.name for layer in network.layers], shapes(network), strict=True))
    assert traced["stem"].inputs == 3 * 224 * 224 and traced["stem"].outputs == 32 * 112 * 112
    assert max(shape.alive for shape in traced.values()) == 96 * 112 * 112 + 96 * 56 * 56
    skipped, plain = traced["blocks.2.dw"], traced["blocks.1.dw"]  # the block's input waits for the sum
    assert skipped.alive == skipped.inputs + skipped.outputs + 24 * 56 * 56
    assert plain.alive == plain.inputs + plain.outputs


def test_tracing_leaves_the_network_alone():
    network = load("digits")
    shapes.cache_clear()
    shapes(network)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.module.modules())
    assert isinstance(network.module, torch.nn.Module)
