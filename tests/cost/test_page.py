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
from explorer.views.sizes import smaller


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
    said = page.get("html")[0].proto.body
    assert re.findall(r'role="group" aria-label="(\w+)"', said) == [en_cost.LATENCY, en_cost.ENERGY]
    assert re.findall(r'"figure-value">([^<]+)', said)[0].endswith(shown)
    assert re.findall(r'"figure-origin (\w+)".*?tabindex="0">(\w+)<', said) == [("predicted", en_cost.PREDICTED)] * 2


def test_every_picture_and_table_of_the_tab_has_a_badge_that_is_true():
    """In the page's order: what the engine says of each, under its own name."""
    page = AppTest.from_function(strip, args=("stm32h7", "int8-sym-channel-minmax"), default_timeout=60).run()
    assert not page.exception
    said = [piece.proto.body for piece in page.get("html")]
    titled = [(re.sub("<.*", "", body.partition(">")[2]), re.findall(r'"figure-origin (\w+)"', body)) for body in said if body.startswith(("<h3", "<div class=\"chart-title"))]
    predicted, size, left = (each.how for each in (weigh(Settings("digits")).cost.predicted, weigh(Settings("digits")).cost, smaller(Settings("digits"))))
    assert [kinds for _, kinds in titled] == [[predicted], [predicted], ["exact"], [size], [left], [predicted]]
    assert titled[0][0].startswith("Each layer under the roof") and titled[1][0].startswith("Where the energy") and titled[2][0].startswith("Activations held")
    tips = [re.findall(r'role="tooltip">(.+?)</span></span>', body) for body in said]
    assert all(tips[i] for i, body in enumerate(said) if "figure-origin" in body)  # what it was computed from, under the pointer


@pytest.mark.parametrize("below", en_cost.AXES)
def test_what_bit_widths_are_set_against_has_its_own_origin(below):
    cost = weigh(Settings("digits")).cost
    how = cost.how if below == "size" else cost.predicted.how
    assert en_cost.AXIS_ORIGIN[below].split() == ["measured", how] and how in en.ORIGINS


def test_words_cover_everything():
    assert set(en_cost.HOW) == set(USES) and set(en_cost.PARTS) == set(PARTS) and "cost" in en.TABS
    assert set(en_cost.BOUND) == {"compute", "memory", "launch", "expand"} and set(en_cost.WHY) == set(en_cost.WHY_LINE)


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
