"""What a language model writes: drawn by hand from its own distributions, and equal until quantization moves one."""

from threading import Event

import numpy as np
import pytest
import torch

from explorer.errors import Cancelled
from explorer.models import load
from explorer.pipeline import simulate
from explorer.settings import Settings
from explorer.views.generated import TEMPERATURE, generated, write, writes

SETTINGS = Settings("gpt-shakespeare", "int3-sym-channel-minmax", "fp32", seed=5)


@pytest.fixture(scope="module")
def found():
    return generated(SETTINGS, 60)


def test_fp32_writes_what_its_distributions_give_for_the_seed(found):
    network = load("gpt-shakespeare")
    tokens = network.text.encode(network.text.opening).tolist()
    for number in np.random.Generator(np.random.Philox(5)).random(60):
        with torch.inference_mode():
            odds = torch.softmax(network.module(torch.tensor([tokens]))[0, -1].double() / TEMPERATURE, 0)
        tokens.append(int((odds.cumsum(0) <= number).sum()))
    written = found["opening"] + found["same"] + found["fp32"]
    assert written == network.text.decode(tokens) and len(written) == len(found["opening"]) + 60


@pytest.mark.parametrize("activations", ["fp32", "int8-asym-tensor-minmax", "int8-sym-token"])
def test_what_is_kept_of_earlier_tokens_changes_nothing(activations):
    """Each token from all before it at once, as far as the model looks back: beyond 128 it goes on from the later 64."""
    network = load("gpt-shakespeare")
    quantized = simulate(SETTINGS.replace(activations=activations, calibration_samples=4))
    written = write(quantized, network.text, np.random.Generator(np.random.Philox(2)).random(125))
    tokens = network.text.encode(network.text.opening).tolist() + written
    with torch.inference_mode():
        for at in (9, 60, 127, 128, 133):
            start = 0 if at <= 128 else 129 - 64
            logits = quantized.module(torch.tensor([tokens[start:at]]))[0, -1].double()
            odds = torch.softmax(logits / TEMPERATURE, 0).cumsum(0)
            number = np.random.Generator(np.random.Philox(2)).random(125)[at - 9]
            assert tokens[at] == int((odds <= number).sum()), at


def test_both_part_where_they_first_differ(found):
    assert 0 < found["common"] < 60 and len(found["same"]) == found["common"]
    assert found["fp32"][0] != found["quantized"][0] and len(found["fp32"]) == len(found["quantized"])


def test_unquantized_weights_write_the_same():
    same = generated(SETTINGS.replace(weights="fp32"), 30)
    assert same["common"] == 30 and same["fp32"] == same["quantized"] == ""


def test_progress_never_goes_back():
    shares = []
    generated(SETTINGS.replace(seed=8), 6, progress=lambda stage, share: shares.append(share))
    assert shares == sorted(shares) and shares[0] < 0.1 and shares[-1] == 1 and len(shares) == 12


def test_a_model_that_writes_nothing_says_so_and_writing_stops_when_asked():
    assert writes(SETTINGS) and not writes(Settings("digits")) and generated(Settings("digits"), 5) is None
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled, match="stopped"):
        generated(SETTINGS.replace(seed=6), 5, cancel=cancel)


def test_text_survives_its_tokens():
    text = load("gpt-shakespeare").text
    line = "HECATE. [Aside] 'Tis so; \"nay\" & more--\n"
    assert text.decode(text.encode(line)) == line and text.decode(text.encode("naïve\t")) == "na ve "
