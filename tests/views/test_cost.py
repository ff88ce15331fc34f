"""The numbers behind the cost pictures: no layer above its roof, parts that are the whole."""

import json

import pytest

from explorer import pipeline
from explorer.cost.devices import DEVICES
from explorer.settings import Settings
from explorer.views.cost import PARTS, energy_split, roofline

SETTINGS = Settings("fashion", "int8-sym-channel-minmax", "uint8-asym-tensor-minmax", calibration_samples=16)


def seen(id: str, **changes):
    settings = SETTINGS.replace(target=id, **changes)
    weighed = pipeline.weigh(settings)
    return weighed.cost.predicted, roofline(weighed.cost.predicted, weighed.layers["name"].tolist())


@pytest.mark.parametrize("id", DEVICES.ids)
def test_no_layer_is_above_the_roof(id):
    predicted, picture = seen(id)
    json.dumps(picture, allow_nan=False)
    device = DEVICES[id]
    fastest = 1e9 * max(device.get("bandwidth"), device.get("cache_bandwidth", 0))
    for layer in picture["layers"]:
        roof = min(device.peak(layer["arithmetic"]), fastest * layer["intensity"])
        assert layer["attained"] <= roof * (1 + 1e-9)
    start = 1e-6 * device.get("start", 0) / predicted.latency.seconds
    assert sum(layer["share"] for layer in picture["layers"]) + start == pytest.approx(1)
    for line in picture["roofs"]:
        assert max(line["y"]) <= device.peak(line["arithmetic"]) and line["y"] == sorted(line["y"])


def test_parts_are_the_whole():
    rows = energy_split(seen("a100")[0])
    assert [row["row"] for row in rows] == ["fp32", "now"]
    for row in rows:
        assert sum(row[part] for part in PARTS) == pytest.approx(row["joules"])


def test_where_it_does_not_run_there_is_nothing_to_draw():
    predicted, picture = seen("coral-edge-tpu", weights="fp32", activations="fp32")
    assert picture == {"layers": [], "roofs": []} and energy_split(predicted) == []
