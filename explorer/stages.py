"""Where algorithms take part: the network before it is quantized, the codes of a layer, the biases.

Each answer is cached under what the algorithm says that it reads, so that settings which it does
not read never compute it anew.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

import numpy as np

from explorer.algorithms import Algorithm, of_stage
from explorer.cache import CACHE, Codec
from explorer.calibration import needs_inputs
from explorer.errors import Cancelled, DataError
from explorer.inputs import LayerInputs, layer_inputs
from explorer.models import MODELS, Layer, Network, load
from explorer.progress import KEPT, Progress, stop_if
from explorer.quantize import QuantizedTensor, quantize
from explorer.recipe import Recipe
from explorer.settings import Settings
from explorer.values import as_values

REMEMBERED = 4  # rewritten networks


class Unfinished(Cancelled):
    """An algorithm was stopped inside a layer: `tensor` is its best so far, `done` the share of its work."""

    def __init__(self, tensor: QuantizedTensor, done: float):
        super().__init__(KEPT)
        self.tensor, self.done = tensor, done


_networks: OrderedDict[str, tuple[Network, dict[int, str]]] = OrderedDict()
_rewriting = Lock()


def network_of(settings: Settings, *, progress: Progress | None = None, cancel=None) -> Network:
    """The FP32 network as it is quantized: the loaded model, rewritten by the algorithms of the network stage.

    Raises SettingsError for settings that do not fit the model, ModelError, and DataError that names the
    layer whose weights are NaN or infinite.
    """
    return _rewritten(settings, progress, cancel)[0]


def loaded(settings: Settings) -> Network:
    """The model as it was loaded: what FP32 means, whatever algorithms make of it."""
    return load(settings.model)


def _rewritten(settings: Settings, progress: Progress | None = None, cancel=None) -> tuple[Network, dict[int, str]]:
    """(the network, {layer: why an algorithm left it as it was})."""
    network, left = loaded(settings), {}
    settings.check_layers(len(network.layers))
    CACHE.get(f"finite {network.digest}", lambda: _check_weights(network))
    for algorithm in of_stage(settings.algorithms, "network"):
        network, more = _rewrite(network, algorithm, settings, progress, cancel)
        left = left | {i: "; ".join(filter(None, (left.get(i), why))) for i, why in more.items()}
    return network, left


def _check_weights(network: Network) -> bool:
    for i, layer in enumerate(network.layers):
        try:
            as_values(network.weight(i))
        except DataError as error:
            raise DataError(f"the weights of layer {layer.name}: {error}") from error
    return True


def _rewrite(network: Network, algorithm: Algorithm, settings: Settings, progress, cancel):
    key = f"{algorithm.id} {network.digest} {what_is_read(algorithm, settings)}"
    with _rewriting:
        if key in _networks:
            _networks.move_to_end(key)
            return _networks[key]
        inputs = lambda: inputs_of(network, settings, progress=progress, cancel=cancel)  # noqa: E731
        made = algorithm.apply(network, settings, inputs, progress=_part(progress, algorithm.id), cancel=cancel)
        stop_if(cancel)
        _networks[key] = made
        while len(_networks) > REMEMBERED:
            _networks.popitem(last=False)
        return made


def calibration_order(network: Network, settings: Settings) -> np.ndarray:
    """Which calibration samples are used: the first of a seeded permutation, so that fewer are part of more."""
    order = np.random.Generator(np.random.Philox(settings.seed)).permutation(len(network.calibration))
    return order[: settings.calibration_samples]


def inputs_of(network: Network, settings: Settings, *, progress: Progress | None = None, cancel=None) -> tuple[LayerInputs, ...]:
    """What each layer of this FP32 network is given on the calibration samples."""

    def make() -> tuple[LayerInputs, ...]:
        samples = network.calibration[calibration_order(network, settings)]
        return layer_inputs(network, samples, MODELS[settings.model].batch, seed=settings.seed,
                            progress=_part(progress, "inputs"), cancel=cancel)  # fmt: skip

    return CACHE.get(f"inputs {network.digest} {settings.calibration_samples} {settings.seed}", make)


def choose_codes(
    network: Network, settings: Settings, i: int, recipe: Recipe, ranges: Callable, *, progress: Progress | None = None, cancel=None
) -> QuantizedTensor:
    """The quantized weights of layer i: by the algorithm of the weights stage where it can, else by rounding.

    ranges: gives (low, high) of the recipe. Raises Cancelled rather than keep what is half done, Unfinished
    where that is the best so far.
    """
    seed = settings.seed if recipe.rounding == "stochastic" else 0
    key = f"tensor {network.digest} {i} {recipe} {seed}{range_reads(settings, recipe)}"
    algorithm = next(iter(of_stage(settings.algorithms, "weights")), None)
    if algorithm is None or _refuses(algorithm, network.layers[i], recipe):
        return CACHE.get(key, lambda: _ready(quantize(network.weight(i), recipe, seed=seed, ranges=ranges())))

    def make() -> QuantizedTensor:
        reads = "calibration" in algorithm.reads
        inputs = inputs_of(network, settings, progress=progress, cancel=cancel)[i] if reads else None
        share = 0.0

        def told(done: float) -> None:
            nonlocal share
            share = done
            if progress is not None:
                progress(algorithm.id, done)

        q = algorithm.apply(network.weight(i), recipe, inputs, seed=settings.seed, ranges=ranges(), progress=told, cancel=cancel)
        if algorithm.stoppable and cancel is not None and cancel.is_set() and share < 1:
            raise Unfinished(_ready(q), share)
        if not algorithm.stoppable:
            stop_if(cancel)
        return _ready(q)

    return CACHE.get(f"{key} {algorithm.id} {what_is_read(algorithm, settings)}", make, TENSOR)


def _ready(q: QuantizedTensor) -> QuantizedTensor:
    """With its values, which all want: so the cache knows how large it is."""
    q.tensor()
    return q


def untreated(settings: Settings) -> list[str]:
    """For each layer a sentence on what an algorithm could not do there, or "" when there is nothing to say."""
    network, left = _rewritten(settings)
    sentences = []
    for i in range(len(network.layers)):
        recipe = settings.weights_of(i)
        reasons = [_refuses(algorithm, network.layers[i], recipe) for algorithm in of_stage(settings.algorithms, "weights")]
        sentences.append("; ".join(filter(None, (left.get(i), *reasons))))
    return sentences


def _refuses(algorithm: Algorithm, layer: Layer, recipe: Recipe) -> str:
    """Why an algorithm of the weights stage cannot treat a layer, or ""."""
    if "calibration" in algorithm.reads and not layer.multiplies:
        return f"{algorithm.id} reads what a layer computes with, and an embedding looks its rows up"
    return algorithm.refuses(recipe)


def range_reads(settings: Settings, recipe: Recipe) -> str:
    """What of the settings the range of a weight reads: the samples, where it is judged at the layer's output."""
    return f" {settings.calibration_samples} {settings.seed}" if needs_inputs(recipe) else ""


def what_is_read(algorithm: Algorithm, settings: Settings) -> str:
    """The part of a cache's key that stands for what the algorithm reads of the settings."""
    parts = {
        "calibration": f"{settings.calibration_samples} {settings.seed}",
        "seed": f"{settings.seed}",
        "weights": f"{settings.weights} {settings.layers} {settings.layer_bits}",
        "activations": f"{settings.activations}",
    }
    return " ".join(parts[what] for what in algorithm.reads)


def _part(progress: Progress | None, stage: str) -> Callable[[float], None] | None:
    return None if progress is None else lambda done: progress(stage, done)


def _pack(q: QuantizedTensor) -> dict:
    parts = {"codes": q.codes, "scale": q.scale, "zero_point": q.zero_point, "low": q.low, "high": q.high,
             "recipe": np.array(str(q.recipe)), "axis": np.int64(q.axis), "offset": q.offset}  # fmt: skip
    stored = {f"stored {name}": part for name, part in (q.stored or {}).items()}
    return {name: part for name, part in (parts | stored).items() if part is not None}


def _unpack(a) -> QuantizedTensor:
    stored = {name.removeprefix("stored "): part for name, part in a.items() if name.startswith("stored ")}
    return QuantizedTensor(a["codes"], a["scale"], a["zero_point"], Recipe.parse(str(a["recipe"])), a["low"], a["high"],
                           int(a["axis"]), a.get("offset"), stored or None)  # fmt: skip


TENSOR = Codec(_pack, _unpack)
