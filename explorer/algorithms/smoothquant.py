"""SmoothQuant: hand the difficulty of wide activation channels over to the weights.

X/s and W·s give the same product; s_j = max|X_j|^α / max|W_j|^(1−α) makes channel j of both as
wide as α asks, at α = 0.5 equally wide (Xiao et al., ICML 2023, arXiv 2211.10438, equation 4).
"""

from numbers import Real

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.algorithms.input_channels import absmax_by_input, as_floats, groups_of
from explorer.algorithms.rescale import rescale
from explorer.errors import DataError, SettingsError
from explorer.models import Network

ALPHA = 0.5


def smoothquant_scales(x_absmax, w, alpha: float = ALPHA) -> np.ndarray:
    """s_j, what the input is divided by and the weights are multiplied by; float64 [in].

    x_absmax: [in], the largest |x| of each input channel; w: [out, in, …] or [out, in / groups, …];
    alpha: 0 to 1. A channel that is all 0, in the input or the weights, has s = 1 (the authors'
    code clips s at 1e-5 there, which makes an input that is not quite 0 later 100,000 times wider).
    Raises SettingsError for an alpha out of range, DataError.
    """
    if not isinstance(alpha, Real) or not 0 <= alpha <= 1:
        raise SettingsError(f"alpha lies from 0 (all difficulty stays in the activations) to 1, not at {str(alpha)[:40]}")
    x, w = np.abs(as_floats(x_absmax, "x_absmax")).astype(np.float64), as_floats(w, "w")
    if x.ndim != 1:
        raise DataError(f"x_absmax is one number for each input channel, not an array of shape {list(x.shape)}")
    widths = absmax_by_input(w, groups_of(w, len(x), "w"))
    alive = (x > 0) & (widths > 0)
    return np.where(alive, x, 1) ** alpha / np.where(alive, widths, 1) ** (1 - alpha)


def apply(network: Network, settings, inputs, *, progress=None, cancel=None) -> tuple[Network, dict[int, str]]:
    """The network with every layer's input divided by s and its weights multiplied by it."""
    seen = inputs()
    return rescale(network, settings, lambda i, weight: smoothquant_scales(seen[i].absmax, weight), "smoothquant"), {}


ALGORITHMS.register(
    Algorithm(
        id="smoothquant",
        title="SmoothQuant",
        stage="network",
        place=2,
        description="Makes each input channel and the weights it meets equally wide (α = 0.5). The factor goes into the "
        "layer before where a ReLU joins them and its rows have scales of their own; elsewhere the input is multiplied "
        "while the network runs.",
        source="Xiao et al., ICML 2023, arXiv 2211.10438",
        apply=apply,
        function=smoothquant_scales,
        reads=("calibration", "weights"),
        excludes=("awq",),
    )
)
