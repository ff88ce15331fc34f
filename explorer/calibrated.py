"""The calibrate stage: what the activations showed, and the range that each scale gets.

Each answer is cached under what it depends on; a range that is judged at the layer's output depends
on the calibration samples too.
"""


import numpy as np

from explorer.cache import CACHE, Codec
from explorer.calibration import calibrate, calibrate_record, needs_inputs
from explorer.models import MODELS, Network
from explorer.output_range import output_ranges
from explorer.progress import Progress
from explorer.recipe import Recipe
from explorer.rows import Record
from explorer.settings import Settings
from explorer.simulate import record
from explorer.stages import calibration_order, inputs_of, network_of, range_reads


def records(settings: Settings, *, progress: Progress | None = None, cancel=None) -> tuple[Record, ...]:
    """What the input of each layer showed on the calibration samples: one pass for all methods."""
    network = network_of(settings)

    def make() -> tuple[Record, ...]:
        samples = network.calibration[calibration_order(network, settings)]
        return record(network, samples, MODELS[settings.model].batch, progress=progress, cancel=cancel)

    return CACHE.get(f"records {network.digest} {_samples(settings)}", make, RECORDS)


def weight_range(
    network: Network, settings: Settings, i: int, recipe: Recipe, *, progress: Progress | None = None, cancel=None
) -> tuple[np.ndarray, np.ndarray]:
    """The ranges that a recipe's method finds for the weights of layer i of this network, as `calibrate` returns them."""

    def make() -> tuple[np.ndarray, np.ndarray]:
        if not needs_inputs(recipe):
            return calibrate(network.weight(i), recipe)
        if not network.layers[i].multiplies:  # what an embedding gives are its weights: their error is the output's
            return calibrate(network.weight(i), recipe.replace(range=recipe.range.replace(recipe.method, "mse")))
        inputs = inputs_of(network, settings, progress=progress, cancel=cancel)[i]
        return calibrate(network.weight(i), recipe, inputs=inputs.second)

    return CACHE.get(f"range {network.digest} {i} {recipe}{range_reads(settings, recipe)}", make, RANGES)


def activation_range(settings: Settings, i: int, recipe: Recipe, *, progress: Progress | None = None, cancel=None) -> tuple[float, float]:
    """The range that a recipe's method finds for the input of layer i."""
    network = network_of(settings)

    def make() -> tuple[float, float]:
        if not needs_inputs(recipe):
            return calibrate_record(records(settings)[i], recipe)
        plain = recipe.replace(range=recipe.method)
        low, high = _at_the_output(settings, plain, progress, cancel)[i]
        return low * recipe.factor, high * recipe.factor

    return CACHE.get(f"activation {network.digest} {_samples(settings)} {i} {recipe}", make, ENDS)


def _at_the_output(settings: Settings, recipe: Recipe, progress, cancel) -> tuple[tuple[float, float], ...]:
    """The ranges of all layers, on the first batch of calibration samples."""
    network, batch = network_of(settings), MODELS[settings.model].batch

    def make() -> tuple[tuple[float, float], ...]:
        seen = records(settings, cancel=cancel)
        samples = network.calibration[calibration_order(network, settings)[:batch]]
        return output_ranges(network, seen, recipe, samples, seed=settings.seed, progress=progress, cancel=cancel)

    return CACHE.get(f"activations {network.digest} {_samples(settings)} {recipe}", make, ALL_ENDS)


def _samples(settings: Settings) -> str:
    return f"{settings.calibration_samples} {settings.seed}"


RANGES = Codec(lambda ends: {"low": ends[0], "high": ends[1]}, lambda a: (a["low"], a["high"]))
ENDS = Codec(lambda ends: {"ends": np.float64(ends)}, lambda a: tuple(a["ends"].tolist()))
ALL_ENDS = Codec(lambda ends: {"ends": np.float64(ends)}, lambda a: tuple(map(tuple, a["ends"].tolist())))
RECORDS = Codec(
    lambda seen: {
        "counts": np.stack([each.counts for each in seen]),
        "ends": np.float64([(each.low, each.high) for each in seen]),
        "batches": np.stack([each.batches for each in seen]),
    },
    lambda a: tuple(Record(counts, *ends, batches) for counts, ends, batches
                    in zip(a["counts"], a["ends"].tolist(), a["batches"], strict=True)),
)  # fmt: skip
