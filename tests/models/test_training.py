"""What ships is what the scripts make, and the data are those of the original sources."""

import copy
import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from sklearn.datasets import load_breast_cancer, load_digits

from explorer.models import assets, load
from explorer.models.training import fashion as fashion_training

# in a process of its own: a script sets torch to one thread and deterministic kernels for good
RUN = """
import sys
from pathlib import Path
from explorer.models import assets
from explorer.models.training import article_mlp, digits
assets.FOLDER = Path(sys.argv[1])
article_mlp.main()
digits.main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the scripts of the small networks make."""
    folder = tmp_path_factory.mktemp("made")
    subprocess.run([sys.executable, "-c", RUN, folder], check=True, capture_output=True)
    return folder


def test_article_mlp_script_makes_what_ships(folder):
    for file in ("article-mlp.safetensors", "article-mlp-drawn.safetensors"):
        made, shipped = load_file(folder / file), load_file(assets.FOLDER / file)
        assert made.keys() == shipped.keys()
        for name in made:  # training sums in another order on another processor
            np.testing.assert_allclose(made[name], shipped[name], rtol=1e-3, atol=1e-3)
    with np.load(folder / "article-mlp.npz") as made:
        for name in made:
            np.testing.assert_array_equal(made[name], *assets.read_arrays("article-mlp.npz", name))


def test_digits_script_makes_the_data_that_ship_and_a_network_as_good(folder):
    """Forty epochs amplify the last place of a sum: on another processor the weights are others."""
    with np.load(folder / "digits.npz") as made:
        for name in made:
            np.testing.assert_array_equal(made[name], *assets.read_arrays("digits.npz", name))
    network, made = load("digits"), load_file(folder / "digits.safetensors")
    assert {name: w.shape for name, w in made.items()} == {
        name: w.shape for name, w in load_file(assets.FOLDER / "digits.safetensors").items()}  # fmt: skip
    module = copy.deepcopy(network.module)
    module.load_state_dict({name: torch.from_numpy(w) for name, w in made.items()})
    with torch.inference_mode():
        right = [np.mean(network.answers(m(network.prepare(network.test))) == network.labels) for m in (network.module, module)]
    assert right[1] == pytest.approx(right[0], abs=0.015) and right[0] > 0.98


def test_drawn_weights_are_the_articles_range():
    network = load("article-mlp-drawn")
    weights = np.concatenate([network.weight(i).ravel() for i in range(2)])
    assert weights.min() > -10 and weights.max() < 10
    assert np.ptp(weights) > 19.5 and abs(weights.mean()) < 1  # of 310 draws: sd of the mean 0.33
    assert not network.module.hidden.bias.any() and not network.module.output.bias.any()


def test_digits_are_scikit_learns():
    images, labels = load_digits(return_X_y=True)
    known = {image.astype(np.uint8).tobytes(): label for image, label in zip(images, labels)}
    network = load("digits")
    assert [known[image.tobytes()] for image in network.test] == network.labels.tolist()
    calibration = [known[image.tobytes()] for image in network.calibration]
    assert calibration == network.calibration_labels.tolist()


def test_tumours_are_scikit_learns():
    features, labels = load_breast_cancer(return_X_y=True)
    known = {row.astype(np.float32).tobytes(): label for row, label in zip(features, labels)}
    network = load("article-mlp")
    assert [known[row.tobytes()] for row in network.test] == network.labels.tolist()
    calibration = [known[row.tobytes()] for row in network.calibration]
    assert calibration == network.calibration_labels.tolist()


def test_article_inputs_are_standardised():
    network = load("article-mlp")
    inputs = network.prepare(network.calibration).numpy()
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=0.2)  # 256 of the 369 it was fitted to
    np.testing.assert_allclose(inputs.std(axis=0), 1, atol=0.25)


def test_announcements_are_debians():
    """Their digest when they were cut by the script on a machine with Debian's packages, 1.6.1."""
    network = load("voice")
    arrays = network.test, network.labels, network.calibration, network.calibration_labels
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    assert digest == "6faee7edcd6091049dd44788d971ebfc734c8133b64652db9f26eb56fe2dcb37"
    assert [np.bincount(labels).tolist() for labels in (network.labels, network.calibration_labels)] == [[80] * 5, [13] * 5]


def test_fashion_images_are_those_that_were_compared_with_zalandos():
    """Their digest when the test below went over them, on a machine with the Debian package."""
    network = load("fashion")
    arrays = network.test, network.labels, network.calibration, network.calibration_labels
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    assert digest == "3fa10bfe19f02b08f8c5cfd0aaf31f139293c1b56d3dbbfdd0391f67baff64c4"


def test_fashion_images_are_zalandos():
    if not fashion_training.DATA.is_dir():  # 31 MB of Debian's dataset-fashion-mnist, which the app never needs
        return test_fashion_images_are_those_that_were_compared_with_zalandos()
    network = load("fashion")
    images, labels = fashion_training.read_split("t10k")
    np.testing.assert_array_equal(network.test, images[: len(network.test)])
    np.testing.assert_array_equal(network.labels, labels[: len(network.test)])
    correct = 0
    for part in np.split(np.arange(len(images)), 20):
        with torch.inference_mode():
            answers = network.answers(network.module(network.prepare(images[part])))
        correct += (answers == labels[part]).sum()
    assert correct == 9110  # the registry entry says so, and of the residual network
    resnet = load("fashion-resnet")
    with torch.inference_mode():
        found = [resnet.answers(resnet.module(resnet.prepare(part))) for part in np.split(images, 40)]
    assert (np.concatenate(found) == labels).sum() == 9236
    images, labels = fashion_training.read_split("train")
    trained_on = {image.tobytes(): label for image, label in zip(images, labels)}
    calibration = [trained_on[image.tobytes()] for image in network.calibration]
    assert calibration == network.calibration_labels.tolist()
