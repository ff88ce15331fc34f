"""The address is the experiment: Back and forward, two tabs, frames, and links with anything in them."""

import json
from urllib.parse import parse_qs, quote

import pytest
from explore_page import APP, BASE, PATIENT, QUIET, at, drawn, engine, enter, idle, is_now, pick, shows, visit
from playwright.sync_api import expect

from explorer import Settings, decode_link, encode_link


def test_back_undoes_change_after_change_and_forward_does_them_again(explore):
    page = explore(BASE, **QUIET)
    steps = [BASE, BASE.replace(weights="int4-sym-channel-mse"), BASE.replace(weights="int4-sym-channel-mse", seed=9)]
    pick(page, "weights.format", "INT4")
    is_now(page, steps[1], **QUIET)
    enter(page, "seed", 9)
    is_now(page, steps[2], **QUIET)
    page.go_back()
    is_now(page, steps[1], **QUIET)
    page.go_back()
    is_now(page, steps[0], **QUIET)
    page.go_forward()
    is_now(page, steps[1], **QUIET)
    page.go_forward()
    is_now(page, steps[2], **QUIET)


def test_a_link_pasted_over_another_counts(app, explore):
    page = explore(BASE, **QUIET)
    pick(page, "weights.format", "INT4")
    is_now(page, BASE.replace(weights="int4-sym-channel-mse"), **QUIET)
    explore(BASE.replace(weights="int7-sym-tensor-minmax"))


def test_reload_keeps_everything(explore):
    page = explore(BASE, sel=2, pic="clipped", log=True, tab="channels")
    page.reload()
    is_now(page, BASE, sel=2, pic="clipped", log=True, tab="channels")
    expect(page.get_by_role("figure", name="channels of blocks.0.pw")).to_be_visible(timeout=PATIENT)
    assert page.get_by_role("switch", name="Log counts").is_checked()


def test_two_tabs_do_not_disturb_each_other(app, desktop, explore):
    here = explore(BASE)
    there = desktop.new_page()
    visit(there, app(APP), BASE.replace(weights="int4-sym-tensor-minmax"))
    pick(here, "weights.format", "INT6")
    pick(there, "activations.format", "INT3")
    is_now(there, BASE.replace(weights="int4-sym-tensor-minmax", activations="int3-asym-tensor-minmax"))
    is_now(here, BASE.replace(weights="int6-sym-channel-mse"))
    there.close()


def test_in_a_frame_the_address_is_never_written(app, page):
    link = f"{app(APP)}/{encode_link(BASE)}&embed=true"
    page.goto(link)
    shows(page, engine(BASE))
    drawn(page)
    steps = page.evaluate("history.length")
    page.locator(".bars [role=option]").nth(1).focus()
    page.keyboard.press("End")
    expect(page.locator(".histogram .title")).to_contain_text("classifier", timeout=PATIENT)
    page.get_by_role("radio", name="Channels").click()
    expect(page.get_by_role("figure", name="channels of classifier")).to_be_visible(timeout=PATIENT)
    drawn(page)
    assert page.url == link
    assert page.evaluate("history.length") == steps


IMAGE = "![x](https://example.invalid/pixel.png)"
TAG = "<img src=https://example.invalid/pixel.png onerror=window.broken=1><script>window.broken=1</script>"
HOSTILE = {
    "markup": f"?v=1&m={quote(TAG)}&w={quote(TAG)}&seed={quote(TAG)}",
    "markdown": f"?v=1&m=digits&w={quote(IMAGE)}&a={quote('[a](javascript:alert(1))')}&{quote(IMAGE)}=1",
    "latex": f"?v=1&m=digits&w={quote('$x$ :red[red] # heading **bold** `code`')}",
    "keys": f"?v=1&m=digits&{quote(TAG)}=1&__proto__=1&l99999=int8&sel=-1&tab={quote(TAG)}&r={quote(TAG)}",
    "newer": "?v=99&m=digits&w=int4-sym-channel-minmax&hologram=on",
    "unprintable": "?v=1&m=digits&w=%00%07%E2%80%AE%FF",
    "repeated": "?v=1&m=digits&m=fashion&m=digits",
    "too many": "?v=1&" + "&".join(f"k{i}=1" for i in range(200)),
    "too long": "?v=1&m=digits&w=" + "x" * 60_000,
    "no such layer": "?v=1&m=digits&l77=int8-sym-channel-minmax&lw=8888888888888",
}


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_link_is_plain_text_and_the_page_works(app, page, query):
    home, asked = app(APP), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{home}/{query}")
    notice = page.locator("[class*=st-key-notice-bad]").first
    expect(notice).to_be_visible(timeout=PATIENT)
    settings, notes = decode_link(parse_qs(query[1:], keep_blank_values=True))
    said = page.locator("[class*=st-key-notice-bad]").all_inner_texts()
    for note in notes:
        assert " ".join(str(note).split()) in " ".join(" ".join(said).split())
    assert page.locator("[class*=st-key-notice] :is(img, a, script, strong, code, h1, .katex)").count() == 0
    assert page.evaluate("window.broken") is None
    if not dict(settings.layers) and not settings.layer_bits:
        shows(page, engine(settings))
    pick(page, "weights.format", "INT6")
    expect(page.locator(".sentence")).to_contain_text("weights INT6", timeout=PATIENT)
    idle(page)  # a list that is open while the page is drawn anew may close without a choice
    pick(page, "activations.format", "INT5")
    expect(page.locator(".sentence")).to_contain_text("activations INT5", timeout=PATIENT)
    remote = [url for url in asked if not url.startswith((home, home.replace("http", "ws"), "data:", "blob:"))]
    assert remote == []


def test_a_million_characters_are_one_note_and_the_defaults():
    settings, notes = decode_link("?v=1&m=digits&w=" + "<" * 1_000_000)
    assert settings == Settings()
    assert len(notes) == 1 and "1,000,016 characters" in str(notes[0]) and len(json.dumps(str(notes[0]))) < 300


def test_a_note_is_dismissed_and_a_change_takes_it_away(app, page):
    page.goto(f"{app(APP)}/{encode_link(BASE)}&colour=red")
    notice = page.locator(".st-key-notice-bad-notes")
    expect(notice).to_contain_text("colour=red: there is no such field; it is ignored", timeout=PATIENT)
    notice.get_by_role("button", name="Dismiss").click()
    expect(notice).to_have_count(0)
    shows(page, engine(BASE))
    enter(page, "seed", 2)
    at(page, encode_link(BASE.replace(seed=2)))
