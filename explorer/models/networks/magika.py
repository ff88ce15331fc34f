"""Magika (Fratantonio et al. 2024, arXiv 2409.13768; github.com/google/magika, model standard_v3_3): what a file is,
from its first and its last 1,024 bytes.

Each byte is looked up, four neighbours are laid side by side, one convolution runs along the file, and the largest
answer of each of its channels is classified. The published graph, of ONNX, multiplies one-hot bytes by the table, which
is a look-up.
"""

import torch
import torch.nn.functional as F
from torch import nn

TOKENS, PADDING, POSITIONS = 257, 256, 2048  # bytes, and what fills up short files; of both ends together
WIDTH, TOGETHER, CHANNELS, SPAN, CLASSES = 64, 4, 512, 5, 214
EPSILON = 1e-6


class Magika(nn.Module):
    """Tokens int64 [n, POSITIONS] to logits [n, CLASSES]."""

    fixed_length = True  # the norm along the file has a gain for each of its steps

    def __init__(self):
        super().__init__()
        steps = POSITIONS // TOGETHER
        self.embed = nn.Embedding(TOKENS, WIDTH)
        self.shift = nn.Parameter(torch.zeros(WIDTH))
        self.steps_norm = nn.LayerNorm(steps, EPSILON)  # each column along the file
        self.conv = nn.Conv2d(TOGETHER * WIDTH, CHANNELS, (1, SPAN))
        self.norm = nn.LayerNorm(CHANNELS, EPSILON)
        self.head = nn.Linear(CHANNELS, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.gelu(self.embed(x) + self.shift, approximate="tanh")
        x = x.unflatten(1, (POSITIONS // TOGETHER, TOGETHER)).flatten(2).transpose(1, 2)
        x = F.gelu(self.conv(self.steps_norm(x)[:, :, None]), approximate="tanh")
        return self.head(self.norm(x.amax((2, 3))))


_AT = "jax2tf_get_logits_/pjit_get_logits_/MagikaV2"
NAMES = {  # of the published graph → ours
    "jax2tf_get_logits_/Const:0": "embed.weight",
    f"{_AT}/Dense_0/Reshape:0": "shift",
    f"{_AT}/LayerNorm_0/Reshape_2:0": "steps_norm.weight", f"{_AT}/LayerNorm_0/Reshape_3:0": "steps_norm.bias",
    f"{_AT}/Conv_0/transpose_3:0": "conv.weight", "const_fold_opt__209": "conv.bias",
    f"{_AT}/LayerNorm_1/Reshape_2:0": "norm.weight", f"{_AT}/LayerNorm_1/Reshape_3:0": "norm.bias",
    "jax2tf_get_logits_/Const_24:0": "head.weight", f"{_AT}/Dense_1/Reshape:0": "head.bias",
}  # fmt: skip
TURNED = ("head.weight",)  # stored [in, out]
