"""Whisper: an encoder that hears a spectrogram in windows of up to 30 s, and a decoder that writes what was said.

Radford et al. 2022, "Robust speech recognition via large-scale weak supervision", arXiv 2212.04356; the transformer:
Vaswani et al. 2017, arXiv 1706.03762, with normalisation before each part. One-dimensional convolutions are written with a
height of 1. Attention scores and the cache of keys and values are no layers, and stay in FP32.
"""

import torch
import torch.nn.functional as F
from torch import nn

Cache = dict[nn.Module, tuple[torch.Tensor, torch.Tensor]]  # keys and values of each attention, [n, heads, positions, size]


class Attention(nn.Module):
    """Queries from x [n, positions, width], keys and values from x too, or from what was heard."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self._heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=part != "k") for part in "qkvo")

    def forward(self, x: torch.Tensor, heard: torch.Tensor | None = None, cache: Cache | None = None, causal: bool = False) -> torch.Tensor:
        """cache: what earlier positions left, and where this call leaves what later ones need; None keeps nothing."""
        q = self._split(self.q(x))
        if heard is not None and cache is not None and self in cache:
            k, v = cache[self]  # what was heard does not change
        else:
            source = x if heard is None else heard
            k, v = self._split(self.k(source)), self._split(self.v(source))
            if cache is not None:
                if heard is None and self in cache:
                    k, v = (torch.cat(pair, dim=2) for pair in zip(cache[self], (k, v)))
                cache[self] = k, v
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal and q.shape[2] > 1)
        return self.o(y.transpose(1, 2).flatten(2))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self._heads, -1)).transpose(1, 2)


class Block(nn.Module):
    """Attention, in the decoder another one to what was heard, then two dense layers with GELU; each is given a normalised copy
    of the stream [n, positions, width] that it adds to."""

    def __init__(self, width: int, heads: int, hears: bool):
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.cross_norm, self.cross = (nn.LayerNorm(width), Attention(width, heads)) if hears else (None, None)
        self.mlp_norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor, heard: torch.Tensor | None = None, cache: Cache | None = None) -> torch.Tensor:
        x = x + self.attention(self.attention_norm(x), cache=cache, causal=self.cross is not None)
        if self.cross is not None:
            x = x + self.cross(self.cross_norm(x), heard, cache)
        return x + self.down(F.gelu(self.up(self.mlp_norm(x))))


class Encoder(nn.Module):
    """Log-mel spectrogram [n, bands, frames] to what was heard, [n, frames / 2, width]."""

    def __init__(self, bands: int, width: int, blocks: int, heads: int, positions: int):
        super().__init__()
        self.conv1 = nn.Conv2d(bands, width, (1, 3), padding=(0, 1))
        self.conv2 = nn.Conv2d(width, width, (1, 3), (1, 2), padding=(0, 1))
        self.register_buffer("positions", sinusoids(positions, width))
        self.blocks = nn.ModuleList(Block(width, heads, hears=False) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel.unsqueeze(2))))).squeeze(2).transpose(1, 2)
        x = x + self.positions[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class Decoder(nn.Module):
    """Tokens int64 [n, positions] and what was heard to logits of the next token [n, positions, vocabulary]: the embedding is
    the head too. With a cache the tokens are those that follow the ones it has seen."""

    def __init__(self, vocabulary: int, width: int, blocks: int, heads: int, positions: int):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.blocks = nn.ModuleList(Block(width, heads, hears=True) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor, heard: torch.Tensor, cache: Cache | None = None) -> torch.Tensor:
        seen = cache[self.blocks[0].attention][0].shape[2] if cache else 0
        x = self.tokens(tokens) + self.positions.weight[seen : seen + tokens.shape[1]]
        for block in self.blocks:
            x = block(x, heard, cache)
        return F.linear(self.norm(x), self.tokens.weight)


class Whisper(nn.Module):
    """Log-mel spectrogram float32 [n, bands, frames] to the logits of each token that it writes, float32 [n, steps, vocabulary].

    The most likely token is written, those that are `silenced` never, those of `not_first` not as the first, until every row has
    written `end`, or `longest` tokens; what a row says behind its end means nothing. opening: the tokens that it goes on from.
    """

    def __init__(
        self, *, vocabulary: int, bands: int, width: int, blocks: int, heads: int, hears: int, writes: int,
        opening: tuple[int, ...], silenced: tuple[int, ...], not_first: tuple[int, ...], end: int,
        longest: int,
    ):  # fmt: skip
        super().__init__()
        self.encoder = Encoder(bands, width, blocks, heads, hears)
        self.decoder = Decoder(vocabulary, width, blocks, heads, writes)
        self._opening, self._end, self._longest = list(opening), end, longest
        self._silenced, self._not_first = list(silenced), list(not_first)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        heard, cache, logits = self.encoder(mel), {}, []
        given = torch.tensor([self._opening]).expand(len(mel), -1)
        running = torch.ones(len(mel), dtype=torch.bool)
        while len(logits) < self._longest and running.any():
            logits.append(self.decoder(given, heard, cache)[:, -1:])
            given = self.written(logits[-1], first=len(logits) == 1)
            running &= given[:, 0] != self._end
        return torch.cat(logits, 1)

    def written(self, logits: torch.Tensor, first: bool = True) -> torch.Tensor:
        """The most likely tokens that may be written: logits [n, steps, vocabulary] to int64 [n, steps]. first: whether the first of
        these steps is the first of all."""
        allowed = logits.clone()
        allowed[..., self._silenced] = -torch.inf
        if first:
            allowed[:, 0, self._not_first] = -torch.inf
        return allowed.argmax(-1)


def sinusoids(positions: int, width: int) -> torch.Tensor:
    """Positions as sines, then cosines [positions, width] of wavelengths from 2π to 10,000 · 2π (Vaswani et al., 3.5, as Whisper
    spaces them: both ends are met)."""
    rates = 10000.0 ** (-torch.arange(width // 2, dtype=torch.float64) / (width // 2 - 1))
    angles = torch.outer(torch.arange(positions, dtype=torch.float64), rates)
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()
