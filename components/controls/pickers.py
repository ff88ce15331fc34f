"""The pickers: each shows a part of the settings, and its callback changes it."""

import streamlit as st

from components.controls import state as settings_state
from components.controls.algorithms import algorithms
from components.controls.recipe import recipe_pickers
from components.controls.state import change, choose_model, choose_preset, shown, state
from components.words import en, en_cost
from components.words.numbers import whole
from explorer.cost.devices import DEVICES
from explorer.models import MODELS
from explorer.presets import PRESETS, preset_of
from explorer.recipe import roundings


def value_of(key: str):
    return st.session_state[key]


def pickers() -> None:
    """Everything that is chosen, from the model to the seed."""
    now = state().settings
    model = MODELS[now.model]
    st.selectbox(
        en.MODEL, MODELS.ids, key=shown("model", now.model), format_func=lambda id: MODELS[id].title,
        help=en.MODEL_HELP.format(teaches=_sentence(model.teaches), task=model.task),
        on_change=lambda: choose_model(value_of("model")),
    )  # fmt: skip
    st.selectbox(
        en.PRESET, PRESETS.ids, key=shown("preset", preset_of(now)), format_func=lambda id: PRESETS[id].title,
        index=None, placeholder=en.PRESET_NONE, help=_preset_help(preset_of(now)),
        on_change=lambda: choose_preset(value_of("preset")),
    )  # fmt: skip
    recipe_pickers("weights", now.weights)
    recipe_pickers("activations", now.activations)
    algorithms()
    _samples(model)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _preset_help(id: str | None) -> str:
    if id is None:
        return en.PRESET_HELP
    preset = PRESETS[id]
    return "\n\n".join(filter(None, (en.PRESET_HELP, f"**{preset.title}** {preset.imitates}", preset.differs)))


def _samples(model) -> None:
    now = state().settings
    left, right = st.columns(2, gap="small", wrap=False)
    _number(left, "calibration_samples", en.CALIBRATION, now.calibration_samples, 1, model.calibration_size, 32,
            en.CALIBRATION_HELP.format(model=model.title, available=whole(model.calibration_size)))  # fmt: skip
    _number(right, "evaluation_samples", en.EVALUATION, now.evaluation_samples, 1, model.test_size, 100,
            en.EVALUATION_HELP.format(model=model.title, available=whole(model.test_size)))  # fmt: skip
    _number(left, "seed", en.SEED, now.seed, 0, 2**32 - 1, 1, en.SEED_HELP)


def _number(where, name: str, label: str, value: int, least: int, most: int, step: int, help: str) -> None:
    where.number_input(
        label, least, most, step=step, key=shown(name, value), help=help,
        on_change=lambda: change(lambda settings: settings.replace(**{name: value_of(name)})),
    )  # fmt: skip


def advanced() -> None:
    """The one drawer for what is seldom needed."""
    now = state().settings
    for which in ("weights", "activations"):
        recipe = getattr(now, which)
        columns = st.columns(2, gap="small", wrap=False, vertical_alignment="bottom")
        words = roundings(recipe.format)
        if len(words) > 1:
            key = shown(f"{which}.rounding", recipe.rounding)
            columns[0].selectbox(
                en.ROUNDING[which], words, key=key, format_func=en.ROUNDINGS.get, help=en.ROUNDING_HELP,
                on_change=_part, args=(which, "rounding", key),
            )  # fmt: skip
        if recipe.range and not (which == "activations" and recipe.is_live) and not recipe.method.startswith(("abs", "lo")):
            key = shown(f"{which}.factor", recipe.factor)
            columns[1].number_input(
                en.FACTOR[which], 0.001, 1000.0, step=0.05, format="%g", key=key, help=en.FACTOR_HELP,
                on_change=_factor, args=(which, key),
            )  # fmt: skip
    if now.weights.scheme:
        st.text_input(
            en.LAYER_BITS, key=shown("layer_bits", state().refused or now.layer_bits), help=en.LAYER_BITS_HELP, placeholder="8488…",
            on_change=lambda: settings_state.type_layer_bits(value_of("layer_bits")),
        )  # fmt: skip
    st.selectbox(
        en_cost.TARGET, DEVICES.ids, key=shown("target", now.target), format_func=lambda id: DEVICES[id].title,
        help=en_cost.TARGET_HELP, on_change=lambda: change(lambda settings: settings.replace(target=value_of("target"))),
    )  # fmt: skip
    st.selectbox(
        en_cost.SUMS, list(en_cost.SUMS_WAYS), key=shown("accumulate", now.accumulate), format_func=en_cost.SUMS_WAYS.get,
        help=en_cost.SUMS_HELP, on_change=lambda: change(lambda settings: settings.replace(accumulate=value_of("accumulate"))),
    )  # fmt: skip


def _part(which: str, part: str, key: str) -> None:
    settings_state.change_recipe(which, **{part: value_of(key)})


def _factor(which: str, key: str) -> None:
    from explorer.ranges import positional

    method = getattr(state().settings, which).method
    settings_state.change_recipe(which, range=f"{method}@{positional(value_of(key))}")
