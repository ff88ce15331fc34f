"""A page that came about by many changes, each sent alone, is the page that its link opens."""

from explore_page import APP, BASE, PATIENT, QUIET, engine, enter, idle, is_now, open_drawer, pick, place, shows
from playwright.sync_api import Page, expect

from components.words import en
from explorer import Settings, encode_link

# What a person sees and can use, in its order: texts, the values of fields, buttons that are down.
SEEN = """
() => {
  const seen = [...document.querySelectorAll(':is(.stMain, [data-testid=stSidebarUserContent]) :is(h1, h2, h3, h4, h5, p, li, code, th, td, button, summary, input, .figure)')]
    .filter((node) => node.checkVisibility() && !node.closest('.tip, [role=tooltip]'));
  return seen.map((node) => node.matches('input') ? node.value || `${node.checked}` : `${node.innerText} ${node.ariaChecked ?? ''}`);
}
"""
# What is chosen next arrives at the server, which is gone before all of its answer is here.
LOSE_THE_ANSWER = """
() => {
  const socket = window.sockets.at(-1), send = socket.send.bind(socket);
  socket.send = (message) => { send(message); setTimeout(() => socket.close(), 60); };
}
"""


def as_its_link_opens(page: Page, opened: Page) -> None:
    opened.goto(page.url)
    for each in (opened, page):
        expect(each.locator(".figure-metric .figure-origin")).to_contain_text("measured here", timeout=PATIENT)
        expect(each.locator(".stProgress")).to_have_count(0, timeout=PATIENT)
        idle(each)
    for _ in range(50):  # what fills in while it is looked at comes to its end
        seen, wanted = page.evaluate(SEEN), opened.evaluate(SEEN)
        if seen == wanted:
            return
        page.wait_for_timeout(100)
    assert seen == wanted


def test_step_by_step_and_at_once_are_one_page(app, open_page):
    page, opened = open_page(), open_page()
    page.goto(f"{app(APP)}/{encode_link(BASE, QUIET)}")
    shows(page, engine(BASE))

    def then(settings, **view) -> None:
        is_now(page, settings, **view)
        as_its_link_opens(page, opened)

    pick(page, "weights.format", "INT4")
    then(BASE.replace(weights="int4-sym-channel-mse"), **QUIET)
    pick(page, "weights.method", "Percentile")  # one field more
    then(BASE.replace(weights="int4-sym-channel-p99.9"), **QUIET)
    enter(page, "weights.number0", 98.5)
    then(percentile := BASE.replace(weights="int4-sym-channel-p98.5"), **QUIET)
    pick(page, "weights.format", "BF16")  # all fields below go
    then(BASE.replace(weights="bf16"), **QUIET)
    page.go_back()
    then(percentile, **QUIET)
    page.locator(place("tab")).get_by_role("radio", name="Layer table").click()
    then(percentile, tab="layers")
    page.locator(place("tab")).get_by_role("radio", name=en.TABS["bits"]).click()
    then(percentile)
    enter(page, "weights.number0", 98)
    then(percentile.replace(weights="int4-sym-channel-p98"))


def test_a_page_that_lost_its_server_for_a_moment_goes_on_whole(app, open_page):
    page, opened = open_page(), open_page()
    page.add_init_script(
        "const Socket = WebSocket; window.sockets = [];"
        "window.WebSocket = class extends Socket { constructor(...asked) { super(...asked); window.sockets.push(this); } };"
    )
    page.goto(f"{app(APP)}/{encode_link(BASE, QUIET)}")
    shows(page, engine(BASE))
    idle(page)
    page.evaluate(LOSE_THE_ANSWER)
    pick(page, "weights.format", "INT4")
    page.wait_for_function("() => window.sockets.length > 1 && window.sockets.at(-1).readyState === WebSocket.OPEN", timeout=PATIENT)
    idle(page)
    pick(page, "weights.format", "INT3")
    is_now(page, BASE.replace(weights="int3-sym-channel-mse"), **QUIET)
    as_its_link_opens(page, opened)


def test_what_has_not_changed_is_not_sent(app, page):
    """A tick of one field brings what follows from it; the pickers are not among that."""
    received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda payload: received.append(len(payload))))
    start = Settings(model="article-mlp", weights="int5-sym-channel-p99")  # done at once, on a busy machine too
    page.goto(f"{app(APP)}/{encode_link(start, QUIET)}")
    shows(page, engine(start))
    idle(page)
    whole = len(received)
    received.clear()
    enter(page, "weights.number0", 98)
    is_now(page, start.replace(weights="int5-sym-channel-p98"), **QUIET)
    idle(page)
    assert 5 < len(received) < whole / 2
    open_drawer(page)  # the next whole page is one with more on it
    enter(page, "weights.number0", 97)
    is_now(page, start.replace(weights="int5-sym-channel-p97"), **QUIET)
