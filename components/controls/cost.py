"""Predicted costs: the two key figures, and the tab with the roofline and the energy's parts."""

import streamlit as st

from components.charts import cost as charts
from components.charts.style import draw, palette
from components.controls.cell import cell
from components.controls.measured import measured
from components.controls.scenarios import scenarios
from components.controls.sizes import sizes
from components.controls.sums import sums
from components.words import en_cost
from components.words.numbers import metric, size
from explorer.cost.devices import DEVICES
from explorer.pipeline import added
from explorer.views.cost import energy_split, roofline
from explorer.views.sizes import held

PREDICTED = ("predicted", en_cost.PREDICTED, en_cost.PREDICTED_HELP)  # the origin of both figures


def latency(predicted) -> str:
    """The cell of the strip: milliseconds with their band, or why there are none."""
    device, time = DEVICES[predicted.target], predicted.latency
    help = _rests_on(device)
    if time.why:
        return cell("latency", en_cost.LATENCY, en_cost.WHY[time.why], help, PREDICTED, _why(predicted))
    band = en_cost.BAND.format(low=metric(time.low, "s"), high=metric(time.high, "s"))
    return cell("latency", en_cost.LATENCY, metric(time.seconds, "s"), help, PREDICTED, band, _speed(predicted))


def energy(predicted) -> str:
    """The cell of the strip: the model's energy of one sample, and what FP32 takes beside it."""
    device, spent, saving = DEVICES[predicted.target], predicted.energy, predicted.energy_saving
    help = en_cost.ENERGY_HELP.format(device=device.title, table=spent.table, static=en_cost.STATIC["idle_watts" in device.figures])
    same = saving is not None and f"{saving:.2f}" == "1.00"
    against = en_cost.SAME_ENERGY if same else _no_fp32(predicted) if saving is None else en_cost.LESS.format(ratio=saving)
    return cell("energy", en_cost.ENERGY, metric(spent.joules, "J"), help, PREDICTED,
                device.title.partition(" (")[0], "" if spent.joules is None else against)  # fmt: skip


def cost(running, snapshot, selected: int) -> None:
    """The tab: what is predicted for the target, and what this machine takes when it is asked to measure."""
    _roofs(snapshot, selected)
    sizes(snapshot)
    sums(snapshot)
    measured(snapshot.settings)
    scenarios(snapshot.settings)


def _roofs(snapshot, selected: int) -> None:
    """Every layer under the roof, where the energy goes, and what has to fit."""
    predicted = snapshot.weighed.cost.predicted
    device = DEVICES[predicted.target]
    flash = en_cost.FLASH.format(flash=size(device.get("flash"))) if device.get("flash") else ""
    memory = en_cost.MEMORY.format(peak=size(predicted.latency.peak_bytes), total=size(predicted.latency.memory_bytes),
                                   device=device.title, memory=size(device.get("memory")), flash=flash)  # fmt: skip
    names = snapshot.layers["name"].tolist()
    if predicted.latency.why:
        st.caption(en_cost.NOTHING.format(device=device.title, why=en_cost.WHY[predicted.latency.why], memory=memory))
        _held(predicted, names, selected, device)
        return
    seen = roofline(predicted, names)
    draw(*charts.roof(seen, selected, device.title, palette()), title=en_cost.ROOF_TITLE.format(device=device.title), key="cost.roof",
         origin=predicted.how, why=_rests_on(device))  # fmt: skip
    st.caption(en_cost.ROOF_NOTE)
    draw(*charts.energy(energy_split(predicted), palette()), title=en_cost.ENERGY_TITLE, key="cost.energy", origin=predicted.energy.how,
         why=en_cost.ENERGY_HELP.format(device=device.title, table=predicted.energy.table, static=en_cost.STATIC["idle_watts" in device.figures]))  # fmt: skip
    st.caption(_static(device))
    if any(added(snapshot.settings)):
        st.caption(en_cost.ADDED)
    _held(predicted, names, selected, device)
    st.caption(memory)


def _held(predicted, names: list[str], selected: int, device) -> None:
    draw(*charts.held(held(predicted, names), selected, device, palette()), title=en_cost.HELD_TITLE, key="cost.held", origin="exact", why=en_cost.HELD_WHY)


def _rests_on(device) -> str:
    return en_cost.LATENCY_HELP.format(device=device.title, grade=device.grade)


def _static(device) -> str:
    """What is known of the device's idle power."""
    if "idle_watts" not in device.figures:
        return en_cost.STATIC_UNKNOWN
    idle = device.figures["idle_watts"]
    return en_cost.STATIC_KNOWN.format(watts=metric(idle.value, "W"), grade=idle.grade, source=idle.source)


def axis() -> str:
    """The switch of what the bit widths are shown against: one of en_cost.AXES."""
    st.segmented_control(en_cost.AXIS, list(en_cost.AXES), key="bits.axis", format_func=en_cost.AXES.get, help=en_cost.AXIS_HELP,
                         required=True, default="size")  # fmt: skip
    return st.session_state["bits.axis"]


def _speed(predicted) -> str:
    ratio = predicted.speedup
    if ratio is None:
        return _no_fp32(predicted)
    if f"{ratio:.2f}" == "1.00":
        return en_cost.SAME_SPEED
    return (en_cost.FASTER if ratio > 1 else en_cost.SLOWER).format(ratio=ratio)


def _no_fp32(predicted) -> str:
    return en_cost.NO_FP32.format(why=en_cost.WHY.get(predicted.fp32_latency.why, ""))


def _why(predicted) -> str:
    return en_cost.WHY_LINE[predicted.latency.why].format(needs=size(predicted.latency.memory_bytes))
