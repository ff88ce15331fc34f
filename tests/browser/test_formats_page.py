"""The page of formats in a browser: its link, Back, the bits."""

from explore_page import APP, BASE, PATIENT, pick, place
from playwright.sync_api import expect

from explorer import encode_link


def test_a_link_names_both_formats_back_undoes_and_bits_are_clicked(app, page):
    start = f"{app(APP)}/formats{encode_link(BASE, {'fmt': 'fp8e4m3', 'beside': 'int8'})}"
    page.goto(start)
    value = page.locator(".code-value")
    expect(value).to_contain_text("0x3A is 1.25", timeout=PATIENT)
    pick(page, "beside", "NF4")
    page.wait_for_url(f"**{encode_link(BASE, {'fmt': 'fp8e4m3', 'beside': 'nf4'})}")
    page.go_back()
    page.wait_for_url(start)
    expect(page.locator(f"{place('beside')} input")).to_have_value("INT8", timeout=PATIENT)
    page.locator(".st-key-bit-fp8e4m3-7 button").click()
    expect(value).to_contain_text("0xBA is −1.25", timeout=PATIENT)
    field = page.get_by_role("textbox", name="Type a number")
    field.fill("0.1")
    field.press("Enter")
    expect(value).to_contain_text("0x1D is 0.1015625", timeout=PATIENT)
    expect(page.get_by_text("an error of 0.001562")).to_be_visible()
    pick(page, "fmt", "FP16")
    expect(value).to_contain_text("0x2E66 is 0.09997559", timeout=PATIENT)
