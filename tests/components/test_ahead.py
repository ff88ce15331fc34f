"""The outline that a fresh process shows, and what comes with it out of sight."""

from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from components.ahead import ahead

    place = ahead()
    if st.session_state.get("loaded"):
        place.empty()
    st.text("the page")


def test_one_of_each_kind_comes_with_the_outline():
    app = AppTest.from_function(page).run()
    assert not app.exception
    kinds = "selectbox", "number_input", "button_group", "toggle", "button", "progress", "bidi_component"
    assert [len(app.get(kind)) for kind in kinds] == [1] * len(kinds)
    assert "ahead-figures" in app.markdown[0].value


def test_nothing_of_it_stays():
    app = AppTest.from_function(page)
    app.session_state["loaded"] = True
    app.run()
    assert not app.exception and not app.selectbox and not app.markdown and not app.get("bidi_component")
    assert [each.value for each in app.text] == ["the page"]
