"""Cross-layer equalisation: give two layers in a row channels of one width, without changing what they compute.

An activation with f(s·x) = s·f(x) for s > 0 lets a factor through: divide channel i of the first
layer by s_i and multiply what the second reads of it by s_i, and nothing changes in FP32. With
s_i = √(r1_i / r2_i), r the largest |w| of the channel, both sides get the width √(r1_i · r2_i)
(Nagel et al., ICCV 2019, arXiv 1906.04721, §4.1). Per tensor that is what a scale can bear.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.algorithms.input_channels import (
    absmax_by_input, absmax_by_output, as_floats, groups_of, scale_inputs, scale_outputs,
)  # fmt: skip
from explorer.algorithms.pairs import pairs
from explorer.algorithms.rebuild import bias_of, rebuild
from explorer.errors import DataError
from explorer.models import Network

SWEEPS = 200  # a chain of n layers settles like a Gauss–Seidel iteration on n unknowns
SETTLED = 1e-4  # relative change of a factor that is none


def equalization_scales(w1: np.ndarray, w2: np.ndarray, groups: int = 1) -> np.ndarray:
    """s_i = √(r1_i / r2_i), float64 [channels]; 1 for a dead channel, whose weights are 0 on one side.

    w1: [channels, …]; w2: [out, channels / groups, …]
    """
    r1, r2 = absmax_by_output(w1), absmax_by_input(w2, groups)
    alive = (r1 > 0) & (r2 > 0)
    return np.sqrt(np.where(alive, r1, 1) / np.where(alive, r2, 1))


def cross_layer_equalize(w1, b1, w2) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """(w1, b1, w2) with channels of equal width on both sides, and the same function in FP32.

    w1: [channels, …] dense or convolution; b1: [channels] or None; w2: [out, channels, …], or
    [out, channels / groups, …] for grouped and depthwise convolutions. The activation in between
    must be positively homogeneous: ReLU, leaky ReLU or none; not ReLU6, SiLU or GELU.
    A dead channel stays as it is. Source: Nagel et al., ICCV 2019, arXiv 1906.04721, equation 10.
    Raises DataError for shapes that do not fit or values that are not finite.
    """
    w1, w2 = as_floats(w1, "w1"), as_floats(w2, "w2")
    if w1.ndim < 2:
        raise DataError(f"w1 is [channels, …], not an array of shape {list(w1.shape)}")
    groups = groups_of(w2, len(w1), "w2")
    s = equalization_scales(w1, w2, groups)
    if b1 is not None:
        b1 = as_floats(b1, "b1")
        if b1.shape != s.shape:
            raise DataError(f"b1 has the shape {list(b1.shape)}; w1 needs one value for each of its {len(s)} channels")
        b1 = (b1 / s).astype(b1.dtype)
    return scale_outputs(w1, 1 / s).astype(w1.dtype), b1, scale_inputs(w2, s, groups).astype(w2.dtype)


def equalize(weights: Sequence[np.ndarray], joined: Iterable[tuple[int, int]], sweeps: int = SWEEPS) -> dict[int, np.ndarray]:
    """The factor that each first layer of a pair is divided by, after going through all pairs until they settle.

    weights: of every layer, [out, …]; joined: (first, second) indices into them. Three layers in a
    row, as around a depthwise convolution, are two pairs: they settle at the one width that all
    three can share. Returns float64 [channels] under the index of the first layer.
    """
    joined = list(joined)
    current = {k: weights[k].astype(np.float64) for pair in joined for k in pair}
    total = {first: np.ones(len(current[first])) for first, _ in joined}
    for _ in range(sweeps):
        moved = 0.0
        for first, second in joined:
            groups = groups_of(current[second], len(current[first]))
            s = equalization_scales(current[first], current[second], groups)
            current[first] = scale_outputs(current[first], 1 / s)
            current[second] = scale_inputs(current[second], s, groups)
            total[first] *= s
            moved = max(moved, float(np.abs(np.log(s)).max()))
        if moved < SETTLED:
            break
    return total


def apply(network: Network, settings=None, inputs=None, *, progress=None, cancel=None) -> tuple[Network, dict[int, str]]:
    """The network with equal widths along every chain of layers that a factor passes through."""
    known = pairs(network)
    joined = [(pair.first, pair.second) for pair in known.found]
    weights = [network.weight(i) for i in range(len(network.layers))]
    new: dict[int, np.ndarray] = {}
    biases: dict[int, np.ndarray] = {}
    factors = equalize(weights, joined)
    for first, second in joined:
        s = factors[first]
        new[first] = scale_outputs(new.get(first, weights[first].astype(np.float64)), 1 / s)
        current = new.get(second, weights[second].astype(np.float64))
        new[second] = scale_inputs(current, s, groups_of(current, len(s)))
        if (bias := bias_of(network, first)) is not None:
            biases[first] = bias / s
    treated = {k for pair in joined for k in pair}
    left = {i: known.why or ALONE for i in range(len(weights)) if i not in treated}
    return (rebuild(network, new, biases, name="cle") if new else network), left


ALONE = "no other layer is joined to it, alone, by an activation that a factor passes (ReLU, leaky ReLU or none)"

ALGORITHMS.register(
    Algorithm(
        id="cle",
        title="Cross-layer equalisation",
        stage="network",
        place=0,
        description="Gives two layers that a ReLU joins channels of one width, by moving a factor per channel from one to "
        "the other: what per-tensor scales need after BatchNorm was folded.",
        source="Nagel et al., ICCV 2019, arXiv 1906.04721, §4.1",
        apply=apply,
        function=cross_layer_equalize,
    )
)
