"""GPTQ: round one column after the other, and let the columns still to come make up for the error.

Minimises the layer's output error Σ (w − ŵ) H (w − ŵ)ᵀ, H = 2/n XᵀX, greedily: after column i is rounded
to the nearest value of its grid, the best correction of the others is its error times a row of U,
where H⁻¹ = UᵀU with U upper triangular.
Source: Frantar, Ashkboos, Hoefler and Alistarh, ICLR 2023, arXiv 2210.17323, algorithm 1, and its
implementation gptq.py: columns of inputs that are always 0 are dead, their weights become 0;
1 % of H's mean diagonal is added to it; columns go by falling diagonal (act-order), while scales
and zero points are those of the original weights (static groups).

"Nearest" is among the values that are stored: a format that computes its codes before it rounds their
scale, as llama.cpp's do, may differ by one code even where there is nothing to correct.
The codes come out of matrix products, whose last place differs between processors.
"""

from __future__ import annotations

import numpy as np

from explorer.algorithms import ALGORITHMS, Algorithm
from explorer.errors import DataError, SettingsError
from explorer.fixed_grid import FixedGrid, with_steps
from explorer.granularity import matrix
from explorer.progress import stop_if
from explorer.quantize import QuantizedTensor, quantize
from explorer.recipe import Recipe
from explorer.values import as_recipe, as_values

DAMPING = 0.01  # of the mean diagonal
BLOCK = 128  # columns whose errors reach the later ones together


def gptq(w, x, recipe: Recipe | str) -> np.ndarray:
    """The weights as GPTQ quantizes them, float32 of w's shape.

    w: [out, …]; x: rows [n, columns] that the layer is given, a column for each weight of an output
    channel, or [groups, n, columns] for a grouped convolution
    recipe: any that rounds to nearest and is not fp32. Raises DataError, SettingsError.
    """
    from explorer.inputs import LayerInputs

    recipe = as_recipe(recipe)
    if why := refuses(recipe):
        raise SettingsError(why)
    return quantize_gptq(as_values(w), recipe, LayerInputs.of(x)).dequantize()


def refuses(recipe: Recipe) -> str:
    if recipe.format == "fp32":
        return "gptq chooses codes, and fp32 weights have none; choose a recipe such as int4-sym-g64"
    if not recipe.is_nearest:
        return f"gptq rounds to nearest; leave {recipe.rounding} out"
    return ""


def quantize_gptq(weight, recipe: Recipe, inputs, *, seed=0, ranges=None, progress=None, cancel=None) -> QuantizedTensor:
    """The quantized tensor, with the scales and zero points of rounding to nearest."""
    q = quantize(weight, recipe, ranges=ranges)
    groups, columns, _ = inputs.second.shape
    w = matrix(weight)
    if w.shape[1] != columns or len(w) % groups:
        raise DataError(f"weights of shape {list(w.shape)} do not fit inputs of {groups} × {columns} columns")

    def stacked(m: np.ndarray) -> np.ndarray:
        """[out, columns] as [groups, columns, out of one group]: a column is contiguous."""
        return np.swapaxes(m.reshape(groups, -1, columns), 1, 2)

    second = inputs.second
    diagonal = np.diagonal(second, axis1=1, axis2=2)
    order = np.argsort(-diagonal, axis=1, kind="stable")
    back = np.argsort(order, axis=1, kind="stable")
    permuted = lambda m: np.ascontiguousarray(np.take_along_axis(stacked(m), order[:, :, None], 1))  # noqa: E731
    w = permuted(np.where(_dead(diagonal, len(w)), np.float32(0), w))
    second = np.take_along_axis(np.take_along_axis(second, order[:, :, None], 1), order[:, None, :], 2)
    steps = _solve(w, FixedGrid.of(q).map(permuted), upper_factor(second), progress, cancel)
    steps = np.swapaxes(np.take_along_axis(steps, back[:, :, None], 1), 1, 2)
    return with_steps(q, steps.reshape(-1, columns))


def _dead(diagonal: np.ndarray, rows: int) -> np.ndarray:
    """Which weights meet inputs that are always 0, bool that broadcasts against [out, columns]."""
    return np.repeat(diagonal == 0, rows // len(diagonal), axis=0)


def upper_factor(second: np.ndarray) -> np.ndarray:
    """U with (H + damping)⁻¹ = UᵀU, float32 [G, K, K]; H may be singular.

    From H = R Rᵀ with R upper triangular (Cholesky of H read backwards): then U = R⁻¹, without the
    loss of digits that an inverse and a second Cholesky cost.
    """
    import torch

    h = torch.from_numpy(second).double()
    diagonal = torch.diagonal(h, dim1=1, dim2=2)
    diagonal[diagonal == 0] = 1
    damping = DAMPING * diagonal.mean(1, keepdim=True)
    while True:
        diagonal += damping
        lower, failed = torch.linalg.cholesky_ex(h.flip(1, 2))
        if not failed.any():
            break
        damping = damping * 10  # rounding made H indefinite: rare, and more damping always helps
    r = lower.flip(1, 2)
    unit = torch.eye(h.shape[1], dtype=h.dtype).expand_as(h)
    return torch.linalg.solve_triangular(r, unit, upper=True).float().numpy()


def _solve(w: np.ndarray, grid: FixedGrid, u: np.ndarray, progress, cancel) -> np.ndarray:
    """Steps [G, K, r] for weights [G, K, r], column by column; w is overwritten."""
    columns = w.shape[1]
    steps = np.empty_like(w)
    for start in range(0, columns, BLOCK):
        stop_if(cancel, "gptq was stopped; start it again to go on")
        stop = min(start + BLOCK, columns)
        errors = np.empty_like(w[:, start:stop])
        before = np.ascontiguousarray(np.swapaxes(u[:, start:stop, start:stop], 1, 2))  # row i: what earlier ones do to i
        for i in range(start, stop):
            here = grid.map(lambda part: part[:, i])  # noqa: B023
            column, k = w[:, i], i - start
            if k:
                column -= np.matmul(before[:, None, k, :k], errors[:, :k])[:, 0]
            steps[:, i] = here.nearest(column)
            errors[:, k] = (column - here.values(steps[:, i])) / u[:, i, i, None]
        if stop < columns:
            w[:, stop:] -= np.matmul(np.swapaxes(u[:, start:stop, stop:], 1, 2), errors)
        if progress is not None:
            progress(stop / columns)
    return steps


ALGORITHMS.register(
    Algorithm(
        id="gptq",
        title="GPTQ",
        stage="weights",
        place=2,
        description="Rounds the weights column by column, the most used inputs first, and lets the rest of the row make up "
        "for each error, as the calibration samples' second moments say.",
        source="Frantar et al., ICLR 2023, arXiv 2210.17323",
        apply=quantize_gptq,
        function=gptq,
        reads=("calibration",),
        refuses=refuses,
    )
)
