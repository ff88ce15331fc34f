"""BatchNorm folding: at inference BatchNorm is a scale and a shift that fit into the convolution.

W' = W · γ/√(σ² + ε) per output channel, b' = (b − μ) · γ/√(σ² + ε) + β
(Jacob et al., CVPR 2018, §3.2, arXiv 1712.05877). The factor differs from channel to channel,
so folding spreads the channels' ranges: that is what per-tensor quantization then suffers from.
"""

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
