"""Work that was stopped says so and can be started again."""

import pytest
from streamlit.testing.v1 import AppTest

from components.words import en
from explorer.errors import Cancelled, ModelError


def page(failure):
    import streamlit as st

    from components.controls.job import job
    from components.controls.progress import stopped

    tries = st.session_state.setdefault("tries", [])

    def work(*, progress, cancel):
        tries.append(1)
        yield "half"
        if len(tries) == 1 and failure is not None:
            raise failure

    running = job("some", 0, work)
    running.wait(20)
    stopped(running, "some")


@pytest.mark.parametrize(("failure", "says"), [(Cancelled("stopped"), en.STOPPED_HERE), (ModelError("no such file"), "no such file")])
def test_it_is_said_and_started_again(failure, says):
    app = AppTest.from_function(page, args=(failure,), default_timeout=60).run()
    assert [each.value for each in app.text] == [says]
    app.button(key="some.again").click().run()
    assert not app.exception and not app.text and not app.button and len(app.session_state["tries"]) == 2


def test_what_came_to_its_end_says_nothing():
    app = AppTest.from_function(page, args=(None,), default_timeout=60).run()
    assert not app.exception and not app.text and not app.button


def writing():
    import streamlit as st

    from components.controls.job import job
    from components.controls.written import _texts
    from explorer.errors import Cancelled
    from explorer.settings import Settings

    def work(*, progress, cancel):
        raise Cancelled("stopped")
        yield

    running = job("written", 0, work)
    running.wait(20)
    _texts(running, Settings("gpt-shakespeare"), False)
    st.caption("the rest")


def test_a_stopped_text_is_no_longer_being_written():
    app = AppTest.from_function(writing, default_timeout=60).run()
    assert not app.exception and not app.get("progress") and [each.key for each in app.button] == ["written.again"]
    assert [each.value for each in app.text] == [en.STOPPED_HERE] and app.caption[0].value == "the rest"
