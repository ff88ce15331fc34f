"""A BERT-like encoder of sentences: attention in both directions, mean over tokens, length 1.

Devlin et al. 2019, "BERT", arXiv 1810.04805; MiniLM: Wang et al. 2020, arXiv 2002.10957; sentence embeddings by the
mean over tokens: Reimers and Gurevych 2019, "Sentence-BERT", arXiv 1908.10084.
"""

import torch
import torch.nn.functional as F
from torch import nn

PAD = 0  # the token that fills a row up


class Block(nn.Module):
    """Attention, then two dense layers with GELU; each is added to its input and normalised after."""

    def __init__(self, width: int, heads: int, hidden: int, epsilon: float):
        super().__init__()
        self._size = width // heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.attention_norm = nn.LayerNorm(width, epsilon)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.mlp_norm = nn.LayerNorm(width, epsilon)

    def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        q, k, v = (part(x).unflatten(2, (-1, self._size)).transpose(1, 2) for part in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen[:, None, None])
        x = self.attention_norm(x + self.o(y.transpose(1, 2).flatten(2)))
        return self.mlp_norm(x + self.down(F.gelu(self.up(x))))


class SentenceEncoder(nn.Module):
    """Tokens int64 [n, positions], filled up with PAD, to embeddings float32 [n, width] of length 1."""

    def __init__(self, vocabulary: int, positions: int, width: int, blocks: int, heads: int, hidden: int, epsilon: float = 1e-12):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.kinds = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, epsilon)
        self.blocks = nn.ModuleList(Block(width, heads, hidden, epsilon) for _ in range(blocks))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        seen = tokens != PAD
        seen = seen | ~seen.any(dim=1, keepdim=True)  # of nothing but filling, all of it
        x = self.norm(self.tokens(tokens) + self.positions.weight[: tokens.shape[1]] + self.kinds.weight[0])
        for block in self.blocks:
            x = block(x, seen)
        weights = seen[:, :, None].float()
        return F.normalize((x * weights).sum(dim=1) / weights.sum(dim=1), dim=1)


PARTS = {  # a name of Hugging Face's BertModel, without "encoder.layer.N." → ours
    "attention.self.query": "q", "attention.self.key": "k", "attention.self.value": "v", "attention.output.dense": "o",
    "attention.output.LayerNorm": "attention_norm", "intermediate.dense": "up", "output.dense": "down", "output.LayerNorm": "mlp_norm",
}  # fmt: skip
EMBEDDINGS = {
    "embeddings.word_embeddings": "tokens", "embeddings.position_embeddings": "positions", "embeddings.token_type_embeddings": "kinds",
    "embeddings.LayerNorm": "norm",
}  # fmt: skip


def renamed(name: str) -> str | None:
    """Our name of one of BertModel's weights; None for what is not used here."""
    place, _, kind = name.rpartition(".")
    if place in EMBEDDINGS:
        return f"{EMBEDDINGS[place]}.{kind}"
    parts = place.removeprefix("encoder.layer.").split(".", 1)
    return f"blocks.{parts[0]}.{PARTS[parts[1]]}.{kind}" if len(parts) == 2 and parts[1] in PARTS else None
