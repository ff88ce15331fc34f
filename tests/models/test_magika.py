"""Magika against the published ONNX graph, and the ends of files against the package's own reading."""

import io
import json

import numpy as np
import onnxruntime
import pytest
import torch
from magika.magika import Magika as Published
from magika.types import Seekable

from explorer.errors import ModelError
from explorer.models import MODELS, load, magika


@pytest.fixture(scope="module")
def network():
    return load("magika")


@pytest.fixture(scope="module")
def theirs(network):
    session = onnxruntime.InferenceSession(str(magika.weights_file()))
    return session.run(None, {"bytes": network.test[:48].astype(np.int32)})[0]


def test_it_gives_the_published_networks_probabilities(network, theirs):
    """The graph takes a variance as a difference of squares in float32, which is off by more than this network is."""
    with torch.inference_mode():
        logits = network.module(network.prepare(network.test[:48]))
    np.testing.assert_allclose(logits.softmax(1).numpy(), theirs, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(network.answers(logits), theirs.argmax(1))


def test_classes_are_the_packages_in_its_order():
    config = json.loads((magika.weights_file().parent / "config.min.json").read_text())
    assert list(magika.CLASSES) == config["target_labels_space"]
    assert (config["beg_size"], config["end_size"], config["block_size"], config["padding_token"]) == (1024, 1024, 4096, 256)


@pytest.mark.parametrize("content", [
    b"x", b"  \n", b"", b"\t key: value \n", b"abc" * 341, b"abc" * 342, b" " * 3000 + b"end ", bytes(range(256)) * 16, b" " + b"q" * 4095 + b" ",
    b"\n" * 5000 + b"text" + b" " * 5000,
])  # fmt: skip
def test_ends_of_a_file_are_read_as_the_package_reads_them(content):
    features = Published._extract_features_from_seekable(Seekable(io.BytesIO(content)), 1024, 0, 1024, 256, 4096, False)
    assert magika.tokens_of(content).tolist() == [*features.beg, *features.end]


def test_files_differ_and_are_of_many_kinds(network, theirs):
    files = magika.files()
    assert len(files) == magika.TEST + magika.CALIBRATION == len({each.tobytes() for each in files})
    assert files.max() == magika.PADDING and len(set(theirs.argmax(1).tolist())) > 20


def test_the_beginning_of_a_file_is_shown_as_text():
    shown = MODELS["magika"].seen(magika.tokens_of(b"# \xff\x00 Title\n" + b"word " * 100))
    assert shown.text.startswith("# ·· Title\nword word") and len(shown.text) == magika.SHOWN


def test_a_missing_package_and_a_damaged_file_are_sentences(monkeypatch, tmp_path):
    broken = tmp_path / "model.onnx"
    content = magika.weights_file().read_bytes()
    for kept in (0, len(content) // 2):
        broken.write_bytes(content[:kept])
        monkeypatch.setattr(magika, "weights_file", lambda: broken)
        with pytest.raises(ModelError, match="truncated or damaged.*pip install"):
            magika.load()
    monkeypatch.undo()
    monkeypatch.setattr(magika, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="pip install magika==1.0.3"):
        magika.load()
