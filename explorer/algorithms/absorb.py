"""High-bias absorption: move the part of a bias that ReLU never cuts into the next layer's bias.

Equalisation can leave a channel with a large bias, so that its activations all lie far from 0. As
long as x >= c, ReLU(x − c) = ReLU(x) − c: subtract c from the first layer's bias, add W2·c to the
second's (Nagel et al., ICCV 2019, arXiv 1906.04721, §4.1.3). The paper takes the mean β and the
deviation γ of the pre-activation from BatchNorm and uses c = max(0, β − 3γ), which a Gaussian
undercuts once in 741. Here BatchNorm is folded away: β and γ are measured on calibration data.
"""

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.algorithms.input_channels import as_floats, by_input, groups_of
from explorer.algorithms.pairs import IDENTITY, MEAN, RELU, Pair, pairs
from explorer.algorithms.rebuild import bias_of, rebuild
from explorer.errors import DataError
from explorer.models import Network

DEVIATIONS = 3.0


def absorbed(mean, deviation) -> np.ndarray:
    """c = max(0, β − 3γ) of each channel, float64 [channels]. Raises DataError."""
    mean, deviation = (as_floats(x, what).astype(np.float64) for x, what in ((mean, "mean"), (deviation, "deviation")))
    if mean.shape != deviation.shape or mean.ndim != 1 or (deviation < 0).any():
        raise DataError(f"mean and deviation are one number a channel, deviations >= 0, not {list(mean.shape)} "
                        f"and {list(deviation.shape)}")  # fmt: skip
    return np.maximum(0.0, mean - DEVIATIONS * deviation)


def absorb_bias(b1, w2, b2, c) -> tuple[np.ndarray, np.ndarray]:
    """(b1 − c, b2 + W2·c): the same function wherever the first layer's output stays above c.

    b1, c: [channels]; w2: [out, channels / groups, …]; b2: [out]. A convolution w2 must not pad
    with zeros, since the padding would then stand for −c. Raises DataError.
    """
    b1, w2, b2, c = as_floats(b1, "b1"), as_floats(w2, "w2"), as_floats(b2, "b2"), as_floats(c, "c").astype(np.float64)
    if b1.ndim != 1:
        raise DataError(f"b1 is one number for each channel, not an array of shape {list(b1.shape)}")
    groups = groups_of(w2, len(b1), "w2")
    if c.shape != b1.shape or b2.shape != (len(w2),):
        raise DataError(f"c has the shape {list(c.shape)} and b2 {list(b2.shape)}; "
                        f"{[len(b1)]} and {[len(w2)]} are needed")  # fmt: skip
    grouped = by_input(w2, groups).astype(np.float64) * c[:, None]
    out = len(w2) // groups
    shift = grouped.reshape(groups, w2.shape[1], out, -1).sum(axis=(1, 3)).reshape(-1)
    return (b1 - c).astype(b1.dtype), (b2 + shift).astype(b2.dtype)


def apply(network: Network, settings, inputs, *, progress=None, cancel=None) -> tuple[Network, dict[int, str]]:
    """The network with what ReLU never cuts moved from one bias to the next, layer after layer."""
    known = pairs(network)
    left = {i: known.why or ALONE for i in range(len(network.layers))}
    seen = inputs() if known.found else ()
    biases: dict[int, np.ndarray] = {}
    for pair in known.found:
        if why := _hinders(network, pair):
            left[pair.second] = why
            continue
        first, second = network.weight(pair.first), network.weight(pair.second)
        b1 = _bias(network, pair.first, biases)
        mean, deviation = preactivation(first, b1, seen[pair.first])
        c = absorbed(mean, deviation)
        left.pop(pair.second, None)
        if c.any():
            biases[pair.first], biases[pair.second] = absorb_bias(b1, second, _bias(network, pair.second, biases), c)
    return (rebuild(network, {}, biases, name="absorb") if biases else network), left


def preactivation(w: np.ndarray, b: np.ndarray, seen) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each output channel of W x + b, float64 [out] both.

    seen: the layer's LayerInputs, whose first and second moments say it exactly: W·E[x] + b and
    √diag(W·(E[x xᵀ] − E[x]·E[x]ᵀ)·Wᵀ)
    """
    groups, columns = seen.mean.shape
    rows = w.reshape(groups, -1, columns).astype(np.float64)
    mean = np.einsum("gok,gk->go", rows, seen.mean.astype(np.float64))
    square = np.einsum("gok,gkl,gol->go", rows, seen.second.astype(np.float64), rows, optimize=True)
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
    return mean.reshape(-1) + b, deviation.reshape(-1)


def _bias(network: Network, i: int, changed: dict[int, np.ndarray]) -> np.ndarray:
    bias = changed.get(i, bias_of(network, i))
    return np.zeros(len(network.weight(i)), np.float32) if bias is None else bias


def _hinders(network: Network, pair: Pair) -> str:
    """Why a constant does not pass between the two layers, or ""."""
    second = network.module.get_submodule(network.layers[pair.second].name)
    if RELU not in pair.between or set(pair.between) - {RELU, MEAN, IDENTITY}:
        return "a constant passes a single ReLU and a mean only, not what stands before this layer"
    if any(getattr(second, "_reversed_padding_repeated_twice", ())):
        return "it pads its input with zeros, and a constant moved into its bias would be missing at the edge"
    return ""


ALONE = "no layer is joined to it by a ReLU alone"

ALGORITHMS.register(
    Algorithm(
        id="absorb",
        title="High-bias absorption",
        stage="network",
        place=1,
        description="Moves the part of a bias that ReLU never cuts, mean less three deviations of the pre-activation on "
        "calibration data, into the next layer's bias: activations then need a smaller range. Rare values are cut.",
        source="Nagel et al., ICCV 2019, arXiv 1906.04721, §4.1.3",
        apply=apply,
        function=absorb_bias,
        reads=("calibration",),
    )
)
