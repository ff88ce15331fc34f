"""The tab "Error by part": the experiment with the one, with the other and with both."""

import streamlit as st

from components.charts import parts as charts
from components.charts.origin import mark
from components.charts.style import draw, palette
from components.controls.experiment import Snapshot
from components.controls.job import Job, job
from components.controls.state import change, shown, state
from components.controls.progress import stopped, under_way
from components.words import en_parts as en
from components.words.numbers import change as written_change
from components.words.numbers import value, whole
from explorer.settings import Settings
from explorer.views import parts as numbers

POLL = 0.5


def parts(running: Job, snapshot: Snapshot, selected: int) -> None:
    settings = snapshot.settings
    if all(str(each) == "fp32" for each in (settings.weights, settings.activations)) and not (settings.layers or settings.layer_bits):
        st.caption(en.NOTHING)
    elif snapshot.result is None:
        st.caption(en.WAIT)
    else:
        compared = job("parts", settings, _work(settings))
        compared.wait(0.3)
        st.fragment(_compared, run_every=None if compared.ended else POLL)(compared, selected, not compared.ended)


def _work(settings: Settings):
    """Answers are dicts that grow: errors of all layers, then the metric of each part."""

    def work(*, progress, cancel):
        known = {"layers": numbers.layers(settings, cancel=cancel)}
        yield dict(known)
        for i, part in enumerate(numbers.PARTS):
            progress(part, (i + 1) / (len(numbers.PARTS) + 1))
            known[part] = numbers.metric(settings, part, cancel=cancel)
            yield dict(known)

    return work


def _compared(compared: Job, selected: int, was_running: bool) -> None:
    if was_running and compared.ended:
        st.rerun()
    known = compared.latest or {}
    if was_running:
        under_way(compared, "parts", en.RUNNING)
    stopped(compared, "parts")
    lines = [_line(part, known[part]) for part in numbers.PARTS if part in known]
    if lines:
        mark("measured")
        st.html(f'<p class="compared">{"<br>".join(lines)}</p>')
    if "layers" in known:
        chart, alt = charts.parts(known["layers"], selected, palette())
        draw(chart, alt, title=en.TITLE, key="parts.chart", origin="measured")


def _line(part: str, found: dict) -> str:
    unit = found["unit"]
    changes = {name: written_change(found[name], unit) for name in ("difference", "low", "high")}
    return en.LINE.format(name=en.NAMES[part], value=value(found["value"], unit), n=whole(found["n"]), **changes)


def exempting(last: int) -> None:
    """The switch that leaves the weights of the first and of the last layer, `last`, in FP32."""
    own = dict(state().settings.layers)
    exempt = all(str(own.get(layer)) == "fp32" for layer in (0, last))
    st.toggle(en.EXEMPT, exempt, help=en.EXEMPT_HELP, **shown("exempt", exempt, lambda chosen: _exempt(last, chosen)))


def _exempt(last: int, exempt: bool) -> None:
    """What the two layers had of their own comes back when the switch goes off again."""
    ends, spared = {0, last}, state().spared

    def changed(settings: Settings) -> Settings:
        own = dict(settings.layers)
        if exempt:
            spared[settings.model] = {layer: own[layer] for layer in ends & own.keys()}
            return settings.replace(layers=own | dict.fromkeys(ends, "fp32"))
        kept = {layer: recipe for layer, recipe in own.items() if layer not in ends}
        return settings.replace(layers=kept | spared.pop(settings.model, {}))

    change(changed)
