"""The network as a graph of its layers: which feeds which, and where each stands in a picture."""

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
    edges: dicts with first, second (layers) and points, [(x, y), …] from the one to the other; those that pass over layers bend
    followed: whether the code could be followed, to edges that can be told apart; else each layer feeds the next one that runs
    """
    network = loaded(settings)
    return CACHE.get(f"graph of layers {network.digest}", lambda: _graph(network))


def _graph(network: Network) -> dict:
    pairs = [] if why_untraced(network.module) else _pairs(network)
    if not (followed := 0 < len(pairs) <= MOST * len(network.layers)):
        pairs = [(i, i + 1) for i in range(len(network.layers) - 1)]
    depth = [0] * len(network.layers)
    for first, second in sorted(pairs, key=lambda pair: pair[1]):  # layers stand in the order in which they run
        depth[second] = max(depth[second], depth[first] + 1)
    places, beside = [], {}
    for x in depth:
        places.append((x, beside.get(x, 0)))
        beside[x] = beside.get(x, 0) + 1
    edges = [{"first": i, "second": j, "points": _points(places[i], places[j])} for i, j in pairs]
    return {"places": places, "edges": edges, "followed": followed}


def _pairs(network: Network) -> list[tuple[int, int]]:
    """(layer, layer that it feeds), through whatever is no layer, in the order of the second."""
    names = {layer.name: i for i, layer in enumerate(network.layers)}
    sources: dict = {}  # fx node → layers whose output reaches it
    pairs = []
    for node in traced_graph(network.module).nodes:
        reached = set().union(*(sources[each] for each in node.all_input_nodes))
        if node.op == "call_module":
            for here in _layers_of(names, node.target):
                pairs += [(i, here) for i in sorted(reached)]
                reached = {here}
        sources[node] = reached
    return pairs


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
