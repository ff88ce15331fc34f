"""Whisper's weights in the files that hold them: CTranslate2's model.bin and Hugging Face's model.safetensors."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

FP16 = 4  # of CTranslate2's types the only one that is read here
REST = {  # names outside the blocks, in CTranslate2's file and in Hugging Face's → ours
    "layer_norm/gamma": "norm.weight", "layer_norm/beta": "norm.bias", "embeddings/weight": "tokens.weight",
    "layer_norm.weight": "norm.weight", "layer_norm.bias": "norm.bias", "embed_tokens.weight": "tokens.weight",
}  # fmt: skip
CTRANSLATE2 = {  # of a block → ours; attention's three projections lie one behind the other, as do the two of what was heard
    "self_attention/layer_norm": "attention_norm", "attention/layer_norm": "cross_norm", "ffn/layer_norm": "mlp_norm",
    "self_attention/linear_1": "attention.o", "attention/linear_0": "cross.q", "attention/linear_2": "cross.o",
    "ffn/linear_0": "up", "ffn/linear_1": "down",
}  # fmt: skip
JOINED = {"self_attention/linear_0": ("attention", "qkv"), "attention/linear_1": ("cross", "kv")}
HUGGING_FACE = {
    "self_attn_layer_norm": "attention_norm", "encoder_attn_layer_norm": "cross_norm", "final_layer_norm": "mlp_norm",
    "fc1": "up", "fc2": "down",
    **{f"{theirs}.{part}_proj": f"{ours}.{part[0]}" for theirs, ours in (("self_attn", "attention"), ("encoder_attn", "cross"))
       for part in ("q", "k", "v", "out")},
}  # fmt: skip


def of_ctranslate2(path: Path) -> dict[str, np.ndarray]:
    """Our names to float32 arrays. Raises ValueError, struct.error or OSError for what is no such file.

    Little-endian: u32 version, a name (u16 length, bytes that end with a zero), u32 revision, u32 count; then of each
    variable its name, u8 dimensions, u32 each, u8 type, u32 bytes, data.
    """
    found: dict[str, np.ndarray] = {}
    with open(path, "rb") as stream:
        take = lambda form: struct.unpack(f"<{form}", stream.read(struct.calcsize(f"<{form}")))  # noqa: E731
        name = lambda: stream.read(*take("H"))[:-1].decode()  # noqa: E731
        take("I")
        if (kind := name()) != "WhisperSpec":
            raise ValueError(f"it holds a {kind[:40]}, not a WhisperSpec")
        _revision, count = take("II")
        for _ in range(count):
            variable = name()
            (dimensions,) = take("B")
            shape = take(f"{dimensions}I")
            kind, size = take("BI")
            data = stream.read(size)
            if kind == FP16 and shape:
                for ours, part in _ours(variable, np.frombuffer(data, "<f2").reshape(shape)):
                    found[ours] = part.astype(np.float32)
    return found


def _ours(name: str, w: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The weights of one of CTranslate2's variables under our names."""
    side, _, place = name.partition("/")
    if not place.startswith("layer_") or place.startswith("layer_norm"):
        return [(ours, w[:, :, None] if w.ndim == 3 else w) for ours in _outside(side, place)]
    number, _, place = place.removeprefix("layer_").partition("/")
    layer, _, kind = place.rpartition("/")
    kind = {"gamma": "weight", "beta": "bias"}.get(kind, kind)
    block = f"{side}.blocks.{number}"
    if layer not in JOINED:
        return [(f"{block}.{CTRANSLATE2[layer]}.{kind}", w)]
    ours, parts = JOINED[layer]
    split = zip(parts, np.split(w, len(parts)), strict=True)
    return [(f"{block}.{ours}.{part}.{kind}", each) for part, each in split if (part, kind) != ("k", "bias")]  # which is 0


def _outside(side: str, place: str) -> list[str]:
    if place == "position_encodings/encodings":
        return [f"{side}.positions" if side == "encoder" else f"{side}.positions.weight"]
    head, _, kind = place.partition("/")
    if head in ("conv1", "conv2"):
        return [f"{side}.{head}.{kind}"]
    return [f"{side}.{REST[place]}"] if place in REST else []


def of_hugging_face(path: Path) -> dict[str, np.ndarray]:
    """The same from WhisperForConditionalGeneration's safetensors. Raises SafetensorError or OSError."""
    from safetensors.torch import load_file

    found = {}
    for name, w in load_file(path).items():
        if ours := renamed(name):
            found[ours] = (w[:, :, None] if w.ndim == 3 else w).float().numpy()
    return found


def renamed(name: str) -> str | None:
    """Our name of one of Hugging Face's weights; None for what is not used here (the head is the embedding)."""
    side, _, place = name.removeprefix("model.").partition(".")
    if place == "embed_positions.weight":
        return f"{side}.positions" if side == "encoder" else f"{side}.positions.weight"
    if place in REST or place.startswith("conv"):
        return f"{side}.{REST.get(place, place)}"
    number, _, place = place.removeprefix("layers.").partition(".")
    layer, _, kind = place.rpartition(".")
    return f"{side}.blocks.{number}.{HUGGING_FACE[layer]}.{kind}" if layer in HUGGING_FACE else None
