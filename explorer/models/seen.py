"""What a person sees or hears of a sample: a model says which, by a function from a stored sample to one of these."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Picture:
    """pixels: uint8 [height, width] or [height, width, 3]."""

    pixels: np.ndarray


@dataclass(frozen=True, eq=False)
class Sound:
    """waveform: int16 [n]; rate: of its samples, in Hz."""

    waveform: np.ndarray
    rate: int


@dataclass(frozen=True)
class Features:
    """Named numbers."""

    values: dict[str, float]


@dataclass(frozen=True)
class Text:
    text: str


Seen = Picture | Sound | Features | Text
