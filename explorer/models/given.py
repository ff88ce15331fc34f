"""A sample of one's own: a picture, a recording, a text or a file as a model stores its samples.

What comes in is not trusted: it is decoded as data alone, and what cannot be read is one sentence.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import DataError
from explorer.models.labelled import Labelled

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST = 200_000_000  # bytes of what is given
RATES = 1_000, 384_000  # Hz of a recording
SILENT = 2**-12  # of full scale: less is silence
LONGEST_TEXT = 100_000  # characters
KINDS = ("picture", "sound", "text", "file")


@dataclass(frozen=True, eq=False)
class Taken:
    """sample: [...] as the model stores it; notes: sentences on what was cut, filled up or not understood."""

    sample: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """kind: one of KINDS. take: what is given, as bytes (a text in UTF-8), to a sample; raises DataError.
    says: one sentence on what is taken, and what becomes of the rest."""

    kind: str
    take: Callable[[bytes], Taken]
    says: str


def checked(content: bytes) -> bytes:
    """Raises DataError for nothing and for far too much."""
    if not content:
        raise DataError("there is nothing in it; give something that is not empty")
    if len(content) > LARGEST:
        raise DataError(f"it has {len(content):,} bytes; give at most {LARGEST:,}")
    return content


def picture(framed: Callable[[Image], np.ndarray], says: str) -> Given:
    def take(content: bytes) -> Taken:
        checked(content)
        try:
            image = Labelled("", ("it",), ("",), lambda _: content).image(0)
        except DataError:
            raise DataError("it cannot be read as a picture, or has far too many pixels; give a whole PNG, JPEG, GIF, WebP, BMP or TIFF") from None
        return Taken(framed(image))

    return Given("picture", take, says)


def text(take: Callable[[str], Taken], says: str) -> Given:
    def decoded(content: bytes) -> Taken:
        try:
            words = content.decode()
        except UnicodeDecodeError:
            raise DataError("it is no text in UTF-8; give words") from None
        if not words.strip():
            raise DataError("there are no words in it; write some")
        if len(words) > LONGEST_TEXT:
            raise DataError(f"it has {len(words):,} characters; give at most {LONGEST_TEXT:,}")
        return take(words)

    return Given("text", decoded, says)


def sound(stored: Callable[[np.ndarray], np.ndarray], rate: int, seconds: float, says: str, *, loudest: bool = False) -> Given:
    """stored: mono int16 [n] at `rate` to a sample, of up to so many seconds, the first or the loudest of what is given."""

    def take(content: bytes) -> Taken:
        wave, notes = mono(checked(content), rate)
        if np.abs(wave).max() < SILENT:
            notes.append("It is silent.")
        longest = int(seconds * rate)
        if len(wave) > longest:
            start = _loudest(wave, longest, rate) if loudest else 0
            which = f"the {seconds:g} s from {start / rate:.1f} s on, the loudest," if loudest else f"the first {seconds:g} s"
            notes.append(f"Of its {len(wave) / rate:.1f} s {which} are heard.")
            wave = wave[start : start + longest]
        return Taken(stored(np.clip(np.rint(wave * 2**15), -(2**15), 2**15 - 1).astype(np.int16)), tuple(notes))

    return Given("sound", take, says)


def mono(content: bytes, rate: int) -> tuple[np.ndarray, list[str]]:
    """A WAV file's waveform, float64 [n] from −1 to 1 at `rate`, and what was done for it. Raises DataError.

    Channels are averaged; another rate is changed by a polyphase filter (scipy.signal.resample_poly).
    """
    from scipy.io import wavfile
    from scipy.signal import resample_poly

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of chunks that are no sound
            theirs, samples = wavfile.read(io.BytesIO(content))
    except Exception:  # the reader raises all there is on broken files
        raise DataError("it cannot be read as a WAV file; give a whole one with PCM or float samples") from None
    if not len(samples):
        raise DataError("there is no sound in it; give a recording that is not empty")
    if not RATES[0] <= theirs <= RATES[1]:
        raise DataError(f"it has {theirs:,} samples a second; give {RATES[0]:,} to {RATES[1]:,}")
    notes = []
    wave = _from_minus_one_to_one(samples)
    if not np.isfinite(wave).all():
        raise DataError(f"{np.count_nonzero(~np.isfinite(wave)):,} of its samples are NaN or infinite; give a recording without")
    if wave.ndim > 1:
        if wave.shape[1] > 1:
            notes.append(f"Its {wave.shape[1]} channels are averaged.")
        wave = wave.mean(axis=1)
    if theirs != rate:
        common = gcd(theirs, rate)
        wave = resample_poly(wave, rate // common, theirs // common)
        notes.append(f"Its {theirs:,} samples a second became {rate:,}, as the recordings of the test have.")
    return np.clip(wave, -1, 1), notes


def _from_minus_one_to_one(samples: np.ndarray) -> np.ndarray:
    if samples.dtype.kind == "u":  # 8 bits are unsigned in a WAV file
        return (samples.astype(np.float64) - 128) / 128
    if samples.dtype.kind == "i":
        return samples / 2.0 ** (8 * samples.dtype.itemsize - 1)
    return samples.astype(np.float64)


def _loudest(wave: np.ndarray, length: int, rate: int) -> int:
    """Where the stretch of this length with the most energy starts, to a twentieth of a second."""
    energy = np.concatenate([[0.0], np.square(wave).cumsum()])
    starts = np.arange(0, len(wave) - length + 1, max(1, rate // 20))
    return int(starts[np.argmax(energy[starts + length] - energy[starts])])
