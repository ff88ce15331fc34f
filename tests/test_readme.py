"""The README tells the truth: its link, its example of a range method, and its two commands."""

import re
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.calibration import METHODS
from explorer.link import decode_link
from explorer.models import MODELS

README = (Path(__file__).parents[1] / "README.md").read_text()


def block(kind: str) -> str:
    return re.search(rf"^```{kind}\n(.*?)^```", README, re.M | re.S)[1]


def test_link_opens_without_a_note():
    link = re.search(r"<(http://localhost:8501/\S+)>", README)[1]
    settings, notes = decode_link(link)
    assert not notes and settings.model == "fashion" and str(settings.weights) == "int4-sym-channel-mse"


def test_range_method_of_the_example_works(monkeypatch):
    monkeypatch.setattr(METHODS, "_values", dict(METHODS._values))
    exec(compile(block("python"), "README.md", "exec"), {})
    low, high = explorer.calibrate(np.float32([[1, -1, 4], [2, 2, 2]]), "int8-sym-channel-mean3")
    assert high.ravel().tolist() == pytest.approx([6, 6]) and (low == -high).all()
    result = explorer.run(explorer.Settings("digits", "int8-sym-channel-mean3", "uint8-asym-tensor-mean3"))
    assert result.metric.n == 600


def test_ci_runs_the_command_of_the_readme():
    ci = (Path(__file__).parents[1] / ".ci" / "run").read_text()
    assert "```sh tests" in ci and "-m pytest" in block("sh tests")
    assert "-m explorer" in block("sh page")


def test_every_model_has_its_row_of_figures():
    for model in MODELS:
        assert re.search(rf"^\| `{model.id}` \| {model.metric} \(", README, re.M)
