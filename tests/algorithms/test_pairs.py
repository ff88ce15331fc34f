"""Which layers a factor per channel passes between, on small networks with every trap."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.algorithms.pairs import find_pairs, pairs
from explorer.models import here, load
from explorer.models.assemble import assemble, most_likely


def network(module, *shape):
    import numpy as np

    data = np.zeros((2, *shape), np.float32)
    return assemble(module, calibration=data, test=data, labels=None, calibration_labels=None,
                    prepare=torch.from_numpy, answers=most_likely)  # fmt: skip


class Two(nn.Module):
    """Two convolutions of 4 channels with something between."""

    def __init__(self, between, second=None):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), second or nn.Conv2d(4, 5, 1)
        self.between = between

    def forward(self, x):
        return self.b(self.between(self.a(x)))


class Residual(Two):
    def forward(self, x):
        y = F.relu(self.a(x))
        return self.b(y) + y.mean()


class Twice(Two):
    def forward(self, x):
        return self.b(F.relu(self.b(F.relu(self.a(x)))))


class Asks(Two):
    def forward(self, x):
        return self.b(self.a(x)) if x.sum() > 0 else self.b(F.relu(self.a(x)))


PASS = {
    "nothing": nn.Identity(),
    "relu": nn.ReLU(),
    "leaky": nn.LeakyReLU(0.1),
    "pool": nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(2)),
    "pad": nn.ZeroPad2d(1),
}
STOP = {
    "relu6": nn.ReLU6(), "silu": nn.SiLU(), "gelu": nn.GELU(), "sigmoid": nn.Sigmoid(), "softmax": nn.Softmax(1),
    "norm": nn.GroupNorm(1, 4), "constant pad": nn.ConstantPad2d(1, 3.0), "shuffle": nn.ChannelShuffle(2),
}  # fmt: skip


@pytest.mark.parametrize("name", PASS)
def test_passes(name):
    found = find_pairs(network(Two(PASS[name]), 3, 8, 8)).found
    assert [(pair.first, pair.second) for pair in found] == [(0, 1)]


@pytest.mark.parametrize("name", STOP)
def test_does_not_pass(name):
    assert not find_pairs(network(Two(STOP[name]), 3, 8, 8)).found


@pytest.mark.parametrize("second", [nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 6, 3, groups=2)])
def test_grouped_convolutions_read_the_same_channels(second):
    assert find_pairs(network(Two(nn.ReLU(), second), 3, 8, 8)).found


@pytest.mark.parametrize("module, shape", [
    (Residual(nn.ReLU()), (3, 8, 8)),  # used twice
    (Twice(nn.ReLU(), nn.Conv2d(4, 4, 1)), (3, 8, 8)),  # the same weights twice
    (Two(nn.ReLU(), nn.Linear(8, 2)), (3, 8, 8)),  # the dense layer reads columns of the picture
    (Two(nn.Sequential(nn.ReLU(), nn.Flatten()), nn.Linear(4 * 64, 2)), (3, 8, 8)),  # 64 columns a channel
    (nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Flatten(), nn.Linear(24, 2)), (3, 4)),
])  # fmt: skip
def test_what_would_be_wrong_is_not_paired(module, shape):
    assert not find_pairs(network(module, *shape)).found


def test_shared_weights_are_left_alone():
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    module[2].weight = module[0].weight
    assert [(pair.first, pair.second) for pair in find_pairs(network(module, 4)).found] == []


def test_code_that_cannot_be_followed_has_no_pairs_and_says_so():
    found = pairs(network(Asks(nn.ReLU()), 3, 8, 8))
    assert not found.found and "torch.fx cannot follow" in found.why


def test_of_the_models():
    count = {id: len(find_pairs(load(id)).found) for id in here()}
    assert count["fashion"] == 11 and count["digits"] == 5 and count["article-mlp"] == 1
    assert count["gpt-shakespeare"] == 0 and count["silero-vad"] == 3  # SwiGLU stops a factor; four convolutions in a row pass it on
    # ReLU6 and residual sums everywhere: only two linear bottlenecks feed one layer alone
    lite = load("efficientnet-lite0")
    names = [tuple(lite.layers[i].name for i in (pair.first, pair.second)) for pair in find_pairs(lite).found]
    assert names == [("blocks.0.project", "blocks.1.expand"), ("blocks.15.project", "head")]
