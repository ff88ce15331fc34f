"""Modules to be filled from a file: nothing is drawn for them, and what is no random weight is there."""

import pytest
import torch
from torch import nn

from explorer.models.networks.llama import Llama, rotations
from explorer.models.networks.unfilled import Unfilled


@pytest.mark.parametrize("make", [lambda: nn.Embedding(30, 4), lambda: nn.Linear(3, 4), lambda: nn.Conv2d(2, 3, 3), lambda: nn.LayerNorm(5)])
def test_no_weight_is_drawn(make):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with Unfilled():
        module = make()
    assert torch.equal(torch.get_rng_state(), before)
    full = make()
    assert {name: w.shape for name, w in module.state_dict().items()} == {name: w.shape for name, w in full.state_dict().items()}
    assert not torch.equal(torch.get_rng_state(), before) or isinstance(full, nn.LayerNorm)  # outside it is as ever


def test_tables_that_no_file_holds_are_computed():
    with Unfilled():
        module = Llama(7, 8, 1, 2, 16, positions=5)
    cos, sin = rotations(5, 4, 10000.0)
    buffers = dict(module.named_buffers())
    assert torch.equal(buffers["turned.cos"], cos) and torch.equal(buffers["turned.sin"], sin)
