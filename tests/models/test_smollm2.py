"""SmolLM2: names and turned rows of its files; where it was fetched, what it writes and where its giants are."""

import numpy as np
import pytest
import torch

from explorer.errors import ModelError
from explorer.models import MODELS, load
from explorer.models.networks.llama import Llama
from explorer.models.smollm2 import _unturned, renamed
from explorer.pipeline import records
from explorer.settings import Settings


def test_names_of_both_files_are_those_of_the_network():
    ours = set(Llama(13, 24, 30, 6, 40, positions=4, tied=True).state_dict())
    parts = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down")
    assert {renamed(f"blk.{i}.{part}.weight") for i in range(30) for part in parts} | {
        renamed("token_embd.weight"), renamed("output_norm.weight")} == ours  # fmt: skip
    assert renamed("model.layers.7.self_attn.k_proj.weight") == "blocks.7.k.weight"
    assert renamed("model.layers.7.post_attention_layernorm.weight") == "blocks.7.mlp_norm.weight"
    assert renamed("lm_head.weight") is None


def test_rows_are_turned_back():
    """What convert_hf_to_gguf.py does to a head's rows, by hand: 0 1 2 3 | 4 5 6 7 become 0 2 1 3 | 4 6 5 7."""
    stored = np.float32([0, 2, 1, 3, 4, 6, 5, 7])[:, None]
    assert _unturned(stored, heads=2).ravel().tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


def test_it_says_how_it_is_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="fetch it .92.9 MB. by the button on the page, or with python -m explorer fetch smollm2-135m"):
        load("smollm2-135m")


def test_it_knows_a_capital_and_has_massive_activations(monkeypatch, tmp_path):
    if not MODELS["smollm2-135m"].is_here:  # 93 MB that the app does not need
        return test_it_says_how_it_is_fetched(monkeypatch, tmp_path)
    network = load("smollm2-135m")
    tokens = network.text.encode("The capital of France is").tolist()
    with torch.inference_mode():
        assert network.text.decode([int(network.module(torch.tensor([tokens]))[0, -1].argmax())]) == " Paris"
    line = "naïve 日本, 1984!\n"
    assert network.text.decode(network.text.encode(line)) == line
    seen = records(Settings("smollm2-135m", "fp32", "int8-asym-tensor-minmax", calibration_samples=2))
    largest = {layer.name: max(-each.low, each.high) for layer, each in zip(network.layers, seen, strict=True)}
    assert largest["blocks.11.down"] > 1000 and sorted(largest.values())[len(largest) // 2] < 50
