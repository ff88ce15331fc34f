"""Latency measured here: the network and each of its layers in ONNX Runtime, FP32 against what export writes.

On request, since it takes seconds and says something of this machine at this moment; never part of a
result's stamp. One sample at a time (batch 1) on one thread. A layer whose network runs in integers from end to end
takes codes and gives codes, as it does in the middle; any other layer has its conversions with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone

import numpy as np
import torch

from explorer.cache import CACHE, Codec
from explorer.cost.predict import predict
from explorer.deploy import TARGETS, enough_memory, planned
from explorer.deploy import onnx as target
from explorer.deploy.content import Content, Plan
from explorer.deploy.onnx_joints import possible
from explorer.link import canonical
from explorer.measure.runtime import Kernel, kernels, machine, runner, versions
from explorer.measure.timing import Ratio, paired
from explorer.pipeline import settings_of
from explorer.progress import Progress, say
from explorer.settings import Settings
from explorer.simulate import own_copy
from explorer.stages import loaded


@dataclass(frozen=True)
class LayerTime:
    """All layers of one shape and recipe: their names, kind, and the Ratio FP32 to quantized of one of them. on_codes: whether it
    takes and gives codes, as in the middle of a network of integers, or has its conversions with it."""

    names: tuple[str, ...]
    kind: str
    shape: tuple[int, ...]
    ratio: Ratio
    on_codes: bool


@dataclass(frozen=True)
class Measured:
    """What was measured. whole: of the network; layers: those measured so far, the most arithmetic first; done: all of them.

    fp32_kernels, kernels: what ran, by the runtime's profile.
    predicted: the ratio that the roofline expects of this kind of machine, None where it expects none.
    """

    whole: Ratio
    layers: tuple[LayerTime, ...]
    done: bool
    fp32_kernels: tuple[Kernel, ...]
    kernels: tuple[Kernel, ...]
    predicted: float | None
    options: str
    machine: str
    versions: str
    date: str

    how = "measured here"

    @property
    def on_codes(self) -> int:
        """How many of the kinds of layers take and give codes."""
        return sum(each.on_codes for each in self.layers)

    @property
    def expanded(self) -> int:
        """How many DequantizeLinear run at every call: weights or activations that no kernel takes as they are."""
        return sum(each.count for each in self.kernels if each.name == "DequantizeLinear")

    def as_dict(self) -> dict:
        """JSON-ready; a ratio that is too noisy has no numbers."""
        found = asdict(self) | {"how": self.how}
        found["whole"] = _facts(self.whole)
        found["layers"] = [asdict(each) | {"ratio": _facts(each.ratio)} for each in self.layers]
        return found


def measure(settings_or_link: Settings | str, *, again: bool = False, progress: Progress | None = None, cancel=None) -> Measured:
    """All of it; what this machine has measured before is not measured again, unless asked.

    Raises SettingsError for what ONNX cannot hold, ModelError when ONNX Runtime is missing or refuses, Cancelled.
    """
    *_, found = stream(settings_or_link, again=again, progress=progress, cancel=cancel)
    return found


def known(settings: Settings) -> Measured | None:
    """What was measured before on this machine with these versions."""
    return CACHE.peek(_key(settings), MEASURED)[1]


def stream(settings_or_link: Settings | str, *, again: bool = False, progress: Progress | None = None, cancel=None) -> Iterator[Measured]:
    """The network first, then with one layer more each."""
    with enough_memory():
        yield from _stream(settings_or_link, again, progress, cancel)


def _stream(settings_or_link: Settings | str, again: bool, progress: Progress | None, cancel) -> Iterator[Measured]:
    settings = settings_of(settings_or_link)
    plan = planned(settings, TARGETS["onnx"], progress=progress, cancel=cancel)
    before = None if again else known(settings)
    if before is not None:
        yield before
        return
    content = Content.unproven(plan, progress=progress, cancel=cancel)
    plain = Content.unproven(Plan.of(_fp32(settings)))
    sample = plan.network.prepare(plan.network.test[:1])
    models = [target.model_of(each).SerializeToString() for each in (plain, content)]
    say(progress, "measure", 0.0)
    options = target.session_options(plan)
    feed = sample.numpy()
    whole = paired(runner(models[0], feed), runner(models[1], feed, options), cancel=cancel)
    ran = kernels(models[0], feed), kernels(models[1], feed, options)
    expected = predict(plan.network, content.tensors, settings.activations, "here").speedup
    found = Measured(whole, (), False, *ran, expected, " ".join(f"{key}={value}" for key, value in options.items()),
                     machine(), versions(), datetime.now(timezone.utc).isoformat(timespec="minutes"))  # fmt: skip
    yield found
    groups = _groups(content, sample)
    for at, (members, feeds) in enumerate(groups):
        say(progress, "measure", (at + 1) / (len(groups) + 1))
        found = replace(found, layers=(*found.layers, _layer(plain, content, members, feeds, options, cancel)))
        yield found
    found = replace(found, done=True)
    CACHE.put(_key(settings), found, MEASURED)
    say(progress, "measure", 1.0)
    yield found


def _fp32(settings: Settings) -> Settings:
    return settings.replace(weights="fp32", activations="fp32", algorithms=(), layers=(), layer_bits="")


def _groups(content: Content, sample: torch.Tensor) -> list[tuple[list[int], tuple[torch.Tensor, torch.Tensor]]]:
    """(layers that are alike, an input and an output of the first), the most arithmetic first."""
    plan, seen, alike = content.plan, {}, {}
    module = own_copy(plan.network.module)
    for i, layer in enumerate(plan.layers):
        module.get_submodule(layer.name).register_forward_hook(lambda _, inputs, output, i=i: seen.update({i: (inputs[0].clone(), output.clone())}))
    with torch.inference_mode():
        module(sample)
    for i, layer in enumerate(plan.layers):
        if not layer.multiplies:
            continue
        each = module.get_submodule(layer.name)
        how = tuple(str(getattr(each, name, "")) for name in ("stride", "padding", "dilation", "groups"))
        alike.setdefault((layer.kind, layer.shape, tuple(seen[i][0].shape), how, layer.recipe), []).append(i)
    groups = sorted(alike.values(), key=lambda members: -plan.network.layers[members[0]].macs)
    return [(members, seen[members[0]]) for members in groups]


def _layer(plain: Content, content: Content, members: list[int], feeds, options: dict, cancel) -> LayerTime:
    from explorer.deploy.onnx_layer import layer_model

    plan, i, (x, y) = content.plan, members[0], feeds
    shapes, given = (tuple(x.shape), tuple(y.shape)), x.numpy()
    whole = possible(plan) and plan.layers[i].before is None and _in_a_chain(plan, i, x)
    ends = (float(y.min()), float(y.max())) if whole else None
    codes = _codes(content, i, given) if whole else given
    ratio = paired(runner(layer_model(plain, i, *shapes, None), given), runner(layer_model(content, i, *shapes, ends), codes, options),
                   seed=i, cancel=cancel)  # fmt: skip
    return LayerTime(tuple(plan.layers[j].name for j in members), plan.layers[i].kind, plan.layers[i].shape, ratio, whole)


def _in_a_chain(plan: Plan, i: int, x: torch.Tensor) -> bool:
    """Whether other layers hand it codes: in a transformer, or in a cell that loops, something in floating point stands between."""
    parent = plan.layers[i].name.rpartition(".")[0]
    return x.dim() != 3 and not getattr(plan.network.module.get_submodule(parent), "loops", False)


def _codes(content: Content, i: int, x: np.ndarray) -> np.ndarray:
    """What the layer before would have handed on."""
    scale, zero = content.input_grids[i]
    kind = np.dtype("int8" if content.plan.activations.format == "int8" else "uint8")
    ends = np.iinfo(kind)
    return np.clip(np.rint(x / scale) + zero, ends.min, ends.max).astype(kind)


def _facts(ratio: Ratio) -> dict:
    numbers = {} if ratio.noisy else {"ratio": ratio.value, "low": ratio.low, "high": ratio.high,
                                      "fp32_s": ratio.first, "quantized_s": ratio.second}  # fmt: skip
    return {"verdict": ratio.verdict, "rounds": ratio.rounds, **numbers}


def _key(settings: Settings) -> str:
    """The machine, its versions and the network belong to it (a fetched model may be another one); test samples and the target do not."""
    plain = settings.replace(evaluation_samples=1, target="here")
    return f"measured 2 {loaded(settings).digest} {machine()} {versions()} {canonical(plain)}"


def _unpack(arrays) -> Measured:
    facts = json.loads(str(arrays["facts"]))
    facts["whole"] = Ratio(**facts["whole"])
    facts["layers"] = tuple(LayerTime(tuple(each["names"]), each["kind"], tuple(each["shape"]), Ratio(**each["ratio"]), each["on_codes"]) for each in facts["layers"])
    for name in ("fp32_kernels", "kernels"):
        facts[name] = tuple(Kernel(**each) for each in facts[name])
    return Measured(**facts)


MEASURED = Codec(lambda found: {"facts": np.array(json.dumps(asdict(found)))}, _unpack)
