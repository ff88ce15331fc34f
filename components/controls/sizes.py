"""Bytes on the Cost tab: of the network, of the files that could be written, and of what compression would leave."""

import streamlit as st

from components.charts import tables
from components.charts.origin import mark
from components.controls.experiment import Snapshot
from components.words import en_cost
from components.words.numbers import percent, short, size
from explorer.views.sizes import files, parts, smaller


def sizes(snapshot: Snapshot) -> None:
    settings = snapshot.settings
    st.subheader(en_cost.SIZE_TITLE, help=en_cost.SIZE_HELP, anchor=False)
    found = parts(settings)
    tables.sizes(found)
    _smaller(smaller(settings))
    if snapshot.result is None:
        st.caption(en_cost.FILES_WAIT)
        return
    st.html(f'<h3 class="chart-title">{en_cost.FILES_TITLE}</h3>')
    sized = files(settings)
    tables.files({title: each for title, each in sized if not isinstance(each, str)})
    for title, why in sized:
        if isinstance(why, str):
            st.caption(en_cost.FILES_NOT.format(title=title, why=why))
    others = en_cost.FILES_OTHERS.format(size=size(found["others"])) if found["others"] else ""
    st.caption(en_cost.FILES_NOTE.format(others=others))


def _smaller(left) -> None:
    if left is None:
        return
    saved = {part: percent(1 - bits / left.stored, 0) for part, bits in (("entropy", left.entropy), ("zstd", left.zstd)) if bits is not None}
    zstd = "" if left.zstd is None else en_cost.ZSTD.format(zstd=f"{left.zstd:.2f}", saved=saved["zstd"])
    said = en_cost.SMALLER.format(stored=short(left.stored), entropy=f"{left.entropy:.2f}", saved=saved["entropy"], zstd=zstd)
    mark(left.how)
    st.markdown(said + (f" {en_cost.SMALLER_WASTED}" if left.wasted else ""))
