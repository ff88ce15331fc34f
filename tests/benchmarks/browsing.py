"""A headless Chromium in front of the page, and a clock that runs in it."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from conftest import DESKTOP, FLAGS, installed_chromium  # noqa: E402
from server import free_port, start_server, wait_until_healthy  # noqa: E402

PATIENCE = 120_000  # milliseconds

# From the key press on, in milliseconds: `last`, the last new pixels, whether the document changed or a
# canvas inside a component's shadow root was drawn; `report`, the first canvas drawn once the sentence
# says `text`; `whole`, the last new pixels when the metric was there and the script had ended.
CLOCK = """
(text) => {
  window.tick?.stop();
  const state = (name) => document.querySelector('[data-testid=stApp]').dataset[name];
  const said = () => document.querySelector('.sentence')?.innerText.includes(text);
  const measured = () => [...document.querySelectorAll('.figure-origin')].some(({ innerText }) => innerText.startsWith('measured'));
  const tick = { start: null, last: 0, report: null, whole: null, ran: 0 };
  const since = () => performance.now() - tick.start;
  const seen = (drawn) => requestAnimationFrame(() => {
    if (tick.start === null) return;
    tick.last = since();
    if (drawn && said()) tick.report ??= tick.last;
  });
  const page = new MutationObserver(() => { seen(false); canvases(); });
  page.observe(document.body, { childList: true, subtree: true, characterData: true });
  const drawing = new MutationObserver(() => seen(true));
  const canvases = () => document.querySelectorAll('.stBidiComponent [data-testid]').forEach(({ shadowRoot }) =>
    shadowRoot && drawing.observe(shadowRoot, { subtree: true, attributeFilter: ['data-last-draw-ms'] }));
  canvases();
  const run = new MutationObserver(() => { if (tick.start !== null) tick.ran = since(); });
  run.observe(document.querySelector('[data-testid=stApp]'), { attributeFilter: ['data-test-script-state'] });
  const started = (event) => { if (event.key === 'Enter') tick.start = performance.now(); };
  addEventListener('keydown', started, true);
  const timer = setInterval(() => {
    if (tick.start === null) return;
    const quiet = tick.last > 0 && since() - Math.max(tick.last, tick.ran) > 120;  // what came last may still wait to be drawn
    if (quiet && said() && measured() && state('testScriptState') === 'notRunning') tick.whole ??= tick.last;
  }, 10);
  tick.stop = () => { page.disconnect(); drawing.disconnect(); run.disconnect(); clearInterval(timer); removeEventListener('keydown', started, true); };
  window.tick = tick;
}
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed_chromium(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def page_and_browser(script: Path = ROOT / "components" / "app.py") -> Iterator[tuple[str, Browser]]:
    """(address of the running page, browser)."""
    log = Path(tempfile.mkdtemp()) / "log.txt"
    server, url = start_server(script, log)
    try:
        wait_until_healthy(server, url, log)
        with chromium() as browser:
            yield url, browser
    finally:
        server.terminate()
        server.wait()


def opened(browser: Browser, address: str) -> Page:
    """The page once its metric is measured and it has come to rest."""
    page = browser.new_context(**DESKTOP).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.get_by_text("measured here").first.wait_for()
    rest(page)
    return page


def rest(page: Page) -> None:
    """Wait until nothing is running, waited for or filling in, for a second on end."""
    page.evaluate("window.busy = performance.now()")
    page.wait_for_function(
        """() => {
          const running = document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'notRunning';
          if (running || document.querySelector('.stProgress')) window.busy = performance.now();
          return performance.now() - window.busy > 1000;
        }"""
    )
