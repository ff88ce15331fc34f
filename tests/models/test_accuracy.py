"""What the networks are worth, unquantized and with rounded weights: the figures of the README."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.models import load


def answers(network, module) -> np.ndarray:
    with torch.inference_mode():
        parts = np.array_split(np.arange(len(network.test)), max(1, len(network.test) // 200))
        return np.concatenate(
            [network.answers(module(network.prepare(network.test[part]))) for part in parts]
        )


def rounded(network, bits: int, per_channel: bool) -> torch.nn.Module:
    """The module with every weight on torch's own symmetric min-max grid."""
    module = copy.deepcopy(network.module)
    top = 2 ** (bits - 1) - 1
    for layer in network.layers:
        weight = module.get_submodule(layer.name).weight
        if per_channel:
            scale = weight.flatten(1).abs().amax(1) / top
            zeros = torch.zeros(len(scale), dtype=torch.int32)
            new = torch.fake_quantize_per_channel_affine(weight, scale, zeros, 0, -top, top)
        else:
            scale = float(weight.abs().max()) / top
            new = torch.fake_quantize_per_tensor_affine(weight, scale, 0, -top, top)
        weight.data = new
    return module


@pytest.mark.parametrize(
    ("id", "right"), [("article-mlp", 195), ("digits", 594), ("fashion", 927), ("fashion-resnet", 926), ("voice", 383)]
)
def test_fp32_accuracy(id, right):
    network = load(id)
    assert (answers(network, network.module) == network.labels).sum() == right


def test_widest_channels_of_fashion_are_dead():
    """Why it collapses: the channels that set a depthwise layer's scale never see an input."""
    network = load("fashion")
    inputs = {}
    module = copy.deepcopy(network.module)
    for layer in network.layers:
        module.get_submodule(layer.name).register_forward_pre_hook(
            lambda _module, args, name=layer.name: inputs.update({name: args[0]})
        )
    answers_of_all = module(network.prepare(network.test[:200]))
    assert answers_of_all.isfinite().all()
    wide = 0
    for i, layer in enumerate(network.layers):
        if layer.kind == "depthwise":
            width = np.abs(network.weight(i)).max(axis=(1, 2, 3))
            channel = int(width.argmax())
            if width[channel] > 20 * np.median(width):
                wide += 1
                assert not inputs[layer.name][:, channel].any(), layer.name
    assert wide >= 3


def test_fashion_collapses_per_tensor_and_not_per_channel():
    network = load("fashion")
    fp32 = (answers(network, network.module) == network.labels).mean()
    per_tensor = (answers(network, rounded(network, 8, per_channel=False)) == network.labels).mean()
    per_channel = (answers(network, rounded(network, 8, per_channel=True)) == network.labels).mean()
    assert per_tensor < fp32 - 0.15
    assert per_channel == pytest.approx(fp32, abs=0.005)


def test_the_residual_network_bears_what_breaks_the_depthwise_one():
    network = load("fashion-resnet")
    network = replace(network, test=network.test[:300], labels=network.labels[:300])
    before = answers(network, network.module)
    assert (answers(network, rounded(network, 8, per_channel=False)) == before).mean() > 0.99
    fp32 = (before == network.labels).mean()
    right = [(answers(network, rounded(network, 3, per_channel=each)) == network.labels).mean() for each in (False, True)]
    assert right[0] + 0.1 < right[1] < fp32 - 0.1


def test_the_same_announcer_in_two_languages_is_what_voice_confuses():
    """English and Spanish are one voice: most of what it gets wrong is between them."""
    network = load("voice")
    given = answers(network, network.module)
    wrong = given != network.labels
    between = wrong & (np.minimum(given, 1) == given) & (network.labels <= 1)
    assert between.sum() > wrong.sum() / 2


@pytest.mark.parametrize("id", ["article-mlp", "article-mlp-drawn", "digits", "voice"])
def test_small_networks_keep_their_answers_in_int8(id):
    network = load(id)
    fp32 = answers(network, network.module)
    assert (answers(network, rounded(network, 8, per_channel=True)) == fp32).mean() >= 0.99


def test_gpt_shakespeare_reads_macbeth_and_groups_mend_what_four_bits_break():
    """2.288 bits per character; an order-0 guess by frequency costs 4.5, and the windows are the play's first."""
    from explorer import pipeline
    from explorer.settings import Settings

    network = load("gpt-shakespeare")
    text = network.text.decode(network.test.ravel())
    assert text.startswith("MACBETH\n\nby William Shakespeare") and len(text) == 16384
    assert network.text.decode(network.labels.ravel())[:-1] == text[1:]  # what follows each character
    *_, all_of_it = pipeline.stream(Settings("gpt-shakespeare", "int8-sym-channel-minmax", "fp32"))
    assert all_of_it.fp32.value == pytest.approx(2.288, abs=0.002) and abs(all_of_it.difference.value) < 0.002
    lost = {}
    for granularity in ("tensor", "channel", "g32"):
        *_, seen = pipeline.stream(Settings("gpt-shakespeare", f"int4-sym-{granularity}-minmax", "fp32", evaluation_samples=32))
        lost[granularity] = seen.difference.value
    assert 0 < lost["g32"] < lost["channel"] - 0.01 < lost["tensor"] - 0.03
