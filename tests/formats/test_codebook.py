"""NF4 against bitsandbytes' published thresholds, the quantiles it was made from, and torchao."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from explorer.formats import FORMATS
from explorer.formats.codebook import torch_mean
from explorer.quantize import quantize, sqnr_db

# dQuantizeNF4 in bitsandbytes' kernels: a code is the number of these below the value
THRESHOLDS = [-0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544, -0.23460740596055984,
              -0.13791173323988914, -0.045525018125772476, 0.03979014977812767, 0.1202552504837513, 0.2035212516784668,
              0.2920137718319893, 0.3893125355243683, 0.5016634166240692, 0.6427869200706482, 0.8614784181118011]  # fmt: skip
X = np.random.default_rng(0).standard_normal((256, 1024)).astype(np.float32)


def test_thresholds_are_bitsandbytes():
    nf4 = FORMATS["nf4"]
    np.testing.assert_allclose(nf4.thresholds, np.float32(THRESHOLDS), rtol=0, atol=4e-8)  # theirs were typed by hand
    assert nf4.encode(nf4.thresholds).tolist() == list(range(15))  # a tie goes down
    assert nf4.encode(np.nextafter(nf4.thresholds, np.float32(2))).tolist() == list(range(1, 16))


def test_values_are_quantiles_of_the_normal_distribution():
    """bitsandbytes create_normal_map: eight steps up from 0, seven down, scaled to ±1."""
    up = norm.ppf(np.linspace(0.9677083, 0.5, 9)[:-1])
    down = -norm.ppf(np.linspace(0.9677083, 0.5, 8)[:-1])
    made = np.sort(np.concatenate([up, [0], down])) / up.max()
    np.testing.assert_allclose(FORMATS["nf4"].values(), made, atol=3e-7)


def test_codes_and_double_quantized_scales_are_torchaos():
    from torchao.quantization.quantize_.workflows.nf4.nf4_tensor import NF4Tensor

    theirs = NF4Tensor.from_tensor(torch.from_numpy(X), 64, 256)
    packed = theirs.quantized_data.numpy()
    codes = np.stack([packed >> 4, packed & 15], axis=-1).reshape(X.shape)
    q = quantize(X, "nf4dq")
    assert np.array_equal(q.codes, quantize(X, "nf4").codes)
    # torchao's table has four digits: its thresholds are that far from bitsandbytes'
    y = (X.reshape(-1, 64) / np.abs(X.reshape(-1, 64)).max(axis=1, keepdims=True)).ravel()[:, None]
    near = (np.abs(y - FORMATS["nf4"].thresholds).min(axis=1) < 5e-5).reshape(X.shape)
    assert np.array_equal(q.codes[~near], codes[~near]) and near.mean() < 2e-3
    assert np.abs(theirs.nf4.numpy() - FORMATS["nf4"].values()).max() < 5e-5
    assert q.stored["mean"] == pytest.approx(theirs.scaler_mean.item(), rel=1e-6)  # their sum is in float32
    np.testing.assert_allclose(q.stored["factor"], theirs.quantization_factor.numpy(), rtol=1e-5)
    off = q.stored["absmax"].ravel().astype(int) - theirs.quantized_scalers.numpy().astype(int)
    assert np.abs(off).max() <= 1 and (off != 0).mean() < 0.01
    assert np.abs(q.dequantize() - theirs.get_original_weight().numpy())[~near].max() < 0.02


def test_bits_per_weight():
    assert quantize(X, "nf4").bits_per_weight == 4.5
    x = np.zeros((64, 4096), np.float32)  # 16 × 256 blocks
    assert quantize(x, "nf4dq").bits_per_weight == pytest.approx(4 + 8 / 64 + 32 / (64 * 256) + 32 / x.size)
    assert FORMATS["nf4dq"].bits_per_weight == pytest.approx(4.127, abs=5e-4)


def test_with_a_range_it_is_a_grid_like_any_other():
    q, alone = quantize(X, "nf4-g64-minmax"), quantize(X, "nf4")
    assert np.array_equal(q.scale, alone.scale) and (q.codes != alone.codes).sum() <= 2
    assert quantize(X, "nf4-channel").scale.shape == (256, 1)
    best, minmax = (sqnr_db(X, quantize(X, f"nf4-tensor-{range}").dequantize()) for range in ("mse", "minmax"))
    assert best > minmax + 1


def test_equal_scales_are_their_mean():
    x = np.tile(np.linspace(-1, 1, 64, dtype=np.float32), (4, 3))
    q = quantize(x, "nf4dq")
    assert (q.scale == 1).all() and (q.stored["absmax"] == 0).all()


def test_nf4_beats_symmetric_int4_on_normal_blocks_and_loses_on_uniform_ones():
    uniform = np.random.default_rng(1).uniform(-1, 1, X.shape).astype(np.float32)
    db = {(name, recipe): sqnr_db(x, quantize(x, recipe).dequantize())
          for name, x in (("normal", X), ("uniform", uniform)) for recipe in ("nf4", "int4-sym-g64", "int4-asym-g64")}  # fmt: skip
    assert db["normal", "nf4"] > db["normal", "int4-sym-g64"]
    assert db["normal", "nf4"] < db["normal", "int4-asym-g64"]
    assert db["uniform", "nf4"] < db["uniform", "int4-sym-g64"]


@pytest.mark.parametrize("n", [1, 7, 36, 300, 2048, 20_000])
def test_the_mean_of_the_scales_is_torchs_on_one_thread(n):
    draw = np.random.Generator(np.random.Philox(n))
    x = (draw.standard_normal(n) ** 2 * np.exp(2 * draw.standard_normal(n))).astype(np.float32)
    assert torch_mean(x) == torch.from_numpy(x).mean().item()  # torch takes more threads from 32,768 on
    assert torch_mean(np.full(3, 3e38, np.float32)) == np.float32(3e38)
