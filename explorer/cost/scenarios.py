"""Where networks run: a target, how many samples at once, and the formats that people choose between there, predicted side by side.

Two of them are about language models, of which no sample here is large enough: the decoder of Llama 2 7B (arXiv
2307.09288), one token for each of `batch` sequences. All weights are read for every token, so one sequence waits for
memory, and many of them share what is read; what attention reads of its cache is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from explorer.cost.devices import DEVICES
from explorer.cost.energy import energy
from explorer.cost.files import scale_shape
from explorer.cost.roofline import BAND, latency, work
from explorer.cost.shapes import Shape, shapes
from explorer.models import Network
from explorer.recipe import Recipe
from explorer.registry import Registry

YOURS, DECODER = "yours", "decoder"  # whose layers: those of the chosen network, or those of DECODER_LAYERS
SCALE_BITS = 32
DECODER_LAYERS = ((4 * 32, 4096, 4096), (2 * 32, 11008, 4096), (32, 4096, 11008), (1, 32000, 4096))  # how many, outputs, inputs


@dataclass(frozen=True)
class Scenario:
    """target: id of a device. batch: samples at once. layers: YOURS or DECODER.
    recipes: (weights, activations) to compare, the first is what the others are measured against. says: what to look at."""

    id: str
    title: str
    target: str
    batch: int
    layers: str
    recipes: tuple[tuple[str, str], ...]
    says: str


@dataclass(frozen=True)
class Row:
    """A pair of recipes on a target, predicted. seconds, low, high: of one batch, None with `why` in a word; speedup: against
    the first row that runs; joules: of one batch; bytes: of the weights as they are read; waits: for what most of the time goes."""

    weights: str
    activations: str
    seconds: float | None
    low: float | None
    high: float | None
    why: str
    speedup: float | None
    joules: float | None
    bytes: float
    waits: str

    how = "predicted"


SCENARIOS: Registry[Scenario] = Registry("scenario")


def compare(id: str, network: Network) -> tuple[Row, ...]:
    """The rows of a scenario, for this network where it is about one. Raises SettingsError for an unknown id."""
    scenario = SCENARIOS[id]
    if scenario.layers == DECODER:
        weights = [(out, into) for count, out, into in DECODER_LAYERS for _ in range(count)]
        traced = [Shape("linear", out * into, out * into, into, out, into + out) for out, into in weights]
    else:
        weights, traced = [network.weight(i).shape for i in range(len(network.layers))], shapes(network)
    traced = tuple(_batched(shape, scenario.batch) for shape in traced)
    rows: list[Row] = []
    for recipes in scenario.recipes:
        rows.append(_row(scenario.target, traced, weights, *map(Recipe.parse, recipes), rows))
    return tuple(rows)


def _batched(shape: Shape, batch: int) -> Shape:
    grown = {name: getattr(shape, name) * batch for name in ("macs", "inputs", "outputs", "alive")}
    return replace(shape, **grown, looked_up=shape.looked_up and shape.looked_up * batch)


def _row(target: str, traced: Sequence[Shape], weights: Sequence[tuple[int, ...]], recipe: Recipe, activations: Recipe, before: list[Row]) -> Row:
    scales = [_scale_bits(shape, recipe) for shape in weights]
    works = work(target, traced, [recipe] * len(traced), scales, activations)
    time = latency(DEVICES[target], works, BAND)
    spent = energy(DEVICES[target], works, time)
    first = next((row.seconds for row in before if row.seconds), time.seconds)
    waits = {}
    for roof in time.layers:
        waits[roof.bound] = waits.get(roof.bound, 0.0) + roof.seconds
    return Row(str(recipe), str(activations), time.seconds, time.low, time.high, time.why, time.seconds and first / time.seconds, spent.joules,
               sum(each.weight_bytes for each in works), max(waits, key=waits.get, default=""))  # fmt: skip


def _scale_bits(shape: tuple[int, ...], recipe: Recipe) -> int:
    """Of a layer's scales, and of zero points as wide as its codes; blocks of formats count their scales as weights' bits."""
    down, across = scale_shape(shape, recipe) if recipe.range else (0, 0)
    return down * across * (SCALE_BITS + (recipe.bits if recipe.scheme == "asym" else 0))


INT8 = ("int8-sym-channel-minmax", "int8-asym-tensor-minmax")
W4A8 = ("int4-sym-channel-minmax", "int8-asym-tensor-minmax")
FP32, FP16, BF16 = ("fp32", "fp32"), ("fp16", "fp16"), ("bf16", "bf16")
LLM = (FP16, ("int8-symfull-channel-minmax", "int8-symfull-token-minmax"), ("fp8e4m3-channel-minmax", "fp8e4m3-token-minmax"),
       ("int4-symfull-g128-minmax", "fp16"))  # fmt: skip
for _each in (
    Scenario("phone", "Phone", "snapdragon-8-gen-3", 1, YOURS, (FP16, INT8, W4A8), "Its NPU knows no FP32; INT8 doubles the rate of FP16."),
    Scenario("microcontroller", "Microcontroller", "stm32h7", 1, YOURS, (FP32, INT8, W4A8),
             "Weights must fit the flash and activations the memory; INT4 saves flash alone, and only of linear layers: convolutions are kept at 8 bits."),
    Scenario("raspberry-pi", "Raspberry Pi", "raspberry-pi-5", 1, YOURS, (FP32, FP16, INT8), "SDOT makes INT8 four times as fast as FP32 at best."),
    Scenario("edge-npu", "Edge NPU", "coral-edge-tpu", 1, YOURS, (FP32, INT8), "Without integers it does not run at all."),
    Scenario("server-cpu", "Server CPU", "xeon-8480", 1, YOURS, (FP32, BF16, INT8), "AMX multiplies BF16 and INT8; small layers wait for their launch."),
    Scenario("data-centre-gpu", "Data-centre GPU, batch 64", "h100", 64, YOURS, (FP16, ("fp8e4m3-tensor-minmax", "fp8e4m3-tensor-minmax"), INT8, W4A8),
             "It has no INT4 arithmetic; small networks wait for launches whatever their format."),
    Scenario("llm-decode-1", "Language model, one sequence", "h100", 1, DECODER, LLM,
             "Every token reads all weights: fewer bits of weights are more tokens per second, with or without integer arithmetic."),
    Scenario("llm-decode-64", "Language model, 64 sequences", "h100", 64, DECODER, LLM,
             "64 tokens share what is read: nearly 64 times as many in the same time, which still waits for memory; energy now goes into arithmetic too."),
):  # fmt: skip
    SCENARIOS.register(_each)
