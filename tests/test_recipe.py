"""Recipes: one spelling each, and a sentence for what cannot be."""

import numpy as np
import pytest
from hypothesis import given
from strategies import weights

from explorer.errors import SettingsError
from explorer.ranges import positional
from explorer.settings import Recipe


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("int8", "int8-sym-tensor-minmax"),
        ("INT4-g064-mse", "int4-sym-g64-mse"),
        (" uint8-asym ", "uint8-asym-tensor-minmax"),
        ("int8-mse-channel", "int8-sym-channel-mse"),
        ("int8-asym-p99.90", "int8-asym-tensor-p99.9"),
        ("int8-p100", "int8-sym-tensor-p100"),
        ("int8-abs01.50", "int8-sym-tensor-abs1.5"),
        ("int8-asym-lo.5hi6.", "int8-asym-tensor-lo0.5hi6"),
        ("int8-asym-lo0hi6", "int8-asym-tensor-lo0hi6"),
        ("int8-minmax@.850", "int8-sym-tensor-minmax@0.85"),
        ("int8-mse@1.0", "int8-sym-tensor-mse"),
        ("int8-abs2@0.5", "int8-sym-tensor-abs1"),
        ("int8-asym-lo1hi6@0.5", "int8-asym-tensor-lo0.5hi3"),
        ("int8-floor", "int8-sym-tensor-minmax-floor"),
        ("int8-nearest", "int8-sym-tensor-minmax"),
        ("int8-reciprocal-asym-token", "int8-asym-token-minmax-reciprocal"),
        ("int8-asym-token", "int8-asym-token-minmax"),
        ("fp32", "fp32"),
        ("bf16-stochastic", "bf16-stochastic"),
        ("fp8e4m3", "fp8e4m3"),
        ("fp8e4m3-channel", "fp8e4m3-channel-minmax"),
        ("fp8e5m2-mse", "fp8e5m2-tensor-mse"),
        ("fp8e4m3-b128", "fp8e4m3-b128-minmax"),
    ],
)
def test_typed_recipes_have_one_canonical_spelling(typed, canonical):
    assert str(Recipe.parse(typed)) == canonical
    assert Recipe.parse(canonical) == Recipe.parse(typed)
    assert hash(Recipe.parse(canonical)) == hash(Recipe.parse(typed))


@given(weights)
def test_what_is_printed_is_parsed_back(recipe):
    assert Recipe.parse(str(recipe)) == recipe


@given(weights)
def test_numbers_have_neither_sign_nor_exponent(recipe):
    assert set(str(recipe)) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-@_")
    assert str(recipe).count("-") <= 4


@pytest.mark.parametrize("value", [0.1, 1e-7, 1e22, 1e23, 5e-324, 123456.789, 2 / 3, 0.0, 7.0])
def test_positional_agrees_with_numpy(value):
    assert positional(value) == np.format_float_positional(value, trim="-")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("int1", "2 to 16 bits"),
        ("int99-sym", "2 to 16 bits"),
        ("int0", "2 to 16 bits"),
        ("fp8", "near it: fp8e"),
        ("", "no number format"),
        ("int8-", "one hyphen"),
        ("int8--mse", "one hyphen"),
        ("int8-chanel", "did you mean 'channel'"),
        ("int8-mse-minmax", "two words for its range"),
        ("int8-sym-asym", "two words for its scheme"),
        ("int8-minmx", "near it: minmax"),
        ("int8-g0", "2 to 4096"),
        ("int8-g1", "2 to 4096"),
        ("int8-g4097", "2 to 4096"),
        ("int8-b" + "9" * 150, "2 to 4096"),
        ("int8-absnan", "such as abs1.5"),
        ("int8-absinf", "such as abs1.5"),
        ("int8-abs", "such as abs1.5"),
        ("int8-abs-1", "without sign"),
        ("int8-abs1e-5", "without sign or exponent"),
        ("int8-abs0", "no width"),
        ("int8-abs" + "0" * 40, "no width"),
        ("int8-abs" + "9" * 60, "too large"),
        ("int8-abs0." + "0" * 60 + "1", "too small"),
        ("int8-lo0hi0", "no width"),
        ("int8-lo1", "such as lo1.5hi6"),
        ("int8-p0", "above 0"),
        ("int8-p101", "at most at 100"),
        ("int8-p\u0669", "such as p99.9"),
        ("int8-minmax@0", "0.001 to 1000"),
        ("int8-minmax@nan", "0.001 to 1000"),
        ("int8-minmax@", "0.001 to 1000"),
        ("int8-minmax@1@2", "0.001 to 1000"),
        ("int8-entropy-channel", "per tensor, not per channel"),
        ("int8-entropy-g64", "per tensor, not per group"),
        ("int8-token-mse", "only be minmax"),
        ("int8-token-minmax@0.9", "only be minmax"),
        ("fp8e4m3-sym", "takes no scheme"),
        ("fp16-tensor", "plain cast"),
        ("bf16-minmax", "plain cast"),
        ("fp32-floor", "the reference"),
        ("fp8e4m3-channel-reciprocal", "is no integer; leave reciprocal out"),
        ("int8" + "-x" * 200, "at most 200"),
        (8, "text such as"),
        (None, "text such as"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(text, says):
    with pytest.raises(SettingsError) as caught:
        Recipe.parse(text)
    sentence = str(caught.value)
    assert says in sentence
    assert "\n" not in sentence and len(sentence) < 260


@pytest.mark.parametrize("part", ["scheme", "granularity", "range", "rounding"])
def test_parts_given_one_by_one_are_checked_too(part):
    with pytest.raises(SettingsError):
        Recipe("int8", **{part: "<b>"})
    with pytest.raises(SettingsError, match="is text"):
        Recipe("int8", **{part: 3})


def test_parts_are_read_as_words_and_numbers():
    recipe = Recipe.parse("uint4-asym-g64-minmax@0.85")
    assert (recipe.kind, recipe.size, recipe.method, recipe.factor, recipe.bits) == ("group", 64, "minmax", 0.85, 4)
    assert not recipe.is_cast
    cast = Recipe.parse("fp8e4m3")
    assert cast.is_cast and (cast.kind, cast.size, cast.granularity, cast.range) == ("", None, "", "")
    assert Recipe.parse("int8-b128").kind == "block" and Recipe.parse("int8-b128").size == 128
    assert Recipe.parse("fp8e4m3-tensor").is_cast is False


def test_replace_drops_what_the_new_format_cannot_have():
    recipe = Recipe.parse("int8-asym-channel-mse-floor")
    assert str(recipe.replace(format="int4")) == "int4-asym-channel-mse-floor"
    assert str(recipe.replace(format="fp8e4m3")) == "fp8e4m3-channel-mse-floor"
    assert str(recipe.replace(rounding="reciprocal").replace(format="fp8e4m3")) == "fp8e4m3-channel-mse"
    assert str(recipe.replace(format="fp16")) == "fp16-floor"
    assert str(recipe.replace(format="fp32")) == "fp32"
    assert str(Recipe("fp32").replace(format="int8")) == "int8-sym-tensor-minmax"
    with pytest.raises(SettingsError, match="takes no scheme"):
        recipe.replace(format="fp8e4m3", scheme="sym")
    with pytest.raises(SettingsError, match="no number format"):
        recipe.replace(format="nope")


def test_words_are_plain_english():
    assert Recipe.parse("int4-g64-mse").words == "INT4 symmetric, groups of 64, MSE range"
    assert Recipe.parse("uint8-asym-p99.9").words == "UINT8 asymmetric, per tensor, percentile 99.9 range"
    assert Recipe.parse("int8-asym-lo1.5hi6").words == "INT8 asymmetric, per tensor, range −1.5 to 6"
    assert Recipe.parse("int8-asym-lo0hi6").words.endswith("range 0 to 6")
    assert Recipe.parse("fp8e4m3-b128").words == "FP8 E4M3, blocks of 128 × 128, min–max range"
    assert Recipe.parse("int8-minmax@0.85").words.endswith("min–max range × 0.85")
    assert Recipe.parse("fp32").words == "FP32"
