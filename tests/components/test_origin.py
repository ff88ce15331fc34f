"""Figures say where they come from: on every tab there is a badge beside what it shows, with its reason under the pointer."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from components.charts.origin import badges
from components.controls.state import KEY
from components.words import en
from explorer import Settings

LOW = Settings("digits", "int4-sym-tensor-minmax", "uint8-asym-tensor-minmax", algorithms=("biascorr",), evaluation_samples=60, calibration_samples=8)
COMES_FROM = {  # what each tab shows
    "bits": {"measured", "exact"}, "samples": {"measured"}, "graph": {"exact"}, "cost": {"predicted", "exact"}, "channels": {"exact"},
    "activations": {"measured"}, "parts": {"measured"}, "algorithms": {"measured", "exact"}, "crest": {"exact"}, "worked": {"exact"},
    "layers": {"exact", "measured"},
}  # fmt: skip


def origins(app: AppTest) -> set[str]:
    """Of all badges but those of the strip of figures."""
    pieces = [str(each.value) for each in app.get("html") if 'class="figures' not in str(each.value)]
    pieces += [each.proto.json for each in app.get("bidi_component")]  # a component that brings its titles
    return set(re.findall(r'class=\\?"figure-origin (\w+)', "".join(pieces)))


@pytest.mark.parametrize("tab", en.TABS)
def test_every_tab_says_where_its_figures_come_from(open_app, tab):
    app = open_app(LOW, tab=tab)
    for _ in range(3):
        assert all(job.wait(60) for job in app.session_state[KEY].jobs.values())
        app.run()
    assert not app.exception
    assert origins(app) == COMES_FROM[tab]


def test_why_is_under_the_pointer():
    assert badges("exact measured").count("figure-origin") == 2
    assert en.ORIGINS["exact"][1] in badges("exact") and "because" in badges("predicted", "because")
