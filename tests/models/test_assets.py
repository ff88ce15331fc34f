"""Shipped files that are missing, cut short or not what they should be."""

import shutil

import numpy as np
import pytest

from explorer.errors import ModelError
from explorer.models import MODELS, assets

FILES = {
    "article-mlp": ("article-mlp.safetensors", "article-mlp.npz"),
    "article-mlp-drawn": ("article-mlp-drawn.safetensors", "article-mlp.npz"),
    "digits": ("digits.safetensors", "digits.npz"),
    "gpt-shakespeare": ("gpt-shakespeare.safetensors", "gpt-shakespeare.npz"),
    "fashion": ("fashion.safetensors", "fashion.npz"),
    "fashion-resnet": ("fashion-resnet.safetensors",),  # and the images of fashion
    "voice": ("voice.safetensors", "speech/speech.npz"),
    "magika": ("magika.npz",),
}
every_file = pytest.mark.parametrize(
    ("id", "file"), [(id, file) for id, files in FILES.items() for file in files]
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the shipped files that a test may break."""
    copy = tmp_path / "assets"
    shutil.copytree(assets.FOLDER, copy)
    monkeypatch.setattr(assets, "FOLDER", copy)
    return copy


@every_file
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_truncated_file(folder, id, file, kept):
    path = folder / file
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(ModelError, match=rf"{file} is truncated or damaged.*restore it") as caught:
        MODELS[id].load()
    assert "\n" not in str(caught.value)


@every_file
def test_missing_file(folder, id, file):
    (folder / file).unlink()
    with pytest.raises(ModelError, match=f"{file} is missing; restore it"):
        MODELS[id].load()


@pytest.mark.parametrize("position", [0.1, 0.5, 0.9])
def test_flipped_byte_in_the_data(folder, position):
    path = folder / "digits.npz"
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ModelError, match="digits.npz is truncated or damaged"):
        MODELS["digits"].load()


def test_weights_of_another_network(folder):
    shutil.copy(folder / "article-mlp.safetensors", folder / "digits.safetensors")
    with pytest.raises(ModelError, match="digits.safetensors are not those of this network"):
        MODELS["digits"].load()


def test_data_that_would_run_code(folder):
    np.savez(folder / "digits.npz", test=np.array([print], dtype=object))
    with pytest.raises(ModelError, match="digits.npz"):
        MODELS["digits"].load()


def test_remedy_names_a_script_that_exists(folder):
    import importlib.util
    import re

    for model, file in [(model, file) for model, files in FILES.items() for file in files]:
        (folder / file).write_bytes(b"")
        with pytest.raises(ModelError) as caught:
            MODELS[model].load()
        script = re.search(r"python -m ([\w.]+)", str(caught.value)).group(1)
        assert importlib.util.find_spec(script)


def test_arrays_are_readonly():
    (labels,) = assets.read_arrays("digits.npz", "labels")
    with pytest.raises(ValueError, match="read-only"):
        labels[0] = 1
