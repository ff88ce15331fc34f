"""How a test sees and touches the live component on its demo page."""

import json

DEMO = "tests/browser/live_demo.py"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def show(app, page, **query):
    """Open the demo and wait for the first drawing."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    page.goto(f"{app(DEMO)}/?{asked}")
    page.wait_for_selector(".histogram canvas[data-last-draw-ms]")
    page.wait_for_selector("[data-testid=stText]", state="attached")
    return page


def echo(page) -> dict:
    return json.loads(page.locator("[data-testid=stText]").inner_text())


def wait_for_events(page, count: int) -> dict:
    page.wait_for_function(
        "count => JSON.parse(document.querySelector('[data-testid=stText]').innerText).events.length >= count", arg=count
    )
    page.wait_for_timeout(250)  # a second, unwanted one would arrive now
    said = echo(page)
    assert len(said["events"]) == count
    return said


def value(page, cell: str) -> float:
    return float(page.locator(f"[data-cell={cell}] data").evaluate("node => node.value"))


def origin(page) -> str:
    return page.locator(".origin").inner_text()


def now(page, end: str) -> float:
    return float(page.locator(f"[data-end={end}]").get_attribute("aria-valuenow"))


def settled(page, end: str, was: float) -> float:
    """The value of a handle once it differs from `was`."""
    page.wait_for_function(
        "([end, was]) => Number(document.querySelector('.stBidiComponent [data-testid]').shadowRoot"
        ".querySelector(`[data-end=${end}]`).getAttribute('aria-valuenow')) !== was", arg=[end, was])
    return now(page, end)


def grip(page, end: str) -> tuple[float, float]:
    """The middle of a handle, in the page's pixels."""
    box = page.locator(f"[data-end={end}]").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def press(page, end: str) -> tuple[float, float]:
    x, y = grip(page, end)
    page.mouse.move(x, y)
    page.mouse.down()
    return x, y


def bar_at(page, index: int) -> dict:
    """Where to click for bar `index`, relative to the plot."""
    box = page.locator("[role=option]").nth(index).bounding_box()
    plot = page.locator(".bars .plot").bounding_box()
    return {"x": box["x"] + box["width"] / 2 - plot["x"], "y": plot["height"] / 2}


def swipe(page, start, by, steps=8):
    """A finger put down at `start`, moved by `by` and lifted."""
    session = page.context.new_cdp_session(page)
    x, y = start
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, steps + 1):
        point = {"x": x + by[0] * step / steps, "y": y + by[1] * step / steps}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        page.wait_for_timeout(16)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def scrolled(page) -> float:
    return page.locator("[data-testid=stMain]").evaluate("node => node.scrollTop")


def inked(page, name: str) -> int:
    """How many distinct colours the canvas shows."""
    return page.locator(f".{name} canvas").evaluate(
        """canvas => { const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set(); new Uint32Array(data.buffer).forEach((pixel) => seen.add(pixel)); return seen.size; }"""
    )
