"""The safetensors file, read by the library whose layout it has."""

import json

import numpy as np
import pytest
from safetensors import safe_open

from explorer.deploy import TARGETS
from explorer.deploy.content import Content, Plan
from explorer.models import MODELS, here
from explorer.recipe import Recipe
from explorer.settings import Settings

CASES = [("digits", "int4-symfull-g16", "fp32"), ("digits", "int4-asym-g16", "fp32"), ("digits", "int2-sym-channel", "fp32"),
         ("digits", "fp8e4m3-channel-minmax", "fp32"), ("digits", "fp8e4m3-tensor", "fp8e4m3-tensor"),
         ("gpt-shakespeare", "fp8e4m3-b128-minmax", "fp8e4m3-g128-minmax"), ("article-mlp", "int8-symfull-channel", "int8-symfull-token")]  # fmt: skip
CASES += [(model, "int8-symfull-channel", "fp32") for model in here() if MODELS[model].parcel is None]
CASES += [("fashion", "int8-symfull-channel", "int8-asym-tensor")]


@pytest.mark.parametrize(("model", "weights", "activations"), CASES)
def test_it_gives_back_the_weights_that_were_simulated(tmp_path, model, weights, activations):
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationConfig

    content = Content.unproven(Plan.of(Settings(model, weights, activations, calibration_samples=4)))
    TARGETS["safetensors"].write(content, tmp_path / "file")
    with safe_open(tmp_path / "file", "pt") as file:
        stored, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    config = QuantizationConfig.model_validate(json.loads(metadata["quantization_config"]))
    flowing = [scheme.input_activations for scheme in config.config_groups.values() if scheme.input_activations]
    live = Recipe.parse(activations)
    assert all((args.dynamic, args.group_size) == (live.is_live, live.size if live.kind == "group" else None) for args in flowing)
    assert bool(flowing) == (activations != "fp32")
    tensors = dict(zip([layer.name for layer in content.plan.layers], content.tensors, strict=True))
    for scheme in config.config_groups.values():
        compressor = BaseCompressor.load_from_registry(scheme.format)
        for name in scheme.targets:
            parts = {key.removeprefix(f"{name}."): part for key, part in stored.items() if key.rpartition(".")[0] == name and not key.endswith(".bias")}
            values = compressor.decompress(parts, scheme)["weight"].float().numpy()
            q = tensors.pop(name)
            assert np.array_equal(values.reshape(q.shape), q.dequantize())
    assert not tensors
