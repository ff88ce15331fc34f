"""How long it takes from changing a picker to the new pixels of the whole page.

Run: python tests/benchmarks/bench_page.py. It starts the page and a headless Chromium, and turns the
range of the weights to and fro; every setting is new to the cache. The clock runs in the browser,
from the key that chooses the option to the last change of the document, the canvases included.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from conftest import DESKTOP, FLAGS, installed_chromium, start_server, wait_until_healthy  # noqa: E402

TICKS = 9
ALLOWED = {"digits": 150, "fashion": 300}  # milliseconds, on two cores with nothing else to do
LINK = "/?v=1&m={model}&w=int8-sym-channel-p99.9&a=int8-asym-tensor-minmax&alg=none&cal=256&n=1000&seed=0&acc=exact&hw=here&tab=worked"

# Milliseconds from the change to the last mutation before `quiet` ms without one.
WATCH = """
() => {
  window.tick = {start: performance.now(), last: 0, done: 0};
  new MutationObserver(() => {
    requestAnimationFrame(() => { window.tick.last = performance.now(); });
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
}
"""
SETTLED = """
(text) => document.querySelector('.sentence')?.innerText.includes(text)
  && document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning'
  && [...document.querySelectorAll('.stMarkdownBadge')].some(badge => badge.innerText.startsWith('measured'))
  && performance.now() - window.tick.last > 120
"""


def tick(page: Page, percent: float) -> float:
    """Type another percentile and wait for the page to settle, in milliseconds."""
    box = page.get_by_role("spinbutton", name="Percent kept")
    box.fill(f"{percent:g}")
    page.evaluate(WATCH)
    box.press("Enter")
    page.wait_for_function(SETTLED, arg=f"{percent:g}", timeout=60_000, polling=20)
    return page.evaluate("window.tick.last - window.tick.start")


def main() -> None:
    log = Path(tempfile.mkdtemp()) / "log.txt"
    server, url = start_server(ROOT / "components" / "app.py", log)
    try:
        wait_until_healthy(server, url, log)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=installed_chromium(), args=FLAGS)
            for model, allowed in ALLOWED.items():
                page = browser.new_context(**DESKTOP).new_page()
                page.goto(url + LINK.format(model=model))
                page.get_by_text("measured here").first.wait_for(timeout=60_000)
                times = [tick(page, 99.8 - i / 100) for i in range(TICKS + 1)][1:]
                print(f"{model:8} picker → pixels of the whole page: median {statistics.median(times):4.0f} ms, "
                      f"fastest {min(times):4.0f}, slowest {max(times):4.0f} (at most {allowed})", flush=True)  # fmt: skip
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
