"""voice: in which language a second of a telephone announcement is spoken, or rather, who announces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from explorer.models import MODELS, Model, Network, given, speech
from explorer.models.assemble import classifier
from explorer.models.seen import Sound

if TYPE_CHECKING:
    import torch

FILE = "voice.safetensors"
TEST, CALIBRATION = 400, 65
ARCHITECTURE = (speech.BANDS, ((32, 1), (24, 2), (24, 2)), 5, 5)  # bands, (channels, stride) of the layers, kernel, classes
CLASSES = ("English", "Spanish", "French", "Italian", "Russian")
DEVIATION = np.float32(3)  # of the log energies around the mean of their band, about


def prepare(codes: np.ndarray) -> torch.Tensor:
    """µ-law, uint8 [k, n] at 8 kHz, to log-mel bands, float32 [k, BANDS, 1, frames], each of mean 0 over the second: how
    loud a recording is and how its microphone sounds would give it away."""
    bands = speech.log_mel(speech.decode(codes))
    return ((bands - bands.mean(dim=2, keepdim=True)) / DEVIATION).unsqueeze(2)


def taken(waveform: np.ndarray) -> np.ndarray:
    """A second, filled up with silence."""
    return speech.encode(np.pad(waveform, (0, speech.RATE - len(waveform))))


def seen(codes: np.ndarray) -> Sound:
    return Sound(speech.decode(codes), speech.RATE)


def load() -> Network:
    from explorer.models.networks.temporal import TemporalNet

    return classifier(TemporalNet(*ARCHITECTURE, batchnorm=False), FILE, "speech/speech.npz", prepare)


MODELS.register(
    Model(
        id="voice",
        title="Voice, which announcer",
        task=(
            "which of five languages a second of a telephone announcement is in; four people announce, English and Spanish "
            "are the same voice, so it tells recordings and voices apart more than languages"
        ),
        metric="accuracy",
        source=(
            "weights trained for this explorer by explorer/models/training/voice.py; announcements of Asterisk's core sounds "
            "as Debian's asterisk-core-sounds-{en,es,fr,it,ru}-wav 1.6.1 has them, recorded by Allison Smith (English, "
            "Spanish), June Wallack (French), Carlo Flora (Italian) and for ivrvoice.ru (Russian): a second each of 80 "
            "announcements a language to test, the others to train, of which 13 a language calibrate"
        ),
        licence=(
            "weights: as this repository; sounds: CC BY-SA 3.0 (Allison Smith, June Wallack), CC BY 3.0 (Carlo Flora; Maxim "
            "Topal, ivrvoice.ru), cut to a second and stored as µ-law; explorer/models/assets/speech holds the terms"
        ),
        teaches="speech: a small network on spectrograms, whose sounds can be heard beside its answers",
        classes=CLASSES,
        parameters=13325,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=100,
        load=load,
        seen=seen,
        given=given.sound(taken, speech.RATE, 1, "A WAV file of any rate, of which the loudest second is heard.", loudest=True),
    )
)
