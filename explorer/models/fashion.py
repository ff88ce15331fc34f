"""fashion: the network that per-tensor INT8 breaks and per-channel INT8 does not.

Folding BatchNorm left some channels of its depthwise layers with weights a hundred times wider
than the others' (training/fashion.py says why): one scale for all of them rounds the others to 0.
"""

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

TEST, CALIBRATION = 1000, 512
# stem, (channels, stride) of the blocks, classes
ARCHITECTURE = (16, ((32, 2), (32, 1), (64, 2), (64, 1), (128, 1)), 10)
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
MEAN, DEVIATION = 0.2860, 0.3530  # of the 60,000 training images, from 0 to 1


def prepare(images: np.ndarray) -> torch.Tensor:
    """uint8 [k, 28, 28] to float32 [k, 1, 28, 28] with mean 0 and deviation 1 over the data."""
    import torch

    pixels = images[:, None].astype(np.float32) / 255
    return torch.from_numpy((pixels - np.float32(MEAN)) / np.float32(DEVIATION))


def framed(image: Image) -> np.ndarray:
    """Grey, of 28 × 28 pixels: as in Fashion-MNIST a garment is light on black."""
    from PIL.Image import Resampling

    return np.asarray(image.convert("L").resize((28, 28), Resampling.BOX))


def load() -> Network:
    from explorer.models.networks.separable import SeparableNet

    return classifier(SeparableNet(*ARCHITECTURE, batchnorm=False), "fashion.safetensors", "fashion.npz", prepare)


MODELS.register(
    Model(
        id="fashion",
        title="Fashion, depthwise-separable",
        task="which garment is in a picture of 28 × 28 pixels",
        metric="accuracy",
        source=(
            "weights trained for this explorer by explorer/models/training/fashion.py; images from "
            "Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747): 60,000 to train, of "
            "which 512 calibrate, and the first 1,000 of the test set (on all 10,000 of it the "
            "network is right 9,110 times)"
        ),
        licence="weights: as this repository; images: MIT (Zalando SE, 2017)",
        teaches=(
            "folding BatchNorm made a few channels a hundred times wider than the others: INT8 per "
            "tensor collapses, per channel loses nothing"
        ),
        classes=CLASSES,
        parameters=19722,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=250,
        load=load,
        seen=Picture,
        framed=framed,
        given=given.picture(framed, "A picture of a garment, light on black, is made grey and 28 × 28 pixels large."),
        unfolded=partial(assets.read_folding, "fashion"),
        unfolded_run=assets.OTHER_RUN,
    )
)
