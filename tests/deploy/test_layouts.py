"""The layouts, read without the code that wrote them."""

import json
import subprocess
import sys
import zipfile

import gguf
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from safetensors import safe_open

from explorer.deploy import export, onnx_joints
from explorer.deploy.content import Content, Plan
from explorer.deploy.onnx_graph import build
from explorer.evaluate import evaluate
from explorer.measure.runtime import kernels, session
from explorer.models import MODELS
from explorer.pipeline import quantized
from explorer.quantize import sqnr_db
from explorer.settings import Settings
from explorer.stages import network_of

DIGITS = Settings(model="digits", activations="fp32", calibration_samples=16, evaluation_samples=64)


def tensors(settings: Settings) -> dict:
    return dict(zip([layer.name for layer in network_of(settings).layers], quantized(settings), strict=True))


@pytest.mark.parametrize("weights", ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "bf16"])
def test_gguf_reads_what_gguf_itself_would_have_written(tmp_path, weights):
    """The file's bytes are those of gguf's own quantizer on the same rows, filled up with zeros."""
    settings = DIGITS.replace(weights=weights)
    export(settings, tmp_path / "file.gguf", to="gguf")
    reader = gguf.GGUFReader(tmp_path / "file.gguf")
    stored = {tensor.name: tensor for tensor in reader.tensors}
    network = network_of(settings)
    checked = 0
    for i, layer in enumerate(network.layers):
        w, tensor = network.weight(i), stored[f"{layer.name}.weight"]
        theirs = gguf.dequantize(tensor.data, tensor.tensor_type).reshape(len(w), -1)
        assert np.array_equal(theirs[:, : w[0].size].reshape(w.shape), tensors(settings)[layer.name].dequantize())
        if w[0].size % 32 == 0 and weights != "bf16":
            packed = gguf.quantize(w.reshape(len(w), -1), tensor.tensor_type)
            checked += int(np.array_equal(np.asarray(tensor.data).reshape(packed.shape), packed))
        elif weights != "bf16" and w.shape[-1] % 32:
            assert reader.get_field(f"explorer.shape.{layer.name}.weight").contents() == list(w.shape)
    assert checked or weights == "bf16"
    assert reader.get_field("explorer.link").contents().startswith("?v=1&m=digits")


@pytest.mark.parametrize("weights", ["int4-symfull-g16-mse", "int4-asym-g16", "int2-sym-channel", "int8-symfull-channel"])
def test_packed_integers_lie_as_compressed_tensors_documents(tmp_path, weights):
    """Element i of a row at bit i · bits of its int32 words, 2^(bits-1) added; scales [out, groups]."""
    settings = DIGITS.replace(weights=weights)
    export(settings, tmp_path / "file", to="safetensors")
    with safe_open(tmp_path / "file", "pt") as file:
        stored, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    config = json.loads(metadata["quantization_config"])
    assert config["quant_method"] == "compressed-tensors" and config["format"] == "pack-quantized"
    targets = {name: group["weights"] for group in config["config_groups"].values() for name in group["targets"]}
    for name, q in tensors(settings).items():
        rows, columns = stored[f"{name}.weight_shape"].tolist()
        bits = targets[name]["num_bits"]
        words = stored[f"{name}.weight_packed"].numpy().view(np.uint32)
        as_bits = np.unpackbits(words.view(np.uint8).reshape(rows, -1), axis=1, bitorder="little")[:, : columns * bits]
        codes = as_bits.reshape(rows, columns, bits) @ (1 << np.arange(bits)) - 2 ** (bits - 1)
        scale = stored[f"{name}.weight_scale"].numpy()
        assert targets[name]["strategy"] == ("group" if scale.shape[1] > 1 else "channel")
        width = targets[name].get("group_size", columns)
        if targets[name]["symmetric"]:
            zero = np.zeros(scale.shape)
        else:  # packed down the rows
            down = stored[f"{name}.weight_zero_point"].numpy().T.copy().view(np.uint32)
            down = np.unpackbits(down.view(np.uint8).reshape(len(down), -1), axis=1, bitorder="little")[:, : rows * bits]
            zero = (down.reshape(-1, rows, bits) @ (1 << np.arange(bits)) - 2 ** (bits - 1)).T
        values = (codes - np.repeat(zero, width, 1)).astype(np.float32) * np.repeat(scale, width, 1)
        assert np.array_equal(values, q.dequantize().reshape(rows, columns))
        assert name == "classifier" or json.loads(metadata["shapes"])[name] == list(q.shape)


def test_fp8_and_int8_are_plain_tensors(tmp_path):
    for weights, activations, kind, format_ in (
        ("fp8e4m3-channel-minmax", "fp8e4m3-tensor", torch.float8_e4m3fn, "float-quantized"),
        ("int8-symfull-channel", "int8-asym-tensor", torch.int8, "int-quantized"),
    ):
        settings = DIGITS.replace(weights=weights, activations=activations)
        export(settings, tmp_path / format_, to="safetensors")
        with safe_open(tmp_path / format_, "pt") as file:
            config = json.loads(file.metadata()["quantization_config"])
            assert config["format"] == format_ and config["config_groups"]["group_0"]["input_activations"]["num_bits"] == 8
            for name, q in tensors(settings).items():
                weight = file.get_tensor(f"{name}.weight")
                assert weight.dtype == kind and file.get_tensor(f"{name}.input_scale").shape == (1,)
                values = weight.float() * file.get_tensor(f"{name}.weight_scale")
                assert np.array_equal(values.numpy().reshape(q.shape), q.dequantize())


def test_npz_needs_nothing_but_numpy(tmp_path):
    settings = DIGITS.replace(weights="int4-asym-channel-mse", activations="uint8-asym-tensor")
    export(settings, tmp_path / "file.npz", to="numpy")
    assert zipfile.is_zipfile(tmp_path / "file.npz")
    with np.load(tmp_path / "file.npz", allow_pickle=False) as file:
        for name, q in tensors(settings).items():
            codes = file[f"{name}.codes"].reshape(len(q.codes), -1).astype(np.float32)
            values = (codes - file[f"{name}.zero_point"]) * file[f"{name}.scale"]
            assert np.array_equal(values.reshape(q.shape), q.dequantize()) and file[f"{name}.input_scale"] > 0
        assert str(file["link"]).startswith("?v=1&m=digits") and str(file["stamp"]) in str(file["link"])


DRIVER = """
import runpy, sys
for folder, scales in zip(sys.argv[1::2], sys.argv[2::2]):
    for given in ([f"{folder}/scales.npz"], []) if scales == "True" else ([],):
        sys.argv = ["file.py", f"{folder}/weights.npz", f"{folder}/codes.npz", *given]
        try:
            runpy.run_path(f"{folder}/file.py", run_name="__main__")
        except SystemExit as left:
            assert scales == "True" and not given, left
            print(folder, left)
"""


def test_the_python_file_stands_alone(tmp_path):
    """In a process that cannot import the explorer: the same codes and scales from plain weights; or what is missing."""
    cases = {"int4-asym-g16": False, "uint8-sym-channel-mse": True, "fp8e4m3-b128-minmax": False}
    arguments = []
    for weights, scales in cases.items():
        settings, folder = DIGITS.replace(weights=weights), tmp_path / weights
        folder.mkdir()
        export(settings, folder / "file.py", to="python")
        export(settings, folder / "scales.npz", to="numpy")
        network = network_of(settings)
        np.savez(folder / "weights.npz", **{layer.name: network.weight(i) for i, layer in enumerate(network.layers)})
        assert "explorer" not in (folder / "file.py").read_text().partition("LAYERS")[2]
        arguments += [weights, str(scales)]
    ran = subprocess.run([sys.executable, "-I", "-c", DRIVER, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("give the scales of the numpy export") == sum(cases.values())
    for weights in cases:
        with np.load(tmp_path / weights / "codes.npz") as file:
            for name, q in tensors(DIGITS.replace(weights=weights)).items():
                assert np.array_equal(file[f"{name}.codes"], q.codes) and np.array_equal(file[f"{name}.scale"], q.scale)
                assert np.array_equal(file[f"{name}.zero_point"], q.zero_point)


def onnx_session(path, level=None):
    model = onnx.load(path)
    properties = {each.key: each.value for each in model.metadata_props}
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if level is not None:
        options.graph_optimization_level = level
    for key, value in json.loads(properties["session_options"]).items():
        options.add_session_config_entry(key, value)
    return model, properties, onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("model", ["digits", "fashion"])
@pytest.mark.parametrize(("weights", "activations", "least"), [
    ("int8-sym-channel", "uint8-asym-tensor", 60), ("int8-sym-tensor", "int8-asym-tensor", 60), ("int8-asym-channel", "int7-sym-tensor", 50),
    ("int8-sym-channel", "fp32", 100), ("int4-sym-g16", "fp32", 100), ("fp32", "int8-asym-tensor", 60), ("fp8e4m3-channel-minmax", "fp32", 100),
])  # fmt: skip
def test_onnx_runtime_gives_the_answers_of_the_simulation(tmp_path, model, weights, activations, least):
    """Beside the simulation with the biases that the file holds, rounded to int32 as integer kernels add them, and with
    sums and means quantized where the file does so: what is left are activations at a tie (least: signal to difference, dB)."""
    settings = DIGITS.replace(model=model, weights=weights, activations=activations)
    export(settings, tmp_path / "file.onnx", to="onnx")
    file, properties, session = onnx_session(tmp_path / "file.onnx")
    assert "r=" in properties["link"] and properties["stamp"] in properties["link"]
    stored = {each.name: numpy_helper.to_array(each) for each in file.graph.initializer}
    content = Content.unproven(Plan.of(settings))
    biases = []
    for layer in content.plan.layers:
        name = f"{layer.name}.bias"
        bias = stored[name] if name in stored else stored[f"{name}.codes"] * stored[f"{name}.scale"]
        biases.append(bias.astype(np.float32))
        assert (name in stored) == (activations == "fp32" or weights[:3] != "int" or f"{name}.codes" not in stored)
    x = content.plan.network.prepare(content.plan.network.test[:64])
    joined = onnx_joints.quantizers(content)
    assert bool(joined) == (activations in ("uint8-asym-tensor", "int8-asym-tensor") and weights.startswith("int8"))
    ours = onnx_joints.simulated(content, joined, biases)(x).numpy()
    theirs = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    assert sqnr_db(ours, theirs) > least
    assert (ours.argmax(1) == theirs.argmax(1)).all()


def optimized(path, tmp_path) -> list[str]:
    """The kernels that ONNX Runtime makes of a file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.optimized_model_filepath = 3, str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]


@pytest.mark.parametrize("model", ["digits", "fashion-resnet", "efficientnet-lite0"])
def test_integer_kernels_take_the_whole_graph(tmp_path, model):
    """After ONNX Runtime's own optimization every layer, sum and mean runs in integers; only what comes in and out is converted."""
    settings = DIGITS.replace(model=model, weights="int8-sym-channel", activations="uint8-asym-tensor", calibration_samples=4)
    content = Content.unproven(Plan.of(settings))
    onnx.save(build(content, joined=True)[0], tmp_path / "file.onnx")
    kinds = optimized(tmp_path / "file.onnx", tmp_path)
    layers, sums = content.plan.layers, sum(node.op_type == "Add" for node in onnx.load(tmp_path / "file.onnx").graph.node)
    assert kinds.count("QLinearConv") == sum(layer.kind != "linear" for layer in layers) and kinds.count("QGemm") == 1
    assert kinds.count("QLinearAdd") == sums and kinds.count("QLinearGlobalAveragePool") == 1
    assert not {"Conv", "FusedConv", "Add", "Gemm", "GlobalAveragePool"} & set(kinds)
    assert kinds.count("QuantizeLinear") == 1 and kinds.count("DequantizeLinear") <= 1


@pytest.mark.parametrize("weights", ["int4-asym-g16", "int4-symfull-g32", "uint4-asym-g64", "int8-sym-g32", "uint8-asym-g16"])
def test_weights_in_blocks_are_unpacked_by_the_kernel_as_it_documents(weights):
    """MatMulNBits of identity matrices gives back the weights that the codes stand for, and nothing is expanded at a call."""
    content = Content.unproven(Plan.of(DIGITS.replace(weights=weights)))
    model, graph = build(content)
    i = len(content.plan.layers) - 1
    layer = content.plan.layers[i]
    (made,) = [node for node in model.graph.node if node.op_type == "MatMulNBits"]
    alone = onnx.helper.make_graph([made], "alone", [onnx.helper.make_tensor_value_info(made.input[0], 1, [64, 64])],
                                   [onnx.helper.make_tensor_value_info(layer.name, 1, [64, 10])],
                                   [each for each in model.graph.initializer if each.name in made.input])  # fmt: skip
    alone = onnx.helper.make_model(alone, opset_imports=model.opset_import, ir_version=10)
    (theirs,) = session(alone.SerializeToString()).run(None, {made.input[0]: np.eye(64, dtype=np.float32)})
    values = content.tensors[i].dequantize() + content.biases[i][:, None]
    assert np.allclose(theirs.T, values, rtol=0, atol=1e-6)
    assert sum(each.name == "MatMulNBits" for each in kernels(model.SerializeToString(), content.plan.network.prepare(content.plan.network.test[:1]).numpy())) == 1


@pytest.mark.parametrize(("weights", "activations"), [("int8-sym-channel", "int8-sym-tensor"), ("int4-sym-g16", "int8-asym-tensor")])
def test_where_integers_do_not_go_through_sums_are_left_alone(weights, activations):
    content = Content.unproven(Plan.of(DIGITS.replace(weights=weights, activations=activations)))
    assert not onnx_joints.quantizers(content)
    assert build(content, joined=True)[0] == build(content)[0]


def test_the_metric_of_onnx_is_the_one_of_a_person_who_runs_it(tmp_path):
    settings = DIGITS.replace(weights="int8-sym-channel", activations="uint8-asym-tensor", evaluation_samples=300)
    done = export(settings, tmp_path / "file.onnx", to="onnx")
    _, _, session = onnx_session(tmp_path / "file.onnx")
    network = network_of(settings)
    run = lambda x: torch.from_numpy(session.run(None, {"x": x.numpy()})[0])  # noqa: E731
    *_, evaluation = evaluate(network, MODELS["digits"], run, samples=300, seed=0)
    assert evaluation.metric == done.checks.metric
