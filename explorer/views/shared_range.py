"""Whether the rows of a tensor, whatever its granularity, have one range in common."""

from explorer.quantize import QuantizedTensor


def shared_range(q: QuantizedTensor) -> tuple[float, float] | None:
    """(low, high) when one range holds for all weights: a scale per tensor, or a range set by hand.

    None for a recipe without a range, and when rows have ranges of their own.
    """
    if not q.recipe.range:
        return None
    low, high = float(q.low.flat[0]), float(q.high.flat[0])
    return (low, high) if (q.low == low).all() and (q.high == high).all() else None
