"""A Llama-like language model: RMSNorm, rotary positions, SwiGLU, no biases.

Touvron et al. 2023, "LLaMA", arXiv 2302.13971; RMSNorm: Zhang and Sennrich 2019, arXiv 1910.07467; rotary positions:
Su et al. 2021, arXiv 2104.09864; SwiGLU: Shazeer 2020, arXiv 2002.05202; keys and values shared by groups of heads:
Ainslie et al. 2023, arXiv 2305.13245.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

Cache = dict[nn.Module, tuple[torch.Tensor, torch.Tensor]]  # of each block, keys, turned, and values [n, shared, positions, size]


class Rotary(nn.Module):
    """Turns the pairs (i, i + size/2) of [..., positions, size] by what `rotations` says."""

    def __init__(self, positions: int, size: int, base: float):
        super().__init__()
        cos, sin = rotations(positions, size, base)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, x: torch.Tensor, past: int = 0) -> torch.Tensor:
        """past: the position of the first."""
        positions = past + x.shape[-2]
        left, right = x.chunk(2, dim=-1)
        return x * self.cos[past:positions] + torch.cat((-right, left), dim=-1) * self.sin[past:positions]


class Block(nn.Module):
    """Attention, then SwiGLU, each on a normalised copy of the stream [n, positions, width] that it adds to."""

    def __init__(self, width: int, heads: int, shared: int, hidden: int, epsilon: float):
        super().__init__()
        self._size, self._grouped = width // heads, shared < heads
        self.attention_norm = nn.RMSNorm(width, epsilon)
        self.q = nn.Linear(width, heads * self._size, bias=False)
        self.k = nn.Linear(width, shared * self._size, bias=False)
        self.v = nn.Linear(width, shared * self._size, bias=False)
        self.o = nn.Linear(heads * self._size, width, bias=False)
        self.mlp_norm = nn.RMSNorm(width, epsilon)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: torch.Tensor, turned: Rotary, cache: Cache | None = None) -> torch.Tensor:
        y = self.attention_norm(x)
        q, k, v = (part(y).unflatten(2, (-1, self._size)).transpose(1, 2) for part in (self.q, self.k, self.v))
        if cache is None:
            y = F.scaled_dot_product_attention(turned(q), turned(k), v, is_causal=True, enable_gqa=self._grouped)
        else:
            y = self._continued(q, k, v, turned, cache)
        x = x + self.o(y.transpose(1, 2).flatten(2))
        y = self.mlp_norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))

    def _continued(self, q, k, v, turned: Rotary, cache: Cache) -> torch.Tensor:
        """Attention to the positions in the cache too, and of each to none behind it."""
        past = cache[self][0].shape[2] if self in cache else 0
        q, k = turned(q, past), turned(k, past)
        if past:
            k, v = (torch.cat(pair, dim=2) for pair in zip(cache[self], (k, v)))
        cache[self] = k, v
        seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(past)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=seen, enable_gqa=self._grouped)


class Llama(nn.Module):
    """Tokens int64 [n, positions] to logits of the next token [n, positions, vocabulary].

    shared: heads of keys and values, each shared by heads / shared of the queries
    positions: the most that are rotated for; base: of the rotary frequencies
    tied: whether the embedding is the head too, and then no layer of its own
    """

    def __init__(
        self, vocabulary: int, width: int, blocks: int, heads: int, hidden: int, *,
        shared: int | None = None, positions: int, base: float = 10000.0, epsilon: float = 1e-5,
        tied: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block(width, heads, shared or heads, hidden, epsilon) for _ in range(blocks))
        self.norm = nn.RMSNorm(width, epsilon)
        self.head = None if tied else nn.Linear(width, vocabulary, bias=False)
        self.turned = Rotary(positions, width // heads, base)

    def forward(self, tokens: torch.Tensor, cache: Cache | None = None) -> torch.Tensor:
        """With a cache, empty at first, the tokens are those that follow the ones that it has seen."""
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, self.turned, cache)
        x = self.norm(x)
        return F.linear(x, self.embed.weight) if self.head is None else self.head(x)


def rotations(positions: int, size: int, base: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines [positions, size]: entry i and i + size/2 turn by position · base^(−2i / size)."""
    frequencies = base ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    angles = torch.outer(torch.arange(positions, dtype=torch.float64), frequencies).repeat(1, 2)
    return angles.cos().float(), angles.sin().float()


def next_tokens(logits: torch.Tensor) -> np.ndarray:
    """Logits [n, positions, vocabulary] to the most likely next token of each position, int64 [n, positions]."""
    return logits.argmax(dim=-1).numpy()
