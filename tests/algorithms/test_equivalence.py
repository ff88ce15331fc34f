"""Every algorithm of the network stage leaves the FP32 function of every model as it is."""

import copy

import numpy as np
import pytest
import torch

from explorer.algorithms import ALGORITHMS
from explorer.models import MODELS, here, load
from explorer.pipeline import layer_tensor, output_sqnr, records
from explorer.settings import Settings
from explorer.stages import network_of, untreated

NETWORK = [each.id for each in ALGORITHMS if each.stage == "network"]
EXACT = [id for id in NETWORK if id != "absorb"]  # absorption is exact but for the values that ReLU cuts anew
ROUNDING = 3e-6  # of float32, relative to the largest output
COMBINED = [("cle", "smoothquant"), ("cle", "awq"), ("cle", "hadamard"), ("smoothquant", "hadamard")]
WEIGHTS = "int4-sym-channel-minmax"


def settings(model, *algorithms, **fields):
    few = 1 if model == "whisper-base" else 8  # its recordings last seconds
    return Settings(model, **{"weights": WEIGHTS, "activations": "fp32", **fields}, algorithms=algorithms, calibration_samples=few)


def outputs(network, samples=4):
    with torch.inference_mode():
        return network.module(network.prepare(network.test[:samples]))


@pytest.mark.parametrize("model, algorithms", [
    *((model, (id,)) for model in here() for id in EXACT
      if id == "smoothquant" or MODELS[model].parcel is None),  # of the large ones that are fetched the algorithm that is meant for them
    *((model, algorithms) for model in ("fashion", "article-mlp") for algorithms in COMBINED),
], ids=str)  # fmt: skip
def test_the_function_stays(model, algorithms):
    before, rewritten = load(model), network_of(settings(model, *algorithms))
    samples = 1 if model == "whisper-base" else 4
    wanted, given = outputs(before, samples), outputs(rewritten, samples)
    assert (wanted - given).abs().max() <= ROUNDING * wanted.abs().max()
    changed = [i for i in range(len(before.layers)) if not np.array_equal(before.weight(i), rewritten.weight(i))]
    assert bool(changed) == (rewritten.digest != before.digest)
    assert [layer.name for layer in rewritten.layers] == [layer.name for layer in before.layers]


@pytest.mark.parametrize("weights", [WEIGHTS, "int8-sym-tensor-minmax"])  # folded into the layer before, or not
@pytest.mark.parametrize("id", EXACT)
def test_something_is_done_to_fashion(id, weights):
    before, rewritten = load("fashion"), network_of(settings("fashion", id, weights=weights))
    changed = sum(not np.array_equal(before.weight(i), rewritten.weight(i)) for i in range(len(before.layers)))
    assert changed >= len(before.layers) // 2
    wanted, given = outputs(before, 64), outputs(rewritten, 64)
    assert (wanted - given).abs().max() <= ROUNDING * wanted.abs().max()


@pytest.mark.parametrize("id", NETWORK)
def test_the_loaded_network_is_not_touched(id):
    before = load("fashion")
    kept = copy.deepcopy({name: w for name, w in before.module.state_dict().items()})
    network_of(settings("fashion", id))
    assert all(torch.equal(w, kept[name]) for name, w in load("fashion").module.state_dict().items())
    assert not any(module._forward_pre_hooks for module in load("fashion").module.modules())


@pytest.mark.parametrize("id", ["hadamard", "smoothquant"])
def test_a_transformed_input_is_transformed_once(id):
    """At nearly full precision a layer's output is what it was: the simulated layer gets the same input."""
    fine = settings("fashion", id, weights="int16-sym-tensor-minmax", activations="int16-sym-tensor-minmax")
    assert min(output_sqnr(fine)) > 50
    rotated, plain = records(fine), records(settings("fashion", weights="int16-sym-tensor-minmax"))
    assert any(a.high != b.high for a, b in zip(rotated, plain))  # what is recorded is what will be quantized


@pytest.mark.parametrize("id", NETWORK)
def test_what_is_left_is_said(id):
    chosen = settings("fashion", id)
    sentences, rewritten, before = untreated(chosen), network_of(chosen), load("fashion")
    for i, sentence in enumerate(sentences):
        if not sentence:
            continue
        layer = rewritten.module.get_submodule(rewritten.layers[i].name)
        assert not layer._forward_pre_hooks
        assert id == "awq" or np.array_equal(before.weight(i), rewritten.weight(i))  # awq may use its rows for the next layer


def test_hadamard_leaves_depthwise_layers():
    chosen = settings("fashion", "hadamard")
    for layer, sentence in zip(network_of(chosen).layers, untreated(chosen)):
        assert bool(sentence) == (layer.kind == "depthwise" or layer.name == "stem"), layer.name


def test_hadamard_is_seeded():
    digests = {network_of(settings("digits", "hadamard", seed=seed)).digest for seed in (0, 0, 1)}
    assert len(digests) == 2


def test_equalized_weights_are_those_codes_everywhere():
    """No forward pass decides them: float64 in a fixed order."""
    threads = torch.get_num_threads()
    found = []
    for count in (1, 2):
        torch.set_num_threads(count)
        found.append(layer_tensor(settings("fashion", "cle", seed=count), 3).digest)
    torch.set_num_threads(threads)
    assert found[0] == found[1]
