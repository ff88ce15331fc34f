"""Tables: the layers' report, and a few weights on their way to a code and back."""

import pandas as pd
import streamlit as st

from components.words import en

PERCENT = {"share_of_bytes", "rounding_share", "clipped_share"}
FORMATS = {"sqnr_db": "%.1f", "output_sqnr_db": "%.1f", "bits_per_weight": "%.3g", "channel_range_ratio": "%.3g",
           "low": "%.4g", "high": "%.4g"}  # fmt: skip


def layers(table: pd.DataFrame, key: str) -> None:
    """One row for each layer; shares are shown in percent."""
    _table(table, en.LAYERS, key, height=min(35 * len(table) + 38, 420))


def worked(table: pd.DataFrame, key: str) -> None:
    shown = {name: words for name, words in en.WORKED.items() if name in table and not table[name].isna().all()}
    _table(table, shown, key)


def article(table: pd.DataFrame, key: str) -> None:
    _table(table, en.ARTICLE_COLUMNS, key)


def _table(table: pd.DataFrame, words: dict[str, tuple[str, str]], key: str, height="content") -> None:
    columns = {}
    for name, (label, help) in words.items():
        if name in PERCENT:
            columns[name] = st.column_config.NumberColumn(label, help=help, format="percent")
        elif table[name].dtype.kind == "f":
            columns[name] = st.column_config.NumberColumn(label, help=help, format=FORMATS.get(name, "%.5g"))
        else:
            columns[name] = st.column_config.Column(label, help=help)
    st.dataframe(table[list(words)], column_config=columns, hide_index=True, height=height, key=key)
