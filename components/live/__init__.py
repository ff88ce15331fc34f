"""The pictures that follow a hand, drawn in the browser: bars per layer, weight histogram, error curve.

`live` hands one dict to the canvas component and takes two events back. It computes no number and
holds no text: numbers come from the engine, words from `components.words`.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
# One module in the browser, in the order in which it reads; only main.js has an export.
SCRIPTS = ("numbers", "scales", "preview", "drawing", "bars", "histogram", "curve", "handles", "tip", "panel", "mounting", "main")

# Every visible or spoken word of the component; `{…}` are filled in by the browser.
WORDS = frozenset(
    """bars_title histogram_title curve_title higher_better lower_better
    fp32 quantized clipped kinds worst bar
    range rounding clipping total sqnr no_error exact preview said
    low high threshold valuetext weight rows
    tip_fp32 tip_quantized tip_code tip_curve""".split()
)

_component = st.components.v2.component(
    "quantization_live",
    html=(HERE / "live.html").read_text("utf-8"),
    css=(HERE / "live.css").read_text("utf-8"),
    js="\n".join((HERE / "js" / f"{name}.js").read_text("utf-8") for name in SCRIPTS),
)


def live(
    data: dict,
    *,
    key: str,
    on_layer: Callable[[dict], None] | None = None,
    on_range: Callable[[dict], None] | None = None,
):
    """Draw `data`; return what the browser sent for this run.

    `.layer` is None or {"layer": int, "nonce": int}; `.range` is None or {"layer": int, "low": float,
    "high": float, "nonce": int}, the numbers rounded to 4 significant digits. `on_layer` and `on_range`
    get the same dicts before the script runs, so that one run draws the answer: prefer them to the
    result, which is only known after `data` has been computed.

    Raises ValueError if a word is missing.
    """
    missing = WORDS - data["words"].keys()
    if missing:
        raise ValueError(f"the live component lacks the words {', '.join(sorted(missing))}; give them in data['words']")
    answered = f"{key}.answered"

    def listener(event: str, then: Callable[[dict], None] | None) -> Callable[[], None]:
        def heard() -> None:
            value = st.session_state[key][event]
            st.session_state[answered] = value["nonce"]
            if then:
                then(value)

        return heard

    # Triggers, not state: a trigger is there for the one run that it causes (script or fragment) and
    # gone in the next, so nothing repeats; its callback runs before the script, so nothing runs twice.
    # The nonce of the last event goes back with the data: only then does the browser drop its preview.
    return _component(
        data=data | {"answered": st.session_state.get(answered)},
        key=key,
        on_layer_change=listener("layer", on_layer),
        on_range_change=listener("range", on_range),
    )
