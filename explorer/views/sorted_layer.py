"""A layer's weights, sorted once: every curve and every mark of the layer reads them."""

from explorer.cache import CACHE
from explorer.exact_error import Sorted
from explorer.models import Network


def sorted_layer(network: Network, i: int) -> Sorted:
    return CACHE.get(f"sorted {network.digest} {i}", lambda: Sorted(network.weight(i)))
