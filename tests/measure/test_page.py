"""Measuring from the page: a button, progress with cancel, and what came out with its badge; or why it cannot be."""

import dataclasses

import pytest
from streamlit.testing.v1 import AppTest

from components.controls import measured as part
from components.controls.state import KEY, State
from components.words import en_measured
from explorer.errors import ModelError
from explorer.measure import Measured
from explorer.measure.runtime import Kernel
from explorer.measure.timing import Ratio
from explorer.settings import Settings

SETTINGS = Settings("digits", "int8-sym-channel", "uint8-asym-tensor", calibration_samples=8, evaluation_samples=8)
FOUND = Measured(Ratio(2.0, 1.9, 2.2, 2e-3, 1e-3, 15), (), True, (Kernel("Conv", 5, 1.0),), (Kernel("QLinearConv", 5, 0.9), Kernel("DequantizeLinear", 4, 0.1)),
                 1.5, "", "a machine", "ONNX Runtime 9", "2026-01-01T00:00+00:00")  # fmt: skip


def page(settings):
    from components.controls.measured import measured

    measured(settings)


def texts(app) -> str:
    return " ".join(each.value for kind in (app.text, app.caption, app.markdown) for each in kind)


def opened(settings=SETTINGS) -> AppTest:
    app = AppTest.from_function(page, args=(settings,), default_timeout=60)
    app.session_state[KEY] = State(settings=settings)
    app.run()
    assert app.session_state[KEY].jobs["measured.before"].wait(20)  # whether it can be, and what is known
    return app.run()


@pytest.fixture
def known(monkeypatch):
    """What the machine has measured before, none at first; nothing is timed."""
    kept = {}
    monkeypatch.setattr(part, "before", lambda settings, **how: kept.get("found"))
    return kept


def test_on_request_in_the_background_with_its_badge(known, monkeypatch):
    monkeypatch.setattr(part, "timed", lambda settings, again, progress, cancel: iter([FOUND]))
    app = opened()
    assert not app.exception and en_measured.MEASURED not in texts(app)
    app.button(key="measured.start").click().run()
    app.session_state[KEY].jobs["measured"].wait(20)
    app.run()
    assert not app.exception and app.button(key="measured.start").label == en_measured.AGAIN
    shown = texts(app)
    assert "2.00× as fast as FP32" in shown and "1.90× to 2.20×" in shown and "1 ms instead of 2 ms" in shown and "expects 1.50×" in shown
    assert en_measured.MEASURED in shown and "QLinearConv × 5 (90 %)" in shown and "4 DequantizeLinear run at every call" in shown
    assert "a machine; ONNX Runtime 9; 2026-01-01" in shown


def test_what_was_measured_before_is_shown_at_once(known):
    known["found"] = dataclasses.replace(FOUND, whole=Ratio(1.0, 0.5, 3.0, 1e-3, 1e-3, 31))
    shown = texts(opened())
    assert "No number" in shown and "×" not in shown.partition("What ran")[0].replace("expects 1.50×", "")


def test_it_can_be_cancelled(known, monkeypatch):
    def forever(settings, again, progress, cancel):
        yield FOUND
        cancel.wait(20)
        from explorer.errors import Cancelled

        raise Cancelled("stopped")

    monkeypatch.setattr(part, "timed", forever)
    app = opened()
    app.button(key="measured.start").click().run()
    app.session_state[KEY].jobs["measured"].wait(5, lambda job: job.latest is not None)
    app.run()
    assert "2.00× as fast" in texts(app) and not app.exception
    app.button(key="measured.cancel").click().run()
    assert app.session_state[KEY].jobs["measured"].wait(20)
    assert app.session_state[KEY].jobs["measured"].cancelled
    app.run()
    assert en_measured.STOPPED_PART in texts(app) and "2.00× as fast" in texts(app)


def test_what_fails_half_way_is_said_beside_what_there_is(known, monkeypatch):
    def fail(settings, again, progress, cancel):
        yield FOUND
        raise ModelError("the graph of layer 3 is refused")

    monkeypatch.setattr(part, "timed", fail)
    app = opened()
    app.button(key="measured.start").click().run()
    app.session_state[KEY].jobs["measured"].wait(20)
    app.run()
    assert not app.exception and "layer 3 is refused" in texts(app) and "2.00× as fast" in texts(app)


def test_what_onnx_cannot_hold_has_no_button():
    app = opened(SETTINGS.replace(weights="q4_0", activations="fp32"))
    assert not app.exception and not app.button and "It cannot be measured: ONNX cannot hold this" in texts(app)


def test_words_cover_every_verdict():
    assert set(en_measured.SPEED) == {"faster", "slower", "no measurable difference", "too noisy"}
