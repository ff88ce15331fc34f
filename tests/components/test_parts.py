"""The tab "Error by part" and the switch for the first and last layer, without a browser."""

from components.controls.state import KEY
from explorer import Settings
from explorer.views import parts

LOW = Settings("digits", "int4-sym-tensor-minmax", "int6-asym-tensor-minmax", evaluation_samples=100, calibration_samples=8)


def test_three_metrics_and_three_bars_a_layer(open_app):
    app = open_app(LOW, tab="parts")
    assert app.session_state[KEY].jobs["parts"].wait(60)
    app.run()
    assert not app.exception
    (body,) = [str(each.value) for each in app.get("html") if 'class="compared"' in str(each.value)]
    for part, name in (("weights", "Weights only"), ("activations", "Activations only"), ("both", "Both")):
        assert f"<b>{name}</b> {100 * parts.metric(LOW, part)['value']:.1f} %" in body
    (chart,) = [each for each in app.get("plotly_chart") if "Output SQNR of 6 layers" in each.proto.alt]
    assert "weights only, activations only, both" in chart.proto.alt


def test_the_switch_gives_the_first_and_the_last_layer_fp32_in_the_link(open_app, picker):
    app = open_app(LOW)
    toggle = picker(app.toggle, "exempt")
    assert not toggle.value
    toggle.set_value(True).run()
    assert app.query_params["l0"] == app.query_params["l5"] == "fp32" and not app.exception
    toggle = picker(app.toggle, "exempt")
    assert toggle.value
    toggle.set_value(False).run()
    assert "l0" not in app.query_params and "l5" not in app.query_params


def test_the_switch_gives_back_what_the_two_layers_had(open_app, picker):
    app = open_app(LOW.replace(layers={0: "int8-sym-channel-minmax", 2: "int6-sym-tensor-minmax"}))
    picker(app.toggle, "exempt").set_value(True).run()
    assert app.query_params["l0"] == app.query_params["l5"] == "fp32"
    picker(app.toggle, "exempt").set_value(False).run()
    assert app.query_params["l0"] == "int8-sym-channel-minmax" and app.query_params["l2"] == "int6-sym-tensor-minmax"
    assert "l5" not in app.query_params
