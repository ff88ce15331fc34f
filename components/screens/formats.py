"""Formats: what the bits of a number format mean, which numbers it has, and two of them on the same weights."""

import pandas as pd
import streamlit as st

from components.charts import number_line, tables, two_formats
from components.charts.origin import mark
from components.charts.style import draw, palette
from components.controls.bit_editor import bit_editor
from components.controls.state import look, shown, state
from components.words import en_formats as en
from components.words.numbers import exactly, short, whole
from explorer.errors import ExplorerError
from explorer.formats import FORMATS
from explorer.models import MODELS
from explorer.pipeline import network_of
from explorer.views import number_line as numbers
from explorer.views.format_facts import facts, on_layer, processors, supported

BESIDE = ("fp8e4m3", "int8")  # what a format is compared with at first


def formats() -> None:
    left, right = st.columns(2, gap="medium")
    first = _pick(left, "fmt", en.FORMAT_A, en.FORMAT_A_HELP, state().settings.weights.format)
    beside = _pick(right, "beside", en.FORMAT_B, en.FORMAT_B_HELP, BESIDE[first == BESIDE[0]])
    chosen = list(dict.fromkeys((first, beside)))
    st.caption(facts(first)["description"])
    left, right = st.columns([5, 4], gap="large")
    with left:
        st.markdown(f"## {en.EDITOR.format(name=facts(first)['title'])}", help=en.EDITOR_HELP)
        mark("exact", en.EXACT_BITS)
        bit_editor(first)
    with right:
        st.markdown(f"## {en.FACTS}")
        mark("exact", en.EXACT_BITS)
        st.table(_facts(chosen))
    _lines(chosen)
    _on_a_layer(chosen)
    _native(chosen)


def _pick(where, field: str, label: str, help: str, default: str) -> str:
    """The format that this field of the view names, or the default."""
    ids, chosen = list(FORMATS.ids), state().view.get(field, default)
    chosen = chosen if chosen in ids else default
    where.selectbox(label, ids, ids.index(chosen), lambda id: FORMATS[id].title, help=help, **shown(field, chosen, lambda id: look(**{field: id})))
    return chosen


def _facts(chosen: list[str]) -> pd.DataFrame:
    """One row a fact, one column a format, all as text: a column holds numbers and words."""
    return pd.DataFrame({FORMATS[id].title: _column(facts(id)) for id in chosen}, index=list(en.FACT_ROWS.values()))


def _column(fact: dict) -> list[str]:
    layout = " · ".join(f"{en.FIELDS[name].lower()} {width}" for name, width in fact["fields"])
    written = {
        "fields": layout, "scale": fact["scale"] or en.SCALE_OF_RECIPE, "source": fact["source"],
        "block": en.BLOCK_OF_RECIPE if fact["block"] is None else whole(fact["block"]),
        "distinct": whole(fact["distinct"]), "bits_per_weight": short(fact["bits_per_weight"]),
    }  # fmt: skip
    return [written[name] if name in written else _cell(fact[name]) for name in en.FACT_ROWS]


def _cell(value: float | None) -> str:
    return "—" if value is None else exactly(value)


def _lines(chosen: list[str]) -> None:
    names = [FORMATS[id].title for id in chosen]
    st.markdown(f"## {en.LINE}", help=en.LINE_HELP)
    draw(*number_line.line(names, [numbers.places(id) for id in chosen], palette()), title=en.LINE_TITLE, key="line", origin="exact")
    draw(*number_line.binades(names, [numbers.binades(id) for id in chosen], palette()), title=en.BINADES_TITLE, key="binades", origin="exact")


def _on_a_layer(chosen: list[str]) -> None:
    """Both formats on the weights of a layer of the chosen model."""
    settings = state().settings
    st.markdown(f"## {en.TWO}", help=en.TWO_HELP)
    try:
        layers = network_of(settings.replace(layers=(), layer_bits="")).layers
        at = state().view.get("sel", 0)
        layer = st.selectbox(en.LAYER, range(len(layers)), index=at if at < len(layers) else 0, key="format.layer",
                             format_func=lambda i: layers[i].name, width=360)  # fmt: skip
        seen = [on_layer(settings, layer, id) for id in chosen]
    except ExplorerError as error:
        return st.text(str(error))
    title = en.TWO_TITLE.format(layer=layers[layer].name, model=MODELS[settings.model].title)
    draw(*two_formats.two_formats(seen, palette()), title=title, key="two", origin="exact")


def _native(chosen: list[str]) -> None:
    st.markdown(f"## {en.NATIVE}", help=en.NATIVE_HELP)
    tables.supported(supported(chosen))
    st.caption(en.SUPPORT_SAYS)
    for id in chosen:
        table = processors(id)
        st.markdown(f"**{FORMATS[id].title}**")
        if table.empty:
            st.caption(en.NATIVE_NONE)
        else:
            columns = {name: st.column_config.Column(label) for name, label in en.NATIVE_COLUMNS.items()}
            st.dataframe(table, key=f"native.{id}", hide_index=True, height="content", column_config=columns)
