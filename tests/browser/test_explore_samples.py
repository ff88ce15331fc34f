"""Each kind of model opens with its metric, and its samples can be seen and heard."""

import io

import pytest
from explore_page import APP, PATIENT, engine, visit
from PIL import Image
from playwright.sync_api import expect

from explorer import Settings
from explorer.models import load

BAG = io.BytesIO()
Image.fromarray(load("fashion-resnet").test[0]).save(BAG, "PNG")
LOW = "int3-sym-tensor-minmax"
MODELS = {  # settings small enough to be quick, and seconds that a sound lasts
    "fashion-resnet": (Settings("fashion-resnet", LOW, "fp32", evaluation_samples=50, calibration_samples=4), None),
    "voice": (Settings("voice", LOW, "fp32", evaluation_samples=50, calibration_samples=4), 1.0),
    "silero-vad": (Settings("silero-vad", LOW, "fp32", evaluation_samples=6, calibration_samples=2), 4.096),
}


@pytest.mark.parametrize("model", MODELS)
def test_samples_are_seen_and_heard(app, page, model):
    settings, seconds = MODELS[model]
    visit(page, app(APP), settings, tab="samples")
    changed = len(engine(settings).changed)
    expect(page.get_by_text(f"{changed} of {settings.evaluation_samples} {'recordings' if model == 'silero-vad' else 'answers changed'}")).to_be_visible(timeout=PATIENT)
    cards = page.locator(".sample")
    expect(cards.first).to_be_visible(timeout=PATIENT)  # both networks answer in the background
    shown = cards.count()
    assert 0 < shown <= settings.evaluation_samples
    expect(page.locator(".sample-changed")).to_have_count(min(changed, shown))
    page.wait_for_function("[...document.querySelectorAll('.sample img')].every(each => each.naturalWidth > 0)", timeout=PATIENT)
    if seconds is None:
        assert page.locator("audio").count() == 0
    else:
        page.wait_for_function("[...document.querySelectorAll('audio')].every(each => each.duration > 0)", timeout=PATIENT)
        found = page.evaluate("[...document.querySelectorAll('audio')].map(each => each.duration)")
        assert found == pytest.approx([seconds] * shown, abs=1e-3)
    if model == "fashion-resnet":
        page.get_by_text("Try your own").click()
        page.locator(".st-key-samples-own input[type=file]").set_input_files({"name": "bag.png", "mimeType": "image/png", "buffer": BAG.getvalue()})
        own = page.locator(".st-key-samples-own .sample")
        expect(own).to_contain_text("Quantized", timeout=PATIENT)
        expect(own.locator("img")).to_have_attribute("alt", "Your own picture, as the network sees it")
        cards = page.locator(".sample:not(.st-key-samples-own .sample)")
    if shown < settings.evaluation_samples:
        page.get_by_role("button", name="More").click()
        expect(cards.nth(shown)).to_be_visible(timeout=PATIENT)
