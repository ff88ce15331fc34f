"""What Whisper hears of a sound: energies of 80 mel bands every 10 ms (Radford et al. 2022, 2.2)."""

from functools import cache

import numpy as np
import torch

RATE, WINDOW, HOP, BANDS = 16000, 400, 160, 80  # Hz, samples, samples
QUIETEST = 1e-10  # power
RANGE = 8.0  # tens of decibels below the loudest band, at which what is quieter is cut off
BEND, STEPS, OCTAVES = 1000.0, 15, 27 / np.log(6.4)  # of Slaney's mel scale: 15 steps to 1 kHz, from there 27 to 6.4 kHz


def log_mel(sound: torch.Tensor) -> torch.Tensor:
    """Sound [k, n] at 16 kHz, full scale 1, to float32 [k, BANDS, n / HOP]: decimal logarithms of power, cut off RANGE below each
    sound's loudest, then (x + 4) / 4."""
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(sound, WINDOW, HOP, window=window, center=True, pad_mode="reflect", return_complex=True)[..., :-1]
    power = spectrum.real.square() + spectrum.imag.square()
    bands = (triangles() @ power).clamp(min=QUIETEST).log10()
    return ((torch.maximum(bands, bands.amax((1, 2), keepdim=True) - RANGE) + 4) / 4).contiguous()


@cache
def triangles() -> torch.Tensor:
    """float32 [BANDS, WINDOW / 2 + 1]: each band rises from the centre of the one before and falls to that of the next, and has
    area 1 in Hz; centres are evenly spaced on the scale of Slaney's Auditory Toolbox (1998) from 0 to 8 kHz."""
    edges = _hertz(np.linspace(0, _mel(RATE / 2), BANDS + 2))[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return torch.from_numpy((np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)).astype(np.float32))


def _mel(hertz: float) -> float:
    return STEPS * hertz / BEND if hertz < BEND else STEPS + OCTAVES * float(np.log(hertz / BEND))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < STEPS, mel / STEPS * BEND, BEND * np.exp((mel - STEPS) / OCTAVES))
