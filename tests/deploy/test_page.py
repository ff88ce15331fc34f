"""The Export popover: refuses in words, writes in the background, shows the proof and gives the file."""

import io

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import components.controls.exporting
from components.controls.export import OPEN
from components.controls.state import KEY, State
from components.words import en_export
from explorer.settings import Settings

SETTINGS = Settings(model="article-mlp", weights="int8-symfull-channel", activations="int8-asym-tensor", evaluation_samples=100)


def page():
    from components.controls.experiment import answers
    from components.controls.export import export
    from components.controls.job import job
    from components.controls.state import state

    running = job("experiment", state().settings, answers(state().settings))
    running.wait(60)
    export(running.latest)


@pytest.fixture
def app():
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state[KEY], app.session_state[OPEN] = State(settings=SETTINGS), True
    return app.run()


def texts(app) -> str:
    return " ".join(each.value for kind in (app.text, app.caption, app.markdown) for each in kind)


def test_a_file_is_written_proven_and_given(app):
    assert not app.exception and app.selectbox(key="export.target").value == "onnx"
    for to in ("onnx", "numpy"):
        app.selectbox(key="export.target").set_value(to).run()
        assert "predicted" in texts(app) and not app.get("download_button")
        app.button(key="export.start").click().run()
        job = app.session_state[KEY].jobs["export"]
        assert job.wait(60) and not job.error
        app.run()
        done, data = job.latest
        assert not app.exception and len(app.get("download_button")) == 1 and len(data) == done.bytes
        assert f"all {done.checks.codes:,} codes are equal" in texts(app) and done.checks.reader in texts(app)
        assert not done.path.exists()  # nothing stays on the server
    with np.load(io.BytesIO(data)) as file:
        assert str(file["stamp"]) == done.stamp


def test_what_a_target_cannot_hold_is_said_and_has_no_button(app):
    app.selectbox(key="export.target").set_value("gguf").run()
    assert "GGUF cannot hold this" in texts(app) and "activations left in fp32" in texts(app)
    assert not app.button and not app.get("download_button")


def test_other_settings_need_another_file(app):
    app.button(key="export.start").click().run()
    assert app.session_state[KEY].jobs["export"].wait(60)
    app.session_state[KEY].settings = SETTINGS.replace(weights="int4-sym-channel")
    app.run()
    assert not app.get("download_button") and app.button(key="export.start")


def test_a_closed_one_costs_nothing(app, monkeypatch):
    asked, predicted = [], components.controls.exporting.predicted
    monkeypatch.setattr(components.controls.exporting, "predicted", lambda *what: asked.append(what) or predicted(*what))
    app.session_state[OPEN] = False
    app.run()
    assert not app.exception and not app.selectbox and not texts(app) and not asked
    app.session_state[OPEN] = True
    app.run()
    assert asked == [(SETTINGS, "onnx")] and "predicted" in texts(app)


def test_it_waits_for_the_result(monkeypatch):
    def early():
        from components.controls.export import export

        export(None)

    app = AppTest.from_function(early, default_timeout=60)
    app.session_state[OPEN] = True
    app.run()
    assert not app.exception and en_export.EXPORT_WAIT in texts(app) and not app.button
