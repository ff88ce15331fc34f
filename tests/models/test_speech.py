"""Sound: µ-law against the standard's own numbers, log-mel bands against formulas written another way."""

import numpy as np
import torch

from explorer.models import speech

# ITU-T G.711 (11/88), table 2a: decision values (14 bits) → the value that comes back, positive side
STANDARD = {0: 0, 1: 2, 3: 4, 31: 33, 35: 37, 95: 99, 103: 107, 223: 231, 479: 495, 991: 1023, 2015: 2079, 4063: 4191, 7903: 8031, 8158: 8031}


def test_mu_law_is_the_standards():
    for value, back in STANDARD.items():
        for sign in (1, -1):
            assert speech.decode(speech.encode(np.int16([sign * value * 4])))[0] == sign * back * 4, value
    assert speech.encode(np.int16([32124, 0, -32124])).tolist() == [0x80, 0xFF, 0x00]


def test_every_code_is_encoded_as_itself_but_for_the_two_zeros():
    codes = np.arange(256, dtype=np.uint8)
    again = speech.encode(speech.decode(codes))
    assert np.flatnonzero(again != codes).tolist() == [0x7F] and again[0x7F] == 0xFF


def test_the_error_is_a_few_percent_of_the_sound():
    draw = np.random.default_rng(0)
    sound = (draw.standard_normal(20_000) * 3000).clip(-32000, 32000).astype(np.int16)
    error = speech.decode(speech.encode(sound)).astype(float) - sound
    assert np.abs(error).max() <= 512 and 10 * np.log10((sound.astype(float) ** 2).sum() / (error**2).sum()) > 35


def test_a_tone_lies_in_its_band():
    time = np.arange(speech.RATE) / speech.RATE
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)  # noqa: E731
    for hertz in (300.0, 1000.0, 2500.0):
        bands = speech.log_mel((np.sin(2 * np.pi * hertz * time) * 8000).astype(np.int16)[None])
        assert bands.shape == (1, speech.BANDS, 61)
        width = (mel(4000) - mel(60)) / (speech.BANDS + 1)
        nearest = round((mel(hertz) - mel(60)) / width) - 1  # the band whose centre is next
        assert abs(int(bands.mean(2).argmax()) - nearest) <= 1


def test_energy_is_the_definitions():
    """Hann window and discrete Fourier transform as sums, in float64."""
    sound = (np.random.default_rng(1).standard_normal(256) * 2000).astype(np.int16)
    n = np.arange(256)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 256)
    basis = np.exp(-2j * np.pi * np.outer(np.arange(129), n) / 256)
    power = np.abs(basis @ (sound / 2**15 * window)) ** 2
    wanted = np.log(power @ speech._triangles() + speech.FLOOR)
    torch.testing.assert_close(speech.log_mel(sound[None])[0, :, 0].double(), torch.from_numpy(wanted), rtol=1e-4, atol=1e-4)


def test_silence_is_finite():
    assert speech.log_mel(np.zeros((1, 8000), np.int16)).isfinite().all()
