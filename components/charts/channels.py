"""Each output channel's weights from smallest to largest, and the range its codes cover."""

import pandas as pd
import plotly.graph_objects as go

from components.charts.style import Palette, figure
from components.words import en
from components.words.numbers import decibel, percent, short


def channels(table: pd.DataFrame, name: str, colors: Palette) -> tuple[go.Figure, str]:
    """table: views.channels of one layer."""
    sqnr = table["sqnr_db"].astype(float)
    worst = None if sqnr.isna().all() else sqnr.idxmin()  # a layer in FP32 has no error
    chart = figure(
        colors, 360, showlegend=True, barmode="overlay", bargap=0.25,
        xaxis={"title": en.CHANNELS_X, "showgrid": False, "zeroline": False}, yaxis={"title": en.CHANNELS_Y},
    )  # fmt: skip
    if table["range_low"].notna().all():
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
        x=table["channel"], base=table["low"], y=table["high"] - table["low"], marker={"color": colors.quiet},
        name=en.CHANNELS_DATA, hovertext=tips, hoverinfo="text",
    )  # fmt: skip
    if worst is None:
        return chart, en.CHANNELS_ALT_EXACT.format(count=len(table), name=name)
    return chart, en.CHANNELS_ALT.format(count=len(table), name=name, worst=int(table["channel"][worst]), sqnr=decibel(sqnr[worst]))
