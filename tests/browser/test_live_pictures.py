"""What the eye and the screen reader get: every width and theme, alt texts, tips, cases without a range."""

import pytest
from live_page import echo, grip, inked, press, show, value, wait_for_events


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_fits_and_draws_at_every_width_and_theme(app, open_page, width, scheme):
    page = show(app, open_page(viewport={"width": width, "height": 900}, color_scheme=scheme), layers=60)
    page.wait_for_timeout(300)
    assert all(inked(page, name) > 8 for name in ("bars", "histogram", "curve"))
    board = page.locator(".board").bounding_box()
    assert board["x"] >= 0 and board["x"] + board["width"] <= width
    histogram, curve = page.locator("figure.histogram").bounding_box(), page.locator("figure.curve").bounding_box()
    assert (curve["y"] > histogram["y"] + 100) == (width == 390)
    text = page.locator(".title").first.evaluate("node => getComputedStyle(node).color")
    assert (min(map(int, text[4:-1].split(",")[:3])) > 128) == (scheme == "dark")
    smallest = page.locator(".live").evaluate(
        "root => Math.min(...[...root.querySelectorAll('*')].map((node) => parseFloat(getComputedStyle(node).fontSize)))"
    )
    assert smallest >= 12


def test_a_range_that_cannot_be_dragged_says_why(app, page):
    show(app, page, locked=1)
    assert page.get_by_role("slider").count() == 0
    assert "choose a range method" in page.locator(".note").inner_text()


def test_a_plain_cast_has_no_range_and_no_curve(app, page):
    show(app, page, scheme="cast")
    assert page.get_by_role("slider").count() == 0
    assert not page.locator("figure.curve").is_visible()
    assert value(page, "total") == echo(page)["mse"]


def test_hover_tells_value_count_and_code(app, page):
    show(app, page, bits=4)
    plot = page.locator(".histogram .plot").bounding_box()
    low, high = grip(page, "low")[0] + 9, grip(page, "high")[0] - 9
    page.mouse.move((low + high) / 2, plot["y"] + 80)
    tip = page.locator(".tip")
    assert "round to 0 (code 0)" in tip.inner_text()
    page.mouse.move(high - 2, plot["y"] + plot["height"] - 40)
    page.mouse.move((low + 6 * high) / 7, plot["y"] + 80)
    assert "(code 5)" in tip.inner_text()
    page.mouse.move(plot["x"], plot["y"] - 60)
    assert not tip.is_visible()


def test_names_are_text_and_nothing_else(app, page):
    show(app, page, name="%3Cimg%20src=x%20onerror=alert(1)%3E{count}")
    assert page.locator(".histogram .title").inner_text().startswith("<img src=x onerror=alert(1)>{count}")
    assert page.locator(".live img").count() == 0


def test_figures_speak(app, page):
    show(app, page)
    for alt in ("Weight SQNR of 10 layers", "Histogram of the weights", "Error of blocks.0.depthwise"):
        assert page.get_by_role("figure", name=alt).count() == 1
    assert page.get_by_role("listbox", name="Weight SQNR").count() == 1
    x, y = press(page, "high")
    page.mouse.move(x - 50, y, steps=3)
    page.mouse.up()
    wait_for_events(page, 1)
    assert page.locator("[role=status].said").inner_text().startswith("Mean squared error")


def test_missing_words_are_named():
    from components.live import live

    with pytest.raises(ValueError, match="lacks the words bar, bars_title"):
        live({"words": {}}, key="none")
