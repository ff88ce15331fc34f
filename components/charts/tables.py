"""Tables: the layers' report, and a few weights on their way to a code and back."""

import html

import pandas as pd
import streamlit as st

from components.charts.origin import mark
from components.charts.pictures import worst_of
from components.charts.tip import with_tip
from components.words import en, en_cost, en_formats, en_measured, en_parity, en_scenarios
from components.words.numbers import cell, decibel, metric, short, size, whole
from explorer.formats import FORMATS as NUMBERS

PERCENT = {"share_of_bytes", "rounding_share", "clipped_share"}
FORMATS = {"sqnr_db": "%.1f", "output_sqnr_db": "%.1f", "bits_per_weight": "%.3g", "channel_range_ratio": "%.3g",
           "low": "%.4g", "high": "%.4g", "ratio": "%.2f", "speedup": "%.2f", "ratio_low": "%.2f", "ratio_high": "%.2f", "fp32": "%.0f", "quantized": "%.0f"}  # fmt: skip


def layers(table: pd.DataFrame, key: str) -> None:
    """One row for each layer; shares are shown in percent."""
    worst = worst_of(table)
    alt = en.LAYERS_ALT.format(
        count=whole(len(table)), worst="none" if worst is None else table["name"][worst],
        sqnr=en.EXACT if worst is None else decibel(table["sqnr_db"][worst]),
    )  # fmt: skip
    _table(table, en.LAYERS, key, alt, "exact measured", height=min(35 * len(table) + 50, 438))


def worked(table: pd.DataFrame, name: str) -> None:
    """A row for each weight of the layer called `name`."""
    shown = {column: words for column, words in en.WORKED.items() if column in table and not table[column].isna().all()}
    _plain(table, shown, _ends(en.WORKED_ALT, table, name), "exact")


def article(table: pd.DataFrame, name: str) -> None:
    """The weights of `worked` by both formulas."""
    _plain(table, en.ARTICLE_COLUMNS, _ends(en.ARTICLE_ALT, table, name), "exact")


def parity(table: pd.DataFrame, key: str) -> None:
    """Comparisons with other implementations, the peer with its version."""
    titled = table.assign(peer=table["peer"] + " " + table["version"], rules=table["rules"].where(table["rules"] != "", table["note"]))
    _table(titled, en_parity.PARITY_COLUMNS, key, en_parity.PARITY_ALT.format(count=whole(len(table))), "exact",
           height=min(35 * len(table) + 38, 560), widths={"recipe": 190, "against": 330})  # fmt: skip


def measured(table: pd.DataFrame, key: str) -> None:
    """A row for each layer shape that was timed."""
    names = [en_measured.MORE.format(layer=row.layer, more=whole(row.more)) if row.more else row.layer for row in table.itertuples()]
    table = table.assign(layers=names)
    counts = {verdict: whole(int((table["verdict"] == verdict).sum())) for verdict in ("faster", "slower")}
    _table(table, en_measured.COLUMNS, key, en_measured.ALT.format(count=whole(len(table)), **counts), "measured", height=min(35 * len(table) + 38, 420))


def scenario(rows, key: str, why: str) -> None:
    """A row for each pair of formats: cost.scenarios.Row. why: what their prediction rests on."""
    words, made = en_scenarios, []
    for row in rows:
        band = words.ANSWER.format(seconds=metric(row.seconds, "s"), low=metric(row.low, "s"), high=metric(row.high, "s"))
        made.append({"weights": row.weights, "activations": row.activations, "answer": row.why or band, "speedup": row.speedup,
                     "waits": words.WAITS[row.waits], "read": size(row.bytes), "energy": metric(row.joules, "J")})  # fmt: skip
    fastest = min((row for row in rows if row.seconds), key=lambda row: row.seconds, default=None)
    _table(pd.DataFrame(made).astype({"speedup": float}), words.COLUMNS, key,
           words.ALT.format(count=len(made), fastest=fastest.weights if fastest else words.NONE), "predicted", why=why)  # fmt: skip


def sizes(parts: dict[str, int]) -> None:
    """Bytes of views.sizes.PARTS, and their sum."""
    rows = [(en_cost.SIZE_PARTS[name], f"{count:,}") for name, count in parts.items() if count]
    rows.append((en_cost.SIZE_SUM, f"{sum(parts.values()):,}"))
    _plain(pd.DataFrame(rows, columns=["part", "bytes"]), en_cost.SIZE_COLUMNS, en_cost.SIZE_ALT.format(total=size(sum(parts.values()))), "exact")


def files(found: dict) -> None:
    """A row for each kind of file: its title → FileSize."""
    rows = [(title, *(f"{getattr(each, name):,}" for name in list(en_cost.FILE_COLUMNS)[1:])) for title, each in found.items()]
    _plain(pd.DataFrame(rows, columns=list(en_cost.FILE_COLUMNS)), en_cost.FILE_COLUMNS, en_cost.FILE_ALT.format(count=len(rows)), "predicted")


def _ends(alt: str, table: pd.DataFrame, name: str) -> str:
    weights = table["weight"]
    return alt.format(count=whole(len(table)), name=name, low=short(weights.min()), high=short(weights.max()))


def supported(table: pd.DataFrame) -> None:
    """What every processor does with each format."""
    titles = {id: NUMBERS[id].title for id in table.columns}
    words = {"processor": en_formats.SUPPORT_FIRST} | {id: (title, NUMBERS[id].description) for id, title in titles.items()}
    alt = en_formats.SUPPORT_ALT.format(count=whole(len(table)), formats=", ".join(titles.values()))
    _plain(table.replace(en_formats.SUPPORT).reset_index(), words, alt, "documented", en_formats.SUPPORT_WHY)


def _plain(table: pd.DataFrame, words: dict[str, tuple[str, str]], alt: str, origin: str, why: str = "") -> None:
    """A few rows as one piece of HTML, which costs the browser a tenth of a table that scrolls and sorts."""
    mark(origin, why)
    head = "".join(f'<th scope="col"{_side(table[name].iloc[0])}>{with_tip(html.escape(label), help) if help else html.escape(label)}</th>'
                   for name, (label, help) in words.items())  # fmt: skip
    rows = "".join(f"<tr>{''.join(_said(value) for value in row)}</tr>" for row in table[list(words)].itertuples(index=False))
    st.html(f'<div class="plain-table" role="region" tabindex="0" aria-label="{html.escape(alt)}">'
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")  # fmt: skip


def _said(value) -> str:
    """A cell."""
    return f"<td{_side(value)}>{html.escape(value) if isinstance(value, str) else cell(value)}</td>"


def _side(value) -> str:
    """Words stand on the left, numbers on the right."""
    return " class=words" if isinstance(value, str) and not value.replace(",", "").isdigit() else ""


def _table(table: pd.DataFrame, words: dict[str, tuple[str, str]], key: str, alt: str, origin: str, height="content", widths=None, why="") -> None:
    mark(origin, why)
    columns = {}
    for name, (label, help) in words.items():
        if name in PERCENT:
            columns[name] = st.column_config.NumberColumn(label, help=help, format="percent")
        elif table[name].dtype.kind == "f":
            columns[name] = st.column_config.NumberColumn(label, help=help, format=FORMATS.get(name, "%.5g"))
        elif table[name].dtype.kind in "iu":
            columns[name] = st.column_config.NumberColumn(label, help=help, format="localized")
        else:
            columns[name] = st.column_config.Column(label, help=help, width=(widths or {}).get(name))
    st.dataframe(table[list(words)], column_config=columns, hide_index=True, height=height, key=key, alt=alt)
