"""Folded convolutions compute what convolution and BatchNorm computed."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from explorer.models.networks.folding import before_folding, fold_batchnorm
from explorer.models.networks.separable import SeparableNet


@pytest.fixture
def trained_net() -> SeparableNet:
    """Small, with the BatchNorm statistics and factors of no channel equal."""
    torch.manual_seed(0)
    net = SeparableNet(4, ((8, 2), (6, 1)), 3, batchnorm=True)
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.01, 4)
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    return net.eval()


def test_same_function(trained_net):
    x = torch.randn(5, 1, 9, 9)
    folded = fold_batchnorm(copy.deepcopy(trained_net))
    with torch.no_grad():
        # folding is exact but for the last rounding to float32
        torch.testing.assert_close(folded(x), trained_net(x), rtol=1e-4, atol=1e-4)


def test_formula_in_float64(trained_net):
    conv, norm = trained_net.blocks[0].dw, trained_net.blocks[0].dw_bn
    tensors = (conv.weight, norm.running_mean, norm.running_var)
    weight, mean, var = (tensor.detach().double() for tensor in tensors)
    gamma, beta = norm.weight.detach().double(), norm.bias.detach().double()
    factor = gamma / (var + norm.eps).sqrt()
    folded = fold_batchnorm(copy.deepcopy(trained_net)).blocks[0].dw
    torch.testing.assert_close(
        folded.weight, (weight * factor[:, None, None, None]).float(), rtol=1.2e-7, atol=0
    )
    torch.testing.assert_close(folded.bias, (beta - mean * factor).float(), rtol=1.2e-7, atol=0)


def test_channels_before_folding_times_the_factor_are_those_after(trained_net):
    before, folded = before_folding(trained_net), fold_batchnorm(copy.deepcopy(trained_net))
    assert list(before) == ["stem", *(f"blocks.{i}.{part}" for i in range(2) for part in ("dw", "pw"))]
    for name, (width, factor) in before.items():
        after = folded.get_submodule(name).weight.detach().abs().flatten(1).amax(1)
        np.testing.assert_allclose(width * np.abs(factor), after, rtol=1e-6)


def test_folded_net_has_the_names_of_the_net_that_is_loaded(trained_net):
    loaded = SeparableNet(4, ((8, 2), (6, 1)), 3, batchnorm=False)
    folded = fold_batchnorm(trained_net)
    shapes, wanted = (
        {name: w.shape for name, w in net.state_dict().items()} for net in (folded, loaded)
    )
    assert shapes == wanted
