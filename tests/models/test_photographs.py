"""Crops are an array in everything that the engine does with one, and are seeded."""

import numpy as np
import pytest

from explorer.errors import ModelError
from explorer.models import photographs
from explorer.models.efficientnet_lite0 import CALIBRATION_PHOTOGRAPHS, TEST_PHOTOGRAPHS
from explorer.models.photographs import Crops, photograph

PHOTOGRAPHS = ("skimage/chelsea.png", "sklearn/china.jpg")


@pytest.fixture
def crops() -> Crops:
    return Crops(PHOTOGRAPHS, count=10, size=32, seed=0)


def test_indexing_is_numpys(crops):
    everything = np.asarray(crops)
    assert everything.shape == crops.shape == (10, 32, 32, 3) and everything.dtype == np.uint8
    for which in (3, -1, slice(2, 7), slice(None, None, 3), [4, 4, 0], np.arange(10) % 2 == 0):
        np.testing.assert_array_equal(crops[which], everything[which])
    assert crops[5:5].shape == (0, 32, 32, 3)
    with pytest.raises(IndexError):
        crops[10]


def test_same_seed_same_crops(crops):
    np.testing.assert_array_equal(crops[:], Crops(PHOTOGRAPHS, 10, 32, seed=0)[:])
    assert (crops[:] != Crops(PHOTOGRAPHS, 10, 32, seed=1)[:]).any()


def test_a_crop_does_not_depend_on_which_were_made_before(crops):
    late = crops[9]
    np.testing.assert_array_equal(late, Crops(PHOTOGRAPHS, 10, 32, seed=0)[:][9])


def test_a_crop_of_a_plain_photograph_is_plain(monkeypatch):
    from PIL import Image

    plain = Image.new("RGB", (300, 200), "#204060")
    monkeypatch.setattr(photographs, "photograph", lambda _: plain)
    assert (Crops(("skimage/any.png",), 4, 16, seed=0)[:] == (0x20, 0x40, 0x60)).all()


def test_calibration_and_test_photographs_are_different_scenes():
    test, calibration = (
        {name.replace("_left", "").replace("_right", "") for name in names}
        for names in (TEST_PHOTOGRAPHS, CALIBRATION_PHOTOGRAPHS)
    )
    assert not test & calibration


@pytest.mark.parametrize("name", TEST_PHOTOGRAPHS + CALIBRATION_PHOTOGRAPHS)
def test_photographs_are_inside_the_installed_packages(name):
    image = photograph(name)
    assert image.mode == "RGB" and min(image.size) >= photographs.SMALLEST


def test_missing_photograph():
    with pytest.raises(ModelError, match="unicorn.png is missing.*scikit-image"):
        photograph("skimage/unicorn.png")


def test_missing_package(monkeypatch):
    monkeypatch.setattr(photographs, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="nowhere.jpg is missing.*scikit-learn"):
        photograph("sklearn/nowhere.jpg")
