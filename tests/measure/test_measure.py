"""Latency measured here: whatever the times are, what is timed is right, and what cannot be is said."""

import builtins
import json
from threading import Event

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import explorer.measure
from explorer.__main__ import main
from explorer.cache import CACHE
from explorer.deploy.content import Content, Plan
from explorer.deploy.onnx import session_options
from explorer.deploy.onnx_layer import layer_model
from explorer.errors import Cancelled, ModelError, SettingsError
from explorer.link import encode_link
from explorer.measure import known, measure, stream
from explorer.measure.runtime import kernels, machine, session
from explorer.measure.timing import Ratio
from explorer.quantize import sqnr_db
from explorer.settings import Settings
from explorer.views.measured import rows

DIGITS = Settings("digits", "int8-sym-channel", "uint8-asym-tensor", calibration_samples=8, evaluation_samples=8)
FASTER, EQUAL, NOISY = Ratio(2.0, 1.9, 2.2, 2e-3, 1e-3, 15), Ratio(1.0, 0.9, 1.1, 1e-3, 1e-3, 15), Ratio(1.0, 0.5, 3.0, 1e-3, 1e-3, 31)


@pytest.fixture
def timed(monkeypatch):
    """Both are called once each, and the ratio is given: what is tested is not the machine."""
    answers, calls = [], []

    def paired(first, second, *, seed=0, cancel=None):
        calls.append((first(), second()))
        return answers[min(len(calls), len(answers)) - 1]

    monkeypatch.setattr(explorer.measure, "paired", paired)
    return answers, calls


def test_the_network_and_every_layer_once_a_shape(timed):
    answers, calls = timed
    answers += [FASTER, EQUAL, NOISY]
    said = []
    *partial, found = stream(DIGITS, again=True, progress=lambda *what: said.append(what))
    assert [len(each.layers) for each in partial] == list(range(len(found.layers) + 1)) and not partial[0].done and found.done
    plan = Plan.of(DIGITS)
    assert sorted(name for each in found.layers for name in each.names) == sorted(layer.name for layer in plan.layers)
    assert found.whole is FASTER and found.layers[0].ratio is EQUAL and found.on_codes == len(found.layers) and found.predicted
    (fp32,), (quantized,) = calls[0]  # the whole network's answers are near each other
    assert sqnr_db(fp32, quantized) > 15
    shares = [share for stage, share in said if stage == "measure"]
    assert shares == sorted(shares) and shares[-1] == 1
    table = rows(found)
    assert len(table) == len(found.layers) and table["verdict"][0] == "no measurable difference" and np.isnan(table["ratio"][1])
    facts = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert facts["how"] == "measured here" and facts["whole"]["ratio"] == 2 and "ratio" not in facts["layers"][1]["ratio"]
    assert facts["machine"] == machine() and onnxruntime.__version__ in facts["versions"] and facts["date"].startswith("20")


@pytest.mark.parametrize(("model", "on_codes"), [("gpt-shakespeare", lambda n: n == 0), ("silero-vad", lambda n: n > 0)])
def test_it_says_how_many_layers_hand_codes_on(timed, model, on_codes):
    timed[0].append(EQUAL)
    found = measure(DIGITS.replace(model=model), again=True)
    assert on_codes(found.on_codes) and found.on_codes < len(found.layers)
    assert [each["on_codes"] for each in found.as_dict()["layers"]] == [each.on_codes for each in found.layers]


def test_it_is_kept_with_the_machine_and_measured_again_when_asked(timed, tmp_path, monkeypatch):
    answers, calls = timed
    answers.append(FASTER)
    monkeypatch.setattr(CACHE, "folder", tmp_path)
    first = measure(DIGITS, again=True)
    count = len(calls)
    CACHE.clear()  # from the disk
    assert known(DIGITS) == first == measure(DIGITS.replace(evaluation_samples=50, target="h100")) and len(calls) == count
    assert measure(DIGITS, again=True).whole == FASTER and len(calls) == 2 * count
    monkeypatch.setattr(explorer.measure, "machine", lambda: "another one")
    assert known(DIGITS) is None


def test_stopped_it_keeps_nothing(timed, monkeypatch):
    timed[0].append(FASTER)
    monkeypatch.setattr(CACHE, "folder", None)
    CACHE.clear()
    stop = Event()
    running = stream(DIGITS, again=True, cancel=stop)
    next(running)
    running.close()
    assert known(DIGITS) is None
    stop.set()
    with pytest.raises(Cancelled):
        explorer.measure.Content.of(Plan.of(DIGITS.replace(seed=9)), cancel=stop)


@pytest.mark.parametrize("i", range(6))
def test_a_layer_alone_computes_what_it_computes_in_the_network(i):
    """Codes in, codes out: within a step of the simulated layer's output, quantized."""
    content = Content.unproven(Plan.of(DIGITS))
    groups = explorer.measure._groups(content, content.plan.network.prepare(content.plan.network.test[:1]))
    (members, (x, y)) = next(group for group in groups if i in group[0])
    ends = float(y.min()), float(y.max())
    codes = explorer.measure._codes(content, members[0], x.numpy())
    model = layer_model(content, members[0], tuple(x.shape), tuple(y.shape), ends)
    opened = session(model, session_options(content.plan))
    (found,) = opened.run(None, {"x": codes})
    stored = {each.name: onnx.numpy_helper.to_array(each) for each in onnx.load_from_string(model).graph.initializer}
    values = (found.astype(np.float32) - stored["y.zero_point"]) * stored["y.scale"]
    simulated = content.simulated().layer(members[0])(x).numpy()
    assert found.dtype == np.uint8 and np.abs(values - simulated).max() <= 0.75 * stored["y.scale"] + 0.02 * np.abs(simulated).max()
    ran = [each.name for each in kernels(model, codes)]
    assert ran == ["QLinearConv" if x.ndim == 4 else "QGemm"] or set(ran) <= {"QLinearConv", "Transpose"}


def test_the_profile_names_what_runs_at_every_call():
    weights = DIGITS.replace(weights="int4-sym-g16", activations="fp32")
    content = Content.unproven(Plan.of(weights))
    from explorer.deploy.onnx_graph import build

    feed = content.plan.network.prepare(content.plan.network.test[:1]).numpy()
    found = {each.name: each for each in kernels(build(content)[0].SerializeToString(), feed)}
    assert found["DequantizeLinear"].count >= 5 and sum(each.share for each in found.values()) == pytest.approx(1)
    assert not {"QLinearConv", "QGemm"} & set(found)


def test_a_missing_or_refusing_runtime_is_a_sentence(monkeypatch):
    unknown = helper.make_graph([helper.make_node("NoSuchOperator", ["x"], ["y"])], "g",
                                [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
                                [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])  # fmt: skip
    with pytest.raises(ModelError, match="ONNX Runtime .* refuses the graph"):
        session(helper.make_model(unknown).SerializeToString())
    real = builtins.__import__

    def without(name, *rest):
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelError, match="pip install onnxruntime"):
        session(b"")


def test_what_onnx_cannot_hold_is_refused_before_work_starts(monkeypatch):
    monkeypatch.setattr(Content, "unproven", lambda *_, **__: pytest.fail("work was started"))
    with pytest.raises(SettingsError, match="q4_0 cannot be held"):
        measure(DIGITS.replace(weights="q4_0", activations="fp32"))


def test_the_command_line(timed, capsys):
    timed[0].extend([FASTER, NOISY])
    link = encode_link(DIGITS)
    assert main(["measure", link, "--again"]) == 0
    text = capsys.readouterr().out
    assert "2.00 times as fast as FP32 (95 % interval 1.90 to 2.20, 15 rounds), 1 ms and 2 ms" in text
    assert "QLinearConv × 5" in text and "too noisy" in text and "measured here" in text and machine() in text
    assert main(["measure", link, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"]["verdict"] == "faster"
    timed[0].clear(), timed[1].clear()
    timed[0].append(NOISY)
    assert main(["measure", link, "--again"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert "too noisy for a number" in first and "times as fast" not in first
    assert main(["measure", "?m=digits&w=q4_0&a=fp32"]) == 2 and "cannot hold this" in capsys.readouterr().err
