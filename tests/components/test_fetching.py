"""The card of a model that does not ship, without a browser and without a network."""

import pytest
from streamlit.testing.v1 import AppTest

import components.controls.fetching
from components.controls.state import KEY, State
from explorer.errors import ModelError
from explorer.models import MODELS
from explorer.settings import Settings


def page():
    import streamlit as st

    from components.controls.fetching import fetching
    from components.controls.state import state

    fetching(state().settings.model)
    if job := state().jobs.get("fetch"):
        job.wait(10)
    st.text("the rest")


@pytest.fixture
def app(monkeypatch, tmp_path):
    monkeypatch.setenv("EXPLORER_MODELS", str(tmp_path))
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state[KEY] = State(settings=Settings(model="minilm"))
    return app.run()


def said(app) -> str:
    return " ".join(each.value for kind in (app.markdown, app.text, app.caption) for each in kind)


def test_size_licence_and_source_stand_beside_the_button(app):
    parcel = MODELS["minilm"].parcel
    assert "83.5 MB" in said(app) and parcel.requirement in said(app) and "Apache-2.0" in said(app) and parcel.source in said(app)
    assert "83.5 MB" in app.button(key="fetch").label and "the rest" in said(app)


def test_what_goes_wrong_is_said_and_it_can_be_tried_again(app, monkeypatch):
    def fail(id, *, progress, cancel):
        raise ModelError("no network here")

    monkeypatch.setattr(components.controls.fetching, "fetch_model", fail)
    app.button(key="fetch").click().run()
    app.run()
    assert not app.exception and "no network here" in said(app) and app.button(key="fetch")


def test_a_model_that_is_here_has_no_card():
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state[KEY] = State(settings=Settings(model="digits"))
    app.run()
    assert not app.button and "the rest" in said(app)
