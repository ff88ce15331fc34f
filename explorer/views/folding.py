"""BatchNorm folding as a step: how wide each channel of a layer was before, and what the fold made of it."""

import numpy as np

from explorer.cache import CACHE
from explorer.models import MODELS, load
from explorer.settings import Settings
from explorer.views.spread import spread, ticks


def folding(settings: Settings, i: int) -> dict | None:
    """The channels of layer i with BatchNorm beside them and folded into them; None where that is not known.

    name: of the layer; run: "" for this network's training, else in words which other one it is
    before, after: largest |w| of each output channel, of the weights as trained and as quantized
    factor: γ/√(σ² + ε) of each channel, what folding multiplies its weights by
    ticks: round numbers for a logarithmic axis
    spread_before, spread_after: the widest channel over the median one
    Algorithms come later and are not in these weights.
    """
    model = MODELS[settings.model]
    if model.unfolded is None:
        return None
    network = load(settings.model)
    known = CACHE.get(f"folding {network.digest}", model.unfolded)
    name = network.layers[i].name
    if name not in known:
        return None
    before, factor = known[name]
    after = before * np.abs(factor)
    return {
        "name": name,
        "run": model.unfolded_run,
        "before": before.tolist(),
        "after": after.tolist(),
        "factor": factor.tolist(),
        "ticks": ticks(before, after),
        "spread_before": spread(before),
        "spread_after": spread(after),
    }
