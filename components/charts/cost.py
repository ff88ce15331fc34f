"""The roofline with the layers on it, and the energy of one sample split into its parts."""

import plotly.graph_objects as go

from components.charts.style import Palette, figure, log_axis
from components.words import en, en_cost
from components.words.numbers import in_one_prefix, metric, percent, prefixed, size


def roof(seen: dict, selected: int, device: str, colors: Palette) -> tuple[go.Figure, str]:
    """seen: views.cost.roofline; the chosen layer is marked."""
    layers = sorted(seen["layers"], key=lambda each: each["index"] == selected)  # drawn last
    points = [(line["x"], line["y"]) for line in seen["roofs"]] + [([each["intensity"] for each in layers], [each["attained"] for each in layers])]
    axes = [log_axis([value for point in points for value in point[i]], prefixed) | {"showgrid": True, "zeroline": False} for i in (0, 1)]
    chart = figure(colors, 400, xaxis=axes[0] | {"title": en_cost.ROOF_X}, yaxis=axes[1] | {"title": en_cost.ROOF_Y})
    for line in seen["roofs"]:
        chart.add_scatter(x=line["x"], y=line["y"], mode="lines", hoverinfo="skip",
                          line={"color": colors.quiet, "width": 2, "dash": "dot" if line["level"] == "cache_bandwidth" else "solid"})  # fmt: skip
        chart.add_scatter(x=line["x"][-1:], y=line["y"][-1:], mode="markers+text", marker={"size": 16, "opacity": 0},  # keeps off the line
                          text=[line["arithmetic"].upper()], textposition="bottom left", textfont={"color": colors.quiet}, hoverinfo="skip")  # fmt: skip
    tips = [
        en_cost.ROOF_TIP.format(
            name=each["name"], kind=en.LIVE["kinds"].get(each["kind"], each["kind"]), arithmetic=each["arithmetic"].upper(),
            how=en_cost.HOW[each["how"]], time=metric(each["seconds"], "s"), share=percent(each["share"]), bound=en_cost.BOUND[each["bound"]],
        )
        for each in layers
    ]  # fmt: skip
    symbols = {"depthwise": "circle-open", "linear": "line-ew-open", "embedding": "triangle-up"}  # as under the bars
    shades = [colors.accent if each["index"] == selected else colors.quiet for each in layers]
    chart.add_scatter(
        x=[each["intensity"] for each in layers], y=[each["attained"] for each in layers], mode="markers", hovertext=tips, hoverinfo="text",
        marker={"size": [14 if each["index"] == selected else 9 for each in layers],
                "color": shades, "line": {"color": shades, "width": 1.5}, "symbol": [symbols.get(each["kind"], "square") for each in layers]},
    )  # fmt: skip
    bounds = ", ".join(f"{sum(each['bound'] == bound for each in layers)} wait for {words}" for bound, words in en_cost.BOUND.items())
    slowest = max(layers, key=lambda each: each["seconds"])
    return chart, en_cost.ROOF_ALT.format(device=device, count=len(layers), bounds=bounds, slowest=slowest["name"],
                                          time=metric(slowest["seconds"], "s"))  # fmt: skip


def energy(rows: list[dict], colors: Palette) -> tuple[go.Figure, str]:
    """rows: views.cost.energy_split; one bar for FP32, one for what is chosen."""
    unit, _ = in_one_prefix([row["joules"] for row in rows], "J")
    chart = figure(colors, 190, showlegend=True, barmode="stack", bargap=0.35, xaxis={"title": en_cost.ENERGY_X.format(unit=unit)},
                   yaxis={"showgrid": False, "autorange": "reversed"})  # fmt: skip
    shades = {"arithmetic": colors.accent, "weights": colors.lost, "activations": colors.quiet, "static": colors.line}
    for part, words in en_cost.PARTS.items():
        if not any(row[part] for row in rows):
            continue
        _, values = in_one_prefix([*(row[part] for row in rows), max(row["joules"] for row in rows)], "J")
        tips = [en_cost.ENERGY_TIP.format(row=en_cost.ROWS[row["row"]], part=words, value=metric(row[part], "J")) for row in rows]
        chart.add_bar(x=values[:-1], y=[en_cost.ROWS[row["row"]] for row in rows], orientation="h", name=words,
                      marker_color=shades[part], hovertext=tips, hoverinfo="text")  # fmt: skip
    said = "; ".join(f"{en_cost.ROWS[row['row']]} {metric(row['joules'], 'J')}" for row in rows)
    return chart, en_cost.ENERGY_ALT.format(rows=said)


def held(rows: list[tuple[str, float]], selected: int, device, colors: Palette) -> tuple[go.Figure, str]:
    """rows: views.sizes.held; a line at the device's memory where that is in sight of the bars."""
    names, counts = [name for name, _ in rows], [count for _, count in rows]
    most = max(range(len(rows)), key=counts.__getitem__)
    chart = figure(colors, 220, xaxis={"type": "category", "showgrid": False, "zeroline": False}, yaxis={"title": en_cost.HELD_Y, "nticks": 5})
    chart.add_bar(x=[f"<b>{name}</b>" if i == selected else name for i, name in enumerate(names)], y=counts, marker_color=colors.accent,
                  hovertext=[en_cost.HELD_TIP.format(name=name, size=size(count)) for name, count in rows], hoverinfo="text")  # fmt: skip
    memory = device.get("memory")
    if memory < 4 * counts[most]:
        chart.add_hline(y=memory, line={"color": colors.lost, "width": 1.5}, annotation_text=size(memory), annotation_font_color=colors.lost, annotation_bgcolor=colors.paper)
    return chart, en_cost.HELD_ALT.format(count=len(rows), most=size(counts[most]), name=names[most], device=device.title, memory=size(memory))
