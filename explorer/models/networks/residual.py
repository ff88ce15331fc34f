"""A residual network (He et al. 2015, arXiv 1512.03385), as small as those that run on microcontrollers: every block adds
its input to what it computed, so that one broken layer breaks less."""

import torch
import torch.nn.functional as F
from torch import nn


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with BatchNorm, added to the input; where the shape changes, to a 1×1 convolution of it."""

    def __init__(self, inputs: int, outputs: int, stride: int, batchnorm: bool):
        super().__init__()
        self.first, self.first_bn = _convolution(inputs, outputs, 3, stride, batchnorm)
        self.second, self.second_bn = _convolution(outputs, outputs, 3, 1, batchnorm)
        changes = stride > 1 or inputs != outputs
        self.shortcut, self.shortcut_bn = _convolution(inputs, outputs, 1, stride, batchnorm) if changes else (None, None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.first_bn(self.first(x)), inplace=True)
        y = self.second_bn(self.second(y))
        return F.relu(y + (x if self.shortcut is None else self.shortcut_bn(self.shortcut(x))), inplace=True)


class ResidualNet(nn.Module):
    """Stem 3×3, residual blocks, mean over positions, linear classifier.

    stem: channels after the stem; blocks: (channels, stride) of each block
    batchnorm: True to train, False for the folded network (same names, biases instead)
    Input float32 [n, 1, height, width], output logits [n, classes].
    """

    def __init__(self, stem: int, blocks: tuple[tuple[int, int], ...], classes: int, *, batchnorm: bool):
        super().__init__()
        self.stem, self.stem_bn = _convolution(1, stem, 3, 1, batchnorm)
        widths = [stem, *(channels for channels, _ in blocks)]
        self.blocks = nn.Sequential(
            *(ResidualBlock(inputs, outputs, stride, batchnorm) for inputs, (outputs, stride) in zip(widths, blocks))
        )
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem_bn(self.stem(x)), inplace=True)
        return self.classifier(self.blocks(x).mean(dim=(2, 3)))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, batchnorm: bool) -> tuple[nn.Module, nn.Module]:
    """A convolution that keeps the size, and the norm after it; the folded one has a bias instead."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=not batchnorm)
    return convolution, nn.BatchNorm2d(outputs) if batchnorm else nn.Identity()
