"""AdaRound: learn for each weight whether to round it down or up, by what comes out of the layer.

Minimises E = Σ (w − w̃) M (w − w̃)ᵀ over soft weights w̃ = low + h(V)·(high − low), which lie between the grid's
values on either side, plus λ Σ (1 − |2h − 1|^β), which pushes every h to 0 or 1 as β falls; h(V) is the
rectified sigmoid clip(1.2 σ(V) − 0.1, 0, 1). A row's E is counted in units of what rounding to nearest makes
of it, without which one λ would mean something else in every layer.
Source: Nagel, Amjad, van Baalen, Louizos and Blankevoort, ICML 2020, arXiv 2004.10568, equations 21-24.
M, the mean of x xᵀ, holds all that the paper's batches of inputs say about E: every iteration sees all
the calibration samples, and nothing is drawn at random. The paper's β falls in a straight line; here 1/β rises in
one, which spends the iterations where β is small and takes 400 of them where the line takes 1,000.

A layer has a budget of 5·10¹⁰ multiplications, out · columns² of them an iteration: 1,000 iterations where that
is 5·10⁷ or less, and never fewer than 400.

The codes come out of matrix products, whose last place differs between processors.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial, reduce

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.errors import DataError
from explorer.fixed_grid import FixedGrid, with_steps
from explorer.granularity import matrix
from explorer.quantize import QuantizedTensor, quantize
from explorer.recipe import Recipe
from explorer.values import as_values

MOST, LEAST = 1000, 400  # iterations
BUDGET = 5e10  # multiplications that decide between the two
WARM = 0.2  # share of the iterations without the push
BETA = 20.0, 2.0  # from … to
PUSH = 10.0  # λ, of the mean over a row's weights
RATE = 0.1  # of Adam
LOOK = 50  # iterations from one look at the rounded weights to the next
PART = 1 << 18  # weights that are learnt together


def adaround(w, x, scale, qmin, qmax, *, iterations: int | None = None, progress=None, cancel=None) -> np.ndarray:
    """The weights rounded by AdaRound, float32 of w's shape: multiples of scale from qmin to qmax.

    w: [out, …]; x: rows [n, columns] that the layer is given, or [groups, n, columns] for a grouped
    convolution; scale: broadcasts against w, such as [out, 1]; qmin <= 0 <= qmax
    iterations: None for the layer's budget. progress(share done); when cancel.is_set(), returns the best so far.
    Raises DataError.
    """
    from explorer.inputs import LayerInputs

    w = as_values(w)
    m = matrix(w)
    try:
        scale = np.broadcast_to(as_values(scale), w.shape).reshape(m.shape)
        usable = (scale > 0).all() and qmin <= 0 <= qmax and qmin < qmax
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise DataError(f"adaround needs scales above 0 that broadcast against weights of {list(w.shape)}, and numbers qmin <= 0 <= qmax such as -7 and 7")
    y = m / scale
    low, high = (np.clip(side(y), qmin, qmax) for side in (np.floor, np.ceil))
    nearest = np.clip(np.rint(y), qmin, qmax)
    up = learn(m, low * scale, high * scale, nearest == high, LayerInputs.of(x), iterations, progress, cancel)
    return (np.where(up, high, low) * scale).reshape(w.shape)


def refuses(recipe: Recipe) -> str:
    if recipe.format == "fp32":
        return "adaround chooses codes, and fp32 weights have none; choose a recipe such as int4-sym-channel"
    if not recipe.is_nearest:
        return f"adaround learns how to round; leave {recipe.rounding} out"
    return ""


def quantize_adaround(weight, recipe: Recipe, inputs, *, seed=0, ranges=None, progress=None, cancel=None) -> QuantizedTensor:
    """The quantized tensor, with the scales and zero points of rounding to nearest."""
    q = quantize(weight, recipe, ranges=ranges)
    grid, w = FixedGrid.of(q), matrix(weight)
    low, high = grid.around(w)
    nearest = grid.nearest(w)
    up = learn(w, grid.values(low), grid.values(high), nearest == high, inputs, None, progress, cancel)
    return with_steps(q, np.where(up, high, low))


def budget(rows: int, columns: int) -> int:
    """Iterations of a layer of rows × columns weights; columns: of one group."""
    return int(min(MOST, max(LEAST, BUDGET / (rows * columns**2))))


def learn(w, low, high, nearest, inputs, iterations: int | None, progress=None, cancel=None) -> np.ndarray:
    """Which weights [out, columns] go up to `high`, bool: for each row the best that was seen.

    low, high: the values on either side; nearest: whether rounding to nearest goes up, where it starts
    inputs: the layer's LayerInputs
    """
    import torch

    groups, columns, _ = inputs.second.shape
    if w.shape[1] != columns or len(w) % groups:
        raise DataError(f"weights of shape {list(w.shape)} do not fit inputs of {groups} × {columns} columns")
    iterations = budget(*w.shape) if iterations is None else iterations
    stacked = [torch.tensor(m.reshape(groups, -1, columns), dtype=torch.float32) for m in (w, low, high, nearest)]
    factors, up, parts = _factors(inputs), stacked[3] > 0, list(_parts(stacked[3].shape))

    def say(part: int, done: float) -> None:
        if progress is not None:
            progress((part + done) / len(parts))

    for i, part in enumerate(parts):
        if cancel is not None and cancel.is_set():
            break
        up[part] = _learn(*(m[part] for m in stacked), [f[part[0]] for f in factors], iterations, partial(say, i), cancel)
    return up.reshape(-1, columns).numpy()


def _parts(shape: tuple[int, int, int]) -> Iterator[tuple[slice, slice]]:
    """(groups, rows) of about PART weights: rows do not depend on each other, and what stays in the cache is quick."""
    groups, rows, columns = shape
    down = min(rows, max(1, PART // columns))
    across = max(1, PART // (down * columns))
    for group in range(0, groups, across):
        for row in range(0, rows, down):
            yield slice(group, group + across), slice(row, row + down)


def _factors(inputs) -> list:
    """M, or where fewer rows than half the columns were seen F and Fᵀ with M = F Fᵀ, which multiply sooner."""
    import torch

    second = torch.from_numpy(inputs.second)
    if 2 * inputs.rows >= second.shape[2]:
        return [second]
    squares, directions = torch.linalg.eigh(second.double())
    f = directions[..., -inputs.rows :] * squares[:, None, -inputs.rows :].clamp_min(0).sqrt()
    return [f.float(), f.mT.float().contiguous()]


def _learn(w, low, high, best, factors, iterations: int, progress, cancel):
    """The same of tensors [groups, rows, columns]."""
    import torch

    def times_m(delta: torch.Tensor) -> torch.Tensor:
        return reduce(torch.bmm, factors, delta)

    gap, below = high - low, low - w  # below: error of a weight that goes down
    start = torch.where(gap > 0, -below / gap, 0.0).clamp_(0, 1)

    def errors(h: torch.Tensor) -> torch.Tensor:
        """Σ δ M δᵀ of each row, for δ = w̃ − w."""
        delta = torch.addcmul(below, h, gap)
        return times_m(delta).mul_(delta).sum(2, keepdim=True)

    least = errors(best)
    weight = 2 * gap / least.clamp_min(torch.finfo(torch.float32).tiny)
    v = torch.logit((start + 0.1) / 1.2)  # so that h(v) is the fraction of w / scale
    moment, square = torch.zeros_like(v), torch.zeros_like(v)
    warm = int(WARM * iterations)
    for i in range(iterations):
        stop = cancel is not None and cancel.is_set()
        soft = torch.sigmoid(v)
        h = (1.2 * soft).sub_(0.1).clamp_(0, 1)
        slope = times_m(torch.addcmul(below, h, gap)).mul_(weight)
        if i >= warm:
            done = (i - warm) / (iterations - warm)
            beta = 1 / ((1 - done) / BETA[0] + done / BETA[1])
            away = h.mul_(2).sub_(1)
            push = away.abs().log_().mul_(beta - 1).exp_()  # a power, three times as fast
            slope.sub_(push.copysign_(away), alpha=PUSH / w.shape[2] * 2 * beta)
        slope.mul_(torch.addcmul(soft, soft, soft, value=-1))  # of the sigmoid, clipped or not: a weight may come back
        moment.lerp_(slope, 0.1)
        square.mul_(0.999).addcmul_(slope, slope, value=0.001)
        unbiased = (1 - 0.999 ** (i + 1)) ** 0.5
        v.addcdiv_(moment, square.sqrt().add_(1e-12), value=-RATE * unbiased / (1 - 0.9 ** (i + 1)))
        if stop or (i + 1) % LOOK == 0 or i + 1 == iterations:
            up = (v > 0).float()
            found = errors(up)
            better = found < least
            best, least = torch.where(better, up, best), torch.where(better, found, least)
            progress((i + 1) / iterations)
        if stop:
            break
    return best > 0.5


ALGORITHMS.register(
    Algorithm(
        id="adaround",
        title="AdaRound",
        stage="weights",
        place=1,
        description="Learns for each weight whether to round down or up, so that the layer's output on the calibration "
        "samples changes least; never worse there than rounding to nearest. Small layers get 1,000 iterations, large ones "
        "down to 400.",
        source="Nagel et al., ICML 2020, arXiv 2004.10568",
        apply=quantize_adaround,
        function=adaround,
        reads=("calibration",),
        refuses=refuses,
        stoppable=True,
    )
)
