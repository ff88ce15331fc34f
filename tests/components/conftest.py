"""The page without a browser: Streamlit's own test runner on components/app.py."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from components.controls import state as page_state
from explorer import Settings, encode_link
from explorer.query import read_query

APP = Path(__file__).with_name("page.py")
START = Settings(model="digits", weights="int5-sym-channel-mse", activations="int6-asym-tensor-minmax",
                 calibration_samples=32, evaluation_samples=100)  # fmt: skip


@pytest.fixture
def start() -> Settings:
    return START


@pytest.fixture
def open_app() -> Callable[..., AppTest]:
    """open_app(settings or query, **view) → the page once the experiment has ended."""

    def opened(link: Settings | str = START, **view) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        query = encode_link(link, view) if isinstance(link, Settings) else link
        for key, value in read_query(query)[0].items():
            app.query_params[key] = value
        app.run()
        running = app.session_state[page_state.KEY].jobs.get("experiment")
        if running is not None and not app.exception:
            assert running.wait(60)
            app.run()
        return app

    return opened


@pytest.fixture
def tab(monkeypatch) -> Iterator[page_state.State]:
    """The state of a tab that has no script running."""
    alone = page_state.State(settings=START)
    monkeypatch.setattr(page_state.st, "session_state", {page_state.KEY: alone})
    yield alone
    for job in alone.jobs.values():
        job.cancel()


@pytest.fixture
def picker() -> Callable:
    """picker(app.selectbox, name) → the widget of that name; its key ends in how often it was made."""
    return lambda kind, name: next(widget for widget in kind if widget.key.rpartition("-")[0] == name)
