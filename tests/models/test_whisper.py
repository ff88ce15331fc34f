"""Whisper's network against torch's own transformer layers, its spectrogram against sums in float64, its files against each other."""

import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from explorer.models import speech
from explorer.models.networks.mel import BANDS, HOP, RATE, WINDOW, log_mel, triangles
from explorer.models.networks.whisper import Whisper, sinusoids
from explorer.models.whisper_files import of_ctranslate2, of_hugging_face

SMALL = {"vocabulary": 31, "bands": 8, "width": 16, "blocks": 2, "heads": 4, "hears": 20, "writes": 12, "opening": (3, 4),
         "silenced": (5,), "not_first": (2,), "end": 2, "longest": 6}  # fmt: skip


@pytest.fixture
def module():
    torch.manual_seed(0)
    made = Whisper(**SMALL).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.normal_(0, 0.4)
    return made


def copied(layer, block):
    """torch's layer with the weights of one of ours."""
    pairs = [(layer.self_attn, block.attention)] + ([(layer.multihead_attn, block.cross)] if block.cross is not None else [])
    for theirs, ours in pairs:
        theirs.in_proj_weight.data = torch.cat([ours.q.weight, ours.k.weight, ours.v.weight])
        theirs.in_proj_bias.data = torch.cat([ours.q.bias, torch.zeros(16), ours.v.bias])
        theirs.out_proj.load_state_dict(ours.o.state_dict())
    norms = [block.attention_norm, *([block.cross_norm] if block.cross is not None else []), block.mlp_norm]
    for number, norm in enumerate(norms, 1):
        getattr(layer, f"norm{number}").load_state_dict(norm.state_dict())
    layer.linear1.load_state_dict(block.up.state_dict())
    layer.linear2.load_state_dict(block.down.state_dict())
    return layer.eval()


def test_it_is_torchs_transformer(module):
    mel, tokens = torch.randn(2, 8, 20), torch.tensor([[3, 4, 7, 9], [3, 4, 1, 0]])
    options = {"d_model": 16, "nhead": 4, "dim_feedforward": 64, "dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
    encoder, decoder = module.encoder, module.decoder
    conv = lambda layer, x, stride: nn.functional.gelu(nn.functional.conv1d(x, layer.weight[:, :, 0], layer.bias, stride, 1))  # noqa: E731
    x = conv(encoder.conv2, conv(encoder.conv1, mel, 1), 2).transpose(1, 2) + encoder.positions[:10]
    for block in encoder.blocks:
        x = copied(nn.TransformerEncoderLayer(**options), block)(x)
    heard = encoder.norm(x)
    torch.testing.assert_close(encoder(mel), heard, rtol=1e-4, atol=1e-5)
    y = decoder.tokens(tokens) + decoder.positions.weight[:4]
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    for block in decoder.blocks:
        y = copied(nn.TransformerDecoderLayer(**options), block)(y, heard, tgt_mask=mask, tgt_is_causal=True)
    torch.testing.assert_close(decoder(tokens, heard), decoder.norm(y) @ decoder.tokens.weight.T, rtol=1e-4, atol=1e-4)


def test_with_the_cache_it_writes_what_it_writes_without(module):
    mel = torch.randn(3, 8, 20)
    logits, heard, tokens = module(mel), module.encoder(mel), torch.tensor([[3, 4]] * 3)
    for step in range(logits.shape[1]):
        again = module.decoder(tokens, heard)[:, -1]
        torch.testing.assert_close(logits[:, step], again, rtol=1e-4, atol=1e-4)
        again[:, [5] if step else [5, 2]] = -torch.inf
        assert torch.equal(module.written(logits)[:, step], again.argmax(-1))
        tokens = torch.cat([tokens, again.argmax(-1, keepdim=True)], 1)
    ended = (module.written(logits) == 2).any(1)
    assert logits.shape[1] == 6 or ended.all()


def test_it_stops_when_all_have_written_the_end(module):
    module.decoder.norm.weight.zero_()  # nothing but the bias is left: the same token each time
    module.decoder.norm.bias.copy_(10 * module.decoder.tokens.weight[2])
    logits = module(torch.randn(2, 8, 20))
    written = module.written(logits).tolist()
    assert logits.shape[1] == 2 and all(row[0] not in (2, 5) and row[1] == 2 for row in written)


def test_positions_are_sines_and_cosines():
    table = sinusoids(7, 6).numpy()
    rates = np.array([1, 1e-2, 1e-4])
    np.testing.assert_allclose(table, np.concatenate([np.sin(np.outer(range(7), rates)), np.cos(np.outer(range(7), rates))], 1), atol=1e-7)


def test_the_spectrogram_is_its_definition_in_float64():
    sound = np.random.default_rng(0).standard_normal(RATE // 10) * 0.1
    padded = np.pad(sound, WINDOW // 2, mode="reflect")
    n = np.arange(WINDOW)
    basis = np.exp(-2j * np.pi * np.outer(np.arange(WINDOW // 2 + 1), n) / WINDOW) * (0.5 - 0.5 * np.cos(2 * np.pi * n / WINDOW))
    frames = np.stack([padded[i : i + WINDOW] for i in range(0, len(sound), HOP)], 1)
    bands = np.log10(np.maximum(triangles().double().numpy() @ np.abs(basis @ frames) ** 2, 1e-10))
    wanted = (np.maximum(bands, bands.max() - 8) + 4) / 4
    np.testing.assert_allclose(log_mel(torch.from_numpy(sound).float()[None])[0], wanted, atol=1e-4)
    assert log_mel(torch.zeros(1, RATE)).unique().tolist() == [-1.5]  # silence: 10 tens of decibels down, all of it


def test_bands_have_area_one_and_lie_where_slaneys_do():
    areas = triangles().double().sum(1) * RATE / WINDOW
    assert triangles().shape == (BANDS, 201) and (areas[60:] - 1).abs().max() < 0.05  # narrow ones meet few of the spectrum's lines
    centres = (triangles().argmax(1) * RATE / WINDOW).tolist()
    assert centres[-1] == pytest.approx(7760, abs=80) and centres[40] == pytest.approx(1900, abs=250) and centres == sorted(centres)


def test_twice_the_rate_is_the_same_tone():
    time = np.arange(8000) / 8000
    tone = torch.from_numpy(np.sin(2 * np.pi * 440 * time)).float()[None]
    np.testing.assert_allclose(speech.twice_the_rate(tone)[0], np.sin(2 * np.pi * 440 * np.arange(16000) / 16000), atol=1e-4)


def written_as_ctranslate2(path, module) -> None:
    """The file that CTranslate2's converter makes of these weights: joined projections, FP16, its names."""
    w = {name: each.numpy() for name, each in module.state_dict().items()}
    variables = {"decoder/num_heads": None, "encoder/position_encodings/encodings": w["encoder.positions"],
                 "decoder/position_encodings/encodings": w["decoder.positions.weight"], "decoder/embeddings/weight": w["decoder.tokens.weight"]}  # fmt: skip
    for side in ("encoder", "decoder"):
        variables |= {f"{side}/layer_norm/{theirs}": w[f"{side}.norm.{ours}"] for theirs, ours in (("gamma", "weight"), ("beta", "bias"))}
        for i in range(2):
            ours, theirs = f"{side}.blocks.{i}", f"{side}/layer_{i}"
            joined = [("attention", "self_attention/linear_0", "qkv")] + ([("cross", "attention/linear_1", "kv")] if side == "decoder" else [])
            for layer, name, parts in joined:
                biases = [w.get(f"{ours}.{layer}.{part}.bias", np.zeros(16, np.float32)) for part in parts]
                variables[f"{theirs}/{name}/weight"] = np.concatenate([w[f"{ours}.{layer}.{part}.weight"] for part in parts])
                variables[f"{theirs}/{name}/bias"] = np.concatenate(biases)
            plain = {"attention.o": "self_attention/linear_1", "up": "ffn/linear_0", "down": "ffn/linear_1"}
            plain |= {"cross.q": "attention/linear_0", "cross.o": "attention/linear_2"} if side == "decoder" else {}
            norms = {"attention_norm": "self_attention/layer_norm", "mlp_norm": "ffn/layer_norm"}
            norms |= {"cross_norm": "attention/layer_norm"} if side == "decoder" else {}
            for layer, name in plain.items():
                variables |= {f"{theirs}/{name}/{kind}": w[f"{ours}.{layer}.{kind}"] for kind in ("weight", "bias")}
            for layer, name in norms.items():
                variables |= {f"{theirs}/{name}/gamma": w[f"{ours}.{layer}.weight"], f"{theirs}/{name}/beta": w[f"{ours}.{layer}.bias"]}
    for conv in ("conv1", "conv2"):
        variables |= {f"encoder/{conv}/weight": w[f"encoder.{conv}.weight"][:, :, 0], f"encoder/{conv}/bias": w[f"encoder.{conv}.bias"]}
    name = lambda text: struct.pack("<H", len(text) + 1) + text.encode() + b"\0"  # noqa: E731
    with open(path, "wb") as stream:
        stream.write(struct.pack("<I", 6) + name("WhisperSpec") + struct.pack("<II", 3, len(variables)))
        for variable, array in variables.items():
            data = np.int16(8).tobytes() if array is None else array.astype("<f2").tobytes()
            shape = () if array is None else array.shape
            stream.write(name(variable) + struct.pack(f"<B{len(shape)}IBI", len(shape), *shape, 2 if array is None else 4, len(data)) + data)
        stream.write(struct.pack("<I", 0))


def test_both_files_give_the_same_weights(module, tmp_path):
    state = module.state_dict()
    written_as_ctranslate2(tmp_path / "model.bin", module)
    found = of_ctranslate2(tmp_path / "model.bin")
    assert found.keys() == state.keys()
    assert all(np.array_equal(found[name], w.half().float().numpy()) for name, w in state.items())
    parts = {"attention": "self_attn", "cross": "encoder_attn", "q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj", "up": "fc1",
             "down": "fc2", "attention_norm": "self_attn_layer_norm", "cross_norm": "encoder_attn_layer_norm", "mlp_norm": "final_layer_norm",
             "blocks": "layers", "norm": "layer_norm", "tokens": "embed_tokens"}  # fmt: skip
    theirs = {}
    for name, w in state.items():
        name = name.removesuffix(".weight") if "positions" in name else name
        name = ".".join(parts.get(part, part) for part in name.split(".")).replace("positions", "embed_positions.weight")
        theirs[f"model.{name}"] = w[:, :, 0].contiguous() if w.ndim == 4 else w.clone()
    save_file(theirs | {"proj_out.weight": state["decoder.tokens.weight"].clone()}, tmp_path / "model.safetensors")
    found = of_hugging_face(tmp_path / "model.safetensors")
    assert found.keys() == state.keys() and all(np.array_equal(found[name], w.numpy()) for name, w in state.items())


@pytest.mark.parametrize("content", [b"", b"\6\0\0\0\5\0Marian", struct.pack("<IH", 6, 5) + b"Bert\0" + bytes(80)])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises((ValueError, struct.error)):
        of_ctranslate2(tmp_path / "model.bin")
