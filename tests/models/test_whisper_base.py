"""whisper-base: what ships with it; where it was fetched, against CTranslate2's answers and what the announcements say."""

from pathlib import Path
from threading import Event, Timer

import numpy as np
import pytest
import torch

from explorer import pipeline
from explorer.errors import Cancelled, ModelError
from explorer.models import MODELS, load
from explorer.models.assets import read_arrays
from explorer.models.networks.whisper import sinusoids
from explorer.models.whisper_base import CALIBRATION, END, IN_A_ROW, SECONDS, SILENCED, TEST, recordings, seen
from explorer.settings import Settings
from explorer.tasks.transcription import words

ANSWERS = Path(__file__).with_name("whisper_base_ctranslate2.npz")  # of CTranslate2 4.8.5, FP32, for the first recordings


@pytest.fixture(scope="module")
def network():
    return load("whisper-base") if MODELS["whisper-base"].is_here else None  # 133 MB that the app does not need


def test_it_says_how_it_is_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="fetch it .133.3 MB. by the button on the page, or with python -m explorer fetch whisper-base"):
        load("whisper-base")


def test_announcements_ship_with_what_they_say():
    sounds, lengths, said, calibration = read_arrays("speech/sentences.npz", "sounds", "lengths", "said", "calibration")
    (_, labels), lines = read_arrays("speech/speech.npz", "test", "labels"), bytes(said).decode().split("\n")
    assert len(lines) == len(lengths) == TEST and lengths.sum() == len(sounds) and lengths.max() < (SECONDS - 1) * 8000
    assert 250 < sum(len(words(line)) for line in lines) < 400 and not any(character.isdigit() for character in "".join(lines))
    assert set(labels[calibration]) == {0} and len(calibration) >= CALIBRATION * IN_A_ROW
    heard = recordings(np.split(sounds, np.cumsum(lengths)[:-1]))
    assert [len(seen(row).waveform) for row in heard] == pytest.approx(lengths, abs=400)


def test_it_hears_and_writes_what_ctranslate2_does(network, monkeypatch, tmp_path):
    if network is None:
        return test_it_says_how_it_is_fetched(monkeypatch, tmp_path)
    with np.load(ANSWERS) as theirs, torch.inference_mode():
        mel = network.prepare(network.test[:2])
        heard, cache = network.module.encoder(mel), {}
        np.testing.assert_allclose(heard[:, :100:10, ::8], theirs["heard"], atol=2e-3, rtol=1e-3)
        tokens = torch.from_numpy(theirs["tokens"][:2].astype(np.int64))
        opening = torch.tensor([[50258, 50259, 50359, 50363]]).expand(2, -1)
        logits = network.module.decoder(torch.cat([opening, tokens[:, :-1]], 1), heard, cache)[:, 3:]
        np.testing.assert_array_equal(network.module.written(logits), tokens)
    torch.testing.assert_close(network.module.encoder.positions, sinusoids(1500, 512), rtol=0, atol=3e-4)  # kept in FP16
    assert END not in SILENCED and {50258, 51864} < set(SILENCED)


def test_four_of_a_hundred_words_are_wrong_and_8_bits_change_little(network, monkeypatch, tmp_path):
    if network is None:
        return test_it_says_how_it_is_fetched(monkeypatch, tmp_path)
    *_, found = pipeline.stream(Settings("whisper-base", "int8-sym-channel-minmax", "fp32", evaluation_samples=3))
    assert found.metric.n == 3 and found.fp32.value < 0.1 and abs(found.difference.value) < 0.03
    cancel = Event()
    Timer(0.5, cancel.set).start()
    with pytest.raises(Cancelled):  # in the middle of a recording
        list(pipeline.stream(Settings("whisper-base", "int4-sym-channel-minmax", "fp32", evaluation_samples=30), cancel=cancel))
