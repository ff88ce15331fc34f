"""What there is to choose from, as tables. (`explorer.algorithms()` is in its package.)"""

import pandas as pd

from explorer.calibration import METHODS
from explorer.cost.devices import DEVICES, FIGURES
from explorer.formats import FORMATS
from explorer.models import MODELS


def models() -> pd.DataFrame:
    """The models: one row each, with task, metric, sizes, source and licence."""
    return _table(MODELS, "id title task metric parameters calibration_size test_size source licence teaches")


def formats() -> pd.DataFrame:
    """The number formats: one row each.

    bits: of a code; block_size: numbers that share a scale of the format's own; bits_per_weight: with that
    scale; max, min_normal, min_subnormal: in units of the scale; distinct: different numbers it has
    """
    columns = "id title family kind bits block_size scale bits_per_weight bias max min_normal min_subnormal"
    table = _table(FORMATS, columns)
    table["distinct"] = [number.distinct for number in FORMATS]
    return table.join(_table(FORMATS, "description source"))


def calibrations() -> pd.DataFrame:
    """The range methods: id, spelling in a recipe, description, source."""
    return _table(METHODS, "id title pattern description source")


def devices() -> pd.DataFrame:
    """The targets: one row each.

    grade: the worst of its peaks', bandwidth's and memory's; then the figures (NaN where there is none; units in
    explorer.cost.devices.FIGURES), then for each number format how the device can use it:
    weights and activations, weights only, storage only, or none
    """
    table = _table(DEVICES, "id title kind processor grade")
    values = {figure: [device.get(figure, float("nan")) for device in DEVICES] for figure in FIGURES}
    uses = {number.id: [device.support(number.id) for device in DEVICES] for number in FORMATS}
    return table.join(pd.DataFrame(values | uses))


def _table(registry, columns: str) -> pd.DataFrame:
    names = columns.split()
    return pd.DataFrame([{name: getattr(value, name) for name in names} for value in registry], columns=names)
