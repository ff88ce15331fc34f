"""What both networks answer to a sample of one's own is what they answer to the same sample of the test."""

import numpy as np
import pytest

from explorer.cache import CACHE
from explorer.errors import ModelError, SettingsError
from explorer.models import MODELS, Text, load
from explorer.models.given import Given, Taken
from explorer.settings import Settings
from explorer.views.samples import samples
from explorer.views.tried import takes, tried


@pytest.mark.parametrize("id", ["digits", "article-mlp", "voice", "silero-vad", "magika"])
def test_a_test_sample_given_anew_is_answered_as_before(id, monkeypatch):
    settings = Settings(id, "int4-sym-tensor", "uint8-asym-tensor", calibration_samples=8, evaluation_samples=20)
    model = MODELS[id]
    monkeypatch.setitem(vars(model), "given", Given(model.given.kind, lambda content: Taken(load(id).test[int(content)], ("noted",)), ""))
    (there,), found = samples(settings, [5]), tried(settings, b"5")
    for name in ("fp32", "quantized", "changed"):
        assert found[name] == there[name]
    assert (found["fp32_sure"], found["sure"]) == pytest.approx((there["fp32_sure"], there["sure"])) or found["sure"] is None
    assert found["seen"] == there["seen"] and found["notes"] == ("noted",) and found["right"] is None
    if "frames" in there:
        assert found["frames"] == {name: there["frames"][name] for name in ("fp32", "quantized")}


def test_both_go_on_from_what_was_given():
    found = tried(Settings("gpt-shakespeare", "int4-sym-channel", "fp32"), b"HAMLET.\nTo be")
    assert found["opening"] == "HAMLET.\nTo be" and len(found["same"] + found["fp32"]) == len(found["same"] + found["quantized"]) == 160
    text: Text = load("gpt-shakespeare").text
    assert np.isin(text.encode(found["fp32"]), np.arange(84)).all()


@pytest.mark.parametrize("id", ["minilm", "smollm2-135m", "whisper-base"])
def test_a_model_that_is_not_here_says_so_before_the_sample_is_looked_at(id, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=f"{id}.*fetch"):
        tried(Settings(id), b"a nice film")


def test_an_opening_of_ones_own_is_kept_nowhere(monkeypatch):
    settings = Settings("gpt-shakespeare", "int4-sym-channel", "fp32")
    keys, get = [], CACHE.get
    monkeypatch.setattr(CACHE, "get", lambda key, *rest: keys.append(key) or get(key, *rest))
    tried(settings, b"HAMLET.")
    assert keys and not any("HAMLET" in key or key.startswith("text") for key in keys)


def test_a_model_that_takes_nothing_says_who_does(monkeypatch):
    monkeypatch.setitem(vars(MODELS["digits"]), "given", None)
    with pytest.raises(SettingsError, match="digits takes no sample of your own; .*voice.* do"):
        takes(Settings("digits"))
