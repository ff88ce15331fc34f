"""Scenarios: what is known of each of them comes out, and the page draws them as predicted."""

import pytest
from streamlit.testing.v1 import AppTest

from components.controls.state import KEY, State
from explorer.cost.devices import DEVICES
from explorer.cost.predict import predict
from explorer.cost.roofline import BAND
from explorer.cost.shapes import shapes
from explorer.cost.scenarios import DECODER, DECODER_LAYERS, SCENARIOS, compare
from explorer.errors import SettingsError
from explorer.models import load
from explorer.pipeline import quantized
from explorer.settings import Settings


@pytest.fixture(scope="module")
def network():
    return load("digits")


@pytest.fixture(scope="module")
def compared(network):
    return {id: compare(id, network) for id in SCENARIOS.ids}


def test_those_that_were_promised():
    assert set(SCENARIOS.ids) == {"phone", "microcontroller", "raspberry-pi", "edge-npu", "server-cpu", "data-centre-gpu", "llm-decode-1", "llm-decode-64"}
    assert all(each.target in DEVICES.ids and each.batch >= 1 and each.says.endswith(".") for each in SCENARIOS)
    with pytest.raises(SettingsError, match="near it: phone"):
        compare("fone", None)


def test_one_sample_of_a_network_is_what_the_strip_predicts(compared, network):
    for id in ("phone", "microcontroller", "raspberry-pi", "server-cpu"):
        scenario = SCENARIOS[id]
        for row, (weights, activations) in zip(compared[id], scenario.recipes, strict=True):
            settings = Settings("digits", weights, activations)
            there = predict(network, quantized(settings), settings.activations, scenario.target)
            assert row.seconds == pytest.approx(there.latency.seconds) and row.joules == pytest.approx(there.energy.joules)
            assert row.how == "predicted" and (not row.seconds or row.high == pytest.approx(BAND * row.seconds))


def test_a_batch_looks_up_as_many_rows_more():
    from explorer.cost.scenarios import _batched

    embedding = shapes(load("gpt-shakespeare"))[0]
    assert _batched(embedding, 64).looked_up == 64 * embedding.looked_up and _batched(shapes(load("digits"))[0], 64).looked_up is None


def test_a_decoder_has_seven_billion_weights_and_reads_them_all():
    weights = sum(count * out * into for count, out, into in DECODER_LAYERS)
    assert weights == pytest.approx(6.6e9, rel=0.01)  # the 7B's without its embedding, which is looked up
    fp16 = compare("llm-decode-1", None)[0]
    assert fp16.bytes == 2 * weights and fp16.waits == "memory"
    assert fp16.seconds == pytest.approx(2 * weights / 3.35e12, rel=0.3)  # bandwidth of the H100, and launches


def test_fewer_bits_of_weights_are_faster_and_for_many_sequences_arithmetic_takes_energy(compared):
    one, many = compared["llm-decode-1"], compared["llm-decode-64"]
    fp16, int8, fp8, w4a16 = one
    assert fp16.speedup == 1 and 1.5 < int8.speedup <= 2.01 and 2 < w4a16.speedup <= 4  # but for 225 launches
    assert {row.waits for row in one + many} == {"memory"} and many[3].speedup < w4a16.speedup
    assert all(a.seconds < b.seconds < 1.05 * a.seconds for a, b in zip(one, many))  # 64 tokens in little more time than one
    weights_alone = many[0].joules / many[3].joules, one[0].joules / w4a16.joules  # FP16 products stay what they are
    assert weights_alone[0] < 2.2 < 2.7 < weights_alone[1] and many[0].joules / many[1].joules > 2


def test_what_cannot_run_is_an_answer(compared):
    assert [row.why for row in compared["edge-npu"]] == ["does not run", ""] and compared["edge-npu"][1].speedup == 1
    large = compare("microcontroller", load("efficientnet-lite0"))
    assert {row.why for row in large} == {"does not fit"}


def page():
    from components.controls.scenarios import scenarios
    from components.controls.state import state

    scenarios(state().settings)


def test_the_page_shows_them_and_takes_a_target():
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state[KEY] = State(settings=Settings("digits"))
    app.run()
    for scenario in SCENARIOS:
        app.selectbox(key="scenario").set_value(scenario.id).run()
        assert not app.exception and len(app.dataframe[0].value) == len(scenario.recipes) and scenario.says in app.caption[0].value
        assert any("figure-origin predicted" in each.proto.body for each in app.get("html"))
        assert len(app.button) == (scenario.layers != DECODER)
    app.selectbox(key="scenario").set_value("phone").run()
    app.button(key="scenario.take").click().run()
    assert app.session_state[KEY].settings.target == "snapdragon-8-gen-3" and not app.button
