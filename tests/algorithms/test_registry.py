"""What holds for every registered algorithm: its place in settings, links, tables and the pipeline."""

import json
import subprocess
import sys

import numpy as np
import pytest

import explorer
from explorer import pipeline
from explorer.algorithms import ALGORITHMS, STAGES, Algorithm, in_order
from explorer.errors import SettingsError
from explorer.link import decode_link, encode_link
from explorer.recipe import Recipe
from explorer.settings import Settings

IDS = explorer.algorithms()["id"].tolist()
READS = {"calibration", "seed", "weights", "activations"}
SOME = Recipe.parse("uint4-asym-channel-minmax")  # what every algorithm treats


def with_needs(id: str) -> tuple[str, ...]:
    return (*ALGORITHMS[id].needs, id)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.id)
def test_an_entry_says_all_there_is_to_say(algorithm):
    assert algorithm.stage in STAGES and set(algorithm.reads) <= READS
    assert set(algorithm.excludes) | set(algorithm.needs) <= set(IDS)
    assert algorithm.title and algorithm.source and algorithm.description.endswith(".")
    assert algorithm.id.isidentifier() and algorithm.refuses(SOME) == ""


def test_the_table_is_in_the_order_in_which_they_run():
    table = explorer.algorithms()
    assert sorted(IDS) == sorted(ALGORITHMS.ids) and list(table["id"]) == IDS
    places = [STAGES.index(stage) for stage in table["stage"]]
    assert places == sorted(places)


@pytest.mark.parametrize("id", IDS)
def test_it_makes_the_way_through_a_link(id):
    settings = Settings(weights=SOME, algorithms=with_needs(id))
    assert decode_link(encode_link(settings)) == (settings, ())
    assert ALGORITHMS[id].title in settings.sentence()


def test_whatever_the_order_the_settings_are_the_same():
    one, other = (Settings(weights=SOME, algorithms=ids) for ids in (["biascorr", "gptq", "gptq"], ("gptq", "biascorr")))
    assert one == other and one.algorithms == ("gptq", "biascorr") and "alg=gptq+biascorr" in encode_link(one)


def test_two_that_choose_the_codes_exclude_each_other():
    with pytest.raises(SettingsError, match="adaround and gptq both choose the codes of the weights; keep one"):
        Settings(algorithms=("gptq", "adaround"))
    settings, notes = decode_link("?v=1&alg=gptq+hqq")
    assert settings.algorithms == () and any(note.key == "alg" and note.refused for note in notes)


def test_what_excludes_or_needs_another(monkeypatch):
    common = {"title": "", "stage": "network", "place": 9, "description": "", "source": "", "apply": None}
    monkeypatch.setitem(ALGORITHMS._values, "alone", Algorithm("alone", excludes=("biascorr",), **common))
    monkeypatch.setitem(ALGORITHMS._values, "after", Algorithm("after", needs=("alone",), **common))
    with pytest.raises(SettingsError, match="alone cannot be combined with biascorr"):
        in_order(["biascorr", "alone"])
    with pytest.raises(SettingsError, match="after does nothing without alone"):
        in_order(["after"])


@pytest.mark.parametrize("id", [id for id in IDS if ALGORITHMS[id].stage == "weights"])
def test_layers_of_their_own_and_layers_in_fp32(few_iterations, id):
    settings = Settings("digits", SOME, "fp32", algorithms=id, layers={1: "fp32", 2: "uint8-asym-tensor-minmax"}, calibration_samples=16)
    weighed = pipeline.weigh(settings)
    assert weighed.layers["recipe"].tolist() == [str(settings.weights_of(i)) for i in range(6)]
    assert [bool(why) for why in weighed.layers["untreated"]] == [False, True, False, False, False, False]
    assert np.isinf(weighed.layers["sqnr_db"][1])
    json.dumps(pipeline.run(settings).as_dict(), allow_nan=False)


# biases stay in FP32: the metric speaks for what changes them alone
@pytest.mark.parametrize("id", [id for id in IDS if ALGORITHMS[id].stage != "bias" and id != "absorb"])
def test_the_stamp_covers_it(few_iterations, id):
    settings = Settings("digits", "uint3-asym-channel-minmax", "fp32", calibration_samples=16)
    assert pipeline.weigh(settings).digest != pipeline.weigh(settings.replace(algorithms=with_needs(id))).digest


def test_the_registry_needs_no_torch():
    code = "import sys, explorer; explorer.Settings(algorithms='gptq'); explorer.algorithms(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
