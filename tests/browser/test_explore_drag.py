"""A clip line on the real page: dragged by mouse, keyboard or finger, the layer gets a range of its own and the engine's numbers."""

import pytest
from explore_page import BASE, PATIENT, QUIET, at, drawn, engine, is_now, shows, visit
from live_page import PHONE, grip, now, origin, press, swipe, value
from playwright.sync_api import expect
from test_explore_first import error_of

from explorer import Settings, encode_link
from explorer.recipe import Recipe

LAYER = 4
TENSOR = BASE.replace(weights="int4-sym-tensor-minmax")
ASYM = BASE.replace(weights="int4-asym-tensor-minmax")


def with_range(settings: Settings, range: str) -> Settings:
    return settings.replace(layers={LAYER: Recipe.parse(str(settings.weights)).replace(range=range)})


def plain(number: float) -> str:
    """As a link writes it: no exponent, no trailing zeros."""
    return f"{abs(number):.8f}".rstrip("0").rstrip(".")


def settled(page) -> None:
    """Wait until what was asked to be drawn is: the sliders' values are written with the frame."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def asked(page, settings: Settings) -> Settings:
    """The settings that the clip lines, let go where they stand, ask for."""
    settled(page)
    low, high = now(page, "low"), now(page, "high")
    return with_range(settings, f"abs{plain(high)}" if settings.weights.scheme == "sym" else f"lo{plain(low)}hi{plain(high)}")


def took(page, wanted: Settings) -> None:
    """The page, its address and the engine agree on the range that the layer now has."""
    is_now(page, wanted, sel=LAYER, **QUIET)
    expect(page.locator(".origin")).to_have_text("exact", timeout=PATIENT)
    assert value(page, "total") == pytest.approx(error_of(wanted, LAYER), rel=1e-5)
    assert engine(wanted).stamp != engine(wanted.replace(layers=())).stamp


@pytest.mark.parametrize(("start", "end"), [(TENSOR, "high"), (TENSOR, "low"), (ASYM, "low"), (ASYM, "high"), (TENSOR, "threshold")],
                         ids=["sym-high", "sym-low", "asym-low", "asym-high", "curve"])  # fmt: skip
def test_dragged_by_mouse_and_undone(explore, start, end):
    page = explore(start, sel=LAYER, **QUIET)
    before = now(page, "low"), now(page, "high")
    x, y = press(page, end)
    page.mouse.move(x + (70 if end == "low" else -70), y, steps=6)
    expect(page.locator(".origin")).to_have_text("preview")
    at(page, encode_link(start, {"sel": LAYER, **QUIET}))  # nothing is sent before the hand lets go
    page.mouse.up()
    wanted = asked(page, start)
    assert (now(page, "low"), now(page, "high")) != before
    if start is ASYM:
        kept = "high" if end == "low" else "low"
        assert now(page, kept) == pytest.approx(before[kept == "high"], rel=1e-3)
    took(page, wanted)
    page.get_by_role("button", name="Undo this layer's range").click()
    is_now(page, start, sel=LAYER, **QUIET)
    expect(page.get_by_role("button", name="Undo this layer's range")).to_have_count(0)
    drawn(page)
    assert (now(page, "low"), now(page, "high")) == pytest.approx(before)


def test_moved_by_keyboard(explore):
    page = explore(TENSOR, sel=LAYER, **QUIET)
    line = page.get_by_role("slider", name="Upper clip line")
    line.focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")  # lets go at once
    took(page, asked(page, TENSOR))
    assert "exact" in line.get_attribute("aria-valuetext")
    assert line.evaluate("node => node.getRootNode().activeElement === node"), "the answer took the focus away"
    spoken = page.locator(".live .said")
    expect(spoken).to_contain_text("Mean squared error")
    page.go_back()
    is_now(page, TENSOR, sel=LAYER, **QUIET)
    expect(spoken).to_be_empty()  # it is not true any more


def test_dragged_by_finger(app, open_page):
    page = visit(open_page(**PHONE), app("components/app.py"), TENSOR, sel=LAYER, **QUIET)
    drawn(page)
    page.locator(".histogram").scroll_into_view_if_needed()
    swipe(page, grip(page, "high"), (-50, 3))
    took(page, asked(page, TENSOR))


def test_a_second_layer_keeps_the_first_ones_range(explore):
    own = with_range(TENSOR, "abs0.9")
    page = explore(own, sel=1, **QUIET)
    line = page.get_by_role("slider", name="Upper clip line")
    line.focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    settled(page)
    wanted = own.replace(layers={**dict(own.layers), 1: TENSOR.weights.replace(range=f"abs{plain(now(page, 'high'))}")})
    is_now(page, wanted, sel=1, **QUIET)
    assert "2 layers with their own recipes" in page.locator(".sentence").inner_text()


def test_escape_leaves_the_range_as_it_was(explore):
    page = explore(TENSOR, sel=LAYER, **QUIET)
    before = now(page, "high")
    x, y = press(page, "high")
    page.mouse.move(x - 60, y, steps=4)
    expect(page.locator(".origin")).to_have_text("preview")
    page.keyboard.press("Escape")
    page.mouse.up()
    settled(page)
    assert now(page, "high") == before
    assert origin(page) == "exact"
    shows(page, engine(TENSOR))


def test_a_plain_cast_has_no_line_to_drag_and_says_why(explore):
    page = explore(BASE.replace(weights="bf16"))
    expect(page.locator(".histogram .note")).to_contain_text("A plain cast has no range")
    assert page.get_by_role("slider", name="clip line").count() == 0
