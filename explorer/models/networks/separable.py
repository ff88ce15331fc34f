"""A depthwise-separable convolution network (Howard et al. 2017, MobileNet, arXiv 1704.04861)."""

import torch
import torch.nn.functional as F
from torch import nn


class SeparableBlock(nn.Module):
    """3×3 depthwise, then 1×1 pointwise; BatchNorm and ReLU after each."""

    def __init__(self, inputs: int, outputs: int, stride: int, batchnorm: bool):
        super().__init__()
        norm, bias = _norm(batchnorm)
        self.dw = nn.Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=bias)
        self.dw_bn = norm(inputs)
        self.pw = nn.Conv2d(inputs, outputs, 1, bias=bias)
        self.pw_bn = norm(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.dw_bn(self.dw(x)), inplace=True)  # in place: beside the convolutions memory is what costs
        return F.relu(self.pw_bn(self.pw(x)), inplace=True)


class SeparableNet(nn.Module):
    """Stem 3×3, separable blocks, mean over positions, linear classifier.

    stem: channels after the stem; blocks: (channels, stride) of each block
    batchnorm: True to train, False for the folded network (same names, biases instead)
    Input float32 [n, 1, height, width], output logits [n, classes].
    """

    def __init__(
        self, stem: int, blocks: tuple[tuple[int, int], ...], classes: int, *, batchnorm: bool
    ):
        super().__init__()
        norm, bias = _norm(batchnorm)
        self.stem = nn.Conv2d(1, stem, 3, padding=1, bias=bias)
        self.stem_bn = norm(stem)
        widths = [stem, *(channels for channels, _ in blocks)]
        self.blocks = nn.Sequential(
            *(
                SeparableBlock(inputs, outputs, stride, batchnorm)
                for inputs, (outputs, stride) in zip(widths, blocks)
            )
        )
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem_bn(self.stem(x)), inplace=True)
        return self.classifier(self.blocks(x).mean(dim=(2, 3)))


def _norm(batchnorm: bool):
    """The layer after a convolution, and whether the convolution needs a bias of its own."""
    return (nn.BatchNorm2d, False) if batchnorm else (nn.Identity, True)
