"""digits: hand-written digits of 8 × 8 pixels, a network so small that every change is instant."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from explorer.models import MODELS, Model, Network, assets, given
from explorer.models.assemble import classifier
from explorer.models.seen import Picture

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

TEST, CALIBRATION = 600, 256
ARCHITECTURE = (16, ((32, 1), (64, 2)), 10)  # stem, (channels, stride) of the blocks, classes


def prepare(images: np.ndarray) -> torch.Tensor:
    """uint8 [k, 8, 8], ink from 0 to 16, to float32 [k, 1, 8, 8] from 0 to 1."""
    import torch

    return torch.from_numpy(images[:, None].astype(np.float32) / 16)


def seen(image: np.ndarray) -> Picture:
    """Ink from 0 to 16 as light on black."""
    return Picture((image.astype(np.float32) * 255 / 16).round().astype(np.uint8))


def framed(image: Image) -> np.ndarray:
    """Ink from 0 to 16 in 8 × 8 pixels, of an image that is light on black."""
    from PIL.Image import Resampling

    return np.rint(np.asarray(image.convert("L").resize((8, 8), Resampling.BOX)) * (16 / 255)).astype(np.uint8)


def load() -> Network:
    from explorer.models.networks.separable import SeparableNet

    return classifier(SeparableNet(*ARCHITECTURE, batchnorm=False), "digits.safetensors", "digits.npz", prepare)


MODELS.register(
    Model(
        id="digits",
        title="Digits, depthwise-separable",
        task="which digit is written in 8 × 8 pixels",
        metric="accuracy",
        source=(
            "weights trained for this explorer by explorer/models/training/digits.py; images from "
            "scikit-learn's digits (Alpaydin and Kaynak, UCI Optical Recognition of Handwritten "
            "Digits, 1998): 1,197 to train, of which 256 calibrate, and 600 others to test"
        ),
        licence="weights: as this repository; images: CC BY 4.0 (UCI)",
        teaches="instant: a place to try every knob",
        classes=tuple("0123456789"),
        parameters=3946,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=600,
        load=load,
        seen=seen,
        framed=framed,
        given=given.picture(framed, "A picture, light on black, is made grey and 8 × 8 pixels large."),
        unfolded=partial(assets.read_folding, "digits"),
        unfolded_run=assets.OTHER_RUN,
    )
)
