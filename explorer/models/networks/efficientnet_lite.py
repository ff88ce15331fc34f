"""EfficientNet-Lite0, the EfficientNet (Tan and Le 2019, arXiv 1905.11946) for integer hardware:
no squeeze-and-excitation, ReLU6 for swish (tensorflow/tpu, models/official/efficientnet/lite).

Padding is TensorFlow's SAME: at stride 2 on an even size one zero more on the right and below.
"""

import torch
import torch.nn.functional as F
from torch import nn

EPSILON = 1e-3  # of BatchNorm, as in the TensorFlow original

# repeats, kernel, stride of the first, expansion, channels
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class InvertedBottleneck(nn.Module):
    """1×1 expand, k×k depthwise, 1×1 project; added to its input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        width = inputs * expansion
        if expansion > 1:
            self.expand = nn.Conv2d(inputs, width, 1, bias=False)
            self.expand_bn = nn.BatchNorm2d(width, EPSILON)
        else:
            self.expand = self.expand_bn = None
        self.pad = same_padding(kernel, stride)
        self.dw = nn.Conv2d(width, width, kernel, stride, groups=width, bias=False)
        self.dw_bn = nn.BatchNorm2d(width, EPSILON)
        self.project = nn.Conv2d(width, outputs, 1, bias=False)
        self.project_bn = nn.BatchNorm2d(outputs, EPSILON)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self.expand is None else F.relu6(self.expand_bn(self.expand(x)), inplace=True)  # memory is what costs
        y = self.pad(y)  # what is not padded goes before the convolution asks for memory
        y = F.relu6(self.dw_bn(self.dw(y)), inplace=True)
        y = self.project_bn(self.project(y))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """Input float32 [n, 3, 224, 224], output logits [n, 1000]."""

    def __init__(self):
        super().__init__()
        self.pad = same_padding(kernel=3, stride=2)
        self.stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self.stem_bn = nn.BatchNorm2d(32, EPSILON)
        blocks, channels = [], 32
        for repeats, kernel, first_stride, expansion, outputs in STAGES:
            for stride in (first_stride, *[1] * (repeats - 1)):
                blocks.append(InvertedBottleneck(channels, outputs, kernel, stride, expansion))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(channels, 1280, 1, bias=False)
        self.head_bn = nn.BatchNorm2d(1280, EPSILON)
        self.classifier = nn.Linear(1280, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self.stem_bn(self.stem(self.pad(x))), inplace=True)
        x = F.relu6(self.head_bn(self.head(self.blocks(x))), inplace=True)
        return self.classifier(x.mean(dim=(2, 3)))


def same_padding(kernel: int, stride: int) -> nn.ZeroPad2d:
    """TensorFlow's SAME for an even size (or stride 1): kernel − stride zeros, the odd one last."""
    total = kernel - stride
    return nn.ZeroPad2d((total // 2, total - total // 2) * 2)


# the parts of a name in the published file and here; _bn0 to _bn2 depend on where they are
_TOP = {"_conv_stem": "stem", "_bn0": "stem_bn", "_conv_head": "head", "_bn1": "head_bn",
        "_fc": "classifier"}  # fmt: skip
_IN_BLOCK = {"_expand_conv": "expand", "_bn0": "expand_bn", "_depthwise_conv": "dw",
             "_bn1": "dw_bn", "_project_conv": "project", "_bn2": "project_bn"}  # fmt: skip


def rename(name: str) -> str:
    """A weight's name in the published file to its name in this module. KeyError if unknown."""
    first, *rest = name.split(".")
    if first == "_blocks":
        block, part, tensor = rest
        return f"blocks.{block}.{_IN_BLOCK[part]}.{tensor}"
    return ".".join([_TOP[first], *rest])
