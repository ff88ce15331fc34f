"""llama.cpp's formats against its own Python package, block for block and bit for bit."""

import gguf
import numpy as np
import pytest

from explorer.errors import DataError
from explorer.formats import FORMATS
from explorer.quantize import quantize

IDS = [each.id for each in FORMATS if each.family == "GGUF"]


def probes() -> np.ndarray:
    """Rows of 8 blocks: normal at many magnitudes, ties of all kinds, zeros, one-sided, both extremes equal."""
    draw = np.random.default_rng(0)
    normal = draw.standard_normal((400, 256)) * np.exp2(draw.integers(-12, 12, (400, 1)))
    whole = draw.integers(-16, 17, (60, 256)).astype(float)  # extremes tie in sign, halves tie in rounding
    halves = np.tile(np.arange(-16, 16) + 0.5, (1, 8))
    return np.float32(np.concatenate([
        normal, whole, whole / 2, halves, np.zeros((1, 256)), np.abs(normal[:20]), -np.abs(normal[:20]),
        np.tile([[3.0, -3.0], [-3.0, 3.0]], (1, 128)), np.full((1, 256), -2.5), normal[:8] * 1e-7,
    ]))  # fmt: skip


def unpacked(id: str, packed: np.ndarray) -> tuple[np.ndarray, ...]:
    """(codes, d as float16 bits, m as float16 bits or None) out of ggml's blocks."""
    bits, has_min = int(id[1]), id.endswith("_1")
    size = {4: 16, 5: 20, 8: 32}[bits] + (4 if has_min else 2)
    blocks = packed.reshape(-1, size)
    d, rest = blocks[:, :2].copy().view(np.uint16), blocks[:, 2:]
    m, rest = (rest[:, :2].copy().view(np.uint16), rest[:, 2:]) if has_min else (None, rest)
    if bits == 8:
        return rest.view(np.int8), d, m
    high = np.unpackbits(rest[:, :4], axis=1, bitorder="little") if bits == 5 else np.zeros((len(rest), 32), np.uint8)
    low = rest[:, 4:] if bits == 5 else rest
    return np.concatenate([low & 15, low >> 4], axis=1) | high << 4, d, m


@pytest.mark.parametrize("id", IDS)
def test_every_block_is_ggmls(id):
    x, kind = probes(), gguf.GGMLQuantizationType[id.upper()]
    packed = gguf.quants.quantize(x, kind)
    codes, d, m = unpacked(id, packed)
    q = quantize(x, id)
    assert np.array_equal(q.codes.reshape(-1, 32), codes)
    assert np.array_equal(q.stored["d"].reshape(-1, 1).view(np.uint16) & 0x7FFF, d & 0x7FFF)  # -0 is 0 there
    assert np.array_equal(q.dequantize(), gguf.quants.dequantize(packed, kind))
    assert m is None or np.array_equal(q.stored["m"].reshape(-1, 1).view(np.uint16), m)
    assert q.nbytes == packed.nbytes and q.bits_per_weight == FORMATS[id].bits_per_weight


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("id", IDS)
def test_what_llama_would_store_as_infinity_is_refused(id):
    """And nothing else is: up to the number below 65,520 FP16 rounds to its largest."""
    largest = {"q8_0": 127, "q4_0": 8, "q5_0": 16}.get(id, 1) * np.float32(65_520)
    for size, fits in ((3e38, False), (largest, False), (np.nextafter(largest, np.float32(0)), True), (1e-30, True), (1e-44, True)):
        x = np.float32([[0] * 64, [0] * 32 + [-size, size] + [size / 2] * 30])
        packed = getattr(gguf.quants, id.upper()).quantize_rows(x)
        assert np.isfinite(gguf.quants.dequantize(packed, gguf.GGMLQuantizationType[id.upper()])).all() == fits
        if fits:
            back = quantize(x, id).dequantize()
            assert np.isfinite(back).all() and np.abs(back, dtype=np.float64).max() <= max(2.0 * size, 6e-8)
            continue
        with pytest.raises(DataError, match="1 of 4 blocks, the first in row 1 of the matrix at number 32, need"):
            quantize(x, id)


@pytest.mark.parametrize("id", IDS)
def test_rows_end_with_a_shorter_block(id):
    x = probes()[:60, :75]
    q, padded = quantize(x, id), np.pad(x, ((0, 0), (0, 21)))
    if id.endswith("_1"):  # the padding is no value of the block
        padded[:, 75:] = x[:, 74:75]
    whole = quantize(padded, id)
    assert np.array_equal(q.codes, whole.codes[:, :75]) and np.array_equal(q.scale, whole.scale)
    assert q.scale_bits == 60 * 3 * FORMATS[id].blocks.rule.bits
