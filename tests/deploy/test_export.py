"""Every target on every model: what is written is read again by the library that reads such files, and proven."""

import dataclasses
import json

import numpy as np
import onnxruntime
import pytest
import torch

import explorer
from explorer.algorithms import ALGORITHMS
from explorer.cache import CACHE
from explorer.deploy import TARGETS, export, predicted
from explorer.deploy.checks import compare
from explorer.deploy.content import Content, Plan
from explorer.errors import Cancelled, DataError, SettingsError
from explorer.link import decode_link, encode_link
from explorer.models import MODELS, here
from explorer.settings import Settings

RECIPES = {  # target → (weights, activations) that it holds; the first for every model, the others for digits
    "numpy": [("int4-asym-channel-mse", "uint8-asym-tensor-p99.9"), ("q4_1", "fp32"), ("mxfp4", "mxfp8e4m3"), ("fp16", "fp32"),
              ("fp8e4m3-b128-minmax", "fp8e4m3-token"), ("fp32", "fp32")],
    "python": [("int8-symfull-channel", "int8-asym-tensor"), ("int4-asym-g16", "uint8-asym-tensor-p99.9"), ("uint4-sym-channel-mse", "fp8e4m3"),
               ("fp8e4m3-b128-minmax", "fp8e4m3-tensor"), ("fp16", "bf16"), ("int3-symfull-g7", "int7-sym"), ("int8-asym-b16-minmax", "fp32")],
    "safetensors": [("int8-symfull-channel", "int8-asym-tensor"), ("int4-symfull-g128", "fp32"), ("int4-asym-g16", "fp32"), ("int2-sym-channel", "fp32"),
                    ("fp8e4m3-channel-minmax", "fp32"), ("fp8e4m3-tensor", "fp8e4m3-tensor"), ("fp8e4m3-b128-minmax", "fp32")],
    "gguf": [("q4_0", "fp32"), ("q4_1", "fp32"), ("q5_0", "fp32"), ("q5_1", "fp32"), ("q8_0", "fp32"), ("fp16", "fp32"), ("bf16", "fp32"), ("fp32", "fp32")],
    "onnx": [("int8-sym-channel", "uint8-asym-tensor"), ("int8-asym-tensor", "int8-sym-tensor-p99.9"), ("uint8-asym-channel", "uint8-asym-tensor"),
             ("int4-asym-g16-mse", "fp32"), ("int4-sym-channel", "int7-sym"), ("int6-sym-tensor", "int16-sym"), ("int12-sym-channel", "fp32"),
             ("fp8e4m3-channel-minmax", "int8-asym"), ("fp8e5m2", "fp32"), ("fp16", "fp32"), ("fp16", "fp16"), ("bf16", "bf16"), ("bf16", "int8-asym"), ("fp32", "int8-asym"),
             ("int8-sym-g32", "fp32"), ("uint4-asym-g64", "fp32")],
}  # fmt: skip
CASES = [(to, "digits", *recipes) for to in TARGETS.ids for recipes in RECIPES[to]]
RECIPES_OF_ALL = RECIPES | {"numpy": [("int4-asym-channel", "uint8-asym-tensor-p99.9")]}  # no range that takes a search, on larger models
CASES += [(to, model, *RECIPES_OF_ALL[to][0]) for to in TARGETS.ids for model in here()
          if model not in ("digits", "whisper-base")  # whose answers take seconds each
          and (to == "onnx" or MODELS[model].parcel is None)]  # of the large ones that are fetched, the file that holds their graph
CASES += [("onnx", "gpt-shakespeare", *recipes) for recipes in (("int4-asym-g32", "fp32"), ("int8-sym-channel", "fp32"), ("fp8e4m3-channel-minmax", "int8-asym"), ("fp32", "fp32"))]
CASES += [("onnx", "silero-vad", *recipes) for recipes in (("int8-asym-tensor", "fp32"), ("fp16", "fp16"))]
REFUSED = {  # target → (settings, what the sentence names)
    "python": [(dict(weights="nf4", activations="fp32"), "nf4"), (dict(activations="int8-sym-token"), "token"), (dict(algorithms=("biascorr",)), "biascorr"),
               (dict(accumulate="avx2"), "acc=exact")],
    "safetensors": [(dict(weights="q4_0", activations="fp32"), "q4_0"), (dict(weights="int4-sym-g64", activations="int8-asym"), "int4-sym-g64"),
                    (dict(activations="int8-sym"), "int8-sym"), (dict(weights="int4-sym-g7", activations="fp32"), "groups of 7 do not divide"),
                    (dict(layer_bits="0", weights="int8-symfull-channel", activations="int8-asym"), "left in fp32")],
    "gguf": [(dict(weights="int4", activations="fp32"), "int4"), (dict(weights="q4_0"), "activations"), (dict(layer_bits="8", weights="int8", activations="fp32"), "stem")],
    "onnx": [(dict(weights="q4_0", activations="fp32"), "q4_0"), (dict(activations="int8-sym-token"), "token"), (dict(weights="int8-sym-b16"), "b16"),
             (dict(weights="int4-sym-g7"), "groups of 7"), (dict(weights="int4-asym-channel", algorithms=("hqq",)), "hqq")],
}  # fmt: skip


def settings(model: str, weights: str, activations: str) -> Settings:
    few = {"efficientnet-lite0": 24, "silero-vad": 6, "gpt-shakespeare": 12, "magika": 6, "minilm": 12, "smollm2-135m": 1}.get(model, 120)
    return Settings(model=model, weights=weights, activations=activations, calibration_samples=8, evaluation_samples=few)


@pytest.fixture
def one_thread():
    """Several threads may sum a convolution in another order, by where its tensors lie in memory."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("to", "model", "weights", "activations"), CASES)
def test_what_is_written_is_what_was_simulated_and_as_large_as_predicted(tmp_path, one_thread, to, model, weights, activations):
    asked = settings(model, weights, activations)
    path = tmp_path / f"file{TARGETS[to].suffix}"
    before = predicted(asked, to)
    done = export(asked, path, to=to)
    assert done.path == path and done.bytes == path.stat().st_size and done.target == to
    assert before == done.predicted and abs(before.total - done.bytes) <= 0.01 * done.bytes
    checks = done.checks
    assert checks.passed and checks.codes == sum(Plan.of(asked).network.weight(i).size for i in range(len(Plan.of(asked).layers)))
    assert checks.codes_differ == checks.values_differ == 0
    assert checks.metric.n == asked.evaluation_samples == checks.simulated_metric.n
    if to != "onnx":  # the same weights in the same kernels
        assert checks.largest_difference == 0 and checks.metric == checks.simulated_metric
    assert decode_link(done.link)[0] == asked and done.stamp in done.link
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    json.dumps(done.as_dict(), allow_nan=False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        done.bytes = 0


@pytest.mark.parametrize(("to", "asked", "named"), [(to, *each) for to in REFUSED for each in REFUSED[to]])
def test_what_cannot_be_held_is_refused_before_work_starts(tmp_path, monkeypatch, to, asked, named):
    monkeypatch.setattr(Content, "of", lambda *_, **__: pytest.fail("work was started"))
    with pytest.raises(SettingsError) as refused:
        export(Settings(**{"model": "digits"} | asked), tmp_path / "file", to=to)
    assert named in str(refused.value) and TARGETS[to].title in str(refused.value)
    assert "use" in str(refused.value) or "hold" in str(refused.value)  # what can be done
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("facts", "refused"), [("flags: avx2 avx512_vnni", True), ("Features: asimddp", True), ("flags: sse4_2 avx2 fma", False), ("", False)])
def test_sums_of_pairs_are_proven_where_there_are_such_kernels(monkeypatch, facts, refused):
    monkeypatch.setattr("explorer.deploy.onnx.processor", lambda: facts)
    plan = Plan.of(settings("digits", "int8-sym-channel", "uint8-asym-tensor").replace(accumulate="avx2"))
    assert ("acc=exact" in TARGETS["onnx"].refuses(plan)) == refused


def test_a_network_whose_code_cannot_be_followed_is_refused_before_work_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.deploy.onnx.why_untraced", lambda _module: "a loop that asks what it sees")
    monkeypatch.setattr(Content, "of", lambda *_, **__: pytest.fail("work was started"))
    CACHE.clear()  # it knows that this one can
    with pytest.raises(SettingsError, match="cannot follow this network's code .a loop that asks.* export to numpy"):
        export(Settings("digits", "int8", "int8-asym"), tmp_path / "file", to="onnx")
    CACHE.clear()


def test_only_numpy_holds_everything():
    assert set(REFUSED) == set(TARGETS.ids) - {"numpy"}


@pytest.mark.parametrize("to", TARGETS.ids)
def test_a_file_that_is_not_the_simulation_is_not_kept(tmp_path, monkeypatch, to):
    """One code of one layer is changed as it is written."""
    target, asked = TARGETS[to], settings("digits", *RECIPES[to][0])

    def write(content, path):
        q = content.tensors[1]
        codes = q.codes.copy()
        codes.flat[5] = codes.flat[5] + 1 if codes.flat[5] < 3 else codes.flat[5] - 1
        altered = tuple(dataclasses.replace(q, codes=codes) if i == 1 else each for i, each in enumerate(content.tensors))
        target.write(dataclasses.replace(content, tensors=altered), path)

    if to == "python":  # it stores no codes: another scheme in the table

        def write(content, path):
            target.write(content, path)
            path.write_text(path.read_text().replace("(-128, 127, 0), 'symfull'", "(-127, 127, 0), 'symfull'", 1))

    monkeypatch.setitem(TARGETS._values, to, dataclasses.replace(target, write=write))
    with pytest.raises(DataError, match="not kept: .* differ after reading it back"):
        export(asked, tmp_path / "file", to=to)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", [id for id in TARGETS.ids if id != "python"])
def test_a_damaged_file_is_a_sentence(tmp_path, to):
    content = Content.of(Plan.of(settings("digits", *RECIPES[to][0])))
    path = tmp_path / "file"
    TARGETS[to].write(content, path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="could not be read again"):
        compare(content, TARGETS[to].read(content, path))


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(TARGETS._values, "gguf", dataclasses.replace(TARGETS["gguf"], needs=("a-package-nobody-has",)))
    with pytest.raises(explorer.ModelError, match="needs the package a-package-nobody-has"):
        export(settings("digits", "q4_0", "fp32"), tmp_path / "file", to="gguf")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")])
def test_a_model_too_large_for_memory_is_a_sentence(tmp_path, monkeypatch, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(Content, "of", full)
    with pytest.raises(explorer.ModelError, match="too large for the memory that is free; close"):
        export(settings("digits", "q4_0", "fp32"), tmp_path / "file", to="gguf")
    monkeypatch.setattr(Content, "of", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("another one")))
    with pytest.raises(RuntimeError, match="another one"):
        export(settings("digits", "q4_0", "fp32"), tmp_path / "file", to="gguf")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_onnx_runtime_refuses_is_a_sentence_and_no_file(tmp_path, monkeypatch):
    def refuses(*_, **__):
        raise onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented("no kernel for Conv(21)")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuses)
    with pytest.raises(explorer.ModelError, match="ONNX Runtime .* refuses the graph: .*no kernel for Conv"):
        export(settings("digits", "int8-sym-channel", "uint8-asym-tensor"), tmp_path / "file", to="onnx")
    assert not list(tmp_path.iterdir())


def test_an_unknown_target_is_answered_with_those_there_are(tmp_path):
    for to in ("onx", "", "htm"):
        with pytest.raises(SettingsError, match=f"no export target '{to}'; there are gguf, numpy, onnx, python, safetensors, html"):
            explorer.export(Settings(model="digits"), tmp_path / "file", to=to)


def test_it_can_be_stopped_and_leaves_nothing(tmp_path):
    class Stop:
        stopped = False

        def is_set(self):
            return self.stopped

    stop = Stop()

    def progress(stage, share):
        stop.stopped = stage == "verify"

    with pytest.raises(Cancelled):
        export(settings("digits", "int8", "int8-asym"), tmp_path / "file", to="numpy", progress=progress, cancel=stop)
    assert not list(tmp_path.iterdir())


def test_corrected_biases_are_in_the_file(tmp_path):
    asked = settings("digits", "int4-sym-channel", "int8-asym-tensor").replace(algorithms=("biascorr",))
    for to in ("numpy", "onnx", "safetensors"):
        asked = asked.replace(weights="int8-symfull-channel" if to == "safetensors" else asked.weights)
        assert export(asked, tmp_path / to, to=to).checks.passed
    content = Content.unproven(Plan.of(asked.replace(weights="int4-sym-channel")))
    with np.load(tmp_path / "numpy") as file:
        own = content.plan.network.module.get_submodule(content.plan.layers[1].name).bias.numpy()
        bias = file[f"{content.plan.layers[1].name}.bias"]
    assert np.array_equal(bias, content.biases[1]) and not np.array_equal(bias, own)


@pytest.mark.parametrize("algorithm", [each.id for each in ALGORITHMS])
@pytest.mark.parametrize("model", ["digits", "article-mlp"])
def test_every_algorithm_is_held_or_refused(few_iterations, tmp_path, algorithm, model):
    """Also what some do to the inputs of layers while the network runs."""
    weights = "int4-asym-channel" if algorithm == "hqq" else "int8-sym-channel"
    asked = settings(model, weights, "int8-asym-tensor").replace(algorithms=(algorithm,))
    done = [to for to in TARGETS.ids if _exported(asked, tmp_path / to, to)]
    assert "numpy" in done and ("onnx" in done) == (algorithm != "hqq") and "python" not in done
    safe = asked.replace(weights="int8-symfull-channel") if algorithm != "hqq" else asked
    changed = any(layer.before for layer in Plan.of(safe).layers)
    assert _exported(safe, tmp_path / "again", "safetensors") == (algorithm != "hqq" and not changed)


def _exported(asked: Settings, path, to: str) -> bool:
    try:
        done = export(asked, path, to=to)
    except SettingsError:
        return False
    assert abs(done.predicted.total - done.bytes) <= 0.01 * done.bytes
    return True


def test_a_link_does_as_well_as_settings(tmp_path):
    asked = settings("digits", "q8_0", "fp32")
    assert export(encode_link(asked), tmp_path / "file", to="gguf").link.startswith(encode_link(asked))
