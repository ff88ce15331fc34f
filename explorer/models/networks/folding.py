"""BatchNorm folding: at inference BatchNorm is a scale and a shift that fit into the convolution.

W' = W · γ/√(σ² + ε) per output channel, b' = (b − μ) · γ/√(σ² + ε) + β
(Jacob et al., CVPR 2018, §3.2, arXiv 1712.05877). The factor differs from channel to channel,
so folding spreads the channels' ranges: that is what per-tensor quantization then suffers from.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@torch.no_grad()
def fold_batchnorm(module: nn.Module) -> nn.Module:
    """Fold, in place, every `x_bn` into its sibling `x`, and leave an Identity; returns `module`.

    In float64, so that the folded weights are the same float32 on every processor.
    """
    module.eval()
    for parent in list(module.modules()):
        for name, norm in list(parent.named_children()):
            if isinstance(norm, nn.BatchNorm2d):
                conv_name = name.removesuffix("_bn")
                conv = parent.get_submodule(conv_name)
                setattr(parent, conv_name, fuse_conv_bn_eval(conv.double(), norm.double()).float())
                setattr(parent, name, nn.Identity())
    return module


def before_folding(module: nn.Module) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each convolution `x` with an `x_bn` beside it, float64 a channel: the largest |w|, and what folding multiplies w by."""
    modules, found = dict(module.named_modules()), {}
    for name, conv in modules.items():
        norm = modules.get(f"{name}_bn")
        if isinstance(norm, (nn.BatchNorm1d, nn.BatchNorm2d)):
            weight, gamma, variance = (t.detach().double() for t in (conv.weight, norm.weight, norm.running_var))
            found[name] = weight.abs().flatten(1).amax(1).numpy(), (gamma / (variance + norm.eps).sqrt()).numpy()
    return found
