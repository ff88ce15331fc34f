"""What one tab of the browser is about: one Settings, how it is looked at, and what to say about it.

Widgets show this state and their callbacks change it; nobody else keeps a copy. A change that
cannot be is refused with the engine's sentence, and everything stays as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from components.words import en, en_rounding
from explorer.errors import SettingsError
from explorer.models import MODELS
from explorer.presets import apply
from explorer.recipe import Recipe
from explorer.settings import Settings

KEY = "explorer"


@dataclass
class State:
    """settings: the experiment. view: as in a link, see link.VIEW.

    stamp: what the opened link promises. notes: what of it is not used as asked.
    problem: one sentence on the last change that was refused; refused: its text, which stays in its field to be mended.
    written: the query as last written; page: the page it was written for; replaced: the queries that it took the place of,
    until the browser has sent it back.
    bare: what an address without a query stands for.
    changed: whether a widget spoke since then, which counts more than the address.
    jobs: running or finished work by name (see job.py). good: the last snapshot that worked.
    kept: of "weights" and "activations", what their last recipe with a range had: scheme, granularity and range.
    made: how often each widget of the settings was made anew (see `shown`).
    spared: by model, the recipes of their own that the first and the last layer had before a switch left them in FP32.
    pace: seconds that the last two experiments took, by model, number of test samples and algorithms.
    """

    settings: Settings = field(default_factory=Settings)
    view: dict = field(default_factory=dict)
    stamp: str | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""
    refused: str = ""
    written: dict | None = None
    replaced: list[dict] = field(default_factory=list)
    page: str | None = None
    bare: Settings = field(default_factory=Settings)
    changed: bool = False
    jobs: dict = field(default_factory=dict)
    good: object = None
    kept: dict = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    spared: dict = field(default_factory=dict)
    pace: dict = field(default_factory=dict)


def state() -> State:
    if KEY not in st.session_state:
        st.session_state[KEY] = State()
    return st.session_state[KEY]


def shown(name: str, value, hear: Callable) -> dict:
    """What the widget `name` needs to show `value`, which the settings have, and to tell `hear` what is chosen: key,
    on_change and args. It starts with `value` by its own default.

    No widget is ever set: a set that reaches the browser late takes back what has meanwhile been chosen or typed
    there. While a widget has what the settings have, it stays. When they differ (a preset, Back, a refusal), a new
    key makes a new widget, and a late message still says the old value of a widget that is gone.
    """
    made, missing = state().made, object()
    key = f"{name}-{made.get(name, 0)}"
    if st.session_state.get(key, missing) != value:
        made[name] = made.get(name, 0) + 1
        key = f"{name}-{made[name]}"
    return {"key": key, "on_change": _heard, "args": (name, key, hear)}


def _heard(name: str, key: str, hear: Callable) -> None:
    """A widget has another value, or one that is gone is spoken of as if it were new."""
    if key == f"{name}-{state().made.get(name)}":
        hear(st.session_state[key])


def gone_back() -> bool:
    """Whether the person asked for this run by the browser's Back or Forward."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def change(make: Callable[[Settings], Settings]) -> bool:
    """Give the settings what `make` returns; refused with one sentence when that cannot be.

    Returns whether the change was taken.
    """
    now = state()
    now.changed = True
    try:
        settings = make(now.settings)
    except SettingsError as error:
        now.problem = str(error)
        return False
    now.problem = now.refused = ""
    if settings != now.settings:
        now.settings, now.stamp, now.notes = settings, None, ()
    return True


def change_recipe(which: str, **parts: str) -> None:
    """Change parts of the recipe of "weights" or "activations".

    A range that cannot go with the new part gives way to min–max, a rounding to nearest, and the page says so.
    """
    before = getattr(state().settings, which)

    def replaced(settings: Settings, **more: str) -> Settings:
        return settings.replace(**{which: getattr(settings, which).replace(**parts, **more)})

    if not change(replaced) and "range" not in parts:
        why = state().problem
        if change(lambda settings: replaced(settings, range="")):
            state().problem = en.RANGE_INSTEAD.format(why=why.partition(";")[0])
    after = getattr(state().settings, which)
    if "rounding" not in parts and after.rounding != before.rounding:
        state().problem = en_rounding.GONE.format(name=en_rounding.NAMES[before.rounding], what=after.words.partition(",")[0])


def type_layer_bits(text: str) -> None:
    if not change(lambda settings: settings.replace(layer_bits=text.strip())):
        state().refused = text


def choose_model(id: str) -> None:
    """Another model: layers of their own belong to the old one; all test samples stay all of them."""

    def switched(settings: Settings) -> Settings:
        changes = {"model": id, "layers": (), "layer_bits": ""}
        old = MODELS[settings.model]
        if settings.evaluation_samples == old.test_size:
            changes["evaluation_samples"] = max(Settings().evaluation_samples, old.test_size)
        if settings.calibration_samples == old.calibration_size:
            changes["calibration_samples"] = max(Settings().calibration_samples, old.calibration_size)
        return settings.replace(**changes)

    if change(switched):
        state().view.pop("sel", None)


def choose_preset(id: str | None) -> None:
    if id is not None:
        change(lambda settings: apply(settings, id))


def set_layer(layer: int, range: str | None) -> None:
    """Give a layer a range of its own, or with None the common recipe back."""

    def with_layer(settings: Settings) -> Settings:
        own = dict(settings.layers)
        own.pop(layer, None) if range is None else own.update({layer: _ranged(settings.weights_of(layer), range)})
        return settings.replace(layers=own)

    if change(with_layer):
        state().view["sel"] = layer


def _ranged(recipe: Recipe, range: str) -> Recipe:
    return recipe.replace(range=range)


def look(**view) -> None:
    """Change how it is looked at; None takes the field away."""
    now = state()
    now.changed = True
    now.view = {key: value for key, value in (now.view | view).items() if value is not None and value is not False}


def reset() -> None:
    """Settings and view of the first screen."""
    change(lambda settings: Settings())
    state().view = {}
