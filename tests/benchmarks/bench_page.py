"""How long it takes from changing a picker to the new pixels of the page.

Another percentile is typed into the page; every one is new to the cache. The clock runs in the browser,
from the key to the last change of the document or drawing on a canvas (see browsing.CLOCK). The default
tab goes on to fill in the accuracy at nine bit widths: its whole page has the metric and the first points.
"""

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from explorer.models import MODELS
from tests.benchmarks.browsing import CLOCK, opened, page_and_browser, rest
from tests.benchmarks.timing import Row, milliseconds

TICKS = 7
STARTS = 99.8, 99.6  # of the percentiles: what one tab computed is known to the other
LINK = "/?v=1&m={model}&w=int8-sym-channel-p99.9&a=int8-asym-tensor-minmax&alg=none&cal={cal}&n={n}&seed=0&acc=exact&hw=here"
WHOLE = {"digits": 150, "fashion": 300, "fashion-resnet": 500, "gpt-shakespeare": 500}  # milliseconds
TABS = {"&tab=worked": "worked weights", "": "the default tab"}
REPORT = {"efficientnet-lite0": 300}


def rows() -> Iterator[Row]:
    with page_and_browser(Path(__file__).with_name("bare_page.py")) as (url, browser):
        page = opened(browser, url)
        yield milliseconds("a bare page of one field and one line: Streamlit's own part of a tick", _ticks(page, "whole", STARTS[0]), None)
    with page_and_browser() as (url, browser):
        for model, allowed in WHOLE.items():
            for start, (tab, name) in zip(STARTS, TABS.items()):
                page = opened(browser, url + LINK.format(model=model, cal=256, n=MODELS[model].test_size) + tab)
                yield milliseconds(f"{model}, picker → new pixels of the whole page with {name}", _ticks(page, "whole", start), allowed)
                page.context.close()
        for model, allowed in REPORT.items():
            page = opened(browser, url + LINK.format(model=model, cal=32, n=25) + "&tab=worked")
            yield milliseconds(f"{model}, picker → weights' report and pictures drawn, metric to follow", _ticks(page, "report", STARTS[0]), allowed)
            page.context.close()


def _ticks(page: Page, until: str, start: float) -> list[float]:
    return [tick(page, start - i / 100, until) for i in range(TICKS + 1)][1:]


def tick(page: Page, percent: float, until: str) -> float:
    """Type another percentile; milliseconds from the key until `until`, a field of browsing.CLOCK."""
    text = f"percentile {percent:g} "
    box = page.get_by_role("spinbutton", name="Percent kept")
    page.evaluate(CLOCK, text)
    box.fill(f"{percent:g}")
    while box.input_value() != f"{percent:g}":  # a rerun between the two wipes out what was typed
        rest(page)
        box.fill(f"{percent:g}")
    box.press("Enter")
    page.wait_for_function("(name) => window.tick[name] !== null", arg=until, polling=50)
    took = page.evaluate("(name) => window.tick[name]", until)
    rest(page)
    return took
