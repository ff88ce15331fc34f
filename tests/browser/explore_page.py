"""How a test opens the Explore page, chooses there, and holds what it shows against the engine.

What is expected is computed by the engine in the process of the test, not read from the server's cache
(which is another folder), and is written out here, not by the page's own words.
"""

from functools import cache
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Page, TimeoutError, expect

import explorer
from explorer import Settings, encode_link
from explorer.pipeline import Result

APP = "components/app.py"
PATIENT = 30_000  # milliseconds: other work may share the machine
BASE = Settings(model="digits", weights="int5-sym-channel-mse", activations="int6-asym-tensor-minmax",
                calibration_samples=64, evaluation_samples=200)  # fmt: skip

QUIET = {"tab": "worked"}  # a closer picture for which nothing runs in the background

engine = cache(explorer.run)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace("-", "−")


def points(difference: float) -> str:
    return f"{100 * difference:+.1f} pp".replace("-", "−").replace("−0.0", "+0.0")


def decibel(value: float) -> str:
    return "exact" if value == float("inf") else f"{value:.1f} dB".replace("-", "−")


def kilobytes(count: float) -> str:
    return f"{count / 1e6:.3g} MB" if count >= 1e6 else f"{count / 1e3:.3g} kB" if count >= 1e3 else f"{count} B"


def prefixed(value: float, unit: str) -> str:
    prefix, factor = next((each for each in (("", 1), ("m", 1e-3), ("µ", 1e-6)) if value >= each[1]), ("n", 1e-9))
    return f"{value / factor:.3g} {prefix}{unit}"


def figures(result: Result) -> dict[str, str]:
    """Every text of the strip of key figures, by where it stands."""
    metric, difference, cost = result.metric, result.difference, result.cost
    worst = result.layers.loc[result.layers["sqnr_db"].idxmin()]
    exact = worst["sqnr_db"] == float("inf")
    return {
        "metric .figure-value": percent(metric.value),
        "metric .figure-lines span": f"95 %: {percent(metric.low)} to {percent(metric.high)}",
        "metric .figure-lines b": f"{points(difference.value)} from FP32 ({points(difference.low)} to {points(difference.high)})",
        "metric .figure-origin": f"measured here, n = {metric.n:,}",
        "size .figure-value": kilobytes(cost.size_bytes),
        "size .figure-lines span": f"was {kilobytes(cost.fp32_bytes)}",
        "bits-per-weight .figure-value": f"{round(cost.bits_per_weight, 3):.4g}",
        "weight-sqnr .figure-value": decibel(result.sqnr_db),
        "worst .figure-value": "—" if exact else decibel(worst["sqnr_db"]),
        "worst .figure-lines span": "" if exact else worst["name"],
        "latency .figure-value": prefixed(cost.predicted.latency.seconds, "s"),
        "energy .figure-value": prefixed(cost.predicted.energy.joules, "J"),
    }


SHOWN = """
(places) => {
  const live = document.querySelector('.stBidiComponent [data-testid]')?.shadowRoot;
  const bars = [...live?.querySelectorAll('.bars [role=option]') ?? []].map((bar) => bar.getAttribute('aria-label'));
  const words = (node) => node.querySelector('.tipped')?.firstChild.textContent ?? node.innerText;  // a tooltip may be open
  const text = (place) => [...document.querySelectorAll(`.figure-${place}`)]
    .filter((node) => node.checkVisibility()).slice(0, 1).map(words)[0]?.trim() ?? '';
  return [...places.map(text), ...bars];
}
"""
SHOWS = f"([places, wanted]) => (({SHOWN})(places)).map(cut).join('|') === wanted"


def shows(page: Page, result: Result, measure: str = "sqnr") -> None:
    """Wait until the page shows these figures, and a bar for each layer; of SQNR, of this height."""
    texts = figures(result)
    heights = ["–" if db == float("inf") else decibel(db) for db in result.layers["sqnr_db"]]
    bars = [f"{name}: {height if measure == 'sqnr' else ''}" for name, height in zip(result.layers["name"], heights, strict=True)]
    wanted = [*texts.values(), *bars]
    keep = "$1: $2" if measure == "sqnr" else "$1: "
    cut = f"const cut = (text) => text.replace(/^([^,]+), [a-z]+: (\\S+(?: dB)?).*$/, '{keep}')"
    try:
        page.wait_for_function(f"(asked) => {{ {cut}; return ({SHOWS})(asked); }}", arg=[list(texts), "|".join(wanted)], timeout=PATIENT)
    except TimeoutError:
        shown = page.evaluate(f"(places) => {{ {cut}; return ({SHOWN})(places).map(cut); }}", list(texts))
        assert shown == wanted, f"{page.url} shows {shown}, not {wanted}"
        raise


def at(page: Page, link: str) -> None:
    """Wait until the address has these fields, in this order: Streamlit writes @ as %40."""
    same = "link => `${new URLSearchParams(location.search)}` === `${new URLSearchParams(link)}`"
    try:
        page.wait_for_function(same, arg=link, timeout=PATIENT)
    except TimeoutError:
        assert parse_qsl(urlsplit(page.url).query) == parse_qsl(link.removeprefix("?"))
        raise


def is_at(page: Page, address: str) -> bool:
    here, there = urlsplit(page.url), urlsplit(address)
    return (here.netloc, here.path, parse_qsl(here.query)) == (there.netloc, there.path, parse_qsl(there.query))


def idle(page: Page) -> None:
    """Wait until no script runs and nothing shown is of a run before."""
    page.wait_for_function(
        """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-stale=true]')""", timeout=PATIENT)  # fmt: skip


def visit(page: Page, address: str, settings: Settings, **view) -> Page:
    """Open the link of these settings and wait for their result."""
    page.goto(f"{address}/{encode_link(settings, view)}")
    shows(page, engine(settings), view.get("pic", "sqnr"))
    return page


def drawn(page: Page) -> None:
    """Wait until the live pictures are drawn and answer to a hand."""
    expect(page.locator(".histogram canvas[data-last-draw-ms]")).to_be_visible(timeout=PATIENT)
    idle(page)


def is_now(page: Page, settings: Settings, **view) -> None:
    """Wait until page and address are those of these settings."""
    at(page, encode_link(settings, view))
    expect(page.locator(".sentence")).to_have_text(settings.sentence(), timeout=PATIENT)
    shows(page, engine(settings), view.get("pic", "sqnr"))


def place(key: str) -> str:
    """Where the widget of this name stands; its key ends in how often it was made, and its predecessor is hidden until a run ends."""
    return f"[class*='st-key-{key.replace('.', '-')}-']:visible"


def pick(page: Page, key: str, label: str, tries: int = 5) -> None:
    """Choose an option of a select box by what it is called. A list that a run of the script closes is opened again."""
    box = page.locator(place(key)).get_by_role("combobox")
    box.click()
    box.fill(label)
    try:
        page.get_by_role("listbox").get_by_role("option", name=label, exact=True).click(timeout=PATIENT / 6)
    except TimeoutError:
        page.keyboard.press("Escape")
        if tries == 1:
            raise
        pick(page, key, label, tries - 1)


def enter(page: Page, key: str, text) -> None:
    """Type into a number or text field."""
    field = page.locator(f"{place(key)} input")
    field.fill(str(text))
    field.press("Enter")


def open_drawer(page: Page, name: str = "advanced") -> None:
    """Open Advanced, or the algorithms, unless it is, and wait until all is there and nothing moves."""
    drawer = page.locator(f".st-key-{name} details")
    if drawer.get_attribute("open") is None:
        drawer.locator("summary").click()
        drawer.locator("input").first.wait_for(state="attached")
        idle(page)
        page.wait_for_function("drawer => !drawer.getAnimations({ subtree: true }).length", arg=drawer.element_handle())  # it unfolds
