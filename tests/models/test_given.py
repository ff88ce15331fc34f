"""Samples of one's own: what every model takes, and one sentence for what it does not."""

import io
import wave

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from explorer.errors import DataError
from explorer.models import MODELS, given, here, load, speech
from explorer.models.given import KINDS, LARGEST, mono
from explorer.models.gpt_shakespeare import CHARACTERS, POSITIONS


def wav(samples: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    wavfile.write(file, rate, samples)
    return file.getvalue()


def tone(seconds: float, rate: int, hertz: float = 300.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


ONE = {"picture": png(np.zeros((40, 30, 3), np.uint8)), "sound": wav(tone(0.5, 16000).astype(np.float32), 16000),
       "text": b"A fine film, and well played.", "file": b"import os\n"}  # fmt: skip


def one(id: str) -> bytes:
    return " ".join(["1.5"] * 30).encode() if id.startswith("article") else ONE[MODELS[id].given.kind]


@pytest.mark.parametrize("id", here())
def test_every_model_takes_one_as_it_stores_its_own(id):
    model, network = MODELS[id], load(id)
    assert model.given.kind in KINDS and model.given.says.endswith(".")
    sample = model.given.take(one(id)).sample
    assert (sample.dtype.kind, sample.ndim + 1) == (network.test[:1].dtype.kind, network.test[:1].ndim)
    network.module(network.prepare(sample[None]))
    with pytest.raises(DataError, match="nothing in it|no words"):
        model.given.take(b"")


@pytest.mark.parametrize(("format", "full"), [(np.uint8, 127), (np.int16, 2**15 - 1), (np.int32, 2**31 - 1), (np.float32, 1.0)])
def test_any_way_to_write_a_sound_is_the_same_sound(format, full):
    clean = tone(0.3, speech.RATE)
    stored = np.rint(clean * full) + (128 if format is np.uint8 else 0) if full > 1 else clean
    heard, notes = mono(wav(stored.astype(format), speech.RATE), speech.RATE)
    assert not notes and np.abs(heard - clean).max() < 1.1 / 127


def test_24_bits_as_the_standard_library_writes_them():
    clean, file = tone(0.2, speech.RATE), io.BytesIO()
    with wave.open(file, "wb") as stream:
        stream.setparams((1, 3, speech.RATE, 0, "NONE", ""))
        stream.writeframes(b"".join(int(v).to_bytes(3, "little", signed=True) for v in np.rint(clean * (2**23 - 1))))
    assert np.abs(mono(file.getvalue(), speech.RATE)[0] - clean).max() < 1e-6


@pytest.mark.parametrize("rate", [11025, 16000, 44100, 48000])
def test_another_rate_and_two_channels_are_the_same_tone(rate):
    left = tone(1, rate)
    heard, notes = mono(wav(np.stack([left, np.zeros_like(left)], 1).astype(np.float32), rate), speech.RATE)
    middle = slice(800, -800)  # the filter needs a past and a future
    assert len(heard) == speech.RATE and np.abs(heard - tone(1, speech.RATE) / 2)[middle].max() < 2e-3
    assert notes == ["Its 2 channels are averaged.", f"Its {rate:,} samples a second became 8,000, as the recordings of the test have."]


def test_of_long_recordings_a_part_is_heard_and_silence_is_said():
    quiet = np.zeros(5 * speech.RATE, np.float32)
    quiet[2 * speech.RATE : 3 * speech.RATE] = tone(1, speech.RATE)
    taken = MODELS["voice"].given.take(wav(quiet, speech.RATE))
    assert taken.notes == ("Of its 5.0 s the 1 s from 2.0 s on, the loudest, are heard.",)
    assert np.abs(speech.decode(taken.sample) / 2**15 - tone(1, speech.RATE)).max() < 0.02  # µ-law
    taken = MODELS["silero-vad"].given.take(wav(np.zeros(600 * speech.RATE, np.int16), speech.RATE))
    assert taken.notes == ("It is silent.", "Of its 600.0 s the first 30 s are heard.") and len(taken.sample) == 240128


@pytest.mark.parametrize(("id", "content", "says"), [
    ("voice", b"RIFF1234", "cannot be read as a WAV file"), ("voice", ONE["picture"], "cannot be read as a WAV file"),
    ("voice", wav(np.zeros(0, np.int16), 8000), "no sound in it"), ("voice", wav(np.zeros(9, np.int16), 100), "100 samples a second; give 1,000 to"),
    ("voice", wav(np.float32([0, np.nan, np.inf]), 8000), "2 of its samples are NaN or infinite"), ("voice", ONE["sound"][:60], "WAV file|no sound"),
    ("digits", b"GIF89a", "cannot be read as a picture"), ("digits", ONE["picture"][:50], "cannot be read as a picture"),
    ("gpt-shakespeare", "日本語".encode(), "no character that this model knows"), ("gpt-shakespeare", b" \n\t", "no words"),
    ("gpt-shakespeare", b"\xff\xfe", "no text in UTF-8"), ("gpt-shakespeare", b"a" * 100_001, "100,001 characters; give at most 100,000"),
    ("article-mlp", b"1 2 three", "'three' is no number; give 30"), ("article-mlp", b"1,2,3", "it has 3 numbers"), ("article-mlp", b"nan " * 30, "0 of them finite"),
])  # fmt: skip
def test_what_cannot_be_taken_is_one_sentence(id, content, says):
    with pytest.raises(DataError, match=says) as caught:
        MODELS[id].given.take(content)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_a_bomb_and_far_too_much_are_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="far too many pixels"):
        MODELS["digits"].given.take(ONE["picture"])
    monkeypatch.setattr(given, "LARGEST", 5)
    assert LARGEST > 1e8
    with pytest.raises(DataError, match="give at most 5"):
        MODELS["magika"].given.take(b"123456")


def test_what_a_language_model_does_not_know_or_read_is_said():
    taken = MODELS["gpt-shakespeare"].given.take(("é" + "ab" * POSITIONS).encode())
    assert taken.notes[0].startswith("1 of its characters") and taken.notes[1] == f"Of its {2 * POSITIONS + 1} characters the last {POSITIONS // 2} are read."
    assert "".join(CHARACTERS[token] for token in taken.sample) == "ab" * (POSITIONS // 4)
