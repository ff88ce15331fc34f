"""The entropy of codes: closed forms, the figures that were measured before, and what zstd really writes."""

import numpy as np
import pyarrow
import pytest

from explorer.cost.compressed import compressed
from explorer.pipeline import quantized, weigh
from explorer.quantize import quantize
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.views.sizes import files, held, parts


def test_codes_that_are_equally_frequent_cannot_be_shortened():
    x = np.tile(np.arange(-7, 9, dtype=np.float32), (4, 64))
    found = compressed([quantize(x, Recipe.parse("int4-asym-channel-lo7hi8"))])
    assert found.stored == found.entropy == 4 and not found.wasted
    two = compressed([quantize(np.float32([[-1, 1] * 512]), Recipe.parse("int8-sym-tensor"))])
    assert two.entropy == 1 and two.wasted and two.zstd < 1  # zstd sees the order too


def test_what_zstd_writes_is_its_own_and_can_be_read():
    """Four bits a code, two in a byte, the first in the upper half."""
    (q, *_) = tensors = quantized(Settings("digits", "int4-sym-channel"))
    nibbles = np.concatenate([each.codes.ravel() & 15 for each in tensors]).astype(np.uint8)
    ends = np.cumsum([0, *(each.codes.size for each in tensors)])
    packed = b"".join((part[::2] << 4 | np.append(part[1::2], [0] * (len(part) % 2)).astype(np.uint8)).tobytes()
                      for part in (nibbles[a:b] for a, b in zip(ends, ends[1:])))  # fmt: skip
    file = pyarrow.Codec("zstd", compression_level=3).compress(packed, asbytes=True)
    assert compressed(tensors).zstd == 8 * len(file) / len(nibbles)
    assert pyarrow.Codec("zstd").decompress(file, len(packed), asbytes=True) == packed


@pytest.mark.parametrize(("weights", "entropy", "wasted"), [
    ("int8-sym-channel", 7.22, False), ("int4-sym-channel", 3.07, False), ("int4-sym-tensor", 1.8, True),
])  # fmt: skip
def test_a_mobile_network(weights, entropy, wasted):
    """9 % at 8 bits and 22 % at 4 are left to save; one scale for the tensor wastes more than half of its codes."""
    found = compressed(quantized(Settings("efficientnet-lite0", weights)))
    assert found.entropy == pytest.approx(entropy, abs=0.03) and found.entropy <= found.zstd <= found.entropy + 0.3
    assert found.wasted == wasted and found.how == "exact"


def test_floats_are_not_blamed_and_wide_codes_have_none():
    assert not compressed(quantized(Settings("digits", "fp8e4m3-channel"))).wasted
    assert compressed(quantized(Settings("digits", "fp16"))) is None


@pytest.mark.parametrize(("model", "weights", "own"), [
    ("digits", "int4-asym-g16", {}), ("gpt-shakespeare", "int8-sym-channel", {}), ("fashion", "mxfp4", {0: "fp32", 11: "fp32"}),
])  # fmt: skip
def test_every_byte_is_counted_once(model, weights, own):
    """The sum of the table is the size that the strip shows."""
    settings = Settings(model, weights, "fp32", layers=own)
    cost, found = weigh(settings).cost, parts(settings)
    assert abs(sum(found.values()) - cost.size_bytes) <= len(found) and found["scales"] == cost.scale_bytes
    assert abs(found["codes"] + found["kept"] - cost.code_bytes) <= 1 and (found["kept"] > 0) == bool(own) and (found["others"] > 0) == (model[:3] == "gpt")


def test_files_are_predicted_or_say_why_not():
    found = dict(files(Settings("digits", "q4_0", "fp32")))
    assert found["GGUF"].total > found["GGUF"].quantized > 0 and found["GGUF"].how == "predicted"
    assert "q4_0 cannot be held" in found["ONNX"]


def test_what_is_held_is_at_most_the_peak():
    predicted = weigh(Settings("fashion-resnet", target="stm32h7")).cost.predicted
    rows = held(predicted, [str(i) for i in range(len(predicted.works))])
    assert max(count for _, count in rows) == predicted.latency.peak_bytes and min(count for _, count in rows) > 0
