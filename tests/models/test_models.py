"""What the registry says of a model, against the network that it loads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from explorer.errors import SettingsError
from explorer.models import MODELS, Network, here, load
from explorer.models.assets import FOLDER

TIED = {"smollm2-135m": lambda module: module.embed, "whisper-base": lambda module: module.decoder.tokens}
every_model = pytest.mark.parametrize("id", here())


def test_all_models_are_registered():
    promised = {"article-mlp", "article-mlp-drawn", "digits", "fashion", "fashion-resnet", "voice", "efficientnet-lite0", "silero-vad",
                "gpt-shakespeare", "magika", "minilm", "smollm2-135m", "whisper-base"}
    assert promised <= set(MODELS.ids)


@every_model
def test_entry_is_true_of_the_network(id):
    model, network = MODELS[id], load(id)
    assert model.parameters == sum(p.numel() for p in network.module.parameters())
    assert model.test_size == len(network.test)
    assert model.calibration_size == len(network.calibration)
    assert (network.labels is None) == (model.metric == "agreement with FP32")
    assert network.calibration_labels is None or network.labels is not None
    assert all([model.title, model.task, model.source, model.licence, model.teaches])


@pytest.mark.parametrize("id", [id for id in here() if MODELS[id].metric == "accuracy"])
def test_labels_are_classes(id):
    model, network = MODELS[id], load(id)
    assert network.labels.dtype == np.int64 and len(network.labels) == len(network.test)
    assert set(network.labels) == set(range(len(model.classes)))


@every_model
def test_network_is_frozen_and_folded(id):
    module = load(id).module
    assert not any(m.training for m in module.modules())
    assert not any(p.requires_grad for p in module.parameters())
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in module.modules())
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in module.parameters())


@every_model
def test_layers_are_in_the_order_in_which_they_run(id):
    network = load(id)
    ran = []
    names = {module: name for name, module in network.module.named_modules()}
    kinds = (torch.nn.Conv2d, torch.nn.Linear, torch.nn.Embedding)
    hooks = [
        module.register_forward_pre_hook(lambda module, _: ran.append(names[module]))
        for module in names
        if isinstance(module, kinds)
    ]
    _answer(network, network.test[:1])
    for hook in hooks:
        hook.remove()
    assert [layer.name for layer in network.layers] == list(dict.fromkeys(ran))  # a recurrent one runs in every step


@every_model
def test_macs_are_half_of_what_torch_counts_as_operations(id):
    network = load(id)
    inputs = network.prepare(network.test[:1])  # which may take products of its own
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        outputs = network.module(inputs)
    attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # between activations: no layer's
    counted = counter.get_flop_counts()["Global"]
    counted = sum(count for operation, count in counted.items() if operation is not attention)
    head = TIED.get(id, lambda _: None)(network.module)  # the embedding again, and no layer
    if head is not None:
        counted -= 2 * head.weight.numel() * (outputs.shape[1] + (3 if id == "whisper-base" else 0))  # whose opening has 4 tokens
    assert 2 * sum(layer.macs for layer in network.layers) == counted


@every_model
def test_layer_kinds(id):
    network = load(id)
    for i, layer in enumerate(network.layers):
        shape = network.weight(i).shape
        if layer.kind in ("linear", "embedding"):
            assert len(shape) == 2
        else:
            groups = network.module.get_submodule(layer.name).groups
            assert layer.kind == ("depthwise" if groups == shape[0] > 1 else "conv")


@every_model
def test_weight_is_a_readonly_view(id):
    network = load(id)
    weight = network.weight(0)
    with pytest.raises(ValueError, match="read-only"):
        weight[0] = 0
    parameter = network.module.get_submodule(network.layers[0].name).weight
    assert np.shares_memory(weight, parameter.numpy())


@every_model
def test_prepared_inputs_run_and_answers_are_class_numbers_or_words(id):
    network = load(id)
    count = 1 if MODELS[id].parcel else 3
    answers = _answer(network, network.test[:count])
    assert (answers.dtype.kind == "U" if MODELS[id].metric == "word error rate" else answers.dtype == np.int64) and len(answers) == count


@every_model
def test_a_batch_answers_like_its_samples(id):
    network = load(id)
    samples = network.test[: 2 if MODELS[id].parcel else min(6, max(2, MODELS[id].batch // 2))]
    one_by_one = [_answer(network, samples[i : i + 1])[0].tolist() for i in range(len(samples))]
    assert _answer(network, samples).tolist() == one_by_one


@every_model
def test_calibration_and_test_share_no_sample(id):
    network = load(id)
    seen = {sample.tobytes() for sample in network.calibration[:]}
    assert not any(sample.tobytes() in seen for sample in network.test[:])


@every_model
def test_digest_moves_with_any_weight(id):
    from explorer.models.assemble import digest

    network = load(id)
    weights = {name: w.numpy().copy() for name, w in network.module.state_dict().items()}
    assert (digest(weights) == network.digest) == (MODELS[id].parcel is None)  # what is fetched names its tokenizer too
    last = weights[sorted(weights)[-1]]
    last.flat[-1] = np.nextafter(last.flat[-1], np.float32(np.inf))
    assert digest(weights) != network.digest


def test_networks_have_different_digests():
    assert len({load(id).digest for id in here()}) == len(here())


def test_load_gives_every_thread_the_same_network():
    with ThreadPoolExecutor(8) as threads:
        networks = list(threads.map(load, ["digits"] * 16))
    assert all(network is networks[0] for network in networks)


def test_unknown_model_names_the_near_ones():
    with pytest.raises(SettingsError, match="fashion"):
        load("fashon")


def test_assets_are_small():
    assert sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) <= 6_000_000


def test_the_registry_imports_nothing_heavy():
    heavy = {"torch", "sklearn", "skimage", "scipy", "PIL", "safetensors"}
    code = f"import sys, explorer.models; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def _answer(network: Network, samples: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network.answers(network.module(network.prepare(samples)))


def test_digest_names_the_tokenizer():
    from explorer.models.assemble import digest

    weights = {"w": np.ones(3, np.float32)}
    assert len({digest(weights), digest(weights, b"{}"), digest(weights, b"[]")}) == 3
