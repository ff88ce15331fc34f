"""Makes speech/speech.npz: a second of each of some announcements, and the order in which the others train.

Needs the Debian packages asterisk-core-sounds-{en,es,fr,it,ru}-wav 1.6.1: apt-get installs them.
"""

import sys
import wave
from pathlib import Path

import numpy as np

from explorer.models import assets, speech, voice

SOUNDS = Path("/usr/share/asterisk/sounds")
FOLDERS = ("en_US_f_Allison", "es_MX_f_Allison", "fr_CA_f_June", "it_IT_m_Carlo", "ru_RU_f_IvrvoiceRU")  # as voice.CLASSES
NO_SPEECH = ("silence/", "beep", "tone", "monkeys")


def main() -> None:
    test, calibration = [], []
    for label, folder in enumerate(FOLDERS):
        tests, others = split(folder)
        test += [(label, loudest_second(each)) for each in tests]
        long = [each for each in others if len(each) >= speech.RATE]
        calibration += [(label, loudest_second(each)) for each in long[: voice.CALIBRATION // len(FOLDERS)]]
    assets.write_sounds(
        "speech/speech.npz",
        test=np.stack([speech.encode(each) for _, each in test]),
        labels=np.array([label for label, _ in test]),
        calibration=np.stack([speech.encode(each) for _, each in calibration]),
        calibration_labels=np.array([label for label, _ in calibration]),
    )


def split(folder: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The announcements of a language, int16 [n] each: those to test, a second long at least, and all others."""
    if not (SOUNDS / folder).is_dir():
        sys.exit(f"{SOUNDS / folder} is missing: `apt-get install asterisk-core-sounds-{folder[:2]}-wav` puts it there")
    found = {}
    for file in sorted((SOUNDS / folder).rglob("*.wav")):
        if not any(word in str(file.relative_to(SOUNDS / folder)) for word in NO_SPEECH):
            sound = read(file)
            if len(sound) >= speech.RATE // 4:
                found[sound.tobytes()] = sound  # some are there twice, under two names
    sounds = list(found.values())
    order = np.random.default_rng(0).permutation(len(sounds))
    long = [i for i in order if len(sounds[i]) >= speech.RATE]
    chosen = set(long[: voice.TEST // len(FOLDERS)])
    return [sounds[i] for i in order if i in chosen], [sounds[i] for i in order if i not in chosen]


def read(file: Path) -> np.ndarray:
    """int16 [n] at 8 kHz, one channel."""
    with wave.open(str(file)) as stream:
        return np.frombuffer(stream.readframes(stream.getnframes()), "<i2")


def loudest_second(sound: np.ndarray) -> np.ndarray:
    """The second with most energy."""
    energy = np.concatenate([[0], np.cumsum(sound.astype(np.float64) ** 2)])
    start = int(np.argmax(energy[speech.RATE :] - energy[: -speech.RATE]))
    return sound[start : start + speech.RATE]


if __name__ == "__main__":
    main()
