"""The tab "Before and after": what the ticked algorithms do, and what folding BatchNorm did before them."""

import streamlit as st

from components.charts import before_after as charts
from components.charts.style import draw, palette
from components.controls.experiment import Snapshot
from components.controls.job import Job, job
from components.controls.progress import stopped, under_way
from components.words import en
from components.words.numbers import change, ratio, value, whole
from explorer.algorithms import ALGORITHMS
from explorer.models import MODELS
from explorer.settings import Settings
from explorer.views import before_after as numbers
from explorer.views.folding import folding

POLL = 0.5
STEPS = 3


def before_after(running: Job, snapshot: Snapshot, selected: int) -> None:
    model = MODELS[snapshot.settings.model]
    step = "algorithms"
    if model.unfolded is not None:
        step = st.segmented_control(en.STEP, list(en.STEPS), key="step", format_func=en.STEPS.get, required=True,
                                    default="algorithms", help=en.STEP_HELP, label_visibility="collapsed")  # fmt: skip
    if step == "folding":
        _folding(snapshot.settings, selected)
    elif numbers.without(snapshot.settings) == snapshot.settings:
        st.caption(en.BEFORE_AFTER_NONE if model.unfolded is not None else f"{en.BEFORE_AFTER_NONE} {en.FOLDED_ONLY}")
    elif snapshot.result is None:
        st.caption(en.BEFORE_AFTER_WAIT)
    else:
        settings = snapshot.settings
        compared = job("before_after", (settings, selected), _work(settings, selected))
        compared.wait(0.3)
        st.fragment(_compared, run_every=None if compared.ended else POLL)(compared, settings, selected, not compared.ended)


def _work(settings: Settings, selected: int):
    """Answers are dicts that grow: ranges of the layer's channels, errors of all layers, the metric."""

    def work(*, progress, cancel):
        known = {"ranges": numbers.ranges(settings, selected)}
        progress("ranges", 1 / STEPS)
        yield dict(known)
        known["layers"] = numbers.layers(settings, cancel=cancel)
        progress("layers", 2 / STEPS)
        yield dict(known)
        known["metric"] = numbers.metric(settings, cancel=cancel)
        yield dict(known)

    return work


def _compared(compared: Job, settings: Settings, selected: int, was_running: bool) -> None:
    if was_running and compared.ended:
        st.rerun()
    known = compared.latest or {}
    if was_running:
        under_way(compared, "before_after", en.BEFORE_AFTER_RUNNING)
    stopped(compared, "before_after")
    if "metric" in known:
        _metric(settings, known["metric"])
    if "ranges" in known:
        _ranges(known["ranges"])
    if "layers" in known:
        chart, alt = charts.layers(known["layers"], selected, palette())
        draw(chart, alt, title=en.BEFORE_AFTER_LAYERS, key="before_after.layers", origin="measured")
        _notes(known["layers"])


def _metric(settings: Settings, found: dict) -> None:
    before, after, difference = (found[name] for name in ("before", "after", "difference"))
    unit = difference["unit"]
    chance = [en.STOCHASTIC] if settings.weights.rounding == "stochastic" else []
    titles = " + ".join([ALGORITHMS[id].title for id in settings.algorithms] + chance)
    st.html(en.BEFORE_AFTER_METRIC.format(
        metric=en.ACCURACY[MODELS[settings.model].metric], algorithms=titles, n=whole(difference["n"]),
        before=value(before["value"], unit), after=value(after["value"], unit), fp32=value(found["fp32"]["value"], unit),
        **{name: change(difference[key], unit) for name, key in (("difference", "value"), ("low", "low"), ("high", "high"))},
    ))  # fmt: skip


def _ranges(seen: dict) -> None:
    left, right = st.columns(2)
    for where, what in ((left, "weights"), (right, "inputs")):
        before, after = (ratio(seen[f"{what}_spread"][when]) for when in ("before", "after"))
        title = en.BEFORE_AFTER_TITLES[what].format(name=seen["name"])
        said = en.BEFORE_AFTER_SPREAD.format(before=before, after=after)
        chart, alt = charts.widths(seen[what]["before"], seen[what]["after"], seen["ticks"][what], en.BEFORE_AFTER_Y[what],
                                   f"{title}. {said}", palette())  # fmt: skip
        with where:
            draw(chart, alt, title=title, key=f"before_after.{what}", origin={"weights": "exact", "inputs": "measured"}[what])
            st.caption(said)
    if seen["note"]:
        st.text(en.BEFORE_AFTER_LEFT.format(name=seen["name"], why=seen["note"]))


def _notes(layers) -> None:
    """Layers that were left as they were, gathered by reason."""
    reasons: dict[str, list[str]] = {}
    for row in layers.itertuples():
        if row.note:
            reasons.setdefault(row.note, []).append(row.name)
    if reasons:
        with st.expander(en.BEFORE_AFTER_NOTES):
            for why, names in reasons.items():
                st.text(en.BEFORE_AFTER_LEFT.format(name=", ".join(names), why=why))


def _folding(settings: Settings, selected: int) -> None:
    seen = folding(settings, selected)
    if seen is None:
        st.caption(en.FOLDING_NOT_HERE)
        return
    title = en.FOLDING_TITLE.format(name=seen["name"])
    said = en.FOLDING_SPREAD.format(before=ratio(seen["spread_before"]), after=ratio(seen["spread_after"]))
    chart, alt = charts.widths(seen["before"], seen["after"], seen["ticks"], en.BEFORE_AFTER_Y["weights"],
                               f"{title}. {said}", palette())  # fmt: skip
    chart.data[0].name, chart.data[1].name = en.FOLDING_BEFORE, en.FOLDING_AFTER
    draw(chart, alt, title=title, key="folding.chart", origin="exact")
    st.caption(f"{said} {en.FOLDING_RUN.format(run=seen['run'])}" if seen["run"] else said)
