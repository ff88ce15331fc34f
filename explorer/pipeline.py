"""The pipeline: Settings → quantize → record → calibrate → evaluate → Result.

Each stage is a pure function of the fields of Settings that it reads and of the weights' digest;
one cache serves them all, so that a changed knob runs only what comes after it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from explorer.advice import advise
from explorer.algorithms import ALGORITHMS, of_stage
from explorer.algorithms.rebuild import added_numbers
from explorer.cache import CACHE, Codec
from explorer.calibrated import activation_range, records, weight_range
from explorer.codes import layer_tensor, quantized  # noqa: F401  who has the pipeline asks it for one layer too
from explorer.cost.predict import predict
from explorer.cost.size import Cost, size
from explorer.evaluate import evaluate
from explorer.known import EVALUATION
from explorer.link import canonical, decode_link, link_or_none
from explorer.models import MODELS, Network
from explorer.progress import Progress, say, stop_if
from explorer.quantize import QuantizedTensor, decibels
from explorer.recipe import Recipe
from explorer.report import Channels, layer_row, table
from explorer.saturation import pair_sums
from explorer.settings import Settings
from explorer.simulate import ActivationQuantizer, Simulated, output_sqnr_db
from explorer.stages import calibration_order, choose_codes, loaded, network_of, range_reads, untreated, what_is_read
from explorer.stamp import digest_of, stamp_of
from explorer.stopped import Stopped
from explorer.tasks import Evaluation, Metric
from explorer.workers import beside, mapped

OUTPUT_SAMPLES = 32  # over which a layer's output error is measured
OUTPUT_TEXTS = 8  # of a language model: a thousand tokens, within 0.2 dB of four times as many


@dataclass(frozen=True, eq=False)
class Weighed:
    """What is known from the weights alone.

    layers: one row per layer (see report.layer_row); cost: exact bytes, predicted latency and energy; advice: sentences
    digest: SHA-256 of all codes, scales and zero points; sqnr_db: of all weights together
    """

    layers: pd.DataFrame
    cost: Cost
    advice: tuple[str, ...]
    digest: str
    sqnr_db: float


@dataclass(frozen=True, eq=False)
class Result:
    """Everything that one experiment gives.

    metric, fp32_metric, difference, agreement, similarity: Metric, see tasks.Evaluation
    changed: indices of the test samples whose answer changed
    layers, cost, advice, sqnr_db: as in Weighed, with each layer's output SQNR in dB and what algorithms could not use
    stamp: the metric and a digest of all weights' codes and scales; "" where an algorithm was stopped
    """

    settings: Settings
    metric: Metric
    fp32_metric: Metric
    difference: Metric
    agreement: Metric
    changed: tuple[int, ...]
    layers: pd.DataFrame
    cost: Cost
    advice: tuple[str, ...]
    sqnr_db: float
    stamp: str
    similarity: Metric | None = None

    def as_dict(self) -> dict:
        """JSON-ready: NaN and infinity become None."""
        layers = self.layers.replace([np.inf, -np.inf], np.nan).astype(object)
        metrics = ["metric", "fp32_metric", "difference", "agreement", *([] if self.similarity is None else ["similarity"])]
        return {
            "link": link_or_none(self.settings, self.stamp or None),
            "sentence": self.settings.sentence(),
            **{name: getattr(self, name).as_dict() for name in metrics},
            "changed": list(self.changed),
            "sqnr_db": self.sqnr_db if np.isfinite(self.sqnr_db) else None,
            "cost": self.cost.as_dict(),
            "layers": layers.where(layers.notna(), None).to_dict("records"),
            "advice": list(self.advice),
            "stamp": self.stamp,
        }


def settings_of(settings_or_link) -> Settings:
    """Settings as they are, or those of a link, of which what is not understood is replaced."""
    return settings_or_link if isinstance(settings_or_link, Settings) else decode_link(settings_or_link)[0]


def weigh(settings: Settings, *, progress: Progress | None = None, cancel=None) -> Weighed:
    """The report of the weights: no forward pass is needed."""
    network = network_of(settings)
    tensors = quantized(settings, progress=progress, cancel=cancel)

    more = sum(added(settings))

    def make() -> Weighed:
        rows = [_layer_row(network, settings, i, q) for i, q in enumerate(tensors)]
        layers = table(rows).assign(untreated=untreated(settings))
        total = decibels(sum(row["signal"] for row in rows), sum(row["noise"] for row in rows))
        cost = size(tensors, MODELS[settings.model].parameters, more)
        weights = [network.weight(i) for i in range(len(tensors))]
        rounded = partial(_rounded, network, settings)
        return Weighed(layers, cost, advise(rows, settings, weights, rounded), digest_of(tensors), total)

    weighed = CACHE.get(f"weigh {network.digest} {_weights_key(settings)} {more}", make)
    predicted = predict(network, tensors, settings.activations, settings.target)
    return replace(weighed, cost=replace(weighed.cost, predicted=predicted))


def added(settings: Settings) -> tuple[int, int]:
    """FP32 numbers that the algorithms add to the network's own parameters: in biases, and in factors and rotations of inputs."""
    if not settings.algorithms:
        return 0, 0
    before, network = loaded(settings), network_of(settings)
    corrects = bool(of_stage(settings.algorithms, "bias"))
    biases = held = 0
    for i, (layer, q) in enumerate(zip(network.layers, quantized(settings), strict=True)):
        bias, more = added_numbers(network, i, corrects and layer.multiplies and q.recipe.format != "fp32")
        biases, held = biases + bias - added_numbers(before, i, False)[0], held + more
    return biases, held


def quantizers(settings: Settings, *, progress: Progress | None = None, cancel=None):
    """One ActivationQuantizer for the input of each layer, or None where activations stay in FP32, and for an embedding."""
    network, recipe = network_of(settings), settings.activations
    if recipe.format == "fp32":
        return (None,) * len(network.layers)
    if not recipe.is_recorded:
        alike = ActivationQuantizer(recipe, seed=settings.seed)
        return tuple(alike if layer.multiplies else None for layer in network.layers)
    seen = records(settings, progress=progress, cancel=cancel)
    found = []
    for i, layer in enumerate(network.layers):
        if not layer.multiplies:
            found.append(None)
            continue
        stop_if(cancel)
        low, high = activation_range(settings, i, recipe, progress=progress, cancel=cancel)
        found.append(ActivationQuantizer(recipe, low, high, seed=settings.seed))
        say(progress, "calibrate", (i + 1) / len(seen))
    return tuple(found)


def stream(settings: Settings, *, outputs: bool = False, progress: Progress | None = None, cancel=None) -> Iterator[Evaluation]:
    """The evaluation, sharper after each batch; at once when it is known.

    outputs: measure the layers' outputs meanwhile, which `finish` wants, where the network leaves a core to it
    """
    network, model = loaded(settings), MODELS[settings.model]
    key = f"evaluation {network.digest} {_run_key(settings)}"
    known, evaluation = CACHE.peek(key, EVALUATION)
    if known:
        yield evaluation
        return
    simulated = simulate(settings, progress=progress, cancel=cancel)
    say(progress, "evaluate", 0.0)
    each = mapped(model.parameters)
    with beside(partial(output_sqnr, settings, cancel=cancel)) if outputs and each is not map else nullcontext():
        for evaluation in evaluate(network, model, simulated, samples=settings.evaluation_samples,
                                   seed=settings.seed, cancel=cancel, each=each):  # fmt: skip
            say(progress, "evaluate", evaluation.metric.n / settings.evaluation_samples)
            if evaluation.done:
                CACHE.put(key, evaluation, EVALUATION)
            yield evaluation


def simulate(settings: Settings, *, progress: Progress | None = None, cancel=None) -> Simulated:
    """The quantized network, ready to run."""
    tensors = quantized(settings, progress=progress, cancel=cancel)
    activations = quantizers(settings, progress=progress, cancel=cancel)
    corrected = biases(settings, progress=progress, cancel=cancel)
    return Simulated(network_of(settings), replaced(tensors), activations, corrected, sums(settings, tensors, activations))


def sums(settings: Settings, tensors: Sequence[QuantizedTensor], activations: Sequence) -> tuple[Callable | None, ...] | None:
    """How each layer adds its products; None for exactly."""
    if settings.accumulate == "exact" or settings.activations.kind != "tensor":
        return None
    kinds = [layer.kind for layer in network_of(settings).layers]
    return tuple(quantizer and pair_sums(q, settings.activations, quantizer.grid, kind)
                 for q, quantizer, kind in zip(tensors, activations, kinds, strict=True))  # fmt: skip


def replaced(tensors: Sequence[QuantizedTensor]) -> list:
    """The weights to put in place of a network's own: None where a layer stays in FP32."""
    return [None if q.recipe.format == "fp32" else q.tensor() for q in tensors]


def biases(settings: Settings, *, progress: Progress | None = None, cancel=None) -> tuple[np.ndarray | None, ...]:
    """The bias of each layer after the algorithms of the bias stage; None for the layer's own."""
    network = network_of(settings)
    corrected = (None,) * len(network.layers)
    for algorithm in of_stage(settings.algorithms, "bias"):
        key = f"{algorithm.id} {network.digest} {_run_key(replace(settings, evaluation_samples=1))}"
        corrected = CACHE.get(key, partial(_corrected, algorithm, network, settings, progress, cancel))
    return corrected


def _corrected(algorithm, network: Network, settings: Settings, progress, cancel) -> tuple[np.ndarray | None, ...]:
    weights = replaced(quantized(settings, cancel=cancel))
    samples = network.calibration[calibration_order(network, settings)]
    return tuple(algorithm.apply(network, weights, quantizers(settings, cancel=cancel), samples,
                                 progress=partial(say, progress, algorithm.id), cancel=cancel))  # fmt: skip


def finish(settings: Settings, evaluation: Evaluation, *, cancel=None) -> Result:
    """The Result of an evaluation: adds what each layer alone does to its output, and the stamp."""
    weighed = weigh(settings, cancel=cancel)
    layers = weighed.layers.assign(output_sqnr_db=output_sqnr(settings, cancel=cancel))
    return Result(settings, evaluation.metric, evaluation.fp32, evaluation.difference, evaluation.agreement,
                  evaluation.changed, layers, weighed.cost, (*weighed.advice, *_notes(settings)), weighed.sqnr_db,
                  "" if isinstance(settings, Stopped) else stamp_of(weighed.digest, evaluation.metric), evaluation.similarity)  # fmt: skip


def _notes(settings: Settings) -> list[str]:
    """What the algorithms say of the samples that they could not use."""
    network = network_of(settings)
    samples = min(settings.calibration_samples, len(network.calibration))
    said = [CACHE.get(f"note {each.id} {network.digest} {samples}", partial(each.note, network, samples))
            for each in of_stage(settings.algorithms, "bias")]  # fmt: skip
    return [sentence for sentence in said if sentence]


def output_sqnr(settings: Settings, *, cancel=None) -> list[float]:
    """SQNR in dB of each layer's output, quantized alone, on calibration samples; +inf for no error."""
    network = network_of(settings)

    def make() -> list[float]:
        count = OUTPUT_SAMPLES if network.text is None else OUTPUT_TEXTS
        samples = network.calibration[calibration_order(network, settings)[:count]]
        tensors = quantized(settings, cancel=cancel)
        activations, corrected = quantizers(settings, cancel=cancel), biases(settings, cancel=cancel)
        adding = sums(settings, tensors, activations)
        batch = min(16, MODELS[settings.model].batch)
        return output_sqnr_db(network, samples, replaced(tensors), activations, corrected, adding, batch=batch, cancel=cancel,
                              each=mapped(MODELS[settings.model].parameters))  # fmt: skip

    return CACHE.get(f"output {network.digest} {_run_key(settings)}", make, OUTPUTS)


def run(settings_or_link, *, progress: Progress | None = None, cancel=None) -> Result:
    """The whole experiment.

    settings_or_link: Settings, or a link, of which what is not understood is replaced (see decode_link)
    progress(stage, share done) is called as it goes on; cancel.is_set() is asked between batches
    Raises ExplorerError: SettingsError, ModelError, DataError, Cancelled.
    """
    settings = settings_of(settings_or_link)
    *_, evaluation = stream(settings, outputs=True, progress=progress, cancel=cancel)
    return finish(settings, evaluation, cancel=cancel)


def _rounded(network: Network, settings: Settings, i: int, recipe: Recipe) -> QuantizedTensor:
    """The weights of layer i rounded by any recipe."""
    ranges = partial(weight_range, network, settings, i, recipe)
    return choose_codes(network, settings.replace(algorithms=()), i, recipe, ranges)


def _layer_row(network: Network, settings: Settings, i: int, q: QuantizedTensor) -> dict:
    weight = network.weight(i)
    channels = CACHE.get(f"channels of {network.digest} {i}", partial(Channels.of, weight))
    make = partial(layer_row, i, network.layers[i], weight, q, channels)
    return CACHE.get(f"row {network.digest} {i} {q.digest}", make)


def _run_key(settings: Settings) -> str:
    """The link without the target, which moves no answer of the network."""
    return canonical(replace(settings, target="here"))


def _weights_key(settings: Settings) -> str:
    """The part of the link that the weights depend on, and what their algorithms read."""
    before = [ALGORITHMS[id] for id in settings.algorithms if ALGORITHMS[id].stage != "bias"]
    read = " ".join(f"{each.id} {what_is_read(each, settings)}" for each in before)
    recipes = {settings.weights, *(recipe for _, recipe in settings.layers)}
    samples = "".join(sorted({range_reads(settings, recipe) for recipe in recipes}))
    plain = replace(settings, activations="fp32", algorithms=(), calibration_samples=1, evaluation_samples=1, target="here",
                    accumulate="exact")
    return f"{canonical(plain)} {read}{samples}"


OUTPUTS = Codec(lambda db: {"db": np.float64(db)}, lambda a: a["db"].tolist())
