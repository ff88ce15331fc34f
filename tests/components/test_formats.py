"""The page of formats without a browser: bits that are clicked, numbers that are typed, and formats that the address names."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from components.controls.state import KEY, State
from explorer.formats import FORMATS
from explorer.views.code_bits import taken_apart


def _page() -> None:
    from components.screens.formats import formats

    formats()


@pytest.fixture
def page():
    """page(view) → the page of formats of a tab that looks at these."""

    def opened(**view) -> AppTest:
        app = AppTest.from_function(_page, default_timeout=60)
        app.session_state[KEY] = State(view=view)
        return app.run()

    return opened


def shown(app: AppTest) -> tuple[int, float]:
    """(code, its number) as the page writes them."""
    assert not app.exception
    (text,) = [str(each.value) for each in app.get("html") if "code-value" in str(each.value)]
    code, value = re.search(r"<code>0x([0-9A-F]+)</code>.*?<b>(.+?)</b>", text).groups()
    return int(code, 16), float(value.replace("−", "-"))


def typed(app: AppTest, text: str) -> AppTest:
    return app.text_input(key="typed").set_value(text).run()


def test_a_clicked_bit_is_another_number_and_a_typed_number_another_code(page):
    app = page(fmt="fp8e4m3", beside="int8")
    assert shown(app) == (0x3A, 1.25)
    app.button(key="bit.fp8e4m3.7").click().run()
    assert shown(app) == (0xBA, -1.25)
    typed(app, "0.1")
    assert shown(app) == (0x1D, 0.1015625)
    assert "Stored as 0.1015625, an error of 0.001562; the numbers around it are 0.09375 and 0.1016." in [each.value for each in app.text]
    typed(app, "1e9")
    assert shown(app)[1] == 448 and any("Beyond the largest number" in each.value for each in app.text)
    typed(app, "one")
    assert any("no number" in each.value for each in app.text)


@pytest.mark.parametrize("other", ["nvfp4", "fp16", "int8"])
def test_another_format_takes_the_number_along(page, picker, other):
    app = page(fmt="fp8e4m3", beside="int8")
    typed(app, "1.5")
    assert any(each.value == "Stored as 1.5, without error." for each in app.text)
    picker(app.selectbox, "fmt").set_value(other).run()
    assert shown(app)[1] == {"int8": 2.0}.get(other, 1.5)
    typed(app, "")
    picker(app.selectbox, "fmt").set_value("fp32").run()
    assert shown(app)[1] == {"int8": 2.0}.get(other, 1.5), "what was stored"


def test_the_formats_are_in_the_address(page, picker):
    app = page()
    picker(app.selectbox, "fmt").set_value("nf4").run()
    picker(app.selectbox, "beside").set_value("mxfp4").run()
    assert app.session_state[KEY].view == {"fmt": "nf4", "beside": "mxfp4"} and app.session_state[KEY].changed
    again = page(fmt="nf4", beside="mxfp4")
    assert [picker(again.selectbox, name).value for name in ("fmt", "beside")] == ["nf4", "mxfp4"]
    assert picker(page(fmt="nonsense").selectbox, "fmt").value in FORMATS.ids


@pytest.mark.parametrize("format", FORMATS.ids)
def test_every_format_has_its_page(page, format):
    app = page(fmt=format, beside="int8")
    code, value = shown(app)
    assert value == pytest.approx(taken_apart(format, code)["value"], rel=1e-6)
    assert len([each for each in app.button if each.key.startswith(f"bit.{format}.")]) == FORMATS[format].bits


def test_what_processors_do_is_said_to_be_from_documents(page):
    pieces = "".join(str(each.value) for each in page(fmt="int4", beside="fp8e4m3").get("html"))
    assert pieces.count('figure-origin documented"') == 1 and 'figure-origin exact"' in pieces
