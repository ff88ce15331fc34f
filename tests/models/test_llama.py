"""The Llama-like network: positions as in the RoFormer paper, nothing from the future, shared heads as written out."""

import numpy as np
import pytest
import torch

from explorer.models.networks.llama import Block, Llama, Rotary, rotations

SMALL = {"vocabulary": 13, "width": 24, "blocks": 2, "heads": 6, "hidden": 40, "positions": 16}


@pytest.fixture
def module():
    torch.manual_seed(0)
    return Llama(**SMALL, shared=2).eval().requires_grad_(False)


def test_no_token_sees_what_follows_it(module):
    tokens = torch.arange(12)[None] % 13
    other = tokens.clone()
    other[0, 7:] = 0
    before, after = module(tokens), module(other)
    assert torch.equal(before[0, :7], after[0, :7]) and not torch.equal(before[0, 7:], after[0, 7:])


def test_rotations_are_multiplications_by_complex_numbers():
    """RoFormer, equation 12: the pair i of position m turns by m · 10000^(−2i/d)."""
    cos, sin = rotations(9, 8, 10000.0)
    turns = np.exp(1j * np.outer(np.arange(9), 10000.0 ** (-np.arange(0, 8, 2) / 8)))
    np.testing.assert_allclose(cos[:, :4] + 1j * sin[:, :4], turns, atol=1e-7)
    assert torch.equal(cos[:, :4], cos[:, 4:]) and torch.equal(sin[:, :4], sin[:, 4:])


def test_a_block_is_its_formula_in_float64():
    torch.manual_seed(1)
    block = Block(24, 6, 2, 40, 1e-5).requires_grad_(False)
    block.attention_norm.weight.uniform_(0.5, 2)
    x = torch.randn(1, 9, 24)
    w = {name: weight.double().numpy() for name, weight in block.state_dict().items()}
    norm = lambda x, gain: x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * gain  # noqa: E731
    given = x[0].double().numpy()
    y, turns = norm(given, w["attention_norm.weight"]), np.exp(1j * np.outer(np.arange(9), 100.0 ** (-np.arange(0, 4, 2) / 4)))
    heads = []
    for head in range(6):
        q, k = ((y @ w[f"{part}.weight"].T).reshape(9, -1, 4)[:, i] for part, i in (("q", head), ("k", head // 3)))
        q, k = ((each[:, :2] + 1j * each[:, 2:]) * turns for each in (q, k))
        scores = (q @ k.conj().T).real / 2 + np.triu(np.full((9, 9), -np.inf), 1)
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        heads.append(odds / odds.sum(-1, keepdims=True) @ (y @ w["v.weight"].T).reshape(9, -1, 4)[:, head // 3])
    z = given + np.concatenate(heads, 1) @ w["o.weight"].T
    y = norm(z, w["mlp_norm.weight"])
    gate = y @ w["gate.weight"].T
    z = z + (gate / (1 + np.exp(-gate)) * (y @ w["up.weight"].T)) @ w["down.weight"].T
    np.testing.assert_allclose(block(x, Rotary(9, 4, 100.0))[0].numpy(), z, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("parts", [(1,) * 12, (5, 1, 1, 4, 1), (3, 9)])
def test_with_the_cache_it_gives_what_it_gives_without(module, parts):
    tokens, cache = torch.tensor([[(7 * i) % 13 for i in range(12)], list(range(12))]), {}
    cached = torch.cat([module(given, cache) for given in tokens.split(parts, 1)], 1)
    torch.testing.assert_close(cached, module(tokens), rtol=1e-5, atol=1e-5)
