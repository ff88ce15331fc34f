"""The pickers: each shows a part of the settings, and its callback changes it."""

import streamlit as st

from components.controls.algorithms import algorithms
from components.controls.recipe import recipe_pickers
from components.controls.state import change, change_recipe, choose_model, choose_preset, shown, state, type_layer_bits
from components.words import en, en_cost, en_rounding
from components.words.numbers import whole
from explorer.cost.devices import DEVICES
from explorer.models import MODELS
from explorer.presets import PRESETS, preset_of
from explorer.ranges import positional
from explorer.recipe import roundings


def pickers() -> None:
    """Everything that is chosen, from the model to the seed."""
    now = state().settings
    model = MODELS[now.model]
    st.selectbox(
        en.MODEL, MODELS.ids, MODELS.ids.index(now.model), lambda id: MODELS[id].title, **shown("model", now.model, choose_model),
        help=en.MODEL_HELP.format(teaches=_sentence(model.teaches), task=model.task),
    )  # fmt: skip
    preset = preset_of(now)
    st.selectbox(
        en.PRESET, PRESETS.ids, preset and PRESETS.ids.index(preset), lambda id: PRESETS[id].title,
        **shown("preset", preset, choose_preset), placeholder=en.PRESET_NONE, help=_preset_help(preset),
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
        label, least, most, value, step, help=help,
        **shown(name, value, lambda chosen: change(lambda settings: settings.replace(**{name: chosen}))),
    )  # fmt: skip


def advanced() -> None:
    """The one drawer for what is seldom needed."""
    now = state().settings
    for which in ("weights", "activations"):
        recipe = getattr(now, which)
        words = roundings(recipe.format, recipe.scheme)
        if len(words) > 1:
            st.selectbox(
                en_rounding.LABELS[which], words, words.index(recipe.rounding), en_rounding.NAMES.get, help=en_rounding.HELP,
                **shown(f"{which}.rounding", recipe.rounding, lambda chosen, which=which: change_recipe(which, rounding=chosen)),
            )  # fmt: skip
        if recipe.range and not (which == "activations" and recipe.is_live) and not recipe.method.startswith(("abs", "lo")):
            st.number_input(
                en.FACTOR[which], 0.001, 1000.0, recipe.factor, step=0.05, format="%g", help=en.FACTOR_HELP,
                **shown(f"{which}.factor", recipe.factor, lambda chosen, which=which: _factor(which, chosen)),
            )  # fmt: skip
    if now.weights.scheme:
        typed = state().refused or now.layer_bits
        st.text_input(
            en.LAYER_BITS, typed, help=en.LAYER_BITS_HELP, placeholder="8488…", **shown("layer_bits", typed, type_layer_bits),
        )  # fmt: skip
    st.selectbox(
        en_cost.TARGET, DEVICES.ids, DEVICES.ids.index(now.target), lambda id: DEVICES[id].title, help=en_cost.TARGET_HELP,
        **shown("target", now.target, lambda chosen: change(lambda settings: settings.replace(target=chosen))),
    )  # fmt: skip
    ways = list(en_cost.SUMS_WAYS)
    st.selectbox(
        en_cost.SUMS, ways, ways.index(now.accumulate), en_cost.SUMS_WAYS.get, help=en_cost.SUMS_HELP,
        **shown("accumulate", now.accumulate, lambda chosen: change(lambda settings: settings.replace(accumulate=chosen))),
    )  # fmt: skip


def _factor(which: str, chosen: float) -> None:
    method = getattr(state().settings, which).method
    change_recipe(which, range=f"{method}@{positional(chosen)}")
