"""Accuracy against bits and against cost: what the two pictures show and say, and that a click, a tap or a key goes to a point."""

import pytest
from explore_page import APP, BASE, PATIENT, drawn, engine, is_now, percent, place, visit
from live_page import PHONE, inked
from playwright.sync_api import Locator, expect
from test_explore_sizes import fits

from explorer.presets import PRESETS, apply

FOUR = BASE.replace(weights="int4-sym-channel-mse")


def pictures(page):
    """The page once every bit width is there and nothing moves any more."""
    every = page.get_by_role("figure", name="9 bit widths")
    slow = page.get_by_role("button", name="Measure all bit widths")  # offered where evaluating takes long
    expect(every.or_(slow)).to_be_visible(timeout=PATIENT)
    if slow.is_visible():
        slow.click()
    expect(page.locator(".widths [role=option]")).to_have_count(9, timeout=PATIENT)
    drawn(page)
    return page


def point(page, picture: str, name: str) -> Locator:
    return page.locator(f".{picture} [role=option][aria-label^='{name}: ']")


def middle(option: Locator) -> tuple[float, float]:
    """Where a point is in the window."""
    option.evaluate("node => node.scrollIntoView({ block: 'center' })")
    box = option.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_both_pictures_are_drawn_and_name_every_bit_width(explore):
    page = pictures(explore(BASE))
    for picture, name in (("widths", "9 bit widths"), ("scatter", "9 points by size")):
        assert inked(page, picture) > 8
        alt = page.get_by_role("figure", name=name).get_attribute("aria-label")
        for bits in (*range(2, 9), 16):
            metric = engine(BASE.replace(weights=f"int{bits}-sym-channel-mse")).metric
            assert f"{bits} bits: {percent(metric.value)} ({percent(metric.low)} to {percent(metric.high)})" in alt
        chosen = page.locator(f".{picture} [role=option][aria-selected=true]")
        assert chosen.get_attribute("aria-label").startswith("5 bits: ")
    assert page.locator(".points .chart-title").all_inner_texts() == [
        "Accuracy and size against bits of the weights, all else as chosen measured here exact",
        "Accuracy against size: bit widths and presets measured here exact",
    ]


@pytest.mark.parametrize("picture", ["widths", "scatter"])
def test_a_point_tells_its_numbers_and_a_click_goes_there(explore, picture):
    page = pictures(explore(BASE))
    four = point(page, picture, "4 bits")
    page.mouse.move(*middle(four))
    hint = page.locator(".points .hint")
    assert hint.inner_text() == four.get_attribute("aria-label")
    assert page.locator(f".{picture} .plot").evaluate("node => node.style.cursor") == "pointer"
    page.mouse.click(*middle(four))
    is_now(page, FOUR)
    assert page.locator(f"{place('weights.format')} input").input_value() == "INT4"
    expect(four).to_have_attribute("aria-selected", "true", timeout=PATIENT)
    page.mouse.move(0, 0)
    expect(hint).to_be_hidden()
    page.go_back()
    is_now(page, BASE)


def test_a_bar_counts_as_its_point_and_an_empty_place_as_none(explore):
    page = pictures(explore(BASE))
    plot = page.locator(".widths .plot")
    x, y = middle(point(page, "widths", "4 bits"))
    box = plot.bounding_box()
    page.mouse.click(x + 60, y + 60)
    page.wait_for_timeout(500)
    is_now(page, BASE)
    page.mouse.click(x, box["y"] + box["height"] - 45)
    is_now(page, FOUR)
    page.go_back()
    is_now(page, BASE)


def test_points_are_walked_by_arrows_and_taken_by_enter(explore):
    page = pictures(explore(BASE))
    point(page, "scatter", "5 bits").focus()
    page.keyboard.press("ArrowLeft")
    four = point(page, "scatter", "4 bits")
    expect(four).to_be_focused()
    assert four.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
    assert page.locator(".points .hint").inner_text() == four.get_attribute("aria-label")
    page.keyboard.press("End")
    expect(point(page, "scatter", "FP32 weights")).to_be_focused()
    page.keyboard.press("Home")
    expect(point(page, "scatter", "2 bits")).to_be_focused()
    assert page.locator(".scatter [role=option][tabindex='0']").count() == 1
    four.focus()
    page.keyboard.press("Enter")
    is_now(page, FOUR)
    page.go_back()
    is_now(page, BASE)


def test_presets_come_on_request_and_can_be_gone_to(explore):
    page = pictures(explore(BASE))
    legend = page.locator(".scatter .legend")
    assert legend.inner_text() == "bits of the weights"
    page.get_by_role("button", name="Add the presets").click()
    preset = point(page, "scatter", PRESETS["mxfp4"].title)
    expect(preset).to_be_attached(timeout=2 * PATIENT)
    assert "presets" in legend.inner_text()
    expect(page.locator(".stProgress")).to_have_count(0, timeout=2 * PATIENT)
    preset.focus()
    page.keyboard.press("Enter")
    is_now(page, apply(BASE, "mxfp4"))
    page.go_back()
    is_now(page, BASE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_everything_fits_and_a_tap_goes_there(app, open_page, scheme):
    page = pictures(visit(open_page(**PHONE, color_scheme=scheme), app(APP), BASE))
    fits(page)
    for picture in ("widths", "scatter"):
        box = page.locator(f".{picture} canvas").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["width"] > 300 and inked(page, picture) > 8
    page.touchscreen.tap(*middle(point(page, "scatter", "4 bits")))
    is_now(page, FOUR)
    fits(page)
