"""BatchNorm folding as a step: how wide each channel of a layer was before, and what the fold made of it."""

import numpy as np

from explorer.cache import CACHE
from explorer.granularity import matrix
from explorer.models import MODELS, load
from explorer.settings import Settings
from explorer.views.spread import spread, ticks


def folding(settings: Settings, i: int) -> dict | None:
    """The channels of layer i with BatchNorm beside them and folded into them; None where that is not known.

    name: of the layer
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
    known = CACHE.get(f"folding {network.digest}", lambda: _widths(model, network))
    name = network.layers[i].name
    if name not in known:
        return None
    before, after, factor = known[name]
    return {
        "name": name,
        "before": before.tolist(),
        "after": after.tolist(),
        "factor": factor.tolist(),
        "ticks": ticks(before, after),
        "spread_before": spread(before),
        "spread_after": spread(after),
    }


def _widths(model, network) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Layer name → (before, after, factor), for the layers that a BatchNorm follows under the name with "_bn"."""
    module = model.unfolded()
    modules = dict(module.named_modules())
    found = {}
    for i, layer in enumerate(network.layers):
        norm = modules.get(f"{layer.name}_bn")
        if norm is None:
            continue
        before = np.abs(matrix(modules[layer.name].weight.detach().numpy())).max(axis=1).astype(np.float64)
        after = np.abs(matrix(network.weight(i))).max(axis=1).astype(np.float64)
        scale, variance = (tensor.detach().numpy().astype(np.float64) for tensor in (norm.weight, norm.running_var))
        found[layer.name] = before, after, scale / np.sqrt(variance + norm.eps)
    return found
