"""MiniLM, where it was fetched: against what its makers print, and what the task hides."""

import numpy as np
import pytest
import torch

from explorer import pipeline
from explorer.errors import ModelError
from explorer.fetch import folder_of
from explorer.models import MODELS, load
from explorer.models.assets import read_arrays
from explorer.models.minilm import CALIBRATION, TEST, encode, prepare
from explorer.settings import Settings

SAID = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
COSINES = [[1.0000, 0.6660, 0.1046], [0.6660, 1.0000, 0.1411], [0.1046, 0.1411, 1.0000]]  # README of sentence-transformers


def test_it_says_how_it_is_fetched(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="fetch it .83.5 MB. by the button on the page, or with python -m explorer fetch minilm"):
        load("minilm")


def test_sentences_and_labels_ship():
    sentences, labels = read_arrays("minilm.npz", "sentences", "labels")
    assert len(bytes(sentences).decode().split("\n")) == len(labels) == TEST + CALIBRATION
    assert set(labels) == {0, 1} and 0.4 < labels.mean() < 0.65


def test_embeddings_are_those_of_its_makers(monkeypatch, tmp_path):
    if not MODELS["minilm"].is_here:  # 84 MB that the app does not need
        return test_it_says_how_it_is_fetched(monkeypatch, tmp_path)
    module = load("minilm").module
    with torch.inference_mode():
        embeddings = module(prepare(encode(SAID, folder_of("minilm"))))
    np.testing.assert_allclose(embeddings @ embeddings.T, COSINES, atol=1e-4)


def test_the_task_hides_what_the_cosine_shows(monkeypatch, tmp_path):
    if not MODELS["minilm"].is_here:
        return test_it_says_how_it_is_fetched(monkeypatch, tmp_path)
    *_, seen = pipeline.stream(Settings("minilm", "int8-sym-tensor-minmax", "fp32", evaluation_samples=128))
    assert seen.fp32.value > 0.7 and seen.difference.low < 0 < seen.difference.high  # no difference that 128 sentences show
    assert 0.95 < seen.similarity.value < 0.98 and seen.similarity.high < 0.99 and seen.similarity.unit == "cosine"
