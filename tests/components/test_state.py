"""What each choice does to the settings of a tab."""

import pytest

from components.controls import recipe
from components.controls import state as page
from components.controls.notices import _dismiss, _use_last_good
from explorer import Settings
from explorer.models import MODELS
from explorer.presets import PRESETS


def test_a_change_takes_stamp_and_notes_of_the_link_away(tab):
    tab.stamp, tab.notes, tab.problem = "0-1-2", ("a note",), "what was refused before"
    assert page.change(lambda settings: settings.replace(seed=1))
    assert (tab.settings.seed, tab.stamp, tab.notes, tab.problem, tab.changed) == (1, None, (), "", True)


def test_the_same_settings_again_keep_stamp_and_notes(tab):
    tab.stamp, tab.notes = "0-1-2", ("a note",)
    assert page.change(lambda settings: settings.replace(seed=settings.seed))
    assert tab.stamp == "0-1-2" and tab.notes == ("a note",)


def test_a_refused_change_is_one_sentence_and_changes_nothing(tab):
    before = tab.settings
    assert not page.change(lambda settings: settings.replace(layer_bits="1"))
    assert tab.settings == before and "no number of bits" in tab.problem


def test_a_widget_stays_while_it_has_what_the_settings_have_and_is_made_anew_when_they_differ(tab, monkeypatch):
    """Nothing is ever set in the browser, and a message of a widget that Back or a preset has replaced is not heard."""
    session, heard = {}, []
    monkeypatch.setattr(page.st, "session_state", session)
    first = page.shown("seed", 0, heard.append)
    session[first["key"]] = 0  # as Streamlit does when the widget is made
    assert page.shown("seed", 0, heard.append)["key"] == first["key"]
    session[first["key"]] = 7  # chosen
    first["on_change"](*first["args"])
    assert heard == [7] and page.shown("seed", 7, heard.append)["key"] == first["key"]
    second = page.shown("seed", 3, heard.append)
    assert second["key"] != first["key"] and first["key"] in session
    first["on_change"](*first["args"])
    assert heard == [7]
    session[second["key"]] = 3
    assert page.shown("seed", 3, heard.append)["key"] == second["key"] == page.shown("seed", 3, print)["key"]


def test_a_range_that_cannot_go_along_gives_way_to_min_max_with_a_sentence(tab):
    tab.settings = tab.settings.replace(activations="int6-asym-tensor-p99")
    page.change_recipe("activations", granularity="token")
    assert str(tab.settings.activations) == "int6-asym-token-minmax"
    assert tab.problem.endswith("; min–max is used.")
    page.change_recipe("activations", format="int5")
    assert tab.problem == ""


def test_a_range_that_is_asked_for_and_cannot_be_is_refused(tab):
    tab.settings = tab.settings.replace(activations="int6-asym-token-minmax")
    page.change_recipe("activations", range="entropy")
    assert str(tab.settings.activations) == "int6-asym-token-minmax" and tab.problem


def test_a_format_without_a_scale_drops_what_it_cannot_have(tab):
    page.change_recipe("weights", format="bf16")
    assert str(tab.settings.weights) == "bf16" and not tab.problem


@pytest.mark.parametrize("model", MODELS.ids)
def test_another_model_keeps_recipes_and_drops_what_belonged_to_the_old_one(tab, model):
    other = next(id for id in MODELS.ids if id != model)
    tab.settings = Settings(model=other, weights="int4-sym-channel-mse", layers={0: "int8"}, seed=5)
    tab.view = {"sel": 1, "log": True}
    page.choose_model(model)
    now = tab.settings
    assert (now.model, str(now.weights), now.seed, now.layers) == (model, "int4-sym-channel-mse", 5, ())
    assert tab.view == {"log": True}


def test_all_test_samples_stay_all_of_them_and_fewer_stay_as_few(tab):
    tab.settings = Settings(model="digits")
    assert tab.settings.evaluation_samples == 600
    page.choose_model("fashion")
    assert tab.settings.evaluation_samples == 1000
    tab.settings = Settings(model="digits", evaluation_samples=70, calibration_samples=9)
    page.choose_model("fashion")
    assert (tab.settings.evaluation_samples, tab.settings.calibration_samples) == (70, 9)


@pytest.mark.parametrize("preset", PRESETS.ids)
def test_a_preset_sets_both_recipes_and_leaves_the_rest(tab, preset):
    tab.settings = tab.settings.replace(layer_bits="4", seed=7)
    page.choose_preset(preset)
    now = tab.settings
    assert (str(now.weights), str(now.activations)) == (PRESETS[preset].weights, PRESETS[preset].activations)
    assert (now.model, now.seed, now.layer_bits) == ("digits", 7, "")


def test_no_preset_changes_nothing(tab):
    before = tab.settings
    page.choose_preset(None)
    assert tab.settings == before


def test_a_layer_gets_a_range_of_its_own_and_the_common_one_back(tab):
    page.set_layer(3, "abs0.5")
    assert {i: str(recipe) for i, recipe in tab.settings.layers} == {3: "int5-sym-channel-abs0.5"}
    assert tab.view == {"sel": 3}
    page.set_layer(3, None)
    assert tab.settings.layers == ()


def test_a_layer_of_other_bits_keeps_them_under_a_range_of_its_own(tab):
    tab.settings = tab.settings.replace(layer_bits="888388")
    page.set_layer(3, "abs0.5")
    assert str(tab.settings.weights_of(3)) == "int3-sym-channel-abs0.5"


def test_looking_writes_only_what_is_not_the_default(tab):
    page.look(sel=0, log=True, pic="bytes")
    page.look(log=False, pic=None)
    assert tab.view == {"sel": 0} and tab.changed


def test_reset_is_the_first_screen(tab):
    tab.view, tab.problem = {"sel": 2, "tab": "layers"}, "what was refused"
    page.reset()
    assert (tab.settings, tab.view, tab.problem, tab.changed) == (Settings(), {}, "", True)


def test_notes_are_dismissed_and_the_last_good_settings_come_back(tab):
    tab.notes = ("a note",)
    _dismiss()
    assert tab.notes == ()
    tab.good = type("Snapshot", (), {"settings": Settings(model="fashion")})
    tab.problem = "refused"
    _use_last_good()
    assert (tab.settings, tab.problem, tab.changed) == (Settings(model="fashion"), "", True)


def test_a_rounding_that_cannot_stay_is_named(tab):
    page.change_recipe("weights", rounding="absmax")
    page.change_recipe("weights", scheme="asym")
    assert str(tab.settings.weights) == "int5-asym-channel-mse"
    assert tab.problem == "Rounding is to the nearest again: “bitsandbytes” cannot go with INT5 asymmetric."
    page.change_recipe("weights", rounding="fma")
    assert tab.settings.weights.rounding == "fma" and not tab.problem
    page.change_recipe("weights", format="mxfp4")
    assert tab.problem.endswith("“torch quantize_per_tensor” cannot go with MXFP4.")


def test_an_integer_after_a_format_of_its_own_scales_is_as_the_last_one_was(tab):
    tab.settings = Settings(weights="int8-asym-g16-mse")
    for format in ("mxfp4", "bf16", "int4"):
        recipe._chosen("weights", "format", format)
    assert str(tab.settings.weights) == "int4-asym-g16-mse" and not tab.problem
    recipe._chosen("weights", "format", "fp8e4m3")
    recipe._chosen("weights", "format", "q4_0")
    recipe._chosen("weights", "format", "int8")
    assert str(tab.settings.weights) == "int8-sym-g16-mse"


LATE = {
    "a number of a format without ranges": ("nvfp4", lambda: recipe._number_chosen("weights", "p", 0, 48.0)),
    "a number of another method": ("int5-sym-tensor-mse", lambda: recipe._number_chosen("weights", "p", 0, 48.0)),
    "a method of a format without ranges": ("nvfp4", lambda: recipe._chosen("weights", "method", "minmax")),
    "a scheme of a float": ("fp8e4m3-channel-minmax", lambda: recipe._chosen("weights", "scheme", "asym")),
    "a size without groups": ("int5-sym-tensor-mse", lambda: recipe._chosen("weights", "size", 32)),
    "a kind of a format with blocks of its own": ("q4_0", lambda: recipe._chosen("weights", "kind", "channel")),
}


@pytest.mark.parametrize("case", LATE)
def test_a_picker_that_another_choice_took_away_is_not_heard(tab, case):
    """Two quick choices may come together, in any order."""
    spelled, speak = LATE[case]
    tab.settings = tab.settings.replace(weights=spelled)
    before = tab.settings
    speak()
    assert tab.settings == before and tab.problem == ""
