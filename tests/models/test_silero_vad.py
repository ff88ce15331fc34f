"""Silero VAD against the published ONNX network, and its recordings against what is said of them."""

import numpy as np
import onnxruntime
import pytest
import torch

from explorer.errors import ModelError
from explorer.models import load, silero_vad
from explorer.simulate import own_copy, record
from explorer.tasks import TASKS


@pytest.fixture(scope="module")
def network():
    return load("silero-vad")


def test_it_gives_the_published_networks_probabilities(network):
    """Frame by frame as the package runs it: 64 samples of what came before, the state handed on."""
    session = onnxruntime.InferenceSession(str(silero_vad.weights_file()))
    frames = network.prepare(network.test[:2])[:, :60]
    state, theirs = np.zeros((2, 2, 128), np.float32), []
    for i in range(frames.shape[1]):
        given = {"input": frames[:, i].numpy(), "state": state, "sr": np.array(16000, np.int64)}
        output, state = session.run(None, given)
        theirs.append(output[:, 0])
    with torch.inference_mode():
        ours = network.module(frames).numpy()
    np.testing.assert_allclose(ours, np.stack(theirs, 1), rtol=0, atol=1e-5)
    assert ours.max() > 0.9 and ours.min() < 0.1


def test_a_layer_that_runs_in_every_step_is_recorded_as_one_batch(network):
    seen = dict(zip([layer.name for layer in network.layers], record(network, network.calibration[:3], 2), strict=True))
    inputs = []
    module = own_copy(network.module)
    module.lstm.hh.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    for samples in (network.calibration[:2], network.calibration[2:3]):
        with torch.inference_mode():
            module(network.prepare(samples))
    batches = [torch.cat(inputs[:128]), torch.cat(inputs[128:])]
    assert all(len(each.batches) == 2 for each in seen.values())
    hh, every = seen["lstm.hh"], torch.cat(inputs)
    assert hh.count == every.numel() == 3 * 128 * 128
    np.testing.assert_array_equal(hh.batches, [[float(b.min()), float(b.max())] for b in batches])
    assert (hh.low, hh.high) == (float(every.min()), float(every.max()))


def test_frames_follow_each_other_at_twice_the_rate(network):
    time = np.arange(silero_vad.FRAMES * silero_vad.FRAME) / 8000
    tone = lambda rate: np.sin(2 * np.pi * 500 * np.arange(int(time[-1] * rate) + 1) / rate) * 0.3  # noqa: E731
    frames = network.prepare((tone(8000) * 2**15).astype(np.int16)[None])[0]
    assert frames.shape == (silero_vad.FRAMES, 576) and not frames[0, :64].any()
    torch.testing.assert_close(frames[1:, :64], frames[:-1, -64:])
    wanted = tone(16000)[512 * 20 : 512 * 21]
    np.testing.assert_allclose(frames[20, 64:], wanted, atol=2e-3)


def test_one_channel_is_two_hundred_times_wider_than_the_median(network):
    weight = next(network.weight(i) for i, layer in enumerate(network.layers) if layer.name == "encoder.3")
    widest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    assert widest.max() / np.median(widest) == pytest.approx(198, abs=1)


def test_recordings_speak_where_their_labels_say(network):
    assert 0.5 < network.labels.mean() < 0.8
    energy = np.square(network.test.astype(float)).reshape(*network.labels.shape, -1).mean(2)
    ratio = [np.median(e[l > 0]) / np.median(e[l == 0]) for e, l in zip(energy, network.labels, strict=True)]
    assert 10 * np.log10(min(ratio)) > 0 and 10 * np.log10(np.median(ratio)) > 8
    again, labels = silero_vad.recordings(np.full((3, 8000), 9000, np.int16), 1, seed=5)
    assert labels.sum() in range(3 * 31, 3 * 32 + 3 * silero_vad.PAUSE)
    assert again.tobytes() == silero_vad.recordings(np.full((3, 8000), 9000, np.int16), 1, seed=5)[0].tobytes()


def test_pauses_are_closed_up_to_their_length():
    for gap in (silero_vad.PAUSE, silero_vad.PAUSE + 1):
        frames = np.array([True] + [False] * gap + [True])
        assert silero_vad._without_pauses(frames).all() == (gap == silero_vad.PAUSE)


def test_a_missing_package_and_a_damaged_file_are_sentences(monkeypatch, tmp_path):
    broken = tmp_path / silero_vad.FILE
    content = silero_vad.weights_file().read_bytes()
    for kept in (0, 1000, len(content) // 2):
        broken.write_bytes(content[:kept])
        monkeypatch.setattr(silero_vad, "weights_file", lambda: broken)
        with pytest.raises(ModelError, match="truncated or damaged.*pip install"):
            silero_vad.load()
    monkeypatch.undo()
    monkeypatch.setattr(silero_vad, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="pip install silero-vad==6.2.3"):
        silero_vad.load()


def test_per_tensor_hears_nothing_and_per_channel_everything():
    """Orderings on a few recordings; the README has the figures on all."""
    from explorer import Settings, pipeline

    def seen(weights: str):
        *_, evaluation = pipeline.stream(Settings("silero-vad", weights, "fp32", evaluation_samples=12))
        return evaluation

    tensor, channel = seen("int8-sym-tensor-minmax"), seen("int8-sym-channel-minmax")
    assert tensor.metric.value < 0.4 and tensor.difference.high < -0.4
    assert channel.metric.value == pytest.approx(channel.fp32.value, abs=0.01) and channel.fp32.value > 0.88


def test_the_share_of_frames_is_counted_over_recordings():
    task, tally = TASKS["accuracy of frames"], TASKS["accuracy of frames"].tally()
    labels = np.array([[0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
    before = {"answers": np.array([[0, 0, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0]])}
    after = {"answers": np.array([[0, 1, 1, 1], [1, 1, 1, 0], [0, 0, 1, 1]])}
    tally.add(np.array([5, 2, 9]), labels, before, after)
    found = tally.evaluation(done=True)
    assert (found.metric.value, found.fp32.value, found.metric.n) == (2 / 3, pytest.approx(11 / 12), 3)
    assert found.difference.value == pytest.approx(-0.25) and found.difference.low <= -0.25 <= found.difference.high
    assert (found.changed, found.wrong, found.agreement.value) == ((5, 9), (5, 2, 9), 0.75)
    tally = task.tally()
    tally.add(np.array([5, 2, 9]), labels, before, before)
    assert task.difference(tally.evaluation(True), found, "d").value == pytest.approx(-0.25)
