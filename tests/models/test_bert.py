"""The sentence encoder against torch's own transformer layers, and what filling does to it: nothing."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer.models.networks.bert import PAD, SentenceEncoder, renamed


@pytest.fixture
def module():
    torch.manual_seed(0)
    return SentenceEncoder(50, 16, 24, 2, 4, 48).eval().requires_grad_(False)


def by_torch(module, tokens):
    x = module.norm(module.tokens(tokens) + module.positions.weight[: tokens.shape[1]] + module.kinds.weight[0])
    for block in module.blocks:
        layer = nn.TransformerEncoderLayer(24, 4, 48, 0.0, "gelu", 1e-12, batch_first=True).eval()
        layer.self_attn.in_proj_weight.data = torch.cat([block.q.weight, block.k.weight, block.v.weight])
        layer.self_attn.in_proj_bias.data = torch.cat([block.q.bias, block.k.bias, block.v.bias])
        for theirs, ours in ((layer.self_attn.out_proj, block.o), (layer.linear1, block.up), (layer.linear2, block.down),
                             (layer.norm1, block.attention_norm), (layer.norm2, block.mlp_norm)):  # fmt: skip
            theirs.load_state_dict(ours.state_dict())
        x = layer(x, src_key_padding_mask=tokens == PAD)
    mask = (tokens != PAD).float()[..., None]
    return F.normalize((x * mask).sum(1) / mask.sum(1), dim=1).detach()


def test_it_is_torchs_encoder_with_a_mean(module):
    tokens = torch.tensor([[3, 7, 9, 4, 0, 0], [5, 6, 7, 8, 9, 10]])
    torch.testing.assert_close(module(tokens), by_torch(module, tokens), rtol=1e-5, atol=1e-5)


def test_filling_changes_nothing(module):
    short = torch.tensor([[3, 7, 9, 4]])
    torch.testing.assert_close(module(short), module(F.pad(short, (0, 9))), rtol=1e-5, atol=1e-6)
    assert module(torch.zeros(1, 5, dtype=torch.int64)).isfinite().all()


def test_names_of_hugging_face():
    assert renamed("encoder.layer.3.attention.self.key.bias") == "blocks.3.k.bias"
    assert renamed("embeddings.LayerNorm.weight") == "norm.weight"
    assert renamed("pooler.dense.weight") is None and renamed("embeddings.position_ids") is None
