"""What a language model writes, unquantized and quantized, with the same random numbers."""

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


def generated(settings: Settings, length: int, *, progress=None, cancel=None) -> dict | None:
    """What FP32 and the quantized network write, `length` tokens each; None for a model that writes nothing.

    opening, same, fp32, quantized: text, what both write before they part and what each goes on with; common: how
    many tokens are the same. Each token is drawn by
    inverting the distribution's sum at one random number, the same for both, so that they part only where
    quantization moved it. Raises Cancelled.
    """
    network = loaded(settings)
    if network.text is None:
        return None
    numbers = np.random.Generator(np.random.Philox(settings.seed)).random(length)
    key = f"text {network.digest} {length} {settings.seed}"
    before = CACHE.get(key, lambda: write(Simulated(network), network.text, numbers, _half(progress, 0), cancel))
    after = write(simulate(settings, cancel=cancel), network.text, numbers, _half(progress, 1), cancel)
    parts = np.flatnonzero(np.not_equal(before, after))
    common = int(parts[0]) if len(parts) else length
    return {
        "opening": network.text.opening,
        "same": network.text.decode(before[:common]),
        "fp32": network.text.decode(before[common:]),
        "quantized": network.text.decode(after[common:]),
        "common": common,
    }


def _half(progress, which: int):
    """Progress of the first or the second of two texts."""
    return None if progress is None else lambda stage, share: progress(stage, (which + share) / 2)


def writes(settings: Settings) -> bool:
    """Whether the model is one that writes."""
    return loaded(settings).text is not None


def write(simulated: Simulated, text: Text, numbers: np.ndarray, progress=None, cancel=None) -> list[int]:
    """One token for each random number in [0, 1)."""
    tokens, first = list(map(int, text.encode(text.opening))), len(text.encode(text.opening))
    for i, number in enumerate(numbers):
        stop_if(cancel, "writing was stopped; start it again to go on")
        logits = simulated(torch.tensor([tokens[-text.positions :]]))[0, -1].double().numpy()
        odds = np.exp((logits - logits.max()) / TEMPERATURE).cumsum()
        tokens.append(int(np.searchsorted(odds, number * odds[-1], side="right")))
        if progress is not None:
            progress("write", (i + 1) / len(numbers))
    return tokens[first:]
