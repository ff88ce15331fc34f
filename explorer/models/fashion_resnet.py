"""fashion-resnet: another network on fashion's data, with skip connections and no depthwise layer, that INT8 leaves alone."""

from __future__ import annotations

from explorer.models import MODELS, Model, Network, given
from explorer.models.assemble import classifier
from explorer.models.fashion import CALIBRATION, CLASSES, TEST, framed, prepare
from explorer.models.seen import Picture

FILE = "fashion-resnet.safetensors"
ARCHITECTURE = (16, ((16, 1), (32, 2), (64, 2)), 10)  # stem, (channels, stride) of the blocks, classes


def load() -> Network:
    from explorer.models.networks.residual import ResidualNet

    return classifier(ResidualNet(*ARCHITECTURE, batchnorm=False), FILE, "fashion.npz", prepare)


MODELS.register(
    Model(
        id="fashion-resnet",
        title="Fashion, residual",
        task="which garment is in a picture of 28 × 28 pixels",
        metric="accuracy",
        source=(
            "weights trained for this explorer by explorer/models/training/fashion_resnet.py; images as of fashion, from "
            "Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747): 60,000 to train, of which 512 calibrate, and "
            "the first 1,000 of the test set (on all 10,000 of it the network is right 9,236 times)"
        ),
        licence="weights: as this repository; images: MIT (Zalando SE, 2017)",
        teaches="whole convolutions and skip connections on the same pictures: INT8 per tensor costs it nothing, what broke was the other network",
        classes=CLASSES,
        parameters=77418,
        test_size=TEST,
        calibration_size=CALIBRATION,
        batch=125,
        load=load,
        seen=Picture,
        framed=framed,
        given=given.picture(framed, "A picture of a garment, light on black, is made grey and 28 × 28 pixels large."),
    )
)
