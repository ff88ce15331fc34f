"""What sums of pairs in 16 bits cost in accuracy, beside exact sums and what keeps them exact."""

from collections.abc import Iterator

from explorer.errors import SettingsError
from explorer.formats import FORMATS
from explorer.pipeline import stream
from explorer.saturation import saturates
from explorer.settings import Settings
from explorer.stages import network_of
from explorer.tasks import Metric

WAYS = ("pairs", "exact", "seven", "unsigned")  # as they are; x64quantprecision or VNNI; 7-bit weights; u8 · u8


def affected(settings: Settings) -> int:
    """How many layers have kernels that can saturate."""
    layers = network_of(settings).layers
    return sum(layer.multiplies and saturates(settings.weights_of(i), settings.activations, layer.kind) for i, layer in enumerate(layers))


def effect(settings: Settings, *, progress=None, cancel=None) -> Iterator[list[tuple[str, str, Metric]]]:
    """One way more each: (one of WAYS, recipe of the weights, the metric). Raises Cancelled."""
    found = []
    for way in WAYS:
        if (there := _settings(settings, way)) is None:
            continue
        *_, seen = stream(there, cancel=cancel)
        found.append((way, str(there.weights), seen.metric))
        if progress is not None:
            progress("evaluate", len(found) / len(WAYS))
        yield list(found)


def _settings(settings: Settings, way: str) -> Settings | None:
    """The settings with that remedy; None where they do not know it."""
    pairs = settings.replace(accumulate="avx2")
    if way in ("pairs", "exact"):
        return pairs if way == "pairs" else pairs.replace(accumulate="exact")
    if settings.layers or settings.layer_bits or not FORMATS[settings.weights.format].signed:
        return None
    try:
        return pairs.replace(weights=settings.weights.replace(format="int7" if way == "seven" else "uint8"))
    except SettingsError:  # a scheme or range that it cannot have
        return None
