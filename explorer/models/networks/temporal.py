"""A network that convolves along time only, the bands of a spectrogram being its channels (Choi et al. 2019, "Temporal
convolution for real-time keyword spotting on mobile devices", arXiv 1904.03814)."""

import torch
import torch.nn.functional as F
from torch import nn


class TemporalNet(nn.Module):
    """Convolutions of `kernel` frames with BatchNorm and ReLU, mean over time, linear classifier.

    layers: (channels, stride) of each convolution
    batchnorm: True to train, False for the folded network (same names, biases instead)
    Input float32 [n, bands, 1, frames], output logits [n, classes].
    """

    def __init__(self, bands: int, layers: tuple[tuple[int, int], ...], kernel: int, classes: int, *, batchnorm: bool):
        super().__init__()
        widths = [bands, *(channels for channels, _ in layers)]
        self.blocks = nn.Sequential(
            *(Convolution(inputs, outputs, kernel, stride, batchnorm) for inputs, (outputs, stride) in zip(widths, layers))
        )
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.blocks(x).mean(dim=(2, 3)))


class Convolution(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, batchnorm: bool):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, (1, kernel), (1, stride), padding=(0, kernel // 2), bias=not batchnorm)
        self.conv_bn = nn.BatchNorm2d(outputs) if batchnorm else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.conv_bn(self.conv(x)), inplace=True)
