"""Every picker changes the settings it names and nothing else, and the page shows the engine's numbers for them.

Each case starts from a link and chooses once; a case of every kind of widget goes Back, which must undo it.
"""

import re

import pytest
from explore_page import APP, BASE, QUIET, at, engine, enter, figures, is_now, open_drawer, pick, place, shows
from playwright.sync_api import expect

from explorer import Settings, encode_link
from explorer.algorithms import ALGORITHMS
from explorer.cost.devices import DEVICES
from explorer.models import MODELS
from explorer.presets import PRESETS, apply
from explorer.recipe import Recipe

TITLES = {preset.id: preset.title for preset in PRESETS}
ACTIVE = BASE.replace(activations="int4-asym-tensor-p99")
TINY = Settings(model="digits", weights="int3-asym-g16-p98", activations="int4-sym-tensor-minmax", calibration_samples=32,
                evaluation_samples=100)  # fmt: skip


def weights(recipe: str, start: Settings = BASE) -> tuple[Settings, Settings]:
    return start, start.replace(weights=recipe)


def inputs(recipe: str, start: Settings = BASE) -> tuple[Settings, Settings]:
    return start, start.replace(activations=recipe)


# both halves of a pair of u8 · s8 products are near their largest
PAIRS = BASE.replace(weights="int8-sym-channel-minmax", activations="uint8-asym-tensor-minmax")
# (widget, what is chosen or typed) → (settings before, settings after)
CASES = {
    ("model", "The article's network, trained"): None,
    ("preset", TITLES["ct-w4a8"]): (BASE, apply(BASE, "ct-w4a8")),
    ("preset", TITLES["fp32"]): (BASE, apply(BASE, "fp32")),
    ("weights.format", "INT3"): weights("int3-sym-channel-mse"),
    ("weights.format", "UINT4"): weights("uint4-sym-channel-mse"),
    ("weights.format", "FP8 E5M2"): weights("fp8e5m2-channel-mse"),
    ("weights.format", "BF16"): weights("bf16"),
    ("weights.format", "NVFP4"): weights("nvfp4"),
    ("weights.scheme", "Asymmetric"): weights("int5-asym-channel-mse"),
    ("weights.scheme", "Full-range"): weights("int5-symfull-channel-mse"),
    ("weights.kind", "Per tensor"): weights("int5-sym-tensor-mse"),
    ("weights.kind", "Groups"): weights("int5-sym-g64-mse"),
    ("weights.kind", "Square blocks"): weights("int5-sym-b128-mse"),
    ("weights.size", 24): weights("int3-asym-g24-p98", TINY),
    ("weights.method", "Min–max"): weights("int5-sym-channel-minmax"),
    ("weights.method", "Percentile"): weights("int5-sym-channel-p99.9"),
    ("weights.method", "Fixed ±"): weights("int5-sym-channel-abs1"),
    ("weights.method", "Fixed, low and high"): weights("int5-sym-channel-lo1hi1"),
    ("weights.number0", 90.5): weights("int3-asym-g16-p90.5", TINY),
    ("weights.number1", 0.5): weights("int5-asym-tensor-lo0.7hi0.5", weights("int5-asym-tensor-lo0.7hi1.5")[1]),
    ("activations.format", "INT3"): inputs("int3-asym-tensor-minmax"),
    ("activations.format", "FP32"): inputs("fp32", ACTIVE),
    ("activations.scheme", "Symmetric"): inputs("int4-sym-tensor-p99", ACTIVE),
    ("activations.kind", "Per token, live"): inputs("int4-sym-token-minmax", TINY),
    ("activations.method", "Entropy (KL)"): inputs("int4-asym-tensor-entropy", ACTIVE),
    ("activations.method", "Least error (MSE)"): inputs("int4-sym-tensor-mse", TINY),
    ("activations.number0", 90): inputs("int4-asym-tensor-p90", ACTIVE),
    ("activations.number1", 2.5): inputs("int4-asym-tensor-lo1hi2.5", inputs("int4-asym-tensor-lo1hi4")[1]),
    ("calibration_samples", 1): (ACTIVE, ACTIVE.replace(calibration_samples=1)),
    ("evaluation_samples", 77): (BASE, BASE.replace(evaluation_samples=77)),
    ("seed", 5): (BASE, BASE.replace(seed=5)),
    ("weights.rounding", "Down"): weights("int5-sym-channel-mse-floor"),
    ("weights.rounding", "Stochastic"): weights("int5-sym-channel-mse-stochastic"),
    ("weights.rounding", "torch fake_quantize"): weights("int5-sym-channel-mse-reciprocal"),
    ("weights.factor", 0.5): weights("int5-sym-channel-mse@0.5"),
    ("activations.rounding", "Down"): inputs("int4-asym-tensor-p99-floor", ACTIVE),
    ("activations.factor", 0.4): inputs("int4-asym-tensor-p99@0.4", ACTIVE),
    ("layer_bits", "234560"): (BASE, BASE.replace(layer_bits="234560")),
    ("accumulate", "Pairs in 16 bits (AVX2)"): (PAIRS, PAIRS.replace(accumulate="avx2")),
    ("target", DEVICES["raspberry-pi-5"].title): (BASE, BASE.replace(target="raspberry-pi-5")),
}
UNDONE = {("model", "The article's network, trained"), ("preset", TITLES["fp32"]), ("weights.format", "NVFP4"), ("weights.number0", 90.5),
          ("activations.kind", "Per token, live"), ("layer_bits", "234560"), ("target", DEVICES["raspberry-pi-5"].title)}  # fmt: skip
ADVANCED = ("rounding", "factor", "layer_bits", "accumulate", "target")
OTHER_MODEL = "article-mlp"
ELSEWHERE = {"adjust", "reset", *(f"algorithm-{id}" for id in ALGORITHMS.ids)}  # these have tests of their own


def _cases() -> list:
    return list(_each_case())


def _each_case():
    for (key, choice), change in CASES.items():
        if key == "model":
            before = Settings(model="digits", weights="int4-sym-tensor-minmax")
            change = before, before.replace(model=OTHER_MODEL)
            choice = MODELS[OTHER_MODEL].title
        yield pytest.param(key, choice, *change, id=f"{key}-{choice}")


@pytest.mark.parametrize(("key", "choice", "before", "after"), _cases())
def test_a_picker_changes_the_right_numbers(explore, key, choice, before, after):
    was, will_be = engine(before), engine(after)
    differs = figures(was) != figures(will_be) or was.stamp != will_be.stamp
    assert differs, "this case would pass if the picker did nothing"
    page = explore(before, **QUIET)
    if key.endswith(ADVANCED):
        open_drawer(page)
    if isinstance(choice, str) and key != "layer_bits":
        pick(page, key, choice)
    else:
        enter(page, key, choice)
    is_now(page, after, **QUIET)
    shown = page.locator(f"{place(key)} input").input_value()
    assert shown == choice if isinstance(choice, str) else float(shown) == choice
    if (key, choice) in UNDONE:
        page.go_back()
        is_now(page, before, **QUIET)


def test_a_case_of_every_kind_goes_back():
    assert set(CASES) >= UNDONE


@pytest.mark.parametrize("settings", [BASE, ACTIVE, TINY], ids=["base", "active", "tiny"])
def test_every_picker_on_the_page_has_a_case_above(explore, settings):
    page = explore(settings, **QUIET)
    open_drawer(page)
    keys = page.locator("[data-testid=stSidebar] .stElementContainer[class*=st-key-]").evaluate_all(
        "nodes => nodes.map((node) => node.className.match(/st-key-([\\w-]+)/)[1])")  # fmt: skip
    assert len(keys) > 12
    names = {re.sub(r"-\d+$", "", key) for key in keys}  # the number is how often it was made
    assert names <= {key.replace(".", "-") for key, _ in CASES} | ELSEWHERE


def test_a_range_that_does_not_go_with_a_token_gives_way_and_the_page_says_so(explore):
    page = explore(ACTIVE, **QUIET)
    pick(page, "activations.kind", "Per token, live")
    is_now(page, ACTIVE.replace(activations="int4-asym-token-minmax"), **QUIET)
    notice = page.locator(".st-key-notice-bad-problem")
    assert "min–max is used" in notice.inner_text()
    page.go_back()
    is_now(page, ACTIVE, **QUIET)
    assert notice.count() == 0


def test_a_refused_value_leaves_everything_as_it_was(explore):
    page = explore(BASE, **QUIET)
    open_drawer(page)
    enter(page, "layer_bits", "1z")
    notice = page.locator(".st-key-notice-bad-problem")
    notice.wait_for()
    assert "'1' is no number of bits" in notice.inner_text()
    is_now(page, BASE, **QUIET)
    field = page.locator(f"{place('layer_bits')} input")
    assert field.input_value() == "1z"  # to be mended
    pick(page, "weights.format", "INT6")
    is_now(page, BASE.replace(weights="int6-sym-channel-mse"), **QUIET)
    assert notice.count() == 0
    expect(field).to_have_value("")


def test_what_is_typed_and_a_click_elsewhere_are_both_taken(explore):
    """The click takes the typed number over in passing: two choices within one redraw."""
    page = explore(BASE, **QUIET)
    page.locator(f"{place('seed')} input").fill("123")
    page.locator(place("log")).get_by_text("Log counts").click()
    pick(page, "weights.format", "INT6")
    is_now(page, BASE.replace(seed=123, weights="int6-sym-channel-mse"), **QUIET, log=True)
    expect(page.locator(f"{place('seed')} input")).to_have_value("123")


def test_numbers_beyond_what_there_is_are_refused_by_the_field(explore):
    page = explore(BASE, **QUIET)
    field = page.locator(f"{place('evaluation_samples')} input")
    assert field.get_attribute("max") == "600"
    enter(page, "evaluation_samples", 99999)
    page.locator(f"{place('evaluation_samples')} [data-testid=stNumberInputContainer]").wait_for()
    is_now(page, BASE, **QUIET)


def test_a_model_keeps_what_is_chosen_and_drops_layers_of_their_own(explore):
    own = BASE.replace(layers={3: Recipe.parse("int8-sym-channel-minmax")})
    page = explore(own, **QUIET)
    pick(page, "model", MODELS[OTHER_MODEL].title)
    other = BASE.replace(model=OTHER_MODEL)
    at(page, encode_link(other, QUIET))
    shows(page, engine(other))


def test_reset_goes_back_to_the_first_screen(app, explore):
    page = explore(BASE, pic="bytes", tab="channels")
    open_drawer(page)
    page.get_by_role("button", name="Reset all settings").click()
    is_now(page, Settings())
    assert page.url.startswith(app(APP))


def test_adjusting_takes_the_best_range_says_what_it_gained_and_is_undone(explore):
    start = BASE.replace(weights="int3-sym-tensor-minmax", activations="fp32", calibration_samples=32, evaluation_samples=100)
    page = explore(start, **QUIET)
    open_drawer(page)
    page.get_by_role("button", name="Adjust ranges").click()
    notice = page.locator(".st-key-notice-plain-adjusted")
    notice.get_by_text("Ranges adjusted").wait_for(timeout=60_000)
    from explorer import adjust

    found = adjust(start)
    assert found.settings != start
    is_now(page, found.settings, **QUIET)
    assert f"{100 * found.test_after.value:.1f} % after on test samples" in notice.inner_text()
    notice.get_by_role("button", name="Undo").click()
    is_now(page, start, **QUIET)
