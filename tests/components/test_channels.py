"""The tab "Channels" without a browser: also of a layer whose weights are kept exactly."""

import pytest

from explorer import Settings

DIGITS = Settings("digits", "int4-sym-tensor-minmax", "fp32", evaluation_samples=20, calibration_samples=4)


@pytest.mark.parametrize(("settings", "says"), [
    (DIGITS, "has the lowest SQNR"), (DIGITS.replace(layers={3: "fp32"}), "all of which are kept exactly"),
    (DIGITS.replace(weights="fp4e2m1"), "has the lowest SQNR"), (DIGITS.replace(weights="fp32"), "all of which are kept exactly"), (DIGITS.replace(weights="int16-sym-channel-minmax"), "has the lowest SQNR"),
])  # fmt: skip
def test_the_alt_text_names_the_worst_channel_or_none(open_app, settings, says):
    app = open_app(settings, tab="channels", sel=3)
    assert not app.exception
    assert any("Weight ranges of" in chart.proto.alt and says in chart.proto.alt for chart in app.get("plotly_chart"))


def test_some_channels_without_an_error_are_no_worst():
    import numpy as np
    import pandas as pd

    from components.charts.channels import channels
    from components.charts.style import LIGHT

    table = pd.DataFrame({"channel": [0, 1, 2], "low": [-1.0] * 3, "high": [1.0] * 3, "range_low": [None] * 3, "range_high": [None] * 3,
                          "sqnr_db": np.array([None, 20.0, 30.0], object), "clipped_share": [0.0] * 3})  # fmt: skip
    assert "channel 1 has the lowest SQNR, 20.0 dB" in channels(table, "stem", LIGHT)[1]


def test_what_is_beyond_the_range_is_drawn_over_the_bars():
    import pandas as pd

    from components.charts.channels import channels
    from components.charts.style import LIGHT
    from components.words import en

    table = pd.DataFrame({"channel": [0, 1, 2], "low": [-1.0, -3.0, -1.01], "high": [1.0, 4.0, 1.0], "range_low": [-1.0] * 3, "range_high": [1.0] * 3,
                          "sqnr_db": [30.0, 5.0, 30.0], "clipped_share": [0.0, 0.1, 0.0]})  # fmt: skip
    clipped = channels(table, "stem", LIGHT)[0].data[-1]
    assert clipped.name == en.CHANNELS_CLIPPED
    assert list(zip(clipped.x, clipped.base, clipped.y)) == [(1, -3.0, 2.0), (1, 1.0, 3.0)], "channel 2 rounds to the end of the grid"
    nothing = channels(table.assign(clipped_share=0.0), "stem", LIGHT)[0]
    assert en.CHANNELS_CLIPPED not in [bar.name for bar in nothing.data]
