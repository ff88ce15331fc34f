"""Telephone announcements: where they lie, how they are stored, and what a network hears of them.

Stored as G.711 µ-law, one byte a sample at 8 kHz, as telephony has it: a quarter less than it sounds like.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

RATE = 8000  # Hz
WINDOW, HOP, BANDS = 256, 128, 40  # 32 ms every 16 ms
LOWEST, HIGHEST = 60.0, 4000.0  # Hz, of the mel bands
FLOOR = 1e-6  # added to each band's energy: silence is not minus infinity
BIAS, CLIP = 33, 8158  # of ITU-T G.711's 14-bit code


def encode(waveform: np.ndarray) -> np.ndarray:
    """int16 of any shape to µ-law, uint8 (ITU-T G.711, 1988: 8 segments of 16 steps, the lower 2 bits of 16 are lost)."""
    linear = waveform.astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(linear), CLIP) + BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    step = (magnitude >> (segment + 1)) & 15
    sign = np.where(linear < 0, 0x80, 0)
    return (~(sign | segment << 4 | step) & 0xFF).astype(np.uint8)


def decode(codes: np.ndarray) -> np.ndarray:
    """µ-law, uint8, to int16."""
    return _table()[codes]


def twice_the_rate(sound: torch.Tensor) -> torch.Tensor:
    """Sound [k, n] to [k, 2 n]: the same spectrum, and nothing above it."""
    import torch

    length = 2 * sound.shape[1]
    return 2 * torch.fft.irfft(torch.fft.rfft(sound), n=length)


@cache
def _table() -> np.ndarray:
    bits = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((2 * (bits & 15) + BIAS) << (bits >> 4 & 7)) - BIAS
    return (np.where(bits & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


def log_mel(waveform: np.ndarray) -> torch.Tensor:
    """int16 [k, n] at 8 kHz to log energies of mel bands, float32 [k, BANDS, frames]: Hann windows, power spectrum,
    triangles on O'Shaughnessy's mel scale (1987), natural logarithm."""
    import torch

    frames = torch.from_numpy(waveform.astype(np.float32) / 2**15).unfold(1, WINDOW, HOP)
    spectrum = torch.fft.rfft(frames * torch.hann_window(WINDOW), dim=2)
    power = spectrum.real.square() + spectrum.imag.square()
    return (power @ torch.from_numpy(_triangles()) + FLOOR).log().transpose(1, 2).contiguous()


@cache
def _triangles() -> np.ndarray:
    """float32 [WINDOW / 2 + 1, BANDS]: each band rises from the centre of the one before and falls to that of the next."""
    mel = lambda hertz: 2595 * np.log10(1 + np.asarray(hertz) / 700)  # noqa: E731
    edges = 700 * (10 ** (np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2) / 2595) - 1)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
