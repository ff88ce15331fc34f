"""Samples that are seen and heard: against the networks run by hand, and read back by other libraries."""

import io
import wave
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_breast_cancer

from explorer.models import MODELS, article_mlp, here, load
from explorer.models.seen import Sound, Text
from explorer.pipeline import simulate, stream
from explorer.settings import Settings
from explorer.views.samples import _by_class, kind, order, samples, seen_of

LOW = Settings("digits", "int3-sym-tensor-minmax", "fp32", evaluation_samples=200, seed=3)


@pytest.fixture(scope="module")
def evaluation():
    *_, last = stream(LOW)
    return last


def test_those_that_changed_come_first_and_none_is_lost(evaluation):
    indices = order(LOW, evaluation, "changed")
    assert len(evaluation.changed) > 20
    assert tuple(indices[: len(evaluation.changed)]) == evaluation.changed
    drawn = np.random.Generator(np.random.Philox(3)).permutation(600)[:200].tolist()
    assert sorted(indices) == sorted(drawn) and order(LOW, evaluation, "all") == drawn
    labels = load("digits").labels
    assert all(row["truth"] == str(labels[row["index"]]) and not row["right"]
               for row in samples(LOW, order(LOW, evaluation, "wrong")[:20]))  # fmt: skip


def test_both_answers_are_the_networks_own(evaluation):
    network, indices = load("digits"), [*order(LOW, evaluation, "changed")[:5], *order(LOW, evaluation, "all")[-5:]]
    rows = samples(LOW, indices)
    x = torch.from_numpy(network.test[indices][:, None].astype(np.float32) / 16)
    with torch.inference_mode():
        chances = [torch.softmax(module(x), 1) for module in (network.module, simulate(LOW))]
    for i, row in enumerate(rows):
        assert (row["index"], row["truth"]) == (indices[i], str(network.labels[indices[i]]))
        for (answer, sure), chance in zip(((row["fp32"], row["fp32_sure"]), (row["quantized"], row["sure"])), chances, strict=True):
            assert answer == str(int(chance[i].argmax())) and sure == pytest.approx(float(chance[i].max()), abs=1e-5)
        assert row["changed"] == (row["fp32"] != row["quantized"])
        assert row["fp32_right"] == (row["fp32"] == row["truth"]) and row["right"] == (row["quantized"] == row["truth"])
    assert [row["changed"] for row in rows[:5]] == [True] * 5


def test_features_are_no_probabilities():
    """Of an encoder with a probe: its answers are shown, and nobody is said to be sure."""
    network, model = load("digits"), MODELS["digits"]
    encoder = replace(network, features=lambda outputs: outputs.numpy())
    outputs = [network.module(network.prepare(network.test[:4]))] * 2
    rows = _by_class(encoder, model, outputs, network.labels[:4])
    assert [row["sure"] for row in rows] == [row["fp32_sure"] for row in rows] == [None] * 4
    assert [row["fp32"] for row in rows] == [row["fp32"] for row in _by_class(network, model, outputs, network.labels[:4])]


def test_every_frame_of_a_recording_has_both_answers():
    deaf = Settings("silero-vad", "int8-sym-tensor-minmax", "fp32")
    network, (row, _) = load("silero-vad"), samples(deaf, [4, 7])
    with torch.inference_mode():
        fp32 = network.module(network.prepare(network.test[[4, 7]]))[0].numpy() >= 0.5
    assert row["frames"]["truth"] == network.labels[4].tolist() and row["frames"]["fp32"] == fp32.astype(int).tolist()
    assert row["frames_right"]["fp32"] == (fp32 == network.labels[4]).sum() and row["seen"]["kind"] == "sound"
    assert sum(row["frames"]["quantized"]) < sum(row["frames"]["truth"]) and row["changed"]
    assert row["frames_right"]["quantized"] == sum(a == b for a, b in zip(row["frames"]["quantized"], row["frames"]["truth"]))


def test_a_picture_is_the_stored_one(evaluation):
    row = samples(LOW, [7])[0]["seen"]
    image = np.asarray(Image.open(io.BytesIO(row["png"])))
    stored = load("digits").test[7]
    assert image.shape == (row["height"], row["width"]) == stored.shape
    np.testing.assert_array_equal(np.round(image / 255 * 16), stored)


def test_features_have_the_names_and_numbers_of_scikit_learn():
    data = load_breast_cancer()
    assert article_mlp.NAMES == tuple(data.feature_names)
    row = samples(Settings("article-mlp"), [11])[0]
    values = np.float32(list(row["seen"]["values"].values()))
    (match,) = np.flatnonzero((data.data.astype(np.float32) == values).all(axis=1))
    assert row["truth"] == data.target_names[data.target[match]]
    assert row["sure"] >= 0.5 and row["fp32_sure"] >= 0.5


def test_without_labels_nothing_is_right_or_wrong():
    row = samples(Settings("article-mlp-drawn"), [0])[0]
    assert (row["truth"], row["right"], row["fp32_right"]) == (None, None, None)


def test_a_sound_is_a_wav_file_that_others_read():
    waveform = (np.sin(np.arange(4000) / 20) * 12000).astype(np.int16)
    seen = seen_of(Sound(waveform, 8000))
    with wave.open(io.BytesIO(seen["wav"])) as stream:
        assert (stream.getnchannels(), stream.getsampwidth(), stream.getframerate()) == (1, 2, 8000)
        np.testing.assert_array_equal(np.frombuffer(stream.readframes(10**6), "<i2"), waveform)
    assert seen["seconds"] == 0.5
    assert (min(seen["low"]), max(seen["high"])) == (waveform.min() / 2**15, waveform.max() / 2**15)
    assert all(low <= high for low, high in zip(seen["low"], seen["high"], strict=True))
    assert len(seen_of(Sound(waveform[:7], 8000))["low"]) == 7


def test_a_text_is_itself():
    assert seen_of(Text("<b>now</b>")) == {"kind": "text", "text": "<b>now</b>"}


@pytest.mark.parametrize("model", here())
def test_every_model_says_how_its_samples_look(model):
    assert kind(Settings(model)) in ("picture", "sound", "features", "text")
