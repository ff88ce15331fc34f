"""The About page runs the comparison in the background and shows what it found."""

from streamlit.testing.v1 import AppTest

from components.controls.state import KEY
from explorer.parity import PEERS


def page():
    from components.screens.about import about

    about()


def test_the_button_fills_the_table(monkeypatch):
    monkeypatch.setattr(PEERS, "_values", {"ml_dtypes": PEERS["ml_dtypes"]})
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception and not app.dataframe
    assert any(f"ml_dtypes {PEERS['ml_dtypes'].version}" in caption.value for caption in app.caption)
    app.button(key="parity.run").click().run()
    job = app.session_state[KEY].jobs["parity"]
    assert job.wait(60) and not job.error
    app.run()
    assert not app.exception and len(app.dataframe[0].value) == len(PEERS["ml_dtypes"].comparisons())
    assert any("**0** differ without a named rule" in text.value for text in app.markdown)
