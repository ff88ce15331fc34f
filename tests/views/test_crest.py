"""The crest factor's picture: samples that have it, INT8's law, a flat FP8, and where they cross."""

import json

import numpy as np
import pytest

from explorer.pipeline import layer_tensor, network_of
from explorer.quantize import sqnr_db
from explorer.settings import Settings
from explorer.views.crest import CRESTS, MAIN, crest, crossing, int8_law, recipes, sample

SEEN = crest(Settings("fashion"), 1)


@pytest.mark.parametrize("c", [1.8, 2.5, 4.0, 11.7, 64.0])
def test_samples_have_their_crest_factor(c):
    x = sample(c).astype(np.float64)
    assert np.abs(x).max() / np.sqrt(np.mean(x**2)) == pytest.approx(c, rel=1e-3)


def test_int8_follows_the_law():
    assert int8_law(1.0) == pytest.approx(52.87, abs=0.005)
    np.testing.assert_allclose(SEEN["curves"]["int8"], [52.87 - 20 * np.log10(c) for c in CRESTS], atol=0.3)


@pytest.mark.parametrize("id, db", [("fp8e4m3", 31.5), ("fp8e5m2", 25.6)])
def test_eight_bit_floats_are_flat(id, db):
    np.testing.assert_allclose(SEEN["curves"][id], db, atol=0.8)


def test_they_cross_near_11_7():
    assert SEEN["crossing"] == pytest.approx(11.7, abs=0.3)
    assert crossing([1, 2], [5, 4], [0, 0]) is None


@pytest.mark.parametrize("id", SEEN["curves"])
def test_every_format_of_eight_bits_has_a_curve(id):
    assert len(SEEN["curves"][id]) == len(CRESTS) and np.isfinite(SEEN["curves"][id]).all()
    assert id in recipes()


def test_the_layer_is_where_it_is():
    weight = network_of(Settings("fashion")).weight(1)
    assert SEEN["layer"] == pytest.approx(np.abs(weight).max() / np.sqrt(np.mean(weight.astype(float) ** 2)), rel=1e-6)
    q = layer_tensor(Settings("fashion", "int8-sym-tensor-minmax"), 1)
    assert SEEN["measured"]["int8"] == pytest.approx(sqnr_db(weight, q.dequantize()))
    assert set(SEEN["main"]) <= set(MAIN) & set(SEEN["curves"])
    json.dumps(SEEN, allow_nan=False)


def test_a_layer_of_zeros_is_nowhere(layer_of):
    layer_of(np.zeros((3, 4)))
    seen = crest(Settings("digits"), 0)
    assert seen["layer"] is None and seen["measured"] == {}
