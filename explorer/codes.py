"""The quantize stage: the codes of every layer, and what is known of them where an algorithm is stopped.

A stopped algorithm leaves the layers that it finished, the best so far of the one under way, and the rest, which
are rounded to nearest: a network that can be looked at and evaluated like any other.
"""

from collections.abc import Sequence
from dataclasses import fields
from functools import partial

from explorer.algorithms import of_stage
from explorer.cache import CACHE
from explorer.calibrated import weight_range
from explorer.errors import Cancelled
from explorer.models import Layer
from explorer.progress import Progress, stop_if
from explorer.quantize import QuantizedTensor
from explorer.settings import Settings
from explorer.stages import Unfinished, choose_codes, network_of
from explorer.stamp import digest_of
from explorer.stopped import Stopped


class StoppedHere(Cancelled):
    """What was stopped has a best so far: `settings`, to look at and to evaluate."""

    def __init__(self, settings: Stopped):
        super().__init__(settings.said)
        self.settings = settings


def layer_tensor(settings: Settings, i: int, *, progress: Progress | None = None, cancel=None) -> QuantizedTensor:
    """The quantized weights of layer i."""
    if isinstance(settings, Stopped):
        return settings.tensors[i]
    network, recipe = network_of(settings, progress=progress, cancel=cancel), settings.weights_of(i)
    ranges = partial(weight_range, network, settings, i, recipe, progress=progress, cancel=cancel)
    return choose_codes(network, settings, i, recipe, ranges, progress=progress, cancel=cancel)


def quantized(settings: Settings, *, progress: Progress | None = None, cancel=None) -> tuple[QuantizedTensor, ...]:
    """The weights of every layer; a layer left in FP32 is its own cast.

    Raises Cancelled; StoppedHere where the algorithm that chooses the codes has a best so far.
    """
    network = network_of(settings, progress=progress, cancel=cancel)
    return CACHE.last("weights", (network.digest, settings), partial(_quantized, network.layers, settings, progress, cancel))


def _quantized(layers: Sequence[Layer], settings: Settings, progress: Progress | None, cancel) -> tuple[QuantizedTensor, ...]:
    ids, tensors = [each.id for each in of_stage(settings.algorithms, "weights")], []

    def told(stage: str, done: float) -> None:
        if progress is not None:
            progress(stage, (len(tensors) + done) / len(layers) if stage in ids else done)  # of all layers

    try:
        for i in range(len(layers)):
            stop_if(cancel)
            tensors.append(layer_tensor(settings, i, progress=told, cancel=cancel))
            told(*((ids[0], 0.0) if ids else ("quantize", (i + 1) / len(layers))))
    except Cancelled as why:
        if (found := _so_far(settings, tensors, why)) is None:
            raise
        raise StoppedHere(found) from why
    return tuple(tensors)


def _so_far(settings: Settings, tensors: Sequence[QuantizedTensor], why: Cancelled) -> Stopped | None:
    """What was found when `why` stopped the layer behind the first `tensors`; None where that is nothing yet."""
    algorithm = next((each for each in of_stage(settings.algorithms, "weights") if each.stoppable), None)
    unfinished = why if isinstance(why, Unfinished) else None
    if algorithm is None or not tensors and unfinished is None:
        return None
    network, plain = network_of(settings), settings.replace(algorithms=())
    found = [*tensors, *([unfinished.tensor] if unfinished else [])]
    for i in range(len(found), len(network.layers)):
        recipe = settings.weights_of(i)
        found.append(choose_codes(network, plain, i, recipe, partial(weight_range, network, settings, i, recipe)))
    said = _said(algorithm.title, [layer.name for layer in network.layers], len(tensors), unfinished)
    own = {each.name: getattr(settings, each.name) for each in fields(Settings)}
    return Stopped(**own, digest=digest_of(found), tensors=tuple(found), said=said)


def _said(title: str, names: Sequence[str], done: int, unfinished: Unfinished | None) -> str:
    rest = len(names) - done - (unfinished is not None)
    parts = [f"{title} was stopped after {done} of {len(names)} layers"]
    if unfinished is not None:
        parts.append(f"{names[done]} has the best of the first {unfinished.done:.0%} of its iterations")
    if rest:
        parts.append(f"{rest} {'layers are' if rest > 1 else 'layer is'} rounded to nearest")
    return f"{', '.join(parts)}. The link stands for the whole run, not for this one, which carries no stamp."
