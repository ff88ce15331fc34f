"""A page with nothing but the live component, fed from seeded random weights and plain numpy.

The query chooses the case: bits, scheme (sym, asym, float, cast), layers, log, fragment, locked, rows, name.
What came back is echoed as JSON, and the exact error of the chosen range is computed here by brute
force, so that the tests can hold the browser's preview against it.
"""

import json
import sys
from pathlib import Path

import numpy as np
import streamlit as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from components.live import live  # noqa: E402

WORDS = {
    "bars_title": "{label} of each layer, {unit}",
    "cut": "threshold",
    "histogram_title": "{name}: {count} weights by value",
    "curve_title": "Mean squared error against clip threshold",
    "higher_better": "↑ higher is better",
    "lower_better": "↓ lower is better",
    "fp32": "FP32",
    "quantized": "quantized",
    "clipped": "clipped",
    "kinds": {"conv": "convolution", "depthwise": "depthwise", "linear": "linear"},
    "worst": "worst",
    "bar": "{name}, {kind}: {value} {worst}",
    "range": "clip range",
    "rounding": "rounding",
    "clipping": "clipping",
    "total": "error (MSE)",
    "sqnr": "SQNR",
    "no_error": "no error",
    "exact": "exact",
    "preview": "preview",
    "said": "Mean squared error {mse}, SQNR {sqnr} dB.",
    "low": "Lower clip line",
    "high": "Upper clip line",
    "threshold": "Clip threshold",
    "valuetext": "{value}: mean squared error {mse}, SQNR {sqnr} dB, {origin}",
    "weight": "weight",
    "rows": "with a range for each channel",
    "tip_fp32": "{value}: {count} weights in this bin",
    "tip_quantized": "{count} round to {value}",
    "tip_code": "{count} round to {value} (code {code})",
    "tip_curve": "threshold {threshold}\nmean squared error {mse} = {rounding} + {clipping}\nSQNR {sqnr} dB",
}

KINDS = ("conv", "depthwise", "conv")


@st.cache_resource
def weights(layers: int) -> list[tuple[str, str, np.ndarray]]:
    """(name, kind, float32 weights) of each layer; tails differ, as they do in trained networks."""
    rng = np.random.default_rng(7)
    made = []
    for i in range(layers):
        kind = "linear" if i == layers - 1 else KINDS[i % 3]
        degrees = 3.2 if kind == "depthwise" else 9
        values = rng.standard_t(degrees, 24_000) * 0.05 * (1 + 0.6 * rng.random())
        name = "classifier" if kind == "linear" else f"blocks.{i // 3}.{('expand', 'depthwise', 'project')[i % 3]}"
        made.append((name, kind, values.astype(np.float32)))
    return made


FP4 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])


def grid_for(scheme: str, bits: int, low: float, high: float) -> np.ndarray:
    if scheme in ("float", "cast"):
        levels = np.concatenate([-FP4[:0:-1], FP4])
        return levels * high / 6 if scheme == "float" else levels / 6
    if scheme == "sym":
        most = 2 ** (bits - 1) - 1
        return np.arange(-most, most + 1) * high / most
    scale = (high - low) / (2**bits - 1)
    return (np.arange(2**bits) - np.rint(-low / scale)) * scale


def split_error(x: np.ndarray, grid: np.ndarray) -> tuple[float, float]:
    """(rounding, clipping) shares of the mean squared error of x rounded to the nearest grid value."""
    middles = (grid[1:] + grid[:-1]) / 2
    error = np.square(x - grid[np.searchsorted(middles, x)], dtype=np.float64)
    outside = (x < grid[0]) | (x > grid[-1])
    return float(error[~outside].sum() / x.size), float(error[outside].sum() / x.size)


def cut(scheme: str, x: np.ndarray, threshold: float) -> tuple[float, float]:
    return (max(-threshold, float(x.min())), min(threshold, float(x.max()))) if scheme == "asym" else (-threshold, threshold)


@st.cache_data
def curve_of(layers: int, i: int, scheme: str, bits: int) -> dict:
    _, _, x = weights(layers)[i]
    most = float(np.abs(x).max())
    thresholds = np.geomspace(most * 0.03, most * 1.2, 100)

    def along(at_bits: int) -> np.ndarray:
        return np.array([split_error(x, grid_for(scheme, at_bits, *cut(scheme, x, t))) for t in thresholds])

    errors = along(bits)
    best = thresholds[errors.sum(1).argmin()]
    choices = {"minmax": most, "mse": best, "p99.9": np.quantile(np.abs(x), 0.999), "entropy": best * 1.25}
    others = [b for b in (bits - 2, bits - 1, bits + 1, bits + 2) if 2 <= b <= 9 and scheme != "float"]
    return {
        "thresholds": thresholds.tolist(),
        "rounding": errors[:, 0].tolist(),
        "clipping": errors[:, 1].tolist(),
        "marks": [
            {"name": name, "threshold": float(t), "mse": sum(split_error(x, grid_for(scheme, bits, *cut(scheme, x, t))))}
            for name, t in choices.items()
        ],
        "neighbours": [{"label": f"{b} bits", "mse": along(b).sum(1).tolist()} for b in others],
        "label": "FP4" if scheme == "float" else f"{bits} bits",
        "power": float(np.mean(np.square(x, dtype=np.float64))),
        "rows_mse": None,
    }


def data_for(options: dict, layer: int, ranges: dict[int, tuple[float, float]]) -> dict:
    count, scheme, bits = options["layers"], options["scheme"], options["bits"]
    made = weights(count)
    spans = [ranges.get(i) or cut(scheme, x, float(np.abs(x).max())) for i, (_, _, x) in enumerate(made)]
    sqnr = [
        round(float(10 * np.log10(np.mean(x**2) / max(sum(split_error(x, grid_for(scheme, bits, *span))), 1e-30))), 2)
        for (_, _, x), span in zip(made, spans)
    ]
    name, _, x = made[layer]
    name = options["name"] or name
    low, high = spans[layer]
    grid = grid_for(scheme, bits, low, high)
    counts, edges = np.histogram(x, bins=120)
    codes = np.bincount(np.searchsorted((grid[1:] + grid[:-1]) / 2, x), minlength=grid.size)
    # Rows with ranges of their own: a finer grid stands in for them.
    rounding, clipping = split_error(x, grid_for(scheme, bits + 2, low, high) if options["rows"] else grid)
    curve = curve_of(count, layer, scheme, bits)
    cast = scheme == "cast"
    one_range = not cast and not options["rows"]
    threshold = max(-low, high) if one_range else None
    curve = curve | {
        "alt": f"Error of {name} against its clip threshold",
        "current": {"threshold": threshold, "mse": rounding + clipping, "rounding": rounding, "clipping": clipping},
        "rows_mse": rounding + clipping if options["rows"] else None,
    }
    if cast:
        curve |= {"thresholds": [], "rounding": [], "clipping": [], "marks": [], "neighbours": []}
    steps = (None, None) if scheme in ("float", "cast") else (int(np.sum(grid < 0)), int(np.sum(grid > 0)))
    return {
        "words": WORDS,
        "bars": {
            "names": [options["name"] or name for name, _, _ in made],
            "values": [None if options["layers"] > 20 and i == 4 else value for i, value in enumerate(sqnr)],
            "kinds": [kind for _, kind, _ in made],
            "unit": "dB",
            "measure": "sqnr",
            "label": "Weight SQNR",
            "higher_is_better": True,
            "selected": layer,
            "worst": int(np.argmin(sqnr)),
            "alt": f"Weight SQNR of {count} layers",
        },
        "histogram": {
            "layer": layer,
            "name": name,
            "edges": edges.tolist(),
            "fp32": counts.tolist(),
            "quantized": {"values": grid.tolist(), "counts": codes.tolist()},
            "grid": grid.tolist() if grid.size <= 256 else None,
            "first_code": None if steps[0] is None else -steps[0] if scheme == "sym" else -(2 ** (bits - 1)),
            "low": None if cast else low,
            "high": None if cast else high,
            "data_low": float(x.min()),
            "data_high": float(x.max()),
            "symmetric": scheme != "asym",
            "log": options["log"],
            "steps_below": steps[0],
            "steps_above": steps[1],
            "count": int(x.size),
            "note": "This range follows from another setting: choose a range method to drag it." if options["locked"] else None,
            "draggable": not options["locked"],
            "alt": f"Histogram of the weights of {name}",
        },
        "curve": curve,
    }


def page() -> None:
    query = st.query_params
    options = {
        "layers": int(query.get("layers", 10)),
        "bits": int(query.get("bits", 4)),
        "scheme": query.get("scheme", "sym"),
        "log": query.get("log") == "1",
        "locked": query.get("locked") == "1",
        "rows": query.get("rows") == "1",
        "name": query.get("name"),
    }
    state = st.session_state
    state.setdefault("layer", 1)
    state.setdefault("ranges", {})
    state.setdefault("events", [])
    state["runs"] = state.get("runs", 0) + 1

    def on_layer(event: dict) -> None:
        state["layer"] = event["layer"]
        state["events"].append({"layer": event})

    def on_range(event: dict) -> None:
        state["ranges"][event["layer"]] = event["low"], event["high"]
        state["events"].append({"range": event})

    data = data_for(options, state["layer"], state["ranges"])
    result = live(data, key="live", on_layer=on_layer, on_range=on_range)
    echo = {"runs": state["runs"], "events": state["events"], "result": {"layer": result.layer, "range": result.range},
            "mse": data["curve"]["current"]["mse"], "low": data["histogram"]["low"], "high": data["histogram"]["high"]}
    with st.expander("echo", expanded=query.get("quiet") != "1"):
        st.text(json.dumps(echo))
        st.button("run again")


st.set_page_config(layout="wide")
if st.query_params.get("fragment") == "1":
    st.fragment(page)()
else:
    page()
