"""Hadamard rotation: spread outliers over all channels, so that one scale suits them all.

X·D·H and W·D·H give the same X·Wᵀ, since D (random signs) and H (Sylvester's matrix of ±1/√n) are
orthonormal. A channel 60 times wider than the others becomes a 60/√n part of every channel
(QuaRot, Ashkboos et al. 2024, arXiv 2404.00456). Without D the first column of H, all ones,
collects the mean of data that has one, as after a ReLU, and makes an outlier of its own.
"""

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.algorithms.input_channels import as_floats
from explorer.algorithms.rebuild import OnInput, Rotate, channel_axis, rebuild
from explorer.errors import DataError
from explorer.models import Network
from explorer.rounding import checked_seed


def block_of(n: int) -> int:
    """The largest power of two that divides n: the side of the blocks of H."""
    return n & -n


def signs(n: int, seed: int = 0) -> np.ndarray:
    """D: n random signs, float64 of ±1, from NumPy's Philox."""
    return np.random.Generator(np.random.Philox(seed)).integers(0, 2, n) * 2.0 - 1.0


def sylvester(n: int) -> np.ndarray:
    """Sylvester's Hadamard matrix over √n, float64 [n, n], symmetric and orthonormal; n a power of two."""
    h = np.ones((1, 1))
    while len(h) < n:
        h = np.block([[h, h], [h, -h]])
    return h / np.sqrt(n)


def rotation(n: int, seed: int = 0) -> np.ndarray:
    """D·H, one block of it beside the other: float64 [n / block, block, block]; blocks act on consecutive channels."""
    block = block_of(n)
    return signs(n, seed).reshape(-1, block, 1) * sylvester(block)


def hadamard(x, *, seed: int = 0) -> np.ndarray:
    """x·D·H over the last axis, in x's own precision: norms and inner products stay.

    x: [..., n]; H is block-diagonal with blocks of the largest power of two that divides n, so an
    odd n gets its signs only. The same seed gives the same rotation for every array of that n.
    Source: QuaRot, arXiv 2404.00456, §3. Raises DataError for a number or values that are not finite, SettingsError for a seed that cannot be.
    """
    x = as_floats(x, "x")
    checked_seed(seed)
    if not x.ndim:
        raise DataError("a single number has no channels to rotate; give an array")
    n = x.shape[-1]
    parts = (x * signs(n, seed).astype(x.dtype)).reshape(*x.shape[:-1], -1, block_of(n))
    return _walsh(parts).reshape(x.shape)


def _walsh(x: np.ndarray) -> np.ndarray:
    """x·H over the last axis by the fast Walsh–Hadamard transform: log2(n) rounds of sums and differences."""
    n, half = x.shape[-1], 1
    while half < n:
        pairs = x.reshape(*x.shape[:-1], -1, 2, half)
        x = np.concatenate([pairs[..., :1, :] + pairs[..., 1:, :], pairs[..., :1, :] - pairs[..., 1:, :]], axis=-2)
        x, half = x.reshape(*x.shape[:-3], n), 2 * half
    return x * x.dtype.type(1 / np.sqrt(n))


def apply(network: Network, settings, inputs=None, *, progress=None, cancel=None) -> tuple[Network, dict[int, str]]:
    """The network with rotated weights, whose inputs are rotated while it runs, before they are quantized."""
    weights: dict[int, np.ndarray] = {}
    hooks: dict[int, OnInput] = {}
    left: dict[int, str] = {}
    for i, layer in enumerate(network.layers):
        if not layer.multiplies:
            left[i] = "it looks rows up, so that nothing flows in that could be rotated"
            continue
        weight = network.weight(i)
        n = weight.shape[1]
        if getattr(network.module.get_submodule(layer.name), "groups", 1) > 1:
            left[i] = "each of its outputs reads few channels only, and a rotation over all of them could not be undone"
        elif block_of(n) == 1:
            left[i] = f"no power of two but 1 divides its {n} input channels, so that none are mixed"
        else:
            rotated = hadamard(np.moveaxis(weight, 1, -1).astype(np.float64), seed=settings.seed)
            weights[i] = np.moveaxis(rotated, -1, 1)
            hooks[i] = Rotate(rotation(n, settings.seed), channel_axis(network, i))
    return (rebuild(network, weights, inputs=hooks, name="hadamard") if weights else network), left


ALGORITHMS.register(
    Algorithm(
        id="hadamard",
        title="Hadamard rotation",
        stage="network",
        place=4,
        description="Spreads outlier channels over the others by a rotation with random signs, in blocks of the largest power of two that divides their number; the input is rotated "
        "while the network runs, before it is quantized. Depthwise layers stay as they are.",
        source="QuaRot, Ashkboos et al. 2024, arXiv 2404.00456",
        apply=apply,
        function=hadamard,
        reads=("seed",),
    )
)
