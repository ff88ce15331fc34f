"""What a language model writes, unquantized and quantized, with the same random numbers."""

from dataclasses import replace

import numpy as np
import torch

from explorer.cache import CACHE
from explorer.models import Text
from explorer.pipeline import simulate
from explorer.progress import stop_if
from explorer.settings import Settings
from explorer.simulate import Simulated
from explorer.stages import loaded

TEMPERATURE = 0.8


def generated(settings: Settings, length: int, *, opening: str | None = None, progress=None, cancel=None) -> dict | None:
    """What FP32 and the quantized network write, `length` tokens each, from the model's opening or another; None for a model
    that writes nothing.

    opening, same, fp32, quantized: text, what both write before they part and what each goes on with; common: how
    many of the `length` tokens are the same. Each token is drawn by
    inverting the distribution's sum at one random number, the same for both, so that they part only where
    quantization moved it. Raises Cancelled.
    """
    network = loaded(settings)
    if network.text is None:
        return None
    text = network.text if opening is None else replace(network.text, opening=opening)
    numbers = np.random.Generator(np.random.Philox(settings.seed)).random(length)
    plain = lambda: write(Simulated(network), text, numbers, _half(progress, 0), cancel)  # noqa: E731
    key = f"text {network.digest} {length} {settings.seed}"
    before = CACHE.get(key, plain) if opening is None else plain()  # an opening of one's own is kept nowhere
    after = write(simulate(settings, cancel=cancel), text, numbers, _half(progress, 1), cancel)
    parts = np.flatnonzero(np.not_equal(before, after))
    common = int(parts[0]) if len(parts) else length
    return {
        "opening": text.opening,
        "same": network.text.decode(before[:common]),
        "fp32": network.text.decode(before[common:]),
        "quantized": network.text.decode(after[common:]),
        "common": common,
        "length": length,
        "seed": settings.seed,
    }


def _half(progress, which: int):
    """Progress of the first or the second of two texts."""
    return None if progress is None else lambda stage, share: progress(stage, (which + share) / 2)


def writes(settings: Settings) -> bool:
    """Whether the model is one that writes."""
    return loaded(settings).text is not None


def write(simulated: Simulated, text: Text, numbers: np.ndarray, progress=None, cancel=None) -> list[int]:
    """One token for each random number in [0, 1). Keys and values of what was read are kept, so that each token is read
    once; when the model can look back no further, it goes on from the later half of what it can."""
    written, given, cache, held = [], list(map(int, text.encode(text.opening))), {}, 0
    tokens = list(given)
    for i, number in enumerate(numbers):
        stop_if(cancel, "writing was stopped; start it again to go on")
        if held + len(given) > text.positions:
            given, cache, held = tokens[-text.positions // 2 :], {}, 0
        logits = simulated(torch.tensor([given]), cancel, cache)[0, -1].double().numpy()
        held += len(given)
        odds = np.exp((logits - logits.max()) / TEMPERATURE).cumsum()
        given = [int(np.searchsorted(odds, number * odds[-1], side="right"))]
        tokens, written = tokens + given, written + given
        if progress is not None:
            progress("write", (i + 1) / len(numbers))
    return written
