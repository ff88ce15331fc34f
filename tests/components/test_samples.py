"""The tab "Samples" without a browser: what its page holds, and that its own switches run nothing else."""

import re
from html import escape

import pytest

from components.controls import samples as tab_of_samples
from components.controls.state import KEY
from components.controls import written as tab_of_writing
from explorer import Settings, run
from explorer.views.generated import generated

LOW = Settings("digits", "int3-sym-tensor-minmax", "fp32", evaluation_samples=100, calibration_samples=8)


def cards(app) -> list[str]:
    body = next((each.value for each in app.get("html") if 'class="samples' in str(each.value)), "")
    return re.findall("<figure.*?</figure>", body, re.S)


def answered(app):
    """The page once both networks have answered, which they do in the background."""
    assert app.session_state[KEY].jobs["samples"].wait(60)
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def opened(open_app):
    return answered(open_app(LOW, tab="samples"))


def test_changed_pictures_come_first_each_with_both_answers(opened):
    result = run(LOW)
    shown = cards(opened)
    assert len(shown) == tab_of_samples.FIRST["picture"]
    assert any(f"{len(result.changed)} of 100 answers changed" in str(each.value) for each in opened.caption)
    count = min(len(shown), len(result.changed))
    assert count > 3 and all(">changed<" in card for card in shown[:count])
    assert [int(re.search(r'alt="Test sample (\d+)"', card)[1]) for card in shown[:count]] == list(result.changed[:count])
    assert all("Label" in card and "FP32" in card and "Quantized" in card and "data:image/png;base64," in card for card in shown)


def test_more_are_shown_on_request(opened):
    next(button for button in opened.button if button.key == "samples.more").click().run()
    assert len(cards(answered(opened))) == 2 * tab_of_samples.FIRST["picture"]


def test_features_stand_in_a_table(open_app):
    app = open_app(Settings("article-mlp", evaluation_samples=50, calibration_samples=8), tab="samples")
    table = next(each.value for each in answered(app).dataframe if "mean radius" in each.value.columns)
    assert list(table.columns[:4]) == ["Sample", "Label", "FP32", "Quantized"] and len(table) == 20


def test_sound_and_text_are_drawn_safely(monkeypatch):
    drawn = []
    monkeypatch.setattr(tab_of_samples.st, "html", drawn.append)
    row = {"index": 3, "truth": "en", "fp32": "en", "fp32_sure": 0.9, "quantized": "<i>", "sure": 0.6, "changed": True,
           "fp32_right": True, "right": False}  # fmt: skip
    tab_of_samples._sounds([row | {"seen": {"kind": "sound", "wav": b"RIFF", "seconds": 1.0, "low": [-0.5], "high": [0.5]}}])
    tab_of_samples._texts([row | {"seen": {"kind": "text", "text": "<script>"}}])
    assert '<audio controls preload="metadata" src="data:audio/wav;base64,UklGRg=="' in drawn[0]
    assert "data:image/svg+xml;base64," in drawn[0] and "&lt;i&gt;, 60&nbsp;%" in drawn[0]
    assert "&lt;script&gt;" in drawn[1] and "<script" not in drawn[1]


def test_words_that_were_not_said_are_marked_and_missing_ones_struck_out(monkeypatch):
    drawn = []
    monkeypatch.setattr(tab_of_samples.st, "html", drawn.append)
    pairs = {"fp32": [("a", "a"), ("<b>", "<b>")], "quantized": [("a", "x"), ("<b>", None), (None, "c")]}
    tab_of_samples._sounds([{"index": 0, "truth": "A, <b>.", "fp32": "a <b>", "fp32_sure": None, "quantized": "x c", "sure": None,
                             "changed": True, "fp32_right": True, "right": False, "words": pairs,
                             "seen": {"kind": "sound", "wav": b"", "seconds": 1.0, "low": [0], "high": [0]}}])  # fmt: skip
    assert "<dt>Said</dt><dd>A, &lt;b&gt;.</dd>" in drawn[0] and "<dd>a &lt;b&gt;&nbsp;<b" in drawn[0]
    assert '<mark title="instead of “a”">x</mark> <del title="left out">&lt;b&gt;</del> <mark title="put in">c</mark>' in drawn[0]


def test_numbers_of_ones_own_are_answered_and_nonsense_is_refused(open_app):
    app = open_app(Settings("article-mlp", "int3-sym-tensor-minmax", "fp32", evaluation_samples=50, calibration_samples=8), tab="samples")

    def ask(text: str):
        app.text_area(key="own.article-mlp").input(text)
        next(button for button in app.button if button.label == "Ask both networks").click().run()
        assert app.session_state[KEY].jobs["own"].wait(60)
        app.run()

    ask("1.5 " * 30)
    (table,) = (each.value for each in app.dataframe if len(each.value) == 1)
    assert list(table.columns[:2]) == ["FP32", "Quantized"] and table["mean radius"][0] == 1.5
    link = dict(app.query_params)
    ask("<b>one</b>")
    assert any("'<b>one</b>' is no number; give 30" in text.value for text in app.text) and not app.exception
    assert dict(app.query_params) == link and "1.5" not in str(link)


def test_a_language_model_writes_beside_fp32(open_app, monkeypatch):
    monkeypatch.setattr(tab_of_writing, "LENGTH", 30)
    settings = Settings("gpt-shakespeare", "int3-sym-channel-minmax", "fp32", seed=5, calibration_samples=8, evaluation_samples=16)
    app = open_app(settings, tab="samples")
    for _ in range(100):
        if any("same random numbers" in str(each.value) for each in app.caption):
            break
        app.run()
    assert not app.exception
    first, second = cards(app)
    found = generated(settings, 30)
    assert "FP32 writes" in first and f"<mark>{escape(found['fp32'])}</mark>" in first
    assert "Quantized writes" in second and f"<mark>{escape(found['quantized'])}</mark>" in second and found["fp32"] != found["quantized"]
