"""One more picture, chosen by a switch: only the chosen one is computed and drawn."""

import streamlit as st

from components.charts import activations, channels, crest, tables
from components.charts.style import draw, palette
from components.controls.before_after import before_after
from components.controls.cost import cost
from components.controls.experiment import Snapshot
from components.controls.graph import graph
from components.controls.job import Job, job
from components.controls.parts import parts
from components.controls.samples import sampled
from components.controls.state import look, shown, state
from components.controls.tradeoff import bits_and_tradeoff
from components.words import en, en_activations
from components.words.numbers import whole
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.views.activations import activations as activation_numbers
from explorer.views.channels import channels as channel_numbers
from explorer.views.crest import crest as crest_numbers
from explorer.views.tradeoff import BITS, at_bits, own_format, tradeoff
from explorer.views.worked import article, worked

BREATH = 0.3  # seconds in which the page is drawn before other bit widths compete with it for the cores
UNASKED = 2.0  # seconds an evaluation may take for all bit widths to be measured unasked


def closer(running: Job, snapshot: Snapshot, selected: int) -> None:
    """The switch and the picture below it."""
    tab = state().view.get("tab", "bits")
    tab = tab if tab in en.TABS else "bits"
    st.segmented_control(en.LOOK, list(en.TABS), format_func=en.TABS.get, default=tab, help=en.TABS_HELP, required=True,
                         label_visibility="collapsed", **shown("tab", tab, _chosen))  # fmt: skip
    PICTURES[tab](running, snapshot, selected)


def _chosen(tab: str) -> None:
    look(tab=None if tab == "bits" else tab)


def _bits(running: Job, snapshot: Snapshot, selected: int) -> None:
    settings = _without_bits(snapshot.settings)
    known = state().jobs.get("bits")
    asked = known is not None and known.key == settings
    if not asked and snapshot.result is None:
        st.caption(en.BITS_WAIT)
        return
    if not asked and running.seconds > UNASKED and not state().view.get("bits"):
        st.caption(en.BITS_START_WHY)
        if not st.button(en.BITS_START, key="bits.start"):
            return
    measured = job("bits", settings, _points(settings, snapshot.settings.weights.bits), BREATH)
    measured.wait(0.1, lambda job: job.latest is not None)  # its first point is mostly known already
    bits_and_tradeoff(measured, snapshot.settings)


def _without_bits(settings: Settings) -> Settings:
    """Settings that differ only in the bits of their weights give the same picture."""
    return settings if own_format(settings.weights) else at_bits(settings, 8)


def _points(settings: Settings, chosen: int):
    def work(*, progress, cancel):
        points = []
        for point in tradeoff(settings, first=chosen, cancel=cancel):
            points.append(point)
            progress(en.TABS["bits"], min(len(points) / len(BITS), 1.0))
            yield tuple(points)

    return work


def _channels(running: Job, snapshot: Snapshot, selected: int) -> None:
    name = _name(snapshot, selected)
    chart, alt = channels.channels(channel_numbers(snapshot.settings, selected), name, palette())
    draw(chart, alt, title=en.CHANNELS_TITLE.format(name=name), key="channels.chart", origin="exact")


def _activations(running: Job, snapshot: Snapshot, selected: int) -> None:
    settings = snapshot.settings
    if snapshot.evaluation is None and not running.ended:
        st.caption(en_activations.LOADING)
        return
    seen = activation_numbers(settings, selected)
    if seen is None:
        st.caption(en_activations.LOOKED_UP.format(name=_name(snapshot, selected)))
        return
    title = en_activations.TITLE.format(name=seen["name"], samples=whole(settings.calibration_samples))
    draw(*activations.activations(seen, state().view.get("log", False), palette()), title=title, key="activations.chart", origin="measured")
    if seen["low"] is None:
        st.caption(_without_a_range(settings.activations))


def _without_a_range(recipe: Recipe) -> str:
    if recipe.blocks:
        return en_activations.BLOCKS.format(size=recipe.blocks.size)
    return en_activations.LIVE if recipe.is_live else en_activations.NONE


def _crest(running: Job, snapshot: Snapshot, selected: int) -> None:
    seen = crest_numbers(snapshot.settings, selected)
    everything, now = st.toggle(en.CREST_ALL, key="crest.all", help=en.CREST_ALL_HELP), snapshot.settings.weights.format
    also = [id for id in seen["curves"] if id not in seen["main"] and (everything or id == now)]
    draw(*crest.crest(seen, seen["main"] + also, palette()), title=en.CREST_TITLE, key="crest.chart", origin="exact")
    st.caption(en.CREST_SAID)


def _worked(running: Job, snapshot: Snapshot, selected: int) -> None:
    name = _name(snapshot, selected)
    st.caption(en.WORKED_TITLE.format(name=name))
    tables.worked(worked(snapshot.settings, selected), name)
    if st.toggle(en.ARTICLE, key="article", help=en.ARTICLE_HELP):
        tables.article(article(snapshot.settings, selected), name)


def _layers(running: Job, snapshot: Snapshot, selected: int) -> None:
    tables.layers(snapshot.layers, "layers")


def _name(snapshot: Snapshot, selected: int) -> str:
    return snapshot.layers["name"][selected]


PICTURES = {
    "bits": _bits, "samples": sampled, "graph": graph, "cost": cost, "channels": _channels, "activations": _activations, "parts": parts,
    "algorithms": before_after, "crest": _crest, "worked": _worked, "layers": _layers,
}  # fmt: skip
