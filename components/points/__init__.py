"""Accuracy against bits and against cost, drawn in the browser: points that a click, a tap or a key goes to.

`points` hands one dict to the canvas component and takes one event back. It computes no number and holds no
text: `charts.bits` and `charts.tradeoff` put both together.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
LIVE, ORIGIN = HERE.parent / "live" / "js", HERE.parent / "charts" / "origin.css"
# One module in the browser, in the order in which it reads; the first ones are those of the live pictures.
SHARED = ("numbers", "scales", "drawing", "tip", "mounting")
SCRIPTS = ("marks", "labels", "widths", "scatter", "picking", "main")

_component = st.components.v2.component(
    "quantization_points",
    html=(HERE / "points.html").read_text("utf-8"),
    css=ORIGIN.read_text("utf-8") + (HERE / "points.css").read_text("utf-8"),
    js="\n".join((folder / f"{name}.js").read_text("utf-8") for folder, names in ((LIVE, SHARED), (HERE / "js", SCRIPTS)) for name in names),
)


def points(data: dict, *, key: str, on_pick: Callable[[dict], None]) -> None:
    """Draw `data`: by name, "widths" of charts.bits and "scatter" of charts.tradeoff (or None), each with its "title" and,
    as HTML, its "heading".

    `on_pick` gets {"bits": int, "format": str, "preset": str, "nonce": int}, what the picked point stands for, before
    the script (or the fragment that this is in) runs: what a place among the points meant may have changed since.
    """
    _component(data=data, key=key, on_pick_change=lambda: on_pick(st.session_state[key]["pick"]))
