"""Each output channel's weights from smallest to largest, and the range its codes cover."""

import pandas as pd
import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en
from components.words.numbers import decibel, percent, short

BAR = 0.75  # of the distance between channels


def channels(table: pd.DataFrame, name: str, colors: Palette) -> tuple[go.Figure, str]:
    """table: views.channels of one layer."""
    sqnr = table["sqnr_db"].astype(float)
    worst = None if sqnr.isna().all() else sqnr.idxmin()  # a layer in FP32 has no error
    chart = figure(
        colors, 360, showlegend=True, barmode="overlay",
        xaxis={"title": en.CHANNELS_X, "showgrid": False, "zeroline": False}, yaxis={"title": en.CHANNELS_Y},
    )  # fmt: skip
    ranged = table["range_low"].notna().all()  # a cast has none
    if ranged:
        chart.add_bar(
            x=table["channel"], base=table["range_low"], y=table["range_high"] - table["range_low"], width=1.0,
            marker={"color": colors.soft}, name=en.CHANNELS_RANGE, hoverinfo="skip",
        )  # fmt: skip
    tips = [
        en.CHANNELS_TIP.format(channel=row.channel, low=short(row.low), high=short(row.high),
                               sqnr=decibel(row.sqnr_db), clipped=percent(row.clipped_share))
        for row in table.itertuples()
    ]  # fmt: skip
    chart.add_bar(
        x=table["channel"], base=table["low"], y=table["high"] - table["low"], width=BAR, marker={"color": colors.quiet},
        name=en.CHANNELS_DATA, hovertext=tips, hoverinfo="text",
    )  # fmt: skip
    if ranged:
        _add_clipped(chart, table[table["clipped_share"] > 0], colors)
    if worst is None:
        return chart, en.CHANNELS_ALT_EXACT.format(count=len(table), name=name)
    return chart, en.CHANNELS_ALT.format(count=len(table), name=name, worst=int(table["channel"][worst]), sqnr=decibel(sqnr[worst]))


def _add_clipped(chart: go.Figure, table: pd.DataFrame, colors: Palette) -> None:
    """What lies beyond the range, over the bars of channels with clipped weights."""
    below, above = table[table["low"] < table["range_low"]], table[table["high"] > table["range_high"]]
    ends = pd.concat([below[["channel", "low", "range_low"]].set_axis(["channel", "from", "to"], axis=1),
                      above[["channel", "range_high", "high"]].set_axis(["channel", "from", "to"], axis=1)])  # fmt: skip
    if len(ends):
        chart.add_bar(
            x=ends["channel"], base=ends["from"], y=ends["to"] - ends["from"], width=BAR, name=en.CHANNELS_CLIPPED, hoverinfo="skip",
            marker={"color": colors.paper, "line": {"color": colors.lost, "width": 1},
                    "pattern": {"shape": "/", "size": 5, "solidity": 0.45, "fgcolor": colors.lost, "bgcolor": colors.paper}},
        )  # fmt: skip
