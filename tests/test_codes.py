"""An algorithm that is stopped hands over its best so far: looked at and evaluated like a whole run, and promised to nobody."""

import threading

import numpy as np
import pytest

from explorer import encode_link, pipeline
from explorer.cache import CACHE
from explorer.codes import StoppedHere, quantized
from explorer.errors import Cancelled
from explorer.inputs import LayerInputs
from explorer.settings import Settings
from explorer.stages import inputs_of
from explorer.stopped import Stopped

SETTINGS = Settings("digits", "int3-sym-channel-minmax", "int8-asym-tensor-minmax", algorithms=("adaround", "biascorr"),
                    calibration_samples=32, evaluation_samples=100)  # fmt: skip
UNDER_WAY = 2  # the layer that is stopped


def stop(settings: Settings, share: float) -> Stopped:
    """What is found when AdaRound is stopped there, of 0 to 1 over all layers."""
    cancel = threading.Event()

    def told(stage: str, done: float) -> None:
        if stage == "adaround" and done > share:
            cancel.set()

    with pytest.raises(StoppedHere) as stopped:
        quantized(settings, progress=told, cancel=cancel)
    return stopped.value.settings


@pytest.fixture(scope="module")
def runs():
    """(stopped inside a layer, the whole run, rounding to nearest), after a cache in which nothing was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CACHE, "folder", None)
        CACHE.clear()
        stopped = stop(SETTINGS, (UNDER_WAY + 0.3) / 6)
        return stopped, quantized(SETTINGS), quantized(SETTINGS.replace(algorithms=()))


def test_layers_are_finished_under_way_or_rounded_to_nearest(runs):
    stopped, whole, nearest = runs
    for i, q in enumerate(stopped.tensors):
        if i != UNDER_WAY:
            assert q.digest == (whole if i < UNDER_WAY else nearest)[i].digest
    network = pipeline.network_of(SETTINGS)
    seen: LayerInputs = inputs_of(network, SETTINGS)[UNDER_WAY]
    error = [seen.output_error(q[UNDER_WAY].dequantize() - network.weight(UNDER_WAY)) for q in (nearest, stopped.tensors, whole)]
    assert error[0] > error[1] > error[2]
    assert (stopped.tensors[UNDER_WAY].codes != nearest[UNDER_WAY].codes).any()


def test_it_says_how_far_it_was(runs):
    assert runs[0].said.startswith("AdaRound was stopped after 2 of 6 layers, blocks.0.pw has the best of the first 3")
    assert "3 layers are rounded to nearest" in runs[0].said and "carries no stamp" in runs[0].said


def test_its_result_is_its_own_and_has_no_stamp(runs):
    stopped, whole, _ = runs
    result, other = pipeline.run(stopped), pipeline.run(SETTINGS)
    assert result.stamp == "" and other.stamp and result.as_dict()["link"] == encode_link(SETTINGS)
    assert result.sqnr_db != other.sqnr_db and result.metric.n == 100
    assert [q.digest for q in quantized(SETTINGS)] == [q.digest for q in whole]
    np.testing.assert_array_equal(pipeline.layer_tensor(stopped, 5).codes, stopped.tensors[5].codes)
    assert (pipeline.biases(stopped)[UNDER_WAY] != pipeline.biases(SETTINGS)[UNDER_WAY]).any()


def test_only_settings_that_ask_for_the_same_codes_keep_them(runs):
    stopped = runs[0]
    assert stopped != SETTINGS and stopped.asked == SETTINGS and type(stopped.asked) is Settings
    for change in ({"target": "raspberry-pi-5"}, {"evaluation_samples": 3}, {}):
        assert stopped.replace(**change).tensors is stopped.tensors
    for change in ({"weights": "int4"}, {"algorithms": ()}, {"activations": "fp32"}, {"seed": 1}):
        assert stopped.replace(**change) == SETTINGS.replace(**change)


def test_before_anything_was_found_it_is_only_stopped():
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled) as stopped:
        quantized(SETTINGS.replace(seed=3), cancel=cancel)
    assert not isinstance(stopped.value, StoppedHere)
