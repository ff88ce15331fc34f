"""The HTML report: everything of a result in one file that loads nothing, read again before it is kept."""

import html
import json
import re
from dataclasses import replace

import pytest

from streamlit.testing.v1 import AppTest

import explorer
from components.controls.state import KEY, State
from components.words import en_export
from explorer.__main__ import main
from explorer.deploy import report as module
from explorer.errors import DataError, SettingsError
from explorer.link import encode_link, settings_from_json
from explorer.settings import Settings
from explorer.tasks import Metric

DIGITS = Settings("digits", "int4-sym-channel", "uint8-asym-tensor", calibration_samples=8, evaluation_samples=40)


@pytest.fixture(scope="module")
def result():
    return explorer.run(DIGITS)


def test_it_says_what_the_result_says_and_where_from(result):
    text = module.page_of(result)
    for layer in result.layers["name"]:
        assert text.count(layer) >= 3  # the table and both pictures
    assert result.stamp in text and DIGITS.sentence() in text and f"{result.cost.size_bytes:,} bytes" in text
    assert f"{100 * result.metric.value:.2f} % (95 % interval" in text and text.count("measured here") == 5 and "predicted" in text
    assert not re.search(r"<script|src=|href=|url\(|@import|http-equiv", text)
    stored = re.search(r"<pre><code>(.*?)</code></pre>", text, re.S)[1].replace("&quot;", '"')
    assert settings_from_json(stored.encode())[0] == DIGITS


def test_a_second_figure_stands_beside_the_metric(result):
    cosine = Metric("cosine with FP32's features", 0.9666, 0.96, 0.97, 40, "mean", "cosine")
    text = html.unescape(module.page_of(replace(result, similarity=cosine)))
    assert "cosine with FP32's features" in text and "0.9666 (95 % interval 0.9600 to 0.9700, n = 40)" in text


def test_it_is_written_read_again_and_replaced_only_when_asked(tmp_path, result, capsys):
    done = explorer.export(DIGITS, tmp_path / "report.html", to="html")
    assert done.stamp == result.stamp and done.layers == len(result.layers) and done.bytes == (tmp_path / "report.html").stat().st_size
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == module.page_of(result)
    with pytest.raises(SettingsError, match="exists"):
        explorer.export(DIGITS, tmp_path / "report.html", to="html")
    assert main(["export", encode_link(DIGITS), str(tmp_path / "report.html"), "--to", "html", "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stamp"] == result.stamp
    assert main(["export", encode_link(DIGITS), str(tmp_path / "again.html"), "--to", "html"]) == 0
    assert "6 layers and the stamp are in it" in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["", "<p>", '<code id="stamp">x</code>'])
def test_what_is_not_whole_is_not_kept(tmp_path, monkeypatch, broken):
    monkeypatch.setattr(module, "page_of", lambda result: broken)
    with pytest.raises(DataError, match="not kept"):
        explorer.export(DIGITS, tmp_path / "report.html", to="html")
    assert not list(tmp_path.iterdir())


def test_names_are_text_and_no_error_has_no_bar():
    drawn = module._bars("a < b", ["<script>", "x"], [float("inf"), 2.0], "exact")
    assert "<script>" not in drawn and "&lt;script&gt;" in drawn and "no error" in drawn and 'width="0.0"' in drawn


def page():
    from components.controls.experiment import answers
    from components.controls.job import job
    from components.controls.share import share
    from components.controls.state import state

    running = job("experiment", state().settings, answers(state().settings))
    running.wait(60)
    share(running.latest)


def test_the_page_offers_it():
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state[KEY] = State(settings=DIGITS)
    app.run()
    assert not app.exception and en_export.REPORT in [each.proto.label for each in app.get("download_button")]
