"""On a phone and a wide screen, in the dark, without a mouse, and read aloud."""

import re

import pytest
from explore_page import APP, BASE, PATIENT, drawn, engine, is_now, pick, place, shows, visit
from live_page import PHONE, inked
from playwright.sync_api import expect

from explorer import Settings

CONTRAST = """
(node) => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const ground = (at) => {
    for (let n = at; n; n = n.parentElement ?? n.getRootNode().host) {
      const color = rgba(getComputedStyle(n).backgroundColor);
      if (color[3] > 250) return color;
    }
    return [255, 255, 255, 255];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const [a, b] = [light(rgba(getComputedStyle(node).color)), light(ground(node))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
"""

EXTREMES = """
(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let [least, most] = [255, 0];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] < 250) continue;
    const light = (data[i] + data[i + 1] + data[i + 2]) / 3;
    [least, most] = [Math.min(least, light), Math.max(most, light)];
  }
  return [least, most];
}
"""


def fits(page) -> None:
    """Nothing makes the page scroll sideways."""
    wide = page.evaluate("""() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
        .map((node) => node.scrollWidth - node.clientWidth)""")  # fmt: skip
    assert wide == [0, 0]


def test_on_a_phone_everything_is_reached_and_nothing_scrolls_sideways(app, open_page):
    page = visit(open_page(**PHONE), app(APP), BASE)
    drawn(page)
    fits(page)
    for picture in ("bars", "histogram", "curve"):
        canvas = page.locator(f".{picture} canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["width"] > 300
        assert inked(page, picture) > 5
    page.get_by_role("radio", name="Layer table").click()
    expect(page.get_by_role("region", name="Table of 6 layers")).to_be_visible(timeout=PATIENT)
    fits(page)
    assert not page.locator(place("weights.format")).is_visible() or page.locator(place("weights.format")).bounding_box()["x"] < 0
    page.locator("[data-testid=stExpandSidebarButton]").click()
    pick(page, "weights.format", "INT4")
    is_now(page, BASE.replace(weights="int4-sym-channel-mse"), tab="layers")
    page.locator("[data-testid=stSidebarCollapseButton]").get_by_role("button").click()
    fits(page)


def test_on_a_wide_screen_the_first_result_needs_no_scrolling(app, open_page):
    page = visit(open_page(viewport={"width": 1920, "height": 1080}), app(APP), BASE)
    drawn(page)
    fits(page)
    for picture in ("bars", "histogram", "curve"):
        box = page.locator(f".{picture} canvas").bounding_box()
        assert box["y"] + box["height"] < 1080 and box["x"] + box["width"] < 1920


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_the_light_and_in_the_dark(app, open_page, scheme):
    page = visit(open_page(color_scheme=scheme), app(APP), BASE, tab="channels")
    drawn(page)
    ground = page.locator("[data-testid=stApp]").evaluate("node => getComputedStyle(node).backgroundColor")
    lightness = sum(map(int, re.findall(r"\d+", ground)[:3]))
    assert lightness > 700 if scheme == "light" else lightness < 120
    texts = [".sentence", ".figure-value", ".figure-lines", ".advice li", ".figure-origin",
             ".histogram .title", ".numbers data", ".chart-title", "[data-testid=stWidgetLabel]"]  # fmt: skip
    for text in texts:
        assert page.locator(text).first.evaluate(CONTRAST) >= 4.5, text
    for picture in ("bars", "histogram", "curve"):
        darkest, lightest = page.locator(f".{picture} canvas").evaluate(EXTREMES)
        assert darkest < 110 if scheme == "light" else lightest > 180, f"{picture} cannot be seen"


def tab_to(page, name: str, most: int = 90) -> None:
    """Press Tab until what has the focus is called `name`."""
    for _ in range(most):
        page.keyboard.press("Tab")
        said = page.evaluate("""() => {
            let node = document.activeElement;
            while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
            return node?.getAttribute('aria-label') || node?.innerText || '';
        }""")  # fmt: skip
        if said.startswith(name):
            return
    raise AssertionError(f"Tab does not reach {name!r}")


def test_pickers_bars_and_lines_are_reached_and_worked_by_keyboard(explore):
    page = explore(Settings(model="digits", weights="int5-sym-tensor-mse", activations="fp32", evaluation_samples=100))
    page.locator("[data-testid=stSidebar]").evaluate("node => node.setAttribute('tabindex', '-1') || node.focus()")
    tab_to(page, "Format")
    page.keyboard.type("INT4")
    page.keyboard.press("Enter")
    four = Settings(model="digits", weights="int4-sym-tensor-mse", activations="fp32", evaluation_samples=100)
    page.keyboard.press("Escape")
    is_now(page, four)
    tab_to(page, engine(four).layers["name"][engine(four).layers["sqnr_db"].idxmin()])
    page.keyboard.press("Home")
    is_now(page, four, sel=0)
    drawn(page)
    tab_to(page, "Lower clip line")
    before = page.locator("[data-end=low]").get_attribute("aria-valuenow")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".sentence")).to_contain_text("1 layer with its own recipe", timeout=PATIENT)
    assert page.locator("[data-end=low]").get_attribute("aria-valuenow") != before
    tab_to(page, "Clip threshold")


@pytest.mark.parametrize("tab", ["bits", "channels", "activations"])
def test_every_figure_has_a_name_with_numbers(explore, tab):
    page = explore(BASE, tab=tab if tab != "bits" else None)
    pictures = page.get_by_role("figure")
    expect(pictures).to_have_count(5 if tab == "bits" else 4, timeout=PATIENT)
    for picture in pictures.all():
        assert re.search(r"\d", picture.get_attribute("aria-label"))


def test_nothing_is_said_by_colour_alone(explore):
    page = explore(BASE)
    layers = engine(BASE).layers
    worst = page.locator(".bars [role=option]").nth(int(layers["sqnr_db"].idxmin()))
    assert worst.get_attribute("aria-label").endswith(" worst")
    assert [option.get_attribute("aria-label").endswith("worst") for option in page.locator(".bars [role=option]").all()].count(True) == 1
    assert page.locator(".figure-worst .figure-lines").inner_text() == layers["name"][layers["sqnr_db"].idxmin()]
    assert "higher is better" in page.locator("figure.bars .aside").inner_text()
    legend = page.locator("figure.histogram .legend").inner_text()
    assert all(word in legend for word in ("FP32", "quantized", "clipped"))


def test_every_figure_of_the_strip_says_where_it_comes_from(explore):
    page = explore(BASE)
    shows(page, engine(BASE))
    badges = page.locator(".figures .figure-origin").all_inner_texts()
    assert badges == ["measured here, n = 200", "exact", "exact", "exact", "exact", "predicted", "predicted"]
