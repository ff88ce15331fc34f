"""The address is read when it is not what was written, and written once for each thing a person does."""

from streamlit.testing.v1 import AppTest

from components.controls.state import KEY
from explorer import Settings, encode_link
from explorer.link import decode_link
from explorer.query import read_query


def asked(app: AppTest) -> str:
    """The query as it stands in the address."""
    values = {key: app.query_params[key] for key in app.query_params}
    pairs = {key: value if isinstance(value, str) else value[-1] for key, value in values.items()}
    return "?" + "&".join(f"{key}={value}" for key, value in pairs.items())


def state(app: AppTest):
    return app.session_state[KEY]


def go(app: AppTest, link: str) -> AppTest:
    """Another address, by Back or by pasting, once the browser has the one that was written."""
    return late(app.run(), link)


def late(app: AppTest, link: str) -> AppTest:
    """A run with this address, whatever was written since."""
    app.query_params.clear()
    for key, value in read_query(link)[0].items():
        app.query_params[key] = value
    return app.run()


def with_drawer(app: AppTest) -> AppTest:
    """The page with Advanced open."""
    app.session_state["advanced"] = True
    return app.run()


def texts(app: AppTest) -> str:
    return "\n".join(text.value for text in app.text)


def test_the_first_visit_shows_the_defaults_and_leaves_the_address_empty(open_app):
    app = open_app("")
    assert not app.exception
    assert state(app).settings == Settings() and not app.query_params
    said = "".join(piece.proto.body for piece in app.get("html"))
    assert all(f'aria-label="{label}"' in said for label in ("Accuracy", "Size", "Worst layer"))


def test_a_link_is_taken_and_left_as_it_is(open_app, start):
    app = open_app(start, sel=2, pic="bytes")
    assert state(app).settings == start and state(app).view == {"sel": 2, "pic": "bytes"}
    assert asked(app) == encode_link(start, {"sel": 2, "pic": "bytes"})
    assert not state(app).notes


def test_a_widget_writes_the_canonical_link(open_app, start, picker):
    app = open_app(start)
    picker(app.selectbox, "weights.format").set_value("int4").run()
    wanted = start.replace(weights="int4-sym-channel-mse")
    assert state(app).settings == wanted and asked(app) == encode_link(wanted)
    picker(app.number_input, "seed").set_value(11).run()
    assert asked(app) == encode_link(wanted.replace(seed=11))


def test_a_run_that_nobody_asked_for_writes_nothing(open_app):
    link = "?m=digits&w=int4&n=50&cal=20"  # not canonical, and so it stays
    app = open_app(link)
    assert asked(app.run()) == link
    assert state(app).settings == decode_link(link)[0]


def test_back_undoes_and_the_widgets_follow(open_app, start, picker):
    app = open_app(start)
    picker(app.selectbox, "weights.format").set_value("int4").run()
    go(app, encode_link(start))
    assert state(app).settings == start
    assert picker(app.selectbox, "weights.format").value == "int5"
    go(app, "")
    assert state(app).settings == Settings(), "an emptied address on the same page is the first screen"


def test_a_widget_counts_more_than_an_address_of_before(open_app, start, picker):
    """A run asked for before the last write has arrived in the browser carries the address of before."""
    app = open_app(start)
    picker(app.selectbox, "weights.format").set_value("int4").run()
    picker(app.selectbox, "activations.format").set_value("int3")
    late(app, encode_link(start))
    assert state(app).settings == start.replace(weights="int4-sym-channel-mse", activations="int3-asym-tensor-minmax")


def test_a_run_with_an_address_of_before_takes_nothing_back(open_app, start, picker):
    """Nobody touched a widget: a job that ended, a drawer that was opened, before the last write had arrived in the browser."""
    app = open_app(start)
    picker(app.selectbox, "weights.format").set_value("int4").run()
    picker(app.number_input, "seed").set_value(11)
    late(app, encode_link(start))
    wanted = start.replace(weights="int4-sym-channel-mse", seed=11)
    for before in (encode_link(start), encode_link(wanted.replace(seed=start.seed))):
        assert state(late(app, before)).settings == wanted
    late(app, encode_link(wanted))  # it has arrived, and so the next one is meant
    assert state(late(app, encode_link(start))).settings == start


def test_what_is_not_understood_is_said_and_dismissed(open_app, start):
    app = open_app(encode_link(start) + "&colour=red&w=int99")
    assert "colour=red: there is no such field" in texts(app) and "int99" in texts(app)
    app.button(key="dismiss").click().run()
    assert "colour" not in texts(app)
    assert state(app).settings.model == "digits"


def test_a_link_proves_itself_until_something_changes(open_app, start, picker):
    app = open_app(start)
    stamp = state(app).good.result.stamp
    go(app, encode_link(start, stamp=stamp))
    assert "✓" in texts(app) and "Reproduced" in texts(app)
    go(app, encode_link(start, stamp=f"{'0' * 16}-{stamp.partition('-')[2]}"))
    assert "✗" in texts(app) and "other weight codes or scales" in texts(app)
    picker(app.number_input, "seed").set_value(3).run()
    assert "✗" not in texts(app) and "r=" not in asked(app)


def test_settings_that_no_link_holds_are_said_and_the_page_goes_on(open_app, picker):
    many = {i: "int8-sym-channel-lo1.23456789hi1.23456789" for i in range(6)}
    app = open_app(Settings(model="digits", layers=many))
    state(app).settings = state(app).settings.replace(layers=many | {i: "int8" for i in range(6, 70)})
    assert not app.exception
    picker(app.number_input, "seed").set_value(3).run()
    assert "use a settings file instead" in texts(app) or "there is no layer" in texts(app)
    assert not app.exception


def test_reset_empties_nothing_but_the_settings(open_app, start):
    app = with_drawer(open_app(start, tab="channels"))
    app.button(key="reset").click().run()
    assert state(app).settings == Settings() and asked(app) == encode_link(Settings())


def test_adjusting_takes_what_it_found_and_undo_gives_it_back(open_app):
    start = Settings(model="digits", weights="int3-sym-tensor-minmax", activations="fp32",
                     calibration_samples=16, evaluation_samples=60)  # fmt: skip
    app = with_drawer(open_app(start))
    app.button(key="adjust").click().run()
    running = state(app).jobs["adjust"]
    assert running.wait(60) and running.latest is not None
    app.run()  # the fragment looks again, and takes it
    app.run()
    found = running.latest.settings
    assert state(app).settings == found != start and asked(app) == encode_link(found)
    assert "Ranges adjusted" in texts(app)
    app.button(key="adjust.undo").click().run()
    assert state(app).settings == start and "Ranges adjusted" not in texts(app)


def test_what_adjusting_found_is_left_when_the_settings_have_changed_meanwhile(open_app, picker):
    start = Settings(model="digits", weights="int3-sym-tensor-minmax", activations="fp32",
                     calibration_samples=16, evaluation_samples=60)  # fmt: skip
    app = with_drawer(open_app(start))
    app.button(key="adjust").click().run()
    picker(app.number_input, "seed").set_value(4).run()
    assert state(app).jobs["adjust"].wait(60)
    app.run()
    app.run()
    assert state(app).settings == start.replace(seed=4)
