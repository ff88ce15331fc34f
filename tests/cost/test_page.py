"""Predicted costs on the page: every figure carries its badge, and the words cover what the engine can say."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from components.charts.cost import energy, roof
from components.charts.style import LIGHT
from components.words import en, en_cost
from components.words.numbers import metric, size
from explorer.cost.devices import DEVICES
from explorer.cost.native import USES
from explorer.pipeline import weigh
from explorer.settings import Settings
from explorer.views.cost import PARTS, energy_split, roofline


def strip(target: str, weights: str):
    from components.controls.cell import strip
    from components.controls.cost import cost, energy, latency
    from components.controls.experiment import Snapshot
    from explorer.pipeline import weigh
    from explorer.settings import Settings

    settings = Settings("digits", weights, "fp32" if weights == "fp32" else "uint8-asym-tensor-minmax", target=target)
    snapshot = Snapshot(settings, weigh(settings))
    strip([latency(snapshot.weighed.cost.predicted), energy(snapshot.weighed.cost.predicted)])
    cost(None, snapshot, 0)


@pytest.mark.parametrize(("target", "weights", "shown"), [
    ("here", "int8-sym-channel-minmax", "s"), ("h100", "fp32", "s"), ("coral-edge-tpu", "fp32", "does not run"),
    ("stm32f4", "int8-sym-channel-minmax", "s"), ("ethos-u55", "int8-sym-channel-minmax", "s"),
])  # fmt: skip
def test_both_figures_are_called_predicted(target, weights, shown):
    page = AppTest.from_function(strip, args=(target, weights), default_timeout=60).run()
    assert not page.exception
    said = "".join(piece.proto.body for piece in page.get("html"))
    assert re.findall(r'role="group" aria-label="(\w+)"', said) == [en_cost.LATENCY, en_cost.ENERGY]
    assert re.findall(r'"figure-value">([^<]+)', said)[0].endswith(shown)
    assert re.findall(r'"figure-origin (\w+)".*?tabindex="0">(\w+)<', said) == [("predicted", en_cost.PREDICTED)] * 2


def test_words_cover_everything():
    assert set(en_cost.HOW) == set(USES) and set(en_cost.PARTS) == set(PARTS) and "cost" in en.TABS
    assert set(en_cost.BOUND) == {"compute", "memory", "launch"} and set(en_cost.WHY) == set(en_cost.WHY_LINE)


def test_numbers_in_their_unit():
    assert [metric(value, "s") for value in (1.5, 0.0123, 4.5e-6, None)] == ["1.5 s", "12.3 ms", "4.5 µs", "—"]
    assert size(23e9) == "23 GB"


@pytest.mark.parametrize("id", ["here", "h100", "coral-edge-tpu"])
def test_pictures_say_what_they_show(id):
    weighed = weigh(Settings("fashion", target=id))
    chart, alt = roof(roofline(weighed.cost.predicted, weighed.layers["name"].tolist()), 2, DEVICES[id].title, LIGHT)
    assert len(chart.data[-1].x) == len(weighed.layers) and DEVICES[id].title in alt
    chart, alt = energy(energy_split(weighed.cost.predicted), LIGHT)
    assert "chosen now" in alt and sum(bar.x[-1] for bar in chart.data) > 0
