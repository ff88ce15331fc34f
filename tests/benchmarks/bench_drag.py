"""Drag a clip line of the page's histogram: from the event of the hand to the picture drawn, in the browser."""

from collections.abc import Iterator

from tests.benchmarks.browsing import opened, page_and_browser
from tests.benchmarks.timing import Row, milliseconds

STEPS = 40


def rows() -> Iterator[Row]:
    with page_and_browser() as (url, browser):
        page = opened(browser, url + "/?v=1&m=fashion&w=int8-sym-tensor-minmax&tab=worked")
        handle, canvas = page.locator("[data-end=high]"), page.locator(".histogram canvas")
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        times = []
        for step in range(1, STEPS + 1):
            page.mouse.move(x - 4 * step, y)
            page.wait_for_timeout(50)
            times.append(float(canvas.get_attribute("data-last-input-ms")))
        page.mouse.up()
        yield milliseconds("drag a clip line → drawn", times, 33)
