"""The network as a graph of its layers: which feeds which, and where each stands in a picture."""

import operator

import torch.fx

from explorer.cache import CACHE
from explorer.models import Network
from explorer.settings import Settings
from explorer.stages import loaded
from explorer.tracing import traced_graph, why_untraced

BEND = 7  # points of an edge that passes over layers
MOST = 8  # edges a layer, on average, that can be told apart


def graph(settings: Settings) -> dict:
    """Layers and edges of the network as it was loaded.

    places: (x, y) of each layer, x being the longest way from the input, y 0, 1 … beside each other
    sums: (x, y) of each sum of what several layers give, such as the end of a residual block
    edges: dicts with first, second (layers, or from the number of layers on the sums) and points, [(x, y), …] from the one to the
    other; those that pass over something bend
    followed: whether the code could be followed, to edges that can be told apart; else each layer feeds the next one that runs
    """
    network = loaded(settings)
    return CACHE.get(f"graph of layers and sums {network.digest}", lambda: _graph(network))


def _graph(network: Network) -> dict:
    count = len(network.layers)
    pairs, sums = ([], 0) if why_untraced(network.module) else _pairs(network)
    if not (followed := 0 < len(pairs) <= MOST * count):
        pairs, sums = [(i, i + 1) for i in range(count - 1)], 0
    depth, places, beside = [0] * (count + sums), {}, {}
    order = dict.fromkeys([0, *(second for _, second in pairs), *range(count)])  # as they run
    for second in order:
        depth[second] = max((depth[i] + 1 for i, j in pairs if j == second), default=0)
        x = depth[second]
        places[second] = x, beside.get(x, 0)
        beside[x] = beside.get(x, 0) + 1
    edges = [{"first": i, "second": j, "points": _points(places[i], places[j])} for i, j in pairs]
    return {"places": [places[i] for i in range(count)], "sums": [places[count + i] for i in range(sums)], "edges": edges, "followed": followed}


def _pairs(network: Network) -> tuple[list[tuple[int, int]], int]:
    """(what feeds, what it feeds), through whatever is neither layer nor sum, in the order of the second; the number of sums."""
    names = {layer.name: i for i, layer in enumerate(network.layers)}
    sources: dict = {}  # fx node → layers and sums whose output reaches it
    pairs, sums = [], 0
    for node in traced_graph(network.module).nodes:
        inputs = [sources[each] for each in node.all_input_nodes]
        reached = set().union(*inputs)
        if node.op == "call_module":
            for here in _layers_of(names, node.target):
                pairs += [(i, here) for i in sorted(reached)]
                reached = {here}
        elif _adds(node) and len(inputs) == 2 and all(inputs) and inputs[0] != inputs[1]:
            here, sums = len(names) + sums, sums + 1
            pairs += [(i, here) for i in sorted(reached)]
            reached = {here}
        sources[node] = reached
    return pairs, sums


def _adds(node: torch.fx.Node) -> bool:
    return node.target in (operator.add, operator.iadd, torch.add) or (node.op, node.target) == ("call_method", "add")


def _layers_of(names: dict[str, int], target: str) -> list[int]:
    """The layer of this name, or those of a cell that loops, in order."""
    return [i for name, i in names.items() if name == target or name.startswith(f"{target}.")]


def _points(first: tuple[int, int], second: tuple[int, int]) -> list[tuple[float, float]]:
    (x, y), (to_x, to_y) = first, second
    if to_x - x <= 1:
        return [first, second]
    steps = [k / (BEND - 1) for k in range(BEND)]
    height = min(1.0, 0.3 + 0.1 * (to_x - x))  # a parabola over what it passes
    return [(x + t * (to_x - x), y + t * (to_y - y) - 4 * height * t * (1 - t)) for t in steps]
