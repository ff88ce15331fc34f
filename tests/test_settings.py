"""Settings: valid once made, hashable, and a sentence for what cannot be."""

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from explorer.errors import SettingsError
from explorer.models import MODELS
from explorer.settings import Recipe, Settings


def test_equal_settings_are_one_key():
    spelled = Settings(weights="int4-g064-mse", layers={3: "fp16", 0: "int8"}, seed=np.int64(7))
    built = Settings(weights=Recipe.parse("int4-sym-g64-mse"), layers=[(0, Recipe("int8")), (3, "fp16")], seed=7)
    assert spelled == built and hash(spelled) == hash(built) and len({spelled, built}) == 1
    assert pickle.loads(pickle.dumps(spelled)) == spelled


def test_settings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Settings().seed = 3


def test_recipes_given_as_text_become_recipes():
    settings = Settings(weights="int4")
    assert settings.weights == Recipe("int4") and isinstance(settings.activations, Recipe)


def test_more_samples_than_there_are_mean_all_of_them():
    for model in MODELS:
        settings = Settings(model=model.id, calibration_samples=10**9, evaluation_samples=10**9)
        assert settings.calibration_samples == model.calibration_size
        assert settings.evaluation_samples == model.test_size


def test_a_layer_takes_its_own_recipe_before_its_digit_before_the_weights():
    settings = Settings(weights="uint8-asym-channel-mse", layer_bits="4g0", layers={0: "fp16", 5: "int3"})
    assert [str(settings.weights_of(layer)) for layer in range(6)] == [
        "fp16",
        "uint16-asym-channel-mse",
        "fp32",
        "uint8-asym-channel-mse",
        "uint8-asym-channel-mse",
        "int3-sym-tensor-minmax",
    ]


@pytest.mark.parametrize(("digit", "bits"), list(zip("23456789abcdefg", range(2, 17))))
def test_each_digit_is_its_number_of_bits(digit, bits):
    assert Settings(layer_bits=digit).weights_of(0).bits == bits


def test_layers_are_checked_against_the_network():
    Settings(layer_bits="4444", layers={3: "int4"}).check_layers(4)
    with pytest.raises(SettingsError, match="5 digits, but fashion has 4 layers"):
        Settings(layer_bits="44444").check_layers(4)
    with pytest.raises(SettingsError, match="no layer 4: fashion has 4"):
        Settings(layers={4: "int4"}).check_layers(4)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": "fasion"}, "near it: fashion"),
        ({"model": "../etc/passwd"}, "no model"),
        ({"model": 3}, "named by its id"),
        ({"weights": "int99"}, "weights: int99 does not exist"),
        ({"weights": "int8-token"}, "token is for activations"),
        ({"weights": None}, "text such as"),
        ({"activations": "int8-channel"}, "cannot factor a scale"),
        ({"activations": "int8-g64-mse"}, "found while running and can only be minmax, not mse"),
        ({"activations": "fp8e4m3-b128"}, "square blocks would tie tokens"),
        ({"activations": "q4_0"}, "q4_0 is for weights"),
        ({"activations": "nf4"}, "nf4 is for weights"),
        ({"activations": "nf4-tensor"}, "nf4 is for weights"),
        ({"layer_bits": "4", "weights": "mxfp4"}, "need an integer weight recipe"),
        ({"algorithms": ("gptw",)}, "no algorithm 'gptw'"),
        ({"algorithms": "gptw"}, "no algorithm 'gptw'"),
        ({"algorithms": 3}, "tuple of ids"),
        ({"calibration_samples": 0}, "calibration samples is a whole number from 1"),
        ({"evaluation_samples": -1}, "evaluation samples is a whole number from 1"),
        ({"evaluation_samples": 1.5}, "whole number"),
        ({"evaluation_samples": True}, "whole number"),
        ({"evaluation_samples": 10**10}, "whole number"),
        ({"seed": -1}, "seed is a whole number from 0"),
        ({"seed": 2**32}, "seed is a whole number from 0"),
        ({"seed": float("nan")}, "seed is a whole number"),
        ({"accumulate": "avx512"}, "allowed: exact, avx2"),
        ({"target": "h1000"}, "near it: h100"),
        ({"target": ["here"]}, "allowed: here"),
        ({"layers": 3}, "pairs of an index"),
        ({"layers": ((-1, "int8"),)}, "layer's index is a whole number from 0"),
        ({"layers": ((1000, "int8"),)}, "layer's index is a whole number from 0 to 999"),
        ({"layers": ((1, "int8"), (1, "int4"))}, "layer 1 has two recipes"),
        ({"layers": ((1, "int8-token"),)}, "layer 1: token is for activations"),
        ({"layer_bits": "1"}, "'1' is no number of bits"),
        ({"layer_bits": "4h"}, "'h' is no number of bits"),
        ({"layer_bits": 44}, "are text"),
        ({"layer_bits": "4" * 1001}, "at most 1000"),
        ({"layer_bits": "4", "weights": "fp8e4m3-tensor"}, "need an integer weight recipe"),
        ({"colour": "red"}, "no 'colour'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(changes, says):
    with pytest.raises(SettingsError) as caught:
        Settings().replace(**changes)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_sentence_names_everything_that_moves_a_number():
    settings = Settings(
        weights="int4-g64-mse", activations="uint8-asym", calibration_samples=128, evaluation_samples=100, seed=5
    )
    assert settings.sentence() == (
        f"{MODELS['fashion'].title} · weights INT4 symmetric, groups of 64, MSE range · activations UINT8 asymmetric, "
        "per tensor, min–max range · 128 calibration samples · 100 test samples · seed 5"
    )
    layered = settings.replace(layers={1: "fp16"}, layer_bits="84").sentence()
    assert "1 layer with its own recipe · bits layer by layer 84 · activations" in layered
