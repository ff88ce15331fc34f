"""Which layers follow each other so that a factor per channel passes from one to the next unchanged.

What stands between must be positively homogeneous, f(s·x) = s·f(x) for s > 0, and treat channels
apart: ReLU, leaky ReLU, pooling, padding with zeros, a mean over positions, dropout (off), or
nothing. ReLU6, SiLU and GELU are not, and where the value is used twice, as by a residual sum, one
factor would not reach the other use. torch.fx reads the network's graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.cache import CACHE
from explorer.models import Network

if TYPE_CHECKING:
    import torch

RELU, LEAKY, IDENTITY, POOL, PAD, MEAN, FLATTEN = "relu", "leaky relu", "identity", "pool", "pad", "mean", "flatten"
MODULES = {
    "ReLU": RELU, "LeakyReLU": LEAKY, "Identity": IDENTITY, "Dropout": IDENTITY, "Dropout2d": IDENTITY,
    "MaxPool2d": POOL, "AvgPool2d": POOL, "AdaptiveAvgPool2d": POOL, "AdaptiveMaxPool2d": POOL,
    "ZeroPad2d": PAD, "Flatten": FLATTEN,
}  # fmt: skip
METHODS = {"relu": RELU, "contiguous": IDENTITY, "mean": MEAN, "flatten": FLATTEN}
POSITIONS = ({2, 3}, {-1, -2})  # the axes of a picture that are not its channels


@dataclass(frozen=True)
class Pair:
    """Layer `first` feeds layer `second` alone, through `between`, names of what stands there in order."""

    first: int
    second: int
    between: tuple[str, ...]


@dataclass(frozen=True)
class Pairs:
    """All pairs of a network; `why` is a sentence when the graph cannot be read, else empty."""

    found: tuple[Pair, ...]
    why: str = ""

    def before(self, second: int) -> Pair | None:
        """The pair that ends at a layer."""
        return next((pair for pair in self.found if pair.second == second), None)


def pairs(network: Network) -> Pairs:
    """The pairs of a network, in the order of execution."""
    return CACHE.get(f"pairs {network.digest}", lambda: find_pairs(network))


def find_pairs(network: Network) -> Pairs:
    """The same, not kept. A network that torch.fx cannot follow has none, and says so."""
    import torch.fx

    from explorer.tracing import traced_graph

    try:
        graph = traced_graph(network.module)
    except Exception as error:  # fx runs the network's own code with proxies: anything may come out of it
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Pairs((), f"torch.fx cannot follow this network's code ({reason[:120]}), so that no layers are known to be "
                         "joined by an activation that a factor passes")  # fmt: skip
    index = _layers_called_once(network, graph)
    found = []
    for node, second in index.items():
        between, source = [], node.args[0] if node.args else None
        while isinstance(source, torch.fx.Node) and len(source.users) == 1 and source not in index:
            what = _passes(network.module, source)
            if what is None:
                break
            between.insert(0, what)
            source = source.args[0] if source.args else None
        if source in index and len(source.users) == 1 and _channels_meet(network, index[source], second, between):
            found.append(Pair(index[source], second, tuple(w for w in between if w != IDENTITY)))
    return Pairs(tuple(sorted(found, key=lambda pair: (pair.first, pair.second))))


def _layers_called_once(network: Network, graph) -> dict:
    """Node to index of each layer that runs once, shares its weights with nobody and has an untouched input."""
    called = [node.target for node in graph.nodes if node.op == "call_module"]
    owners: dict[int, int] = {}
    for module in network.module.modules():
        for parameter in module.parameters(recurse=False):
            owners[id(parameter)] = owners.get(id(parameter), 0) + 1
    names = {layer.name: i for i, layer in enumerate(network.layers)}
    index = {}
    for node in graph.nodes:
        if node.op != "call_module" or node.target not in names or called.count(node.target) > 1:
            continue
        if not network.layers[names[node.target]].multiplies:
            continue
        module = network.module.get_submodule(node.target)
        if owners[id(module.weight)] == 1 and not module._forward_pre_hooks:
            index[node] = names[node.target]
    return index


def _functions() -> dict:
    import torch
    import torch.nn.functional as F

    return {
        torch.relu: RELU, F.relu: RELU, F.leaky_relu: LEAKY, F.dropout: IDENTITY,
        F.max_pool2d: POOL, torch.max_pool2d: POOL, F.avg_pool2d: POOL, F.adaptive_avg_pool2d: POOL,
        F.adaptive_max_pool2d: POOL, torch.mean: MEAN, torch.flatten: FLATTEN,
    }  # fmt: skip


def _passes(module: torch.nn.Module, node) -> str | None:
    """The name of an operation that a positive factor per channel passes, else None."""
    if node.op == "call_module":
        child = module.get_submodule(node.target)
        name = type(child).__name__
        if getattr(child, "negative_slope", 0) < 0 or (name == "Flatten" and child.start_dim != 1):
            return None
        return MODULES.get(name)
    what = {"call_function": _functions(), "call_method": METHODS}.get(node.op, {}).get(node.target)
    if what == MEAN:
        axes = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
        kept = node.kwargs.get("keepdim", node.args[2] if len(node.args) > 2 else False)
        whole = isinstance(axes, (tuple, list)) and set(axes) in POSITIONS
        return (POOL if kept else MEAN) if whole else None
    if what == FLATTEN and (node.args[1] if len(node.args) > 1 else node.kwargs.get("start_dim", 0)) != 1:
        return None
    if what == LEAKY and (node.args[1] if len(node.args) > 1 else node.kwargs.get("negative_slope", 0.01)) < 0:
        return None
    return what


def _channels_meet(network: Network, first: int, second: int, between: list[str]) -> bool:
    """Whether output channel i of the first is input channel i of the second, on whatever axis they are."""
    kinds = [network.layers[k].kind == "linear" for k in (first, second)]
    collapses = [what for what in between if what in (MEAN, FLATTEN)]
    if kinds == [True, True]:
        meets = all(what in (RELU, LEAKY, IDENTITY) for what in between)
    elif kinds == [False, True]:
        meets = bool(collapses)
    else:
        meets = kinds == [False, False] and not collapses
    reads = network.module.get_submodule(network.layers[second].name)
    width = reads.in_features if kinds[1] else reads.in_channels
    return meets and len(network.weight(first)) == width
