"""silero-vad: is somebody speaking? An LSTM that listens in frames of 32 ms, as published."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError
from explorer.models import MODELS, Model, Network, given, speech
from explorer.models.assemble import assemble, fill
from explorer.models.assets import read_arrays
from explorer.models.seen import Sound

if TYPE_CHECKING:
    import torch

PACKAGE = "silero-vad==6.2.3"
FILE = "silero_vad_16k_op15.onnx"  # the safetensors file beside it holds other weights
TEST, CALIBRATION = 48, 16  # recordings
HEARD = 30  # seconds of a recording of one's own
FRAMES, FRAME = 128, 256  # of a recording; samples of a frame at 8 kHz
CLIPS = 3  # announcements in a recording
SPEAKS = 1e-3  # of the energy of the loudest frame: from there on a frame is speech,
PAUSE = 5  # and so are pauses of up to this many frames, 0.16 s, between two that are
QUIETEST, LOUDEST = 3.0, 25.0  # dB of the announcements over the noise


def prepare(recordings: np.ndarray) -> torch.Tensor:
    """int16 [k, n] at 8 kHz to frames at 16 kHz with what came before each, float32 [k, n / FRAME, CONTEXT + 512]."""
    import torch

    from explorer.models.networks.silero import CONTEXT
    from explorer.models.networks.silero import FRAME as LENGTH

    sound = torch.from_numpy(recordings.astype(np.float32) / 2**15)
    wide = speech.twice_the_rate(sound)
    return torch.nn.functional.pad(wide, (CONTEXT, 0)).unfold(1, CONTEXT + LENGTH, LENGTH).contiguous()


def answers(probabilities: torch.Tensor) -> np.ndarray:
    """Probability of speech [k, frames] to 0 or 1, int64: speech from one half on."""
    return (probabilities >= 0.5).long().numpy()


def recordings(clips: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Announcements at random places in noise: int16 [count, FRAMES · FRAME], and which frames are speech, int64 [count, FRAMES].

    clips: int16 [n, second], each used once. Whether a frame is speech is told by the announcement's energy in it, before
    noise is added: the noise is white for even recordings and brown for odd ones, QUIETEST to LOUDEST dB below speech.
    """
    draw = np.random.Generator(np.random.Philox(seed))
    length, second = FRAMES * FRAME, clips.shape[1]
    clean, noisy = np.zeros((2, count, length))
    labels = np.zeros((count, FRAMES), np.int64)
    for i in range(count):
        starts = np.sort(draw.integers(0, length - CLIPS * second + 1, CLIPS)) + np.arange(CLIPS) * second
        for start, clip in zip(starts, clips[i * CLIPS : (i + 1) * CLIPS], strict=True):
            clean[i, start : start + second] = clip
        energy = np.square(clean[i]).reshape(FRAMES, FRAME).sum(1)
        labels[i] = _without_pauses(energy > SPEAKS * energy.max())
        noise = draw.standard_normal(length)
        if i % 2:
            noise = _brown(noise)
        power = np.square(clean[i]).reshape(FRAMES, FRAME)[labels[i] > 0].mean()
        level = np.sqrt(power * 10 ** (-draw.uniform(QUIETEST, LOUDEST) / 10) / np.square(noise).mean())
        noisy[i] = clean[i] + level * noise
    return np.clip(np.rint(noisy), -(2**15), 2**15 - 1).astype(np.int16), labels


def _without_pauses(speaks: np.ndarray) -> np.ndarray:
    closed, frames = speaks.copy(), np.flatnonzero(speaks)
    for before, after in zip(frames, frames[1:]):
        if after - before <= PAUSE + 1:
            closed[before:after] = True
    return closed


def _brown(white: np.ndarray) -> np.ndarray:
    """Noise whose power falls by 6 dB an octave, from 60 Hz on."""
    spectrum = np.fft.rfft(white)
    hertz = np.fft.rfftfreq(len(white), 1 / speech.RATE)
    return np.fft.irfft(spectrum / np.maximum(hertz, 60.0), n=len(white))


def load() -> Network:
    """Raises ModelError when the package is missing or its file is damaged."""
    from explorer.models.networks.silero import SileroVad

    test, calibration = (speech.decode(codes) for codes in read_arrays("speech/speech.npz", "test", "calibration"))
    mixed = np.random.Generator(np.random.Philox(7)).permutation  # languages, which lie in order
    heard, labels = recordings(test[mixed(len(test))[: TEST * CLIPS]], TEST, seed=0)
    before, calibration_labels = recordings(calibration[mixed(len(calibration))[: CALIBRATION * CLIPS]], CALIBRATION, seed=1)
    return assemble(
        fill(SileroVad(), published(), FILE),
        calibration=before,
        test=heard,
        labels=labels,
        calibration_labels=calibration_labels,
        prepare=prepare,
        answers=answers,
    )


def published() -> dict[str, np.ndarray]:
    """The weights as they were published, under this module's names. Raises ModelError."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    from explorer.models.networks.silero import NAMES, SileroVad

    path = weights_file()
    try:
        stored = {each.name: numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer}
        shapes = {name: tuple(w.shape) for name, w in SileroVad().state_dict().items()}
        return {ours: np.array(stored[theirs]).reshape(shapes[ours]) for theirs, ours in NAMES.items()}
    except (OSError, DecodeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(
            f"the model file {path} is truncated or damaged; `pip install --force-reinstall --no-deps {PACKAGE}` brings it back"
        ) from error


def weights_file() -> Path:
    """Where the installed package keeps its weights. Raises ModelError."""
    spec = find_spec("silero_vad")
    path = Path(spec.origin).parent / "data" / FILE if spec else Path(FILE)
    if not path.is_file():
        raise ModelError(f"the model file {path} is missing; `pip install {PACKAGE}` brings it")
    return path


def taken(waveform: np.ndarray) -> np.ndarray:
    """Whole frames, the last one filled up with silence."""
    return np.pad(waveform, (0, -len(waveform) % FRAME))


def seen(recording: np.ndarray) -> Sound:
    return Sound(recording, speech.RATE)


MODELS.register(
    Model(
        id="silero-vad",
        title="Silero VAD, speech or not",
        task="whether somebody speaks, in each of the frames of 32 ms of a recording",
        metric="accuracy of frames",
        source=(
            f"weights from the Python package {PACKAGE}, of its ONNX file for 16 kHz; {TEST} recordings of 4 s to test and "
            f"{CALIBRATION} to calibrate, each {CLIPS} seconds of announcements (those of voice) at random places in white or "
            "brown noise, brought to 16 kHz; what is speech is told by the announcements' energy before the noise is added"
        ),
        licence=(
            "weights: MIT (Silero Team); sounds: CC BY-SA 3.0 (Allison Smith, June Wallack), CC BY 3.0 (Carlo Flora; Maxim "
            "Topal, ivrvoice.ru), cut, mixed with noise; explorer/models/assets/speech holds the terms"
        ),
        teaches=(
            "one output channel of a convolution is 198 times wider than the median: INT8 per tensor hardly hears any speech, "
            "per channel loses nothing; and the two matrices of an LSTM, which run in every frame"
        ),
        classes=("silence", "speech"),
        parameters=309633,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=24,
        load=load,
        seen=seen,
        given=given.sound(taken, speech.RATE, HEARD, f"A WAV file of any rate, of which up to {HEARD} s are heard."),
    )
)
