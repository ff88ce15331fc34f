"""What goes wrong gets one sentence, and nothing is lost: cancelled work, damaged files, a stopped server."""

import pytest
from explore_page import APP, BASE, PATIENT, at, engine, is_now, pick, shows
from playwright.sync_api import expect
from server import ROOT, end, free_port, start_server, wait_until_healthy

from explorer import Settings, encode_link

BROKEN = "tests/browser/broken_models.py"
SLOW = Settings(model="efficientnet-lite0", calibration_samples=8)


def test_a_cancelled_run_says_so_keeps_what_it_has_and_goes_on(app, page):
    page.goto(f"{app(APP)}/{encode_link(SLOW, {'tab': 'channels'})}")
    badge = page.locator(".figure-metric .figure-origin").first  # one that leaves may still be there
    expect(badge).to_contain_text("running", timeout=2 * PATIENT)
    expect(page.locator(".bars [role=option]").nth(40)).to_be_attached(timeout=PATIENT)  # the weights' report does not wait
    expect(badge).to_contain_text("running")
    page.get_by_role("button", name="Cancel").click()
    expect(badge).to_contain_text("stopped", timeout=PATIENT)
    page.get_by_role("button", name="Continue").click()
    expect(badge).to_contain_text("running", timeout=PATIENT)
    page.get_by_role("button", name="Cancel").click()
    expect(badge).to_contain_text("stopped", timeout=PATIENT)
    pick(page, "model", "Digits, depthwise-separable")
    expect(page.locator(".sentence")).to_contain_text("Digits", timeout=PATIENT)
    expect(badge).to_contain_text("measured here", timeout=PATIENT)


def test_another_choice_interrupts_a_running_one(app, page):
    page.goto(f"{app(APP)}/{encode_link(SLOW.replace(weights='int6-sym-channel-minmax'), {'tab': 'channels'})}")
    badge = page.locator(".figure-metric .figure-origin").first  # one that leaves may still be there
    expect(badge).to_contain_text("running", timeout=2 * PATIENT)
    pick(page, "model", "Digits, depthwise-separable")
    digits = Settings(model="digits", weights="int6-sym-channel-minmax", calibration_samples=8, evaluation_samples=400)
    at(page, encode_link(digits.replace(evaluation_samples=600), {"tab": "channels"}))
    shows(page, engine(digits.replace(evaluation_samples=600)))


@pytest.mark.parametrize(("model", "says"), [("digits", "is missing"), ("fashion", "is truncated or damaged")])
def test_a_damaged_model_is_one_sentence_and_the_others_work(app, page, model, says):
    page.goto(f"{app(BROKEN)}/{encode_link(BASE.replace(model=model))}")
    notice = page.locator(".st-key-notice-bad-error")
    expect(notice).to_contain_text(f"{model}.safetensors {says}", timeout=PATIENT)
    assert "Traceback" not in page.locator("body").inner_text()
    pick(page, "model", "The article's network, trained")
    other = BASE.replace(model="article-mlp")
    is_now(page, other)
    assert notice.count() == 0
    pick(page, "model", "Digits, depthwise-separable")
    expect(notice).to_contain_text("Below is the last result that worked.", timeout=PATIENT)
    shows(page, engine(other))
    notice.get_by_role("button", name="Back to that result").click()
    is_now(page, other)
    assert notice.count() == 0


def test_a_stopped_server_is_said_and_after_a_restart_the_same_link_gives_the_same(tmp_path, browser):
    """Connections that fail are on the console here, so the page is opened without its watch."""
    port = free_port()
    server, url = start_server(ROOT / APP, tmp_path / "first.txt", port)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    try:
        wait_until_healthy(server, url, tmp_path / "first.txt")
        page.goto(f"{url}/{encode_link(BASE)}")
        shows(page, engine(BASE))
        pick(page, "weights.format", "INT4")
        changed = BASE.replace(weights="int4-sym-channel-mse")
        is_now(page, changed)
        end(server)
        expect(page.get_by_text("Connection error")).to_be_visible(timeout=2 * PATIENT)
        shows(page, engine(changed))  # what was on the screen stays
        server, url = start_server(ROOT / APP, tmp_path / "second.txt", port)
        wait_until_healthy(server, url, tmp_path / "second.txt")
        page.reload()
        is_now(page, changed)
        expect(page.get_by_text("Connection error")).to_have_count(0)
    finally:
        page.context.close()
        end(server)
