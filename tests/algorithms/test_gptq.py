"""GPTQ against the paper's algorithm, written out here, and against what it must never do."""

import numpy as np
import pytest
import torch

from explorer import pipeline
from explorer.algorithms import gptq
from explorer.algorithms.gptq import quantize_gptq
from explorer.errors import DataError, SettingsError
from explorer.formats import FORMATS
from explorer.inputs import LayerInputs
from explorer.quantize import quantize
from explorer.settings import Settings
from explorer.stages import inputs_of

RECIPES = ["int4-sym-tensor-minmax", "int3-sym-channel-mse", "uint4-asym-channel-minmax", "int4-symfull-g16-minmax", "uint3-asym-g10-minmax",
           "int4-sym-b16-minmax", "fp8e4m3-channel-minmax", "fp8e5m2", "bf16"]  # fmt: skip


def inputs(columns: int, rows: int = 400, seed: int = 0) -> np.ndarray:
    """Correlated, with means, and of very different sizes."""
    draw = np.random.default_rng(seed)
    mixed = draw.normal(size=(rows, columns)) @ draw.normal(size=(columns, columns)) / np.sqrt(columns)
    return (np.maximum(mixed + 0.3, 0) * draw.uniform(0.2, 3, columns)).astype(np.float32)


def weights(*shape: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def error(w, w_q, x) -> float:
    difference = x.astype(np.float64) @ (w_q.astype(np.float64) - w).reshape(len(w), -1).T
    return float(np.square(difference).sum(axis=1).mean())


def reference(w, x, round_column) -> torch.Tensor:
    """Algorithm 1 of arXiv 2210.17323 as its authors' gptq.py has it, without blocks, in float64.

    round_column(values, column): to the nearest value of the original weights' grid (static groups).
    """
    w, x = torch.tensor(w).double(), torch.tensor(x).double()
    h = 2 / len(x) * x.T @ x
    dead = torch.diag(h) == 0
    h[dead, dead] = 1
    w[:, dead] = 0
    order = torch.argsort(torch.diag(h), descending=True, stable=True)
    w, h = w[:, order], h[order][:, order]
    h += 0.01 * torch.diag(h).mean() * torch.eye(len(h))
    u = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(h)), upper=True)
    q = torch.zeros_like(w)
    for i in range(len(h)):
        q[:, i] = torch.from_numpy(round_column(w[:, i].float().numpy(), int(order[i]))).double()
        w[:, i:] -= ((w[:, i] - q[:, i]) / u[i, i])[:, None] * u[i, i:]
    return q[:, torch.argsort(order)].float()


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("columns", [40, 300])
def test_it_is_the_papers_algorithm(recipe, columns):
    w, x = weights(24, columns), inputs(columns)
    x[:, 3] = 0
    plain = quantize(w, recipe)

    def round_column(values: np.ndarray, column: int) -> np.ndarray:
        """The same grid as any weight of this column had: quantize again with the ranges of the original."""
        again = w.copy()
        again[:, column] = values
        return quantize(again, recipe, ranges=(plain.low, plain.high)).dequantize()[:, column]

    expected, found = reference(w, x, round_column).numpy(), gptq(w, x, recipe)
    # float32 here, float64 there: a value in a thousand may fall on the other side of a tie, and moves its row's rest
    same = (np.abs(found - expected) <= 1e-6 * np.abs(expected)).all(axis=1)
    assert same.mean() >= 0.75
    assert error(w, found, x) == pytest.approx(error(w, expected, x), rel=0.02)


EXACT = [f.id for f in FORMATS if f.id not in ("fp32", "nf4dq", "nf4bnb", "nf4ao", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0")]  # those round their scale last


@pytest.mark.parametrize("format", [f.id for f in FORMATS if f.kind != "integer" and f.id != "fp32"])
def test_every_format_errs_less_at_the_output(format):
    w, x = weights(8, 64), inputs(64)
    assert error(w, gptq(w, x, format), x) < error(w, quantize(w, format).dequantize(), x)


@pytest.mark.parametrize("recipe", RECIPES + EXACT)
def test_a_diagonal_hessian_is_rounding_to_nearest(recipe):
    w = weights(24, 40)
    diagonal = np.diag(np.random.default_rng(1).uniform(0.1, 9, 40)).astype(np.float32)
    seen = LayerInputs(1, diagonal[None], np.zeros((1, 40), np.float32), np.ones(40), np.ones(40))
    q, plain = quantize_gptq(w, plain_recipe := quantize(w, recipe).recipe, seen), quantize(w, recipe)
    assert q.recipe == plain_recipe
    for part in ("codes", "scale", "zero_point"):
        np.testing.assert_array_equal(getattr(q, part), getattr(plain, part))


@pytest.mark.parametrize("recipe", ["int4-sym-channel-mse", "int3-sym-tensor-minmax", "uint3-asym-g16-minmax", "fp8e4m3-channel-minmax"])
@pytest.mark.parametrize("model", ["digits", "article-mlp"])
def test_on_real_layers_the_output_errs_less(model, recipe):
    settings = Settings(model, recipe, "fp32")
    network = pipeline.network_of(settings)
    tensors = pipeline.quantized(settings), pipeline.quantized(settings.replace(algorithms="gptq"))
    for i, seen in enumerate(inputs_of(network, settings)):
        plain, treated = (seen.output_error(qs[i].dequantize() - network.weight(i)) for qs in tensors)
        assert treated <= plain * (1 + 1e-6), network.layers[i].name


def test_each_group_of_a_convolution_has_its_own_hessian():
    x = np.stack([inputs(18, seed=seed) for seed in (1, 2, 3)])
    w = weights(12, 2, 3, 3)
    together = gptq(w, x, "int4-sym-channel-minmax")
    for group in range(3):
        rows = slice(4 * group, 4 * group + 4)
        np.testing.assert_array_equal(together[rows], gptq(w[rows], x[group], "int4-sym-channel-minmax"))


@pytest.mark.parametrize("rows", [1, 5, 39])
def test_fewer_samples_than_dimensions(rows):
    """The Hessian is singular: damping makes it invertible."""
    w, x = weights(16, 40), inputs(40, rows)
    w_q = gptq(w, x, "int4-sym-channel-minmax")
    assert np.isfinite(w_q).all()
    assert error(w, w_q, x) <= error(w, quantize(w, "int4-sym-channel-minmax").dequantize(), x)


def test_the_same_input_twice_and_a_huge_one():
    x = inputs(40)
    x[:, 7] = x[:, 8]
    x[:, 9] *= 1e4
    assert np.isfinite(gptq(weights(16, 40), x, "int4-sym-channel-minmax")).all()


def test_a_dead_channel_changes_nothing_else_and_becomes_zero():
    w, x = weights(16, 40), inputs(40)
    x[:, [4, 20]] = 0
    w[:, [4, 20]] *= 0.01  # so that no channel ends there
    w_q = gptq(w, x, "uint4-asym-channel-minmax")
    assert not w_q[:, [4, 20]].any()
    other = w.copy()
    other[:, [4, 20]] *= -3
    np.testing.assert_array_equal(w_q, gptq(other, x, "uint4-asym-channel-minmax"))


def test_inputs_that_are_always_zero():
    assert not gptq(weights(4, 6), np.zeros((9, 6)), "int4-sym-tensor-minmax").any()


@pytest.mark.parametrize(("recipe", "says"), [("fp32", "fp32 weights have none"), ("int4-stochastic", "leave stochastic out"),
                                              ("int4-floor", "leave floor out")])  # fmt: skip
def test_what_it_cannot_treat(recipe, says):
    with pytest.raises(SettingsError, match=says):
        gptq(weights(4, 6), inputs(6), recipe)
    with pytest.raises(SettingsError, match=says):
        Settings(weights=recipe, algorithms="gptq")


def test_shapes_that_do_not_fit():
    with pytest.raises(DataError, match="do not fit"):
        gptq(weights(4, 6), inputs(7), "int4")
