"""Silero VAD for 16 kHz (Silero Team, github.com/snakers4/silero-vad, version 6): a spectrum by convolution, four
convolutions in time, one LSTM cell that remembers from frame to frame, and one number at the end.

One-dimensional convolutions are written with a height of 1. The gates of the LSTM are two linear layers, as torch's own
LSTMCell has them: what each gate makes of its input, and of what it remembers.
"""

import torch
import torch.nn.functional as F
from torch import nn

CONTEXT, FRAME, PADDING = 64, 512, 64  # samples: before each frame, of it, and reflected behind it
WINDOW, HOP, BINS = 256, 128, 129
WIDTHS = ((BINS, 128, 1), (128, 64, 2), (64, 64, 2), (64, 128, 1))  # channels in and out, stride
HIDDEN = 128


class Gates(nn.Module):
    """An LSTM cell (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), run along time from zero.

    Input float32 [n, time, inputs], output of every step [n, time, hidden]. Gates in torch's order: input, forget, cell, output.
    """

    loops = True  # over time: one node of a traced graph

    def __init__(self, inputs: int, hidden: int):
        super().__init__()
        self.ih = nn.Linear(inputs, 4 * hidden)
        self.hh = nn.Linear(hidden, 4 * hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        given = self.ih(x)
        h = c = x.new_zeros(len(x), self.hh.in_features)
        steps = []
        for now in given.unbind(1):
            i, f, g, o = (now + self.hh(h)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            steps.append(h)
        return torch.stack(steps, 1)


class SileroVad(nn.Module):
    """Input float32 [n, frames, CONTEXT + FRAME] at 16 kHz, output the probability of speech [n, frames]."""

    def __init__(self):
        super().__init__()
        self.stft = nn.Conv2d(1, 2 * BINS, (1, WINDOW), (1, HOP), bias=False)  # real parts, then imaginary ones
        self.encoder = nn.Sequential(
            *(nn.Conv2d(inputs, outputs, (1, 3), (1, stride), padding=(0, 1)) for inputs, outputs, stride in WIDTHS)
        )
        self.lstm = Gates(HIDDEN, HIDDEN)
        self.decoder = nn.Linear(HIDDEN, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.stft(F.pad(x.flatten(0, 1), (0, PADDING), mode="reflect")[:, None, None])
        y = (y[:, :BINS].square() + y[:, BINS:].square()).sqrt()
        for convolution in self.encoder:
            y = F.relu(convolution(y))
        y = self.lstm(y.flatten(1).unflatten(0, (-1, x.shape[1])))
        return torch.sigmoid(self.decoder(F.relu(y))).squeeze(2)


NAMES = {
    "model.stft.forward_basis_buffer": "stft.weight",
    **{f"model.encoder.{i}.reparam_conv.{part}": f"encoder.{i}.{part}" for i in range(4) for part in ("weight", "bias")},
    **{f"model.decoder.rnn.{part}_{which}": f"lstm.{which}.{part}" for which in ("ih", "hh") for part in ("weight", "bias")},
    **{f"model.decoder.decoder.2.{part}": f"decoder.{part}" for part in ("weight", "bias")},
}
