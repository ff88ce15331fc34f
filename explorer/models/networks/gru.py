"""A gated recurrent unit whose gate matrices are linear layers: what each gate makes of its input, and of what it remembers.

Cho et al. 2014, arXiv 1406.1078, in the form of torch.nn.GRU (the reset gate after the product), whose weights it takes: weight_ih_l0
is ih.weight, weight_hh_l0 is hh.weight.
"""

import torch
from torch import nn


class GruGates(nn.Module):
    """Input float32 [n, time, inputs], output of every step [n, time, hidden]. Gates in torch's order: reset, update, new."""

    loops = True  # over time: one node of a graph

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.ih = nn.Linear(inputs, 3 * hidden)
        self.hh = nn.Linear(hidden, 3 * hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        given, h = self.ih(x), x.new_zeros(len(x), self.hh.in_features)
        steps = []
        for now in given.unbind(1):
            (r, z, n), (r_h, z_h, n_h) = now.chunk(3, 1), self.hh(h).chunk(3, 1)
            z = torch.sigmoid(z + z_h)
            h = (1 - z) * torch.tanh(n + torch.sigmoid(r + r_h) * n_h) + z * h
            steps.append(h)
        return torch.stack(steps, 1)
