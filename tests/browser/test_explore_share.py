"""Share: a link that proves itself in another browser, and files that hold the settings and the result."""

import csv
import json
import subprocess
import sys

import pytest
from explore_page import APP, BASE, at, engine, enter, shows
from playwright.sync_api import expect
from server import ROOT

import explorer
from explorer import encode_link
from explorer.link import settings_from_json

OWN = BASE.replace(layers={2: "int8-sym-channel-abs1.25"})


@pytest.fixture
def shared(app, open_page):
    """The page of OWN with Share open, in a context that may use the clipboard."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    page.goto(f"{app(APP)}/{encode_link(OWN, {'pic': 'bytes', 'sel': 1})}")
    shows(page, engine(OWN), "bytes")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("dialog", name="Share").get_by_text("proves with its stamp")).to_be_visible()
    return page


def copied(page) -> str:
    page.get_by_role("dialog", name="Share").locator("[data-testid=stCode]").hover()
    page.get_by_role("button", name="Copy to clipboard").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('http'))")
    return page.evaluate("navigator.clipboard.readText()")


def test_the_copied_link_gives_the_same_numbers_in_another_browser_and_proves_it(app, shared, open_page):
    link = copied(shared)
    stamp = engine(OWN).stamp
    assert link.partition("?")[2] == encode_link(OWN, {"pic": "bytes", "sel": 1}, stamp)[1:]
    assert link.startswith(app(APP))
    other = open_page()
    other.goto(link)
    expect(other.locator(".st-key-notice-good-stamp-same")).to_be_visible(timeout=30_000)
    notice = other.locator(".st-key-notice-good-stamp-same").inner_text()
    shows(other, engine(OWN), "bytes")
    assert notice.startswith("✓") and "same weight codes and scales, and the same metric" in notice
    expect(other.get_by_role("listbox", name="Share of bytes")).to_have_count(1)
    assert explorer.run(link).stamp == stamp
    enter(other, "seed", 3)  # another experiment promises nothing
    expect(other.locator(".st-key-notice-good-stamp-same")).to_have_count(0)
    at(other, encode_link(OWN.replace(seed=3), {"pic": "bytes", "sel": 1}))


@pytest.mark.parametrize(
    ("change", "mark", "kind", "says"),
    [
        (lambda digest, value, n: f"{'0' * 16}-{value}-{n}", "✗", "bad-stamp-different", "other weight codes or scales"),
        (lambda digest, value, n: f"{digest}-0.123-{n}", "✗", "bad-stamp-different", "the metric was 12.30 % and is"),
        (lambda digest, value, n: f"{digest}-{float(value) - 0.005}-{n}", "≈", "plain-stamp-close", "within tolerance"),
        (lambda digest, value, n: f"{digest}-{value}-77", "✗", "bad-stamp-different", "77 samples and this one 200"),
        (lambda digest, value, n: "nonsense", "✗", "bad-stamp-different", "not readable"),
    ],
    ids=["codes", "metric", "close", "samples", "unreadable"],
)
def test_a_link_that_promises_something_else_says_what_differs(app, page, change, mark, kind, says):
    stamp = change(*engine(BASE).stamp.split("-"))
    page.goto(f"{app(APP)}/{encode_link(BASE, stamp=stamp)}")
    notice = page.locator(f".st-key-notice-{kind}")
    expect(notice).to_contain_text(says, timeout=30_000)
    assert notice.inner_text().startswith(mark)
    shows(page, engine(BASE))


def downloaded(page, button: str, folder):
    with page.expect_download() as waiting:
        page.get_by_role("dialog", name="Share").get_by_role("button", name=button).click()
    file = folder / waiting.value.suggested_filename
    waiting.value.save_as(file)
    return file


def test_the_files_hold_the_result_and_open_again(shared, tmp_path):
    result = engine(OWN)
    file = downloaded(shared, "Settings and results (JSON)", tmp_path)
    assert file.name == "result.json"
    content = json.loads(file.read_text("utf-8"))
    assert content["result"]["stamp"] == result.stamp
    assert content["result"]["metric"]["value"] == result.metric.value
    assert [layer["name"] for layer in content["result"]["layers"]] == result.layers["name"].tolist()
    assert settings_from_json(file.read_text("utf-8")) == (OWN, ())
    table = downloaded(shared, "Layers (CSV)", tmp_path)
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [row["name"] for row in rows] == result.layers["name"].tolist()
    assert [float(row["sqnr_db"]) for row in rows] == pytest.approx(result.layers["sqnr_db"].tolist())


def test_the_command_line_opens_the_downloaded_file(shared, tmp_path):
    file = downloaded(shared, "Settings and results (JSON)", tmp_path)
    command = [sys.executable, "-m", "explorer", "run", "--settings", str(file), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stamp"] == engine(OWN).stamp


def test_share_is_on_about_too_and_its_link_opens_the_result(app, page):
    page.goto(f"{app(APP)}/{encode_link(BASE)}")
    shows(page, engine(BASE))
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="Models and data")).to_be_visible()
    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("dialog", name="Share").locator("code").inner_text()
    page.goto(link)
    expect(page.locator(".st-key-notice-good-stamp-same")).to_be_visible(timeout=30_000)
    shows(page, engine(BASE))

