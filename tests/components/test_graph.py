"""The tab "Network" without a browser."""

from explorer import Settings


def test_the_network_is_a_graph_of_its_layers(open_app):
    settings = Settings("fashion-resnet", "int4-sym-tensor-minmax", "fp32", evaluation_samples=20, calibration_samples=4, layers={0: "fp32"})
    app = open_app(settings, tab="graph", sel=2)
    assert not app.exception
    (chart,) = [each for each in app.get("plotly_chart") if "Graph of 10 layers," in each.proto.alt]
    assert "10 layers, 3 sums and 15 connections" in chart.proto.alt and "blocks.0.second is chosen" in chart.proto.alt
