"""Adjusting the range: what is kept is better on the calibration samples, and written into the link."""

import threading

import pytest

from explorer.adjust import adjust
from explorer.errors import Cancelled, SettingsError
from explorer.link import decode_link, encode_link
from explorer.settings import Settings

DIGITS = Settings("digits", "int3-sym-tensor-minmax", "fp32", calibration_samples=128)


def test_adjust_loses_less_and_says_what_it_tried():
    found = adjust(DIGITS)
    assert found.after.value > found.before.value
    assert found.settings.weights.factor < 1  # 3 bits per tensor want clipping
    kept = found.tried[found.tried["kept"]]
    assert kept["calibration"].is_monotonic_increasing and kept["calibration"].iloc[-1] == found.after.value
    assert found.test_after.n == found.test_before.n == 600
    assert decode_link(encode_link(found.settings)) == (found.settings, ())


def test_refuses_what_has_no_range():
    for weights in ("fp16", "mxfp4", "nf4"):
        with pytest.raises(SettingsError, match="no range to adjust"):
            adjust(DIGITS.replace(weights=weights))


def test_can_be_cancelled():
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        adjust(DIGITS, progress=lambda *_: cancel.set(), cancel=cancel)
