"""What the hand does: what is drawn follows it, and what is sent arrives once."""

import statistics

import pytest
from live_page import PHONE, bar_at, echo, grip, now, origin, press, scrolled, settled, show, swipe, value, wait_for_events


@pytest.mark.parametrize("fragment", [0, 1])
def test_click_on_a_bar_selects_its_layer_in_one_run(app, page, fragment):
    show(app, page, fragment=fragment)
    page.locator(".bars .plot").click(position=bar_at(page, 4))
    said = wait_for_events(page, 1)
    assert said["events"][0]["layer"]["layer"] == 4
    assert said["result"]["layer"]["layer"] == 4
    assert said["runs"] == 2
    assert page.locator(".histogram .title").inner_text().startswith("blocks.1.depthwise")
    assert page.locator("[role=option]").nth(4).get_attribute("aria-selected") == "true"


@pytest.mark.parametrize(
    ("query", "dx", "close"),
    [
        ({"bits": 4}, -150, 0.02),
        ({"bits": 8}, -60, 0.02),
        ({"scheme": "float"}, -120, 0.03),
        ({"scheme": "asym", "bits": 4}, -140, 0.05),
        ({"scheme": "asym", "bits": 10}, -140, 0.05),
        ({"bits": 4, "rows": 1}, -150, 0.02),
    ],
)
def test_drag_previews_the_error_and_sends_the_range_once(app, page, query, dx, close):
    show(app, page, **query)
    assert origin(page) == "exact"
    assert value(page, "total") == echo(page)["mse"]
    x, y = press(page, "high")
    for step in range(1, 11):
        page.mouse.move(x + dx * step / 10, y)
    page.wait_for_timeout(100)
    assert origin(page) == "preview"
    preview = value(page, "total")
    assert preview == pytest.approx(value(page, "rounding") + value(page, "clipping"))
    assert echo(page)["events"] == []
    page.mouse.up()
    said = wait_for_events(page, 1)
    sent = said["events"][0]["range"]
    assert sent["layer"] == 1
    assert said["result"]["range"] == sent
    assert said["runs"] == 2
    assert all(float(f"{sent[end]:.4g}") == sent[end] for end in ("low", "high"))
    assert sent["low"] < 0 < sent["high"]
    if query.get("scheme") != "asym":
        assert sent["low"] == -sent["high"]
    if not query.get("rows"):
        assert preview == pytest.approx(said["mse"], rel=close)
    assert origin(page) == "exact"
    assert value(page, "total") == said["mse"]


def test_asymmetric_lines_move_alone_and_keep_zero_between_them(app, page):
    show(app, page, scheme="asym")
    before = now(page, "high")
    x, y = press(page, "low")
    page.mouse.move(x + 2000, y, steps=4)
    page.mouse.up()
    sent = wait_for_events(page, 1)["events"][0]["range"]
    assert sent["low"] == 0
    assert sent["high"] == pytest.approx(before, rel=1e-3)


def test_drag_on_the_curve_drags_the_clip_lines(app, page):
    show(app, page)
    x, y = press(page, "threshold")
    page.mouse.move(x - 120, y, steps=5)
    page.wait_for_timeout(100)
    assert now(page, "high") == now(page, "threshold") == -now(page, "low")
    page.mouse.up()
    said = wait_for_events(page, 1)
    assert said["high"] == said["events"][0]["range"]["high"] < 1


def test_a_drag_is_drawn_within_two_frames(app, page):
    show(app, page, bits=8)
    x, y = press(page, "high")
    canvas = page.locator(".histogram canvas")
    times = []
    for step in range(30):
        page.mouse.move(x - 4 * step - 4, y)
        page.wait_for_timeout(20)
        times.append(float(canvas.get_attribute("data-last-input-ms")))
    page.mouse.up()
    print(f"input to drawn: median {statistics.median(times):.1f} ms, largest {max(times):.1f} ms; "
          f"drawing alone {canvas.get_attribute('data-last-draw-ms')} ms")
    assert statistics.median(times) <= 33


def test_an_answer_during_a_drag_does_not_snatch_the_line(app, page):
    show(app, page)
    x, y = press(page, "high")
    page.mouse.move(x - 60, y, steps=3)
    page.mouse.up()
    x, y = press(page, "high")
    page.mouse.move(x - 60, y, steps=3)
    page.wait_for_timeout(50)
    held = now(page, "high")
    wait_for_events(page, 1)
    assert now(page, "high") == held
    assert origin(page) == "preview"
    page.mouse.up()
    said = wait_for_events(page, 2)
    assert said["events"][1]["range"]["high"] == said["high"] == held
    assert origin(page) == "exact"


def test_nothing_is_sent_twice_or_without_a_change(app, page):
    show(app, page)
    press(page, "high")
    page.mouse.up()
    page.wait_for_timeout(400)
    assert echo(page)["events"] == []
    page.locator(".bars .plot").click(position=bar_at(page, 2))
    wait_for_events(page, 1)
    page.get_by_role("button", name="run again").click()
    page.wait_for_function("JSON.parse(document.querySelector('[data-testid=stText]').innerText).runs === 3")
    said = wait_for_events(page, 1)
    assert said["result"] == {"layer": None, "range": None}


def test_escape_and_the_same_value_again(app, page):
    show(app, page)
    before = now(page, "high")
    x, y = press(page, "high")
    page.mouse.move(x - 80, y, steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    page.wait_for_timeout(400)
    assert now(page, "high") == before
    assert echo(page)["events"] == []


def test_clip_line_by_keyboard(app, page):
    show(app, page)
    handle = page.get_by_role("slider", name="Upper clip line")
    before = now(page, "high")
    handle.focus()
    page.keyboard.press("ArrowLeft")
    one = settled(page, "high", before)
    page.keyboard.press("Shift+ArrowLeft")
    ten = settled(page, "high", one)
    assert one - ten == pytest.approx(10 * (before - one), rel=0.02)
    assert "SQNR" in handle.get_attribute("aria-valuetext")
    assert "preview" in handle.get_attribute("aria-valuetext")
    said = wait_for_events(page, 1)
    assert said["events"][0]["range"]["high"] == now(page, "high")
    assert handle.evaluate("node => node.getRootNode().activeElement === node")
    page.keyboard.press("End")
    assert settled(page, "high", said["high"]) == pytest.approx(float(handle.get_attribute("aria-valuemax")), rel=1e-3)
    most = now(page, "high")
    page.keyboard.press("Home")
    assert 0 < settled(page, "high", most) < 0.1
    wait_for_events(page, 2)


def test_layers_by_keyboard_ask_for_the_one_they_stop_at(app, page):
    show(app, page, layers=60)
    options = page.get_by_role("option")
    assert options.count() == 60
    assert page.locator("[role=option][tabindex='0']").count() == 1
    page.locator("[role=option][tabindex='0']").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    said = wait_for_events(page, 1)
    assert said["events"][0]["layer"]["layer"] == 4
    assert "blocks.1.depthwise, depthwise" in options.nth(4).get_attribute("aria-label")
    page.keyboard.press("End")
    assert wait_for_events(page, 2)["events"][1]["layer"]["layer"] == 59


def test_touch_drags_sideways_and_scrolls_up_and_down(app, open_page):
    page = show(app, open_page(**PHONE))
    page.locator(".histogram").scroll_into_view_if_needed()
    box = page.locator("[data-end=high]").bounding_box()
    assert box["width"] >= 24 and box["height"] >= 24
    swipe(page, grip(page, "high"), (-70, 4))
    sent = wait_for_events(page, 1)["events"][0]["range"]
    assert sent["low"] == -sent["high"] and sent["high"] < 1.4
    before = scrolled(page)
    swipe(page, grip(page, "high"), (0, -200))
    page.wait_for_timeout(400)
    assert scrolled(page) > before
    assert page.locator(".live.dragging").count() == 0
    wait_for_events(page, 1)
    swipe(page, (grip(page, "high")[0] - 60, grip(page, "high")[1]), (0, 150))
    page.wait_for_timeout(400)
    wait_for_events(page, 1)


def test_touch_chooses_a_bar(app, open_page):
    page = show(app, open_page(**PHONE), layers=60)
    where = bar_at(page, 30)
    plot = page.locator(".bars .plot").bounding_box()
    page.touchscreen.tap(plot["x"] + where["x"], plot["y"] + where["y"])
    assert wait_for_events(page, 1)["events"][0]["layer"]["layer"] == 30
