"""The source article's network: one hidden layer with ReLU, one sigmoid output."""

import torch
from torch import nn


class DenseNet(nn.Module):
    """Dense(10, ReLU) then Dense(1, sigmoid), as Keras would say it.

    Input float32 [n, features], output probability [n, 1].
    """

    def __init__(self, features: int, hidden: int = 10):
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.output(torch.relu(self.hidden(x))))
